"""IAM's wildcards: ``*`` is any run of characters (slashes and colons too), ``?`` any one; the rest is literal."""

from __future__ import annotations


def matches(pattern: str, text: str) -> bool:
    """Whether the whole of ``text`` matches. Time is at most the product of both lengths, whatever the pattern."""
    return _any_char(pattern, text) if "?" in pattern else _runs(pattern, text)


def _runs(pattern: str, text: str) -> bool:
    """Of ``*`` alone, as nearly all patterns are: the texts between, each as early as it can be."""
    first, *between = pattern.split("*")
    if not between:
        return text == first
    last = between.pop()
    at, end = len(first), len(text) - len(last)
    if at > end or not text.startswith(first) or not text.endswith(last):
        return False
    for part in between:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _any_char(pattern: str, text: str) -> bool:
    at, seen, star, mark = 0, 0, -1, 0
    while seen < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, mark = at, seen
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[seen]):
            at, seen = at + 1, seen + 1
        elif star >= 0:  # let the last star take one character more
            mark += 1
            at, seen = star + 1, mark
        else:
            return False
    return not pattern[at:].strip("*")
