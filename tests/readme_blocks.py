"""The README's fenced blocks, as what a reader does with them.

``sh`` is run, ``python`` is run, ``console`` is a terminal: ``$ `` starts a program, ``> `` is typed into it, ``< `` is
what it must show before the next line is typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """``lines`` are (prompt, text) with prompt ``>`` or ``<``."""

    command: str
    lines: tuple[tuple[str, str], ...]


def blocks(language: str) -> list[str]:
    """Every block of this language, in order."""
    return [text for found, text in _FENCE.findall(README.read_text(encoding="utf-8")) if found == language]


def dialogue(block: str) -> Dialogue:
    """A ``console`` block. Raises ValueError when a line has no prompt."""
    first, *rest = block.splitlines()
    if not first.startswith("$ ") or any(line[:2] not in ("> ", "< ") for line in rest):
        raise ValueError(f"not a terminal: {block}")
    return Dialogue(first[2:], tuple((line[0], line[2:]) for line in rest))
