"""A template on disk: its text, the definition in it, and the paths that matter to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gateway.model.definition import Definition
from gateway.model.errors import UserError
from gateway.model.function import Archive, Code, Folder
from gateway.template.load import load
from gateway.template.options import LoadOptions

MAX_TEMPLATE_BYTES = 8 * 1024 * 1024  # CloudFormation takes 1 MB; a page of a dump is no template


def read_definition(path: Path, options: LoadOptions) -> Definition:
    """Raises UserError when the file cannot be read, DefinitionError with every problem when it cannot be served."""
    return load(_read(path), path=str(path), options=options)


def stack_name(path: Path) -> str:
    """A stack's name: the template's folder (not .aws-sam/build but what holds it) in CloudFormation's alphabet."""
    folder = path.resolve().parent
    if folder.parts[-2:] == (".aws-sam", "build"):
        folder = folder.parent.parent
    cleaned = "".join(c if c.isascii() and c.isalnum() else "-" for c in folder.name).strip("-")
    return cleaned if cleaned[:1].isalpha() else f"stack-{cleaned}".rstrip("-")


def code_paths(definition: Definition) -> set[Path]:
    """Every folder and archive that functions and layers are made of, existing ones only."""
    return {path for path in map(Path, _code_paths(definition)) if path.exists()}


def _code_paths(definition: Definition) -> Iterator[str]:
    for function in definition.functions.values():
        yield from _path(function.code)
        for layer in function.layers:
            yield from _path(layer.code)


def _path(code: Code) -> Iterator[str]:
    if isinstance(code, Folder | Archive):
        yield code.path


def _read(path: Path) -> str:
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder", "name the template file in it")
        if path.stat().st_size > MAX_TEMPLATE_BYTES:
            raise UserError(
                f"{path} is larger than {MAX_TEMPLATE_BYTES} bytes", "name a SAM or CloudFormation template"
            )
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", "name a SAM or CloudFormation template") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text", "name a SAM or CloudFormation template") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
