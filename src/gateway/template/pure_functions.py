"""The intrinsic functions whose result follows from their (already resolved) argument and the region alone."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from ipaddress import ip_network
from itertools import islice
from typing import Any, Final

from gateway.template.text import as_text
from gateway.template.unresolvable import Unresolvable

_MAX_CIDRS: Final = 256  # Fn::Cidr's own limit


def text(value: Any, function: str) -> str:
    """A scalar as text. Raises Unresolvable."""
    result = as_text(value)
    if result is None:
        raise Unresolvable(f"{function} was given {_kind(value)} where it needs text")
    return result


def strings(value: Any, function: str) -> list[str]:
    """A list of scalars as texts. Raises Unresolvable."""
    if not isinstance(value, list):
        raise Unresolvable(f"{function} was given {_kind(value)} where it needs a list")
    return [text(item, function) for item in value]


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    return "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else "text"


def _arguments(argument: Any, least: int, most: int, function: str) -> list[Any]:
    if not isinstance(argument, list) or not least <= len(argument) <= most:
        raise Unresolvable(f"{function} needs a list of {least if least == most else f'{least} or {most}'} values")
    return argument


def _join(argument: Any, region: str) -> str:
    delimiter, values = _arguments(argument, 2, 2, "Fn::Join")
    return text(delimiter, "Fn::Join").join(strings(values, "Fn::Join"))


def _select(argument: Any, region: str) -> Any:
    index, values = _arguments(argument, 2, 2, "Fn::Select")
    position = as_text(index) or ""
    if not isinstance(values, list) or not position.isdecimal() or len(position) > 9 or int(position) >= len(values):
        raise Unresolvable("Template error: Fn::Select cannot select nonexistent value at index " + position)
    return values[int(position)]


def _split(argument: Any, region: str) -> list[str]:
    delimiter, source = (text(item, "Fn::Split") for item in _arguments(argument, 2, 2, "Fn::Split"))
    if not delimiter:
        raise Unresolvable("Fn::Split needs a delimiter that is not empty")
    return source.split(delimiter)


def _base64(argument: Any, region: str) -> str:
    return b64encode(text(argument, "Fn::Base64").encode("utf-8", "replace")).decode("ascii")


def _cidr(argument: Any, region: str) -> list[str]:
    block, count, *rest = (text(item, "Fn::Cidr") for item in _arguments(argument, 2, 3, "Fn::Cidr"))
    try:
        network = ip_network(block)
        wanted = int(count)
        subnets = network.subnets(new_prefix=network.max_prefixlen - int(rest[0] if rest else 8))
        blocks = [str(subnet) for subnet in islice(subnets, min(wanted, _MAX_CIDRS))]
    except ValueError as error:
        raise Unresolvable(f"Fn::Cidr cannot divide {block}: {error}") from error
    if not 1 <= wanted <= _MAX_CIDRS or len(blocks) < wanted:
        raise Unresolvable(f"Fn::Cidr cannot make {count} blocks of {block}")
    return blocks


def _zones(argument: Any, region: str) -> list[str]:
    return [f"{text(argument, 'Fn::GetAZs') or region}{letter}" for letter in "abc"]


def _length(argument: Any, region: str) -> int:
    if not isinstance(argument, list):
        raise Unresolvable("Fn::Length needs a list")
    return len(argument)


def _to_json(argument: Any, region: str) -> str:
    return json.dumps(argument, separators=(",", ":"), ensure_ascii=False)


PURE_FUNCTIONS: Final[dict[str, Callable[[Any, str], Any]]] = {
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::GetAZs": _zones,
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::ToJsonString": _to_json,
}
