"""Text that strangers may have chosen, made fit for a terminal: one line, and no power over the cursor.

Close reasons, user agents, messages that a handler prints and names in a template all pass through here.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_JOINER: Final = "\u200d"  # emoji are joined by it; harmless
_INDENT: Final = "  "


def printable(text: str, keep: str = "\t") -> str:
    """``text`` with control characters, line separators and changes of writing direction as escapes."""
    return text if text.isprintable() else "".join(map(lambda char: _shown(char, keep), text))


def indented(text: str) -> str:
    """Several lines of which only the first stands at the margin, so that no later one passes for a line of ours."""
    first, *rest = text.split("\n")
    return "\n".join([printable(first), *(_INDENT + printable(line.removeprefix(_INDENT)) for line in rest)])


def _shown(char: str, keep: str) -> str:
    if char.isprintable() or char in keep or char == _JOINER or unicodedata.category(char) == "Zs":
        return char
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
