"""How CloudFormation writes a plain value where text is wanted."""

from __future__ import annotations

from typing import Any


def as_text(value: Any) -> str | None:
    """``true``, ``12``, ``1.5`` or the text itself; None for anything that is not a scalar."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return None
