"""A field of a frozen settings object that says itself what it is: kind, unit, default and meaning.

Help, the effective settings that are printed, and a page of the documentation are all made from these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, Final

from gateway.settings.environment import PREFIX
from gateway.settings.kinds import Json, Kind

_KEY: Final = "setting"


@dataclass(frozen=True, slots=True)
class About:
    """``unit`` is empty where there is none; ``default`` is said instead of the default's own value, where that is none
    or depends on the machine; ``also`` are variables asked after the setting's own."""

    kind: Kind
    doc: str
    unit: str = ""
    default: str = ""
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting under its three names: ``name`` in a file, ``variable``, ``flag``."""

    name: str
    about: About
    value: Any

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def default(self) -> Json:
        """Ready for JSON; None where nothing is set by default."""
        return self.written(self.value)

    @property
    def shown_default(self) -> str:
        return self.about.default or shown(self.default)

    def written(self, value: object) -> Json:
        return None if value is None else self.about.kind.written(value)


def about(
    kind: Kind, doc: str, unit: str = "", *, default: str = "", also: tuple[str, ...] = ()
) -> Mapping[str, About]:
    """A dataclass field's metadata."""
    return {_KEY: About(kind, doc, unit, default, also)}


def settings_of(kind: type) -> tuple[Setting, ...]:
    """All of a class, in their order there."""
    return tuple(Setting(each.name, each.metadata[_KEY], _default(each)) for each in fields(kind))


def shown(value: Json) -> str:
    """For a person: a dash where there is nothing."""
    match value:
        case None:
            return "-"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value:.16g}"
        case str():
            return value or "-"
    return " ".join(f"{name}={each}" for name, each in value.items()) or "-"


def _default(each: Field[Any]) -> Any:
    if each.default is not MISSING:
        return each.default
    return None if each.default_factory is MISSING else each.default_factory()
