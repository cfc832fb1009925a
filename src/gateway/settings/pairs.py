"""``K=V`` words for a template's parameters as `sam` takes them: several in one, quoted, in CloudFormation's form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

# One K=V of several in a word: quoted as sam writes it, or up to the next K=.
_PAIR: Final = re.compile(r'\s*(\w+)=("(?:\\.|[^"\\])*"(?=\s|$)|.*?(?=\s+\w+=|\s*$))', re.DOTALL)
_SAM_PAIR: Final = re.compile(r"(\w+),ParameterValue=(.*)", re.DOTALL)


def pairs_of(word: str) -> Iterator[tuple[str, str]]:
    """``K=V``, ``K=V K=V`` or ``ParameterKey=K,ParameterValue=V``. Raises ValueError for anything else."""
    at = 0
    while at < len(word) or at == 0:
        found = _PAIR.match(word, at)
        if found is None or not found.group(0):
            raise ValueError(f"{word!r} is not K=V")
        name, value = found.groups()
        sam = _SAM_PAIR.fullmatch(value) if name == "ParameterKey" else None
        name, value = (name, value) if sam is None else sam.groups()
        yield name, _unquoted(value)
        at = found.end()
        at += len(word[at:]) - len(word[at:].lstrip())


def _unquoted(value: str) -> str:
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    return re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL)
