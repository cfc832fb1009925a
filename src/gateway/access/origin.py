"""Which web pages may open WebSockets: a browser says in ``Origin`` whose page asks, and no page can lie about it.

An extension: AWS looks at no origin. It protects the users of browsers from other people's pages; a program can say
what it likes, and is held off by authorizers and signatures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.access.wildcard import matches

ABSENT: Final = "null"  # what browsers say for pages that are from nowhere: files, sandboxed frames
_HOST: Final = r"(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])"
_ORIGIN: Final = re.compile(rf"([a-z][a-z0-9+.-]*)://({_HOST})(?::([0-9]+))?")
_PATTERN: Final = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:[a-z0-9_.*-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_USUAL_PORTS: Final = {"http": "80", "https": "443", "ws": "80", "wss": "443"}


@dataclass(frozen=True, slots=True)
class Origins:
    """``patterns`` are as ``origin_pattern`` returns them. ``needed``: who says no origin, as programs do, may not come
    in either."""

    patterns: tuple[str, ...]
    needed: bool = False

    def allow(self, said: Sequence[str]) -> bool:
        """Whether a handshake with these ``Origin`` headers may go on; none of them may be there twice."""
        if not said:
            return not self.needed
        return len(said) == 1 and self._allows(said[0].strip(" \t").lower())

    def _allows(self, origin: str) -> bool:
        if origin == ABSENT:
            return ABSENT in self.patterns
        found = _ORIGIN.fullmatch(origin)
        if found is None:
            return False
        scheme, host, port = found.groups()
        place = host if port in (None, _USUAL_PORTS.get(scheme)) else f"{host}:{port}"
        return any(matches(each, f"{scheme}://{place}" if "://" in each else place) for each in self.patterns)


def origin_pattern(text: str) -> str:
    """A pattern in the form that is compared: ``https://app.example.com``, ``https://*.example.com:8443``, or a host
    alone, which allows every scheme; ``*`` is any run of characters. Raises ValueError."""
    pattern = text.strip().lower().rstrip("/")
    if pattern != ABSENT and not _PATTERN.fullmatch(pattern):
        raise ValueError(f"{text!r} is no origin: https://app.example.com, https://*.example.com or *.example.com")
    scheme = pattern.partition("://")[0]
    return pattern.removesuffix(f":{_USUAL_PORTS.get(scheme, '')}") if "://" in pattern else pattern
