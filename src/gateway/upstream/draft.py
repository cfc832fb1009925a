"""A request to an AWS service before its signature: what to ask, not yet where."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from gateway.model.backend import Pairs

_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Draft:
    """``path`` starts with a slash; it and ``query`` are encoded."""

    method: str
    path: str = "/"
    query: str = ""
    headers: Pairs = ()
    body: bytes = b""


def encoded(pairs: Iterable[tuple[str, str]]) -> str:
    """A query or form as signatures count it: every byte but the unreserved escaped, order kept."""
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)


def content_type(headers: Pairs) -> str:
    """Lower case and without parameters, empty when there is none."""
    value = next((value for name, value in headers if name.lower() == "content-type"), "")
    return value.partition(";")[0].strip().lower()


def replaced(headers: Pairs, *ours: tuple[str, str]) -> Pairs:
    """``headers`` with ``ours`` in the place of those of their names."""
    return (*without(headers, *(name.lower() for name, _ in ours)), *ours)


def without(headers: Pairs, *names: str) -> Pairs:
    """``names`` are in lower case."""
    return tuple(pair for pair in headers if pair[0].lower() not in names)


def path_text(path: str) -> str:
    """A path with all but slashes and unreserved characters escaped; escapes that are there stay."""
    return quote(_STRAY_PERCENT.sub("%25", path), safe="/-_.~%")
