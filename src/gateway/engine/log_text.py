"""Text that strangers may have chosen, made fit for one line of a log."""

from __future__ import annotations

import re
from typing import Final

_SPECIAL: Final = re.compile(r'["\\]')
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_SHOWN_OF_A_KEY: Final = 6  # its last characters, as REST APIs show them
_LONGEST_CHARACTER: Final = 4  # bytes of UTF-8


def one_line(text: str) -> str:
    """``text`` with everything that is not printable (control characters, line separators, changes of writing
    direction) as the escapes of JSON."""
    return text if text.isprintable() else "".join(map(_shown, text))


def escaped(text: str) -> str:
    """The same as the inside of a JSON string; between double quotes, readers of CLF take it too."""
    return one_line(_SPECIAL.sub(r"\\\g<0>", text))


def cut(text: str, max_bytes: int) -> str:
    """``text`` without what is over the limit; never half a character."""
    if len(text) * _LONGEST_CHARACTER <= max_bytes:
        return text
    return text.encode("utf-8", "replace")[:max_bytes].decode("utf-8", "ignore")


def masked(key: str) -> str:
    """A secret by its last characters, so that its owner knows which it is."""
    return "*" * max(0, len(key) - _SHOWN_OF_A_KEY) + key[-_SHOWN_OF_A_KEY:]


def _shown(char: str) -> str:
    if char.isprintable():
        return char
    if char in _SHORT:
        return _SHORT[char]
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
