"""What a template computes with, and how Java shows, compares and adds it up.

Values are strings, numbers, truth values, null, JSON arrays (``list``), lists made by the template (``ArrayList``),
maps (``dict`` with string keys), their entries, and the built-in objects. Nothing else ever gets in, so no template
reaches what Python knows of an object.

On AWS an unknown reference is the empty string, and true in a condition: only ``false`` and ``null`` are not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import fmod, isfinite
from typing import TypeAlias

from gateway.expressions.velocity.execution import Frame, RunFailed
from gateway.model.json_text import number_text

MAX_NUMBER_BITS = 1024  # whole numbers; Java's wrap at 64, nothing sensible is longer


class _Undefined(str):
    """The empty string that an unknown reference is."""

    __slots__ = ()


class ArrayList(list["Value"]):
    """A list that the template made: it shows as ``[a, b]``, a JSON array as JSON."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """What ``entrySet()`` holds."""

    key: str
    value: Value


@dataclass(frozen=True, slots=True, eq=False)
class BuiltIn:
    """An object of the gateway: members by name, methods by name and number of arguments."""

    name: str
    members: Mapping[str, Value] = field(default_factory=dict)
    methods: Mapping[tuple[str, int], Callable[..., Value]] = field(default_factory=dict)


Value: TypeAlias = "str | int | float | Decimal | bool | list[Value] | dict[str, Value] | Entry | BuiltIn | None"
UNDEFINED = _Undefined()


def is_true(value: Value) -> bool:
    """A condition's outcome: everything but ``false`` and ``null`` is true, an unknown reference too."""
    return value if isinstance(value, bool) else value is not None


def text_of(value: Value, frame: Frame) -> str:
    """What a reference to the value renders; null and unknown render nothing."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, list | dict | Entry):
        return _Shown(frame).java(value)
    return _scalar_text(value)


def json_of(value: Value, frame: Frame) -> str:
    """The value as compact JSON."""
    if not isinstance(value, list | dict):
        return _Shown(frame).json(value)
    if not _is_plain(value, frame):
        return _Shown(frame).json(value)
    text = _ENCODER.encode(value)
    frame.spend_on(len(text))
    return text


_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))
_PLAIN = frozenset({str, int, bool, type(None), dict, list, ArrayList})


def _is_plain(value: Value, frame: Frame) -> bool:
    """Whether the library's encoder writes it as Java would."""
    return all(
        type(item) in _PLAIN or (isinstance(item, float) and _shows_alike(item))
        for items in containers(value, frame)
        for item in items
    )


def containers(value: Value, frame: Frame) -> Iterator[Collection[Value]]:
    """What each list and map in ``value`` holds; each is charged, however often it occurs, so this ends."""
    waiting: list[Value] = [value]
    while waiting:
        holder = waiting.pop()
        if not isinstance(holder, list | dict):
            continue
        items: Collection[Value] = holder.values() if isinstance(holder, dict) else holder
        frame.spend(1 + len(items) // 8)
        yield items
        waiting.extend(item for item in items if isinstance(item, list | dict))


def _shows_alike(number: float) -> bool:
    return number == 0 or 1e-3 <= abs(number) < 1e7


def _scalar_text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return number_text(value)
    if isinstance(value, BuiltIn):
        return value.name
    return "null" if value is None else str(value)


class _Shown:
    """Writes nested values, charging the frame: a value may hold others many times over, or itself."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def java(self, value: Value) -> str:
        if isinstance(value, ArrayList):
            return self._joined("[", [self.java(item) for item in value], ", ", "]")
        if isinstance(value, dict):
            return self._joined("{", [f"{key}={self.java(item)}" for key, item in value.items()], ", ", "}")
        if isinstance(value, Entry):
            return f"{value.key}={self.java(value.value)}"
        return self.json(value) if isinstance(value, list) else _scalar_text(value)

    def json(self, value: Value) -> str:
        if isinstance(value, list):
            return self._joined("[", [self.json(item) for item in value], ",", "]")
        if isinstance(value, dict):
            return self._joined("{", [f"{_quoted(key)}:{self.json(item)}" for key, item in value.items()], ",", "}")
        if isinstance(value, Entry):
            return self.json({value.key: value.value})
        return _quoted(value) if isinstance(value, str) else _scalar_text(value)

    def _joined(self, begin: str, items: list[str], separator: str, end: str) -> str:
        text = f"{begin}{separator.join(items)}{end}"
        self._frame.spend(1 + len(items) // 8)
        self._frame.spend_on(len(text))
        return text


def _quoted(text: str) -> str:
    return json.dumps(str(text), ensure_ascii=False)


def equal(left: Value, right: Value, frame: Frame) -> bool:
    """Numbers by value, equal kinds by content, others by their text (Velocity 1.7)."""
    if _is_number(left) and _is_number(right):
        return left == right
    if left is None or right is None:
        return left is right or left is UNDEFINED or right is UNDEFINED
    if isinstance(left, list | dict) and isinstance(right, list | dict):
        return left is right or json_of(left, frame) == json_of(right, frame)
    return text_of(left, frame) == text_of(right, frame)


def compare(operator: str, left: Value, right: Value) -> bool:
    """``< <= > >=``; false unless both are numbers."""
    if not _is_number(left) or not _is_number(right):
        return False
    assert isinstance(left, int | float | Decimal)
    assert isinstance(right, int | float | Decimal)
    if operator in ("<", ">="):
        return (left < right) is (operator == "<")
    return (left > right) is (operator == ">")


def add(left: Value, right: Value, frame: Frame) -> Value:
    """The sum, or the texts one after the other when one is a string."""
    if isinstance(left, str) or isinstance(right, str):
        text = text_of(left, frame) + text_of(right, frame)
        frame.spend_on(len(text))
        return text
    return calculate("+", left, right)


def calculate(operator: str, left: Value, right: Value) -> Value:
    """Arithmetic as in Java; unknown unless both are numbers that the operator is defined for."""
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return UNDEFINED
    if isinstance(left, bool) or isinstance(right, bool):
        return UNDEFINED
    try:
        result = _ARITHMETIC[operator](left, right)
    except (ArithmeticError, ValueError):  # division by zero, or a result that no float holds
        return UNDEFINED
    if isinstance(result, int) and result.bit_length() > MAX_NUMBER_BITS:
        raise RunFailed(f"a number has more than {MAX_NUMBER_BITS} bits")
    return result


Number: TypeAlias = int | float


def _quotient(left: Number, right: Number) -> Number:
    if isinstance(left, float) or isinstance(right, float):
        return left / right
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) is (right < 0) else -quotient


def _remainder(left: Number, right: Number) -> Number:
    if isinstance(left, float) or isinstance(right, float):
        return fmod(left, right)
    return left - right * int(_quotient(left, right))


_ARITHMETIC: Mapping[str, Callable[[Number, Number], Number]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _quotient,
    "%": _remainder,
}


def whole(value: Value) -> int:
    """An index or position. Raises RunFailed for what is no whole number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value != int(value):
        raise RunFailed("an index must be a whole number")
    return int(value)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
