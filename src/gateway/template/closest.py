"""Guesses what a misspelt name was meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint naming the closest known name, or ``otherwise``."""
    by_lower = {candidate.lower(): candidate for candidate in sorted(known)}
    matches = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.7)
    return f"did you mean {by_lower[matches[0]]}?" if matches else otherwise
