"""The file of ``--env-vars``, in sam's format: ``{"FunctionLogicalId": {"K": "V"}, "Parameters": {"K": "V"}}``.

Unlike ``sam local``, which drops names that the template does not declare, every name given is set.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.model.errors import UserError
from gateway.model.function import Function

FOR_ALL: Final = "Parameters"
_HINT: Final = 'the file looks like {"FunctionLogicalId": {"NAME": "value"}, "Parameters": {"NAME": "value"}}'


@dataclass(frozen=True, slots=True)
class EnvVars:
    """Variables by function (logical ID or name), and for all functions under ``Parameters``."""

    sections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, function: Function) -> dict[str, str]:
        """What this function gets; its own section wins over the one for all."""
        names = (FOR_ALL, str(function.function_name), function.logical_id)
        return {key: value for name in names for key, value in self.sections.get(name, {}).items()}

    def unknown(self, functions: Iterable[Function]) -> tuple[str, ...]:
        """The sections that belong to no function."""
        known = {FOR_ALL} | {name for one in functions for name in (one.logical_id, str(one.function_name))}
        return tuple(name for name in self.sections if name not in known)


def parse_env_vars(text: str, source: str) -> EnvVars:
    """``source`` names the file in messages. Raises UserError when the text is not in sam's format."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UserError(f"{source} is not valid JSON: {error}", _HINT) from error
    if not isinstance(document, dict):
        raise UserError(f"{source} must hold a JSON object", _HINT)
    return EnvVars({name: _section(name, value, source) for name, value in document.items()})


def _section(name: str, value: object, source: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise UserError(f"{source}: {name!r} must be an object of variables", _HINT)
    return {key: _text(f"{name}.{key}", entry, source) for key, entry in value.items()}


def _text(where: str, value: object, source: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise UserError(f"{source}: {where} must be a string, a number or a boolean", _HINT)


def read_env_vars(path: Path | None) -> EnvVars:
    """What the file says, nothing when there is none. Raises UserError."""
    if path is None:
        return EnvVars()
    try:
        return parse_env_vars(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", "name a JSON file with --env-vars") from error
