"""The ``Condition`` element of an IAM statement, in three values: it holds, it does not, or it cannot be decided.

A condition is undecided when it asks for a key of which nothing is known here, or by an operator that is not one of
IAM's single-valued ones. Of some keys all are known, a principal's tags for example: one that is not there is absent,
and means what IAM says it does. Keys and operators are compared without case where IAM does so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address, ip_network
from typing import Final

from gateway.access.wildcard import matches

Test = Callable[[str, str], bool]
"""Whether a known value passes against one value of the policy; raises ValueError when either cannot be read."""


class InvalidCondition(ValueError):
    """Not of the form ``{operator: {key: value or values}}``."""


def holds(condition: object, context: Mapping[str, str], complete: tuple[str, ...] = ()) -> bool | None:
    """Whether all of it holds, None when that cannot be decided. ``complete`` are beginnings of keys, in lower case, of
    which ``context`` holds all that exist. Raises InvalidCondition."""
    known = {key.lower(): value for key, value in context.items()}
    outcomes = [
        _one(operator, values, known.get(key.lower()), key.lower().startswith(complete))
        for operator, block in _pairs(condition)
        for key, values in _pairs(block)
    ]
    if False in outcomes:
        return False
    return None if None in outcomes else True


def _pairs(value: object) -> list[tuple[str, object]]:
    if not isinstance(value, dict):
        raise InvalidCondition
    return list(value.items())


def _one(operator: str, values: object, known: str | None, is_complete: bool) -> bool | None:
    wanted = _values(values)
    name = operator.removesuffix("IfExists")
    if known is None:
        return _absent(operator, name, wanted) if is_complete else None
    if name == "Null":
        return "false" in wanted  # "the key is absent" is false: it is known, so it is there
    negated = name in _NEGATED
    test = _TESTS.get(_NEGATED.get(name, name))
    if test is None:
        return None
    try:
        return any(test(known, value) for value in wanted) != negated
    except (ValueError, InvalidOperation, OverflowError):
        return None


def _absent(operator: str, name: str, wanted: list[str]) -> bool | None:
    """Of a key that is known not to be there."""
    if name == "Null":
        return "true" in wanted
    if name not in _TESTS and name not in _NEGATED:
        return None
    return name in _NEGATED or operator != name


def is_known(operator: str) -> bool:
    """Whether a condition with this operator is ever decided."""
    name = operator.removesuffix("IfExists")
    return name == "Null" or name in _TESTS or name in _NEGATED


def _values(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, str | int | float) for each in values):
        raise InvalidCondition
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]


def _ordered(read: Callable[[str], Decimal], compare: Callable[[Decimal, Decimal], bool]) -> Test:
    return lambda known, value: compare(read(known), read(value))


def _instant(text: str) -> Decimal:
    """Seconds since 1970 of an ISO 8601 text, or of a number of seconds."""
    try:
        return _number(text)
    except InvalidOperation:
        moment = datetime.fromisoformat(text)
        return Decimal(str((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise InvalidOperation
    return number


def _in_network(known: str, value: str) -> bool:
    return ip_address(known) in ip_network(value, strict=False)


_ORDERS: Final[Mapping[str, Callable[[Decimal, Decimal], bool]]] = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
}
_TESTS: Final[Mapping[str, Test]] = {
    "StringEquals": lambda known, value: known == value,
    "StringEqualsIgnoreCase": lambda known, value: known.lower() == value.lower(),
    "StringLike": lambda known, value: matches(value, known),
    "ArnEquals": lambda known, value: matches(value, known),
    "ArnLike": lambda known, value: matches(value, known),
    "Bool": lambda known, value: known.lower() == value.lower(),
    "IpAddress": _in_network,
    **{f"Numeric{name}": _ordered(_number, compare) for name, compare in _ORDERS.items()},
    **{f"Date{name}": _ordered(_instant, compare) for name, compare in _ORDERS.items()},
}
_NEGATED: Final[Mapping[str, str]] = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}
