"""JSONPath with the results of Jayway JsonPath, the dialect AWS names (parity 3.1).

A path of names and indexes is *definite*: it yields one value or ``MISSING``. Wildcards, ``..``, slices, lists and
filters make it *indefinite*: it yields an array, also of one or none. The definite paths, and the functions Jayway
allows at the end of any path, are evaluated here; indefinite ones by ``python-jsonpath``, which agrees with Jayway on
them. What it does not know (``nin``, ``size``, ``subsetof`` and the like in filters) is refused when compiled, by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import pstdev
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from gateway.model.errors import ExpressionError
from gateway.model.json_text import Json

if TYPE_CHECKING:
    import jsonpath


class Missing(Enum):
    """What a definite path yields when the document has nothing there."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
Found: TypeAlias = Json | Literal[Missing.MISSING]
Step: TypeAlias = str | int | tuple[str, ...]
"""A member's name, an element's index (negative counts from the end), or several members kept as an object."""
Function: TypeAlias = Callable[[Json], Found]

_NAME: Final = re.compile(r"\.([^.\[\]()*\s'\"]+)")
_INDEX: Final = re.compile(r"\.?\[\s*(-?\d{1,9})\s*\]")
_QUOTED: Final = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_NAMES: Final = re.compile(rf"\.?\[\s*((?:{_QUOTED})(?:\s*,\s*(?:{_QUOTED}))*)\s*\]", re.DOTALL)
_STRING: Final = re.compile(_QUOTED, re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CONTROLS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_CALL: Final = re.compile(r"\.(\w+)\(\s*\)\Z")
_FOREIGN: Final = re.compile(r"\b(nin|size|empty|subsetof|anyof|noneof)\b")


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled path. ``steps`` is None when the library evaluates it."""

    text: str
    steps: tuple[Step, ...] | None
    query: jsonpath.JSONPath | None = None
    function: Function | None = None

    @property
    def name(self) -> str | None:
        """The member's name when the path is ``$.name`` and nothing more."""
        plain = self.function is None and self.steps is not None and len(self.steps) == 1
        step = self.steps[0] if plain and self.steps else None
        return step if isinstance(step, str) else None

    def find(self, document: Json) -> Found:
        """What the path yields. Raises RecursionError when the document nests too deeply for an indefinite path."""
        if self.query is None:
            found = _walk(self.steps or (), document)
            return found if self.function is None or found is MISSING else self.function(found)
        matches = _findall(self.query, document)
        if self.function is None:
            return matches
        if ".." in self.text:  # Jayway: after a deep scan a function takes all matches together, else each by itself
            return self.function(matches)
        return [each for match in matches if (each := self.function(match)) is not MISSING]


def compile_path(text: str) -> Path:
    """Compile ``$``, ``$.a.b[0]``, ``$['a']``, ``$..a`` …; raises ExpressionError at a position within ``text``."""
    if not text.startswith("$"):
        raise ExpressionError("a JSONPath starts with $", 0)
    call = _CALL.search(text)
    function = _function(call[1], call.start()) if call else None
    body = text[: call.start()] if call else text
    steps = _steps(body)
    return Path(text, steps, None if steps is not None else _compile_query(body), function)


def _steps(text: str) -> tuple[Step, ...] | None:
    """The steps of a definite path, None when it is not one of the plain kind."""
    steps: list[Step] = []
    position = 1
    while position < len(text):
        for pattern, read in _READERS:
            if match := pattern.match(text, position):
                steps.append(read(match[1]))
                position = match.end()
                break
        else:
            return None
    several_before_the_end = any(isinstance(step, tuple) for step in steps[:-1])
    return None if several_before_the_end else tuple(steps)


def _names(text: str) -> Step:
    names = tuple(_ESCAPE.sub(_unescaped, quoted[1:-1]) for quoted in _STRING.findall(text))
    return names[0] if len(names) == 1 else names


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else _CONTROLS.get(escape[2], escape[2])


_READERS: Final[Sequence[tuple[re.Pattern[str], Callable[[str], Step]]]] = (
    (_NAME, str),
    (_INDEX, int),
    (_NAMES, _names),
)


def _walk(steps: Sequence[Step], document: Json) -> Found:
    value: Found = document
    for step in steps:
        if isinstance(value, dict):
            value = _member(value, step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return MISSING
    return value


def _findall(query: jsonpath.JSONPath, document: Json) -> list[Json]:
    if not isinstance(document, list | dict):
        return []
    import jsonpath  # loaded already: the query is one of its own

    try:
        return query.findall(document)  # type: ignore[return-value]
    except jsonpath.JSONPathError:  # a filter that cannot compare these values matches nothing
        return []


def _member(value: dict[str, Json], step: Step) -> Found:
    if isinstance(step, str):
        return value.get(step, MISSING)
    if isinstance(step, tuple):
        return {name: value[name] for name in step if name in value}
    return MISSING


def _compile_query(text: str) -> jsonpath.JSONPath:
    if text.endswith("."):
        raise ExpressionError("a JSONPath must not end with a dot", len(text) - 1)
    import jsonpath  # 2 MB and 30 ms, for those who have more than names and indexes

    try:
        query = jsonpath.compile(text)
    except (jsonpath.JSONPathError, re.error, ValueError, RecursionError) as error:
        foreign = _FOREIGN.search(text)
        position = foreign.start() if foreign else _position(error, text)
        reason = f"the filter operator {foreign[1]} is not supported" if foreign else "not a JSONPath"
        raise ExpressionError(f"{reason}: {text}", position) from None
    if not isinstance(query, jsonpath.JSONPath):
        raise ExpressionError(f"not a JSONPath: {text}", 0)
    return query


def _position(error: Exception, text: str) -> int:
    token = getattr(error, "token", None)
    if token is None:
        return 0
    return token.index if 0 <= token.index < len(text) else len(text)  # the end of input has index -1


def _function(name: str, position: int) -> Function:
    if name not in _FUNCTIONS:
        known = ", ".join(f"{each}()" for each in _FUNCTIONS)
        raise ExpressionError(f"{name}() is not a JSONPath function; known are {known}", position)
    return _FUNCTIONS[name]


def _length(value: Json) -> Found:
    return len(value) if isinstance(value, list | dict) else None


def _keys(value: Json) -> Found:
    return list(value) if isinstance(value, dict) else None


def _element(index: int) -> Function:
    return lambda value: value[index] if isinstance(value, list) and value else MISSING


def _of_numbers(compute: Callable[[Sequence[float]], float]) -> Function:
    """Jayway's aggregates: a double over the numbers of an array, an error (here MISSING) when there is none."""

    def aggregate(value: Json) -> Found:
        items = value if isinstance(value, list) else []
        numbers = [float(item) for item in items if isinstance(item, int | float) and not isinstance(item, bool)]
        return float(compute(numbers)) if numbers else MISSING

    return aggregate


_FUNCTIONS: Final[Mapping[str, Function]] = {
    "length": _length,
    "size": _length,
    "keys": _keys,
    "first": _element(0),
    "last": _element(-1),
    "min": _of_numbers(min),
    "max": _of_numbers(max),
    "sum": _of_numbers(sum),
    "avg": _of_numbers(lambda numbers: sum(numbers) / len(numbers)),
    "stddev": _of_numbers(pstdev),
}
