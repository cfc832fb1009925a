"""Regular expressions of templates and integration responses: Java's ``matches``, with a bound on each attempt.

Patterns come from the definition, the text they are tried on from clients and backends: one that would try for ever
counts as failed. The library is ``regex`` because it knows Java's possessive forms and keeps a deadline itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import regex

from gateway.model.errors import ExpressionError
from gateway.model.ids import DEFAULT
from gateway.model.limits import MAX_PATTERN_CHARS, MAX_PATTERN_MS, MAX_PATTERN_TEXT_CHARS

_SPECIAL: Final = frozenset(r"\.^$*+?{}[]()|")


class TookTooLong(Exception):
    """The pattern was given up on this text."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """No method raises anything but TookTooLong."""

    text: str
    compiled: Any

    @property
    def is_literal(self) -> bool:
        """Whether it stands for itself; then the library, whose deadline does not hold there, is not asked."""
        return not _SPECIAL & set(self.text) and bool(self.text)

    def matches(self, text: str) -> bool:
        """Whether all of ``text`` is a match."""
        if self.is_literal:
            return text == self.text
        return self._bounded(self.compiled.fullmatch, text) is not None

    def replace(self, text: str, replacement: str, count: int = 0) -> str:
        """``text`` with every match (``count`` of them, 0: all) replaced; ``$1`` and ``\\$`` as in Java."""
        template = _replacement(replacement, self.compiled.groups)
        if self.is_literal and "$" not in replacement:
            return text.replace(self.text, _literal_replacement(replacement), count or -1)
        return str(self._bounded(self.compiled.sub, template, text, count=count))

    def split(self, text: str) -> list[str]:
        """The pieces between matches without empty ones at the end, as Java's ``split``."""
        found = text.split(self.text) if self.is_literal else self._bounded(self._pieces, text)
        pieces = [piece or "" for piece in found]
        while len(pieces) > 1 and not pieces[-1]:
            pieces.pop()
        return pieces

    def _pieces(self, text: str, timeout: float) -> list[str]:
        pieces, start = [], 0
        for match in self.compiled.finditer(text, timeout=timeout):
            if match.end() == 0 or match.start() == match.end() == len(text):
                continue
            pieces.append(text[start : match.start()])
            start = match.end()
        return [*pieces, text[start:]]

    @staticmethod
    def _bounded(operation: Any, *arguments: Any, **options: Any) -> Any:
        if any(isinstance(each, str) and len(each) > MAX_PATTERN_TEXT_CHARS for each in arguments):
            raise TookTooLong
        try:
            return operation(*arguments, timeout=MAX_PATTERN_MS / 1000, **options)
        except TimeoutError:
            raise TookTooLong from None


@lru_cache(maxsize=512)
def compile_pattern(text: str) -> Pattern:
    """Raises ExpressionError for what is no regular expression, or a longer one than the library can bound."""
    if len(text) > MAX_PATTERN_CHARS and _SPECIAL & set(text):
        raise ExpressionError(f"a regular expression has at most {MAX_PATTERN_CHARS} characters", MAX_PATTERN_CHARS)
    try:
        return Pattern(text, regex.compile(text, regex.VERSION0))
    except (regex.error, RecursionError, OverflowError, ValueError, TypeError) as error:
        position = getattr(error, "pos", None) or 0
        raise ExpressionError(f"not a regular expression: {text} ({error})", position) from None


def response_pattern(key: str) -> Pattern | None:
    """An IntegrationResponseKey's, with or without its slashes; None for ``$default``. Raises ExpressionError."""
    if key == DEFAULT:
        return None
    return compile_pattern(key[1:-1] if len(key) > 1 and key[0] == key[-1] == "/" else key)


def _literal_replacement(text: str) -> str:
    """Java's replacement text that names no group."""
    return str(regex.sub(r"\\(.)", r"\1", text, flags=regex.DOTALL))


def _replacement(text: str, groups: int) -> Any:
    """A function that makes Java's replacement text of a match."""
    parts = [part for part in regex.findall(r"\\(.)|\$(\d)|([^\\$]+|.)", text, flags=regex.DOTALL)]

    def replaced(match: Any) -> str:
        return "".join(
            (match[int(group)] or "") if group and int(group) <= groups else escaped or literal or f"${group}"
            for escaped, group, literal in parts
        )

    return replaced
