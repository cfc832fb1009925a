"""A Lambda function of the template: what is needed to run it as on Lambda."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model.ids import FunctionName


@dataclass(frozen=True, slots=True)
class Folder:
    """Code in a folder or a file; ``path`` is absolute or relative to where the program runs, as the template's is."""

    path: str


@dataclass(frozen=True, slots=True)
class Archive:
    """Code in a zip (or jar) file on this machine."""

    path: str


@dataclass(frozen=True, slots=True)
class Inline:
    """``InlineCode`` / ``Code.ZipFile``: the text of ``index.py`` or ``index.js``."""

    text: str


Code = Folder | Archive | Inline


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer version of the template; later layers of a function win over earlier ones, as in ``/opt``."""

    logical_id: str
    code: Code


@dataclass(frozen=True, slots=True)
class Function:
    """``function_name`` is the physical name; ``timeout_s`` 1-900, ``memory_mib`` 128-10240; ``environment`` is the
    declared one with every intrinsic resolved; ``reserved_concurrency`` None means the account's."""

    logical_id: str
    function_name: FunctionName
    arn: str
    runtime: str
    handler: str
    code: Code
    environment: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[Layer, ...] = ()
    timeout_s: int = 3
    memory_mib: int = 128
    reserved_concurrency: int | None = None
    versions: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    description: str | None = None
