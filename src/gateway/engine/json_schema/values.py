"""The keywords of draft 4 that hold no schema: types, enumerations, sizes, numbers, uniqueness.

Uniqueness and enumerations cost one pass, numbers of any length are exact, no text of a document is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from gateway.engine.json_schema.check import Budget, Check, Wrong
from gateway.engine.json_schema.survey import SchemaObject
from gateway.model.json_text import Json

Number = int | float | Decimal


def value_checks(schema: SchemaObject, budget: Budget) -> Iterator[Check]:
    """The checks of one schema's own keywords, those with schemas in them left out."""
    if "type" in schema:
        yield _type(schema["type"])
    if "enum" in schema:
        yield _enum(schema["enum"], budget)
    if "required" in schema:
        yield _required(schema["required"])
    for keyword, (kind, holds) in _SIZES.items():
        if keyword in schema:
            yield _size(keyword, schema[keyword], kind, holds)
    if "minimum" in schema or "maximum" in schema:
        yield _range(schema)
    if "multipleOf" in schema:
        yield _multiple_of(schema["multipleOf"])
    if schema.get("uniqueItems"):
        yield _unique_items(budget)


_TYPES: Final[Mapping[str, Callable[[Json], bool]]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "number": lambda value: isinstance(value, int | float | Decimal) and not isinstance(value, bool),
    # Decimal stands for a whole number too long for the reader (model.json_text).
    "integer": lambda value: isinstance(value, int | Decimal) and not isinstance(value, bool),
}


def _type(names: str | list[str]) -> Check:
    if isinstance(names, str):
        test = _TYPES[names]
        return lambda value: None if test(value) else Wrong("type", names)
    tests = [_TYPES[name] for name in names]
    return lambda value: None if any(test(value) for test in tests) else Wrong("type", names)


def _required(names: list[str]) -> Check:
    wanted = frozenset(names)
    return lambda value: Wrong("required", names) if isinstance(value, dict) and not wanted <= value.keys() else None


_Sized = type[str | list[Any] | dict[str, Any]]
_SIZES: Final[Mapping[str, tuple[_Sized, Callable[[int, int], bool]]]] = {
    "minLength": (str, lambda size, bound: size >= bound),
    "maxLength": (str, lambda size, bound: size <= bound),
    "minItems": (list, lambda size, bound: size >= bound),
    "maxItems": (list, lambda size, bound: size <= bound),
    "minProperties": (dict, lambda size, bound: size >= bound),
    "maxProperties": (dict, lambda size, bound: size <= bound),
}


def _size(keyword: str, bound: int, kind: _Sized, holds: Callable[[int, int], bool]) -> Check:
    def check(value: Any) -> Wrong | None:
        return None if not isinstance(value, kind) or holds(len(value), bound) else Wrong(keyword, bound)

    return check


def _range(schema: SchemaObject) -> Check:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum", False), schema.get("exclusiveMaximum", False)

    def check(value: Json) -> Wrong | None:
        if isinstance(value, bool) or not isinstance(value, Number):
            return None
        if low is not None and (value < low or (above and value == low)):
            return Wrong("minimum", low)
        if high is not None and (value > high or (below and value == high)):
            return Wrong("maximum", high)
        return None

    return check


def _multiple_of(divisor: Number) -> Check:
    step = _ratio(divisor)
    assert step is not None, "a schema holds finite numbers only"
    numerator, denominator = step

    def check(value: Json) -> Wrong | None:
        if isinstance(value, bool) or not isinstance(value, Number):
            return None
        ratio = _ratio(value)
        if ratio is not None and (ratio[0] * denominator) % (ratio[1] * numerator) == 0:
            return None
        return Wrong("multipleOf", divisor)

    return check


def _ratio(number: Number) -> tuple[int, int] | None:
    """As written in decimal, so that 0.3 is three times 0.1; None for what was too large for a float."""
    if isinstance(number, float):
        exact = Decimal(repr(number))
        return exact.as_integer_ratio() if exact.is_finite() else None
    return int(number), 1


def _enum(values: list[Json], budget: Budget) -> Check:
    allowed = {_identity(value) for value in values}
    scalars_only = not any(isinstance(value, list | dict) for value in values)

    def check(value: Json) -> Wrong | None:
        if isinstance(value, list | dict):
            if scalars_only:
                return Wrong("enum", values)
            budget.spend(_weight(value))
        return None if _identity(value) in allowed else Wrong("enum", values)

    return check


def _unique_items(budget: Budget) -> Check:
    def check(value: Json) -> Wrong | None:
        if not isinstance(value, list):
            return None
        budget.spend(_weight(value))
        return None if len({_identity(item) for item in value}) == len(value) else Wrong("uniqueItems", True)

    return check


def _identity(value: Json) -> Hashable:
    """Equal exactly for equal JSON values: 1 and 1.0 are, 1 and true are not, the order of keys does not count."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, list):
        return ("list", *map(_identity, value))
    if isinstance(value, dict):
        return ("dict", frozenset((name, _identity(item)) for name, item in value.items()))
    return value


def _weight(value: Json) -> float:
    """Steps that an identity is worth: one for each value in it."""
    if isinstance(value, list):
        return 1 + sum(map(_weight, value))
    return 1 + sum(map(_weight, value.values())) if isinstance(value, dict) else 1
