"""The settings file: TOML, every setting at its top, told by file and line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.model.errors import UserError

DEFAULT_FILE: Final = "wsfleet.toml"  # in the current folder
MAX_BYTES: Final = 1024 * 1024
_AT: Final = re.compile(r"\s*\(at line (\d+), column \d+\)$")


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """``values`` by key, as TOML gives them; ``path`` None stands for no file at all."""

    path: Path | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    text: str = ""

    @property
    def folder(self) -> Path:
        """What relative paths in the file are relative to."""
        return Path() if self.path is None else self.path.parent

    def line_of(self, key: str) -> int | None:
        """Where ``key`` is set, counted from 1; None where that cannot be seen easily."""
        name = re.escape(key)
        found = re.search(rf"""^[ \t]*(?:\[[ \t]*)?["']?{name}["']?[ \t]*[=.\]]""", self.text, re.MULTILINE)
        return None if found is None else self.text.count("\n", 0, found.start()) + 1


def read_config(named: Path | None, folder: Path) -> ConfigFile:
    """``named``, or the default file of ``folder`` where there is one.

    Raises UserError when a named one is not there, or when one cannot be read.
    """
    path = named or folder / DEFAULT_FILE
    if named is None and not path.is_file():
        return ConfigFile()
    text = _text(path)
    try:
        return ConfigFile(path, tomllib.loads(text), text)
    except tomllib.TOMLDecodeError as error:
        at = _AT.search(str(error))
        place = f"{path}:{at.group(1)}" if at else f"{path}"
        raise UserError(
            f"{place}: the TOML is broken: {_AT.sub('', str(error))}", "write NAME = VALUE lines"
        ) from error


def _text(path: Path) -> str:
    hint = "name a TOML file with --config or WSFLEET_CONFIG"
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise UserError(f"{path} is larger than {MAX_BYTES // 2**20} MiB", hint)
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text", hint) from None
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", hint) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}", hint) from None
