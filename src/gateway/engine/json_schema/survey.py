"""A JSON Schema read before it is used: is it draft 4, do its patterns compile, do its references stay inside and end?

What is found is everything that could go wrong later, so that validation itself has no such cases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

from jsonschema import Draft4Validator
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT4

from gateway.expressions.pattern import Pattern, compile_pattern
from gateway.model.errors import ExpressionError

SchemaObject = dict[str, Any]
_HINT: Final = "only the schema's own parts can be referred to, as in #/definitions/name"
_META: Final = Draft4Validator(Draft4Validator.META_SCHEMA)
# Keywords whose value is a schema, a list of schemas, or schemas by name …
_ONE: Final = ("additionalProperties", "additionalItems", "items", "not")
_MANY: Final = ("allOf", "anyOf", "oneOf", "items")
_NAMED: Final = ("properties", "patternProperties", "definitions", "dependencies")
# … and those of them that are held against the very value that the schema itself is held against.
_IN_PLACE: Final = frozenset({"not", "allOf", "anyOf", "oneOf", "dependencies"})


@dataclass(slots=True)
class Survey:
    """``schema`` is a copy made of plain JSON values; ``patterns`` are compiled by their text, ``targets`` what each
    schema with a ``$ref`` leads to, by the schema's ``id()``."""

    schema: SchemaObject
    problems: list[str] = field(default_factory=list)
    patterns: dict[str, Pattern] = field(default_factory=dict)
    targets: dict[int, SchemaObject] = field(default_factory=dict)


def survey(document: object) -> Survey:
    """Everything about a schema. Never raises for what a person wrote."""
    try:
        plain = _plain(document, "$", ())
    except _NotPlain as error:
        return Survey({}, [str(error)])
    if not isinstance(plain, dict):
        return Survey({}, ["$: a schema is an object"])
    found = Survey(plain)
    for wrong in _META.iter_errors(plain):
        worst = best_match([wrong]) or wrong
        found.problems.append(f"{worst.json_path}: {worst.message}")
    if not found.problems:
        try:
            _Walk(found).start()
        except ValueError as error:  # of joining the URIs of ids
            found.problems.append(f"$: an id in it is no URI: {error}")
    return found


class _NotPlain(ValueError):
    pass


def _plain(value: object, where: str, within: tuple[int, ...]) -> Any:
    if id(value) in within or len(within) > _MAX_DEPTH:
        raise _NotPlain(f"{where}: it contains itself, or is nested too deeply")
    inside = (*within, id(value))
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise _NotPlain(f"{where}: every name in it must be a text")
        return {name: _plain(item, f"{where}.{name}", inside) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{at}]", inside) for at, item in enumerate(value)]
    if value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and isfinite(value)):
        return value
    raise _NotPlain(f"{where}: a {type(value).__name__} is no JSON value")


_MAX_DEPTH: Final = 100  # a schema by hand has ten


class _Walk:
    """Visits every schema in a schema, and every one that is referred to, once."""

    def __init__(self, found: Survey) -> None:
        self._found = found
        self._seen: set[int] = set()
        self._in_place: dict[int, list[SchemaObject]] = {}

    def start(self) -> None:
        root = self._found.schema
        resolver = Registry().resolver_with_root(DRAFT4.create_resource(root))
        self._visit(root, resolver, "$")
        if not self._found.problems and self._has_endless():
            self._found.problems.append("$: a $ref leads back to itself without going into the message")

    def _visit(self, schema: SchemaObject, resolver: Any, where: str) -> None:
        if id(schema) in self._seen:
            return
        self._seen.add(id(schema))
        in_place = self._in_place.setdefault(id(schema), [])
        self._compile(schema, where)
        for keyword, at, child in _children(schema):
            inner = resolver.in_subresource(DRAFT4.create_resource(child))
            if keyword in _IN_PLACE and "$ref" not in schema:
                in_place.append(child)
            self._visit(child, inner, f"{where}.{at}")
        if "$ref" in schema:
            self._follow(schema, resolver, where)

    def _follow(self, schema: SchemaObject, resolver: Any, where: str) -> None:
        reference = schema["$ref"]
        if not isinstance(reference, str):
            self._found.problems.append(f"{where}: $ref must be a text")
            return
        try:
            target = resolver.lookup(reference)
        except (Unresolvable, ValueError):
            self._found.problems.append(f"{where}: $ref {reference!r} leads nowhere; {_HINT}")
            return
        if not isinstance(target.contents, dict):
            self._found.problems.append(f"{where}: $ref {reference!r} leads to no schema")
            return
        self._in_place[id(schema)].append(target.contents)
        self._found.targets[id(schema)] = target.contents
        self._visit(target.contents, target.resolver, reference)

    def _compile(self, schema: SchemaObject, where: str) -> None:
        texts = [*schema.get("patternProperties", {}), schema.get("pattern")]
        for text in texts:
            if not isinstance(text, str):
                continue
            try:
                self._found.patterns[text] = compile_pattern(ecma_pattern(text))
            except ExpressionError as error:
                self._found.problems.append(f"{where}: {text!r} is no pattern: {error.message}")

    def _has_endless(self) -> bool:
        """Whether some schema, followed in place, comes to itself: such a validation would never end."""
        done: set[int] = set()
        for start in self._in_place:
            path: list[tuple[int, Iterator[SchemaObject]]] = [(start, iter(self._in_place[start]))]
            open_ids = {start}
            while path:
                at, rest = path[-1]
                child = next(rest, None)
                if child is None:
                    path.pop()
                    open_ids.discard(at)
                    done.add(at)
                elif id(child) in open_ids:
                    return True
                elif id(child) not in done:
                    open_ids.add(id(child))
                    path.append((id(child), iter(self._in_place[id(child)])))
        return False


def _children(schema: SchemaObject) -> Iterator[tuple[str, str, SchemaObject]]:
    """Keyword, place and schema of every schema directly in this one."""
    for keyword in _ONE:
        if isinstance(schema.get(keyword), dict):
            yield keyword, keyword, schema[keyword]
    for keyword in _MANY:
        several = schema.get(keyword)
        for at, child in enumerate(several) if isinstance(several, list) else ():
            if isinstance(child, dict):
                yield keyword, f"{keyword}[{at}]", child
    for keyword in _NAMED:
        named = schema.get(keyword)
        for name, child in named.items() if isinstance(named, dict) else ():
            if isinstance(child, dict):
                yield keyword, f"{keyword}.{name}", child


_PIECE: Final = re.compile(r"\\.|\[\^?\]?|[\]$]|[^\\\[\]$]+", re.DOTALL)


def ecma_pattern(text: str) -> str:
    r"""A pattern of draft 4 (ECMA 262) in Python's words: classes such as ``\d`` are ASCII's, ``$`` is the very end."""
    pieces, in_class = [], False
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece.startswith("["):
            in_class = True
        elif piece == "]":
            in_class = False
        elif piece == "$" and not in_class:
            piece = r"\Z"
        pieces.append(piece)
    return f"(?a){''.join(pieces)}"
