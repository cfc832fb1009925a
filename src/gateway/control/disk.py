"""A template on disk: its text, the definition in it, and the paths that matter to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.model.definition import Definition
from gateway.model.errors import UserError
from gateway.model.function import Archive, Code, Folder
from gateway.model.problem import Problem
from gateway.template.options import LoadOptions

MAX_TEMPLATE_BYTES: Final = 8 * 1024 * 1024  # CloudFormation takes 1 MB; a page of a dump is no template
MAX_STACK_NAME: Final = 128  # CloudFormation's
_NAME_ONE: Final = "name a SAM or CloudFormation template"
_BUILD: Final = (".aws-sam", "build")  # where sam build puts the template it has rewritten


def read_definition(path: Path, options: LoadOptions) -> Definition:
    """Raises UserError when the file cannot be read, DefinitionError with every problem when it cannot be served."""
    from gateway.template.load import load  # SAM's translator: a second and 40 MB, for the one process that reads

    return load(_read(path), path=str(path), options=options)


def stack_name(path: Path) -> str:
    """A stack's name: the template's folder (not .aws-sam/build but what holds it) in CloudFormation's alphabet."""
    folder = path.resolve().parent
    if folder.parts[-2:] == _BUILD:
        folder = folder.parent.parent
    cleaned = "".join(c if c.isascii() and c.isalnum() else "-" for c in folder.name).strip("-")
    named = cleaned if cleaned[:1].isalpha() else f"stack-{cleaned}"
    return named[:MAX_STACK_NAME].rstrip("-")


def code_paths(definition: Definition) -> set[Path]:
    """Every folder and archive that functions and layers are made of, whether it exists or not."""
    return {path for _, path in _code(definition)}


def missing_code(definition: Definition) -> list[Problem]:
    """What has to be built before its function can run: one per function or layer whose code is not there."""
    missing = dict.fromkeys((logical_id, path) for logical_id, path in _code(definition) if not path.exists())
    return [
        Problem(f"its code {path} does not exist", definition.path, None, logical_id, _missing_hint(definition))
        for logical_id, path in missing
    ]


def _missing_hint(definition: Definition) -> str:
    if Path(definition.path).absolute().parent.parts[-2:] == _BUILD:
        return "run sam build again"
    return "build it first, with sam build for example, or correct the path"


def _code(definition: Definition) -> Iterator[tuple[str, Path]]:
    for function in definition.functions.values():
        yield from _paths(function.logical_id, function.code)
        for layer in function.layers:
            yield from _paths(layer.logical_id, layer.code)


def _paths(logical_id: str, code: Code) -> Iterator[tuple[str, Path]]:
    if isinstance(code, Folder | Archive):
        yield logical_id, Path(code.path)


def _read(path: Path) -> str:
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder", "name the template file in it")
        with path.open("rb") as file:  # of a device or a pipe nobody knows the size beforehand
            data = file.read(MAX_TEMPLATE_BYTES + 1)
        if len(data) > MAX_TEMPLATE_BYTES:
            raise UserError(f"{path} is larger than {MAX_TEMPLATE_BYTES // 2**20} MiB", _NAME_ONE)
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", _NAME_ONE) from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text", _NAME_ONE) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}", _NAME_ONE) from None
