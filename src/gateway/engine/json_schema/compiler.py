"""A schema to a function, and the keywords of draft 4 that hold schemas. The first violation ends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.engine.json_schema.check import Budget, Check, Exhausted, Wrong
from gateway.engine.json_schema.survey import SchemaObject, Survey
from gateway.engine.json_schema.values import value_checks
from gateway.expressions.pattern import Pattern
from gateway.model.json_text import Json
from gateway.model.limits import MAX_PATTERN_MS


class _Node:
    """One schema; made before its parts, because they may lead back to it."""

    __slots__ = ("_budget", "checks")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.checks: tuple[Check, ...] = ()

    def __call__(self, value: Json) -> Wrong | None:
        budget = self._budget
        budget.left -= 1
        if budget.left < 0:
            raise Exhausted
        for check in self.checks:
            wrong = check(value)
            if wrong is not None:
                return wrong
        return None


class Compiler:
    """For a schema without problems only."""

    def __init__(self, found: Survey, budget: Budget) -> None:
        self._found = found
        self._budget = budget
        self._nodes: dict[int, _Node] = {}

    def compile(self, schema: SchemaObject) -> Check:
        """The check of one schema, the same however often it is referred to."""
        node = self._nodes.get(id(schema))
        if node is None:
            node = self._nodes[id(schema)] = _Node(self._budget)
            node.checks = tuple(self._checks(schema))
        return node

    def _checks(self, schema: SchemaObject) -> Iterator[Check]:
        if "$ref" in schema:  # whatever stands beside it is ignored (draft 4)
            yield self.compile(self._found.targets[id(schema)])
            return
        yield from value_checks(schema, self._budget)
        if "pattern" in schema:
            yield _pattern(schema["pattern"], self._found.patterns)
        yield from self._combined(schema)
        if "items" in schema:
            yield self._items(schema["items"], schema.get("additionalItems", True))
        if "dependencies" in schema:
            yield from self._dependencies(schema["dependencies"])
        if not schema.keys().isdisjoint({"properties", "patternProperties", "additionalProperties"}):
            yield self._properties(schema)

    def _combined(self, schema: SchemaObject) -> Iterator[Check]:
        yield from (self.compile(each) for each in schema.get("allOf", ()))
        if "anyOf" in schema:
            yield _count_of("anyOf", schema["anyOf"], [self.compile(each) for each in schema["anyOf"]], only=False)
        if "oneOf" in schema:
            yield _count_of("oneOf", schema["oneOf"], [self.compile(each) for each in schema["oneOf"]], only=True)
        if "not" in schema:
            forbidden, rule = self.compile(schema["not"]), schema["not"]
            yield lambda value: Wrong("not", rule) if forbidden(value) is None else None

    def _items(self, items: SchemaObject | list[SchemaObject], more: SchemaObject | bool) -> Check:
        first = [] if isinstance(items, dict) else [self.compile(each) for each in items]
        rest = self.compile(items) if isinstance(items, dict) else self._rest(more)

        def check(value: Json) -> Wrong | None:
            if not isinstance(value, list):
                return None
            if rest is False and len(value) > len(first):
                return Wrong("additionalItems", False)
            for at, item in enumerate(value):
                of = first[at] if at < len(first) else rest
                wrong = None if isinstance(of, bool) else of(item)
                if wrong is not None:
                    wrong.path.append(at)
                    return wrong
            return None

        return check

    def _rest(self, rule: SchemaObject | bool) -> Check | bool:
        return rule if isinstance(rule, bool) else self.compile(rule)

    def _dependencies(self, rules: Mapping[str, Any]) -> Iterator[Check]:
        for name, rule in rules.items():
            if isinstance(rule, list):
                yield _needs(name, rule)
            else:
                yield _when(name, self.compile(rule))

    def _properties(self, schema: SchemaObject) -> Check:
        known = {name: self.compile(rule) for name, rule in schema.get("properties", {}).items()}
        named = schema.get("patternProperties", {})
        patterns = [(self._found.patterns[text], self.compile(rule)) for text, rule in named.items()]
        more = schema.get("additionalProperties", True)
        rest = _unexpected if more is False else None if more is True else self.compile(more)
        return _Properties(known, patterns, rest) if patterns or rest is not None else _known_properties(known)


class _Properties:
    """``rest`` is for properties that neither a name nor a pattern covers, None to take them as they are."""

    __slots__ = ("_known", "_patterns", "_rest")

    def __init__(self, known: dict[str, Check], patterns: list[tuple[Pattern, Check]], rest: Check | None) -> None:
        self._known = known
        self._patterns = patterns
        self._rest = rest

    def __call__(self, value: Json) -> Wrong | None:
        if isinstance(value, dict):
            for name, item in value.items():
                for check in self._of(name):
                    wrong = check(item)
                    if wrong is not None:
                        wrong.path.append(name)
                        return wrong
        return None

    def _of(self, name: str) -> list[Check]:
        checks = [check for pattern, check in self._patterns if finds(pattern, name)]
        if name in self._known:
            checks.append(self._known[name])
        return checks or ([] if self._rest is None else [self._rest])


def _known_properties(known: dict[str, Check]) -> Check:
    """Where only ``properties`` says anything: looked up by the schema's names, however many the value has."""

    def check(value: Json) -> Wrong | None:
        if isinstance(value, dict):
            for name, rule in known.items():
                if name in value and (wrong := rule(value[name])) is not None:
                    wrong.path.append(name)
                    return wrong
        return None

    return check


def _unexpected(_: Json) -> Wrong:
    return Wrong("additionalProperties", False)


def _count_of(keyword: str, rule: Any, checks: list[Check], *, only: bool) -> Check:
    def check(value: Json) -> Wrong | None:
        fitting = 0
        for each in checks:
            if each(value) is None:
                fitting += 1
                if not only:
                    return None
        return None if only and fitting == 1 else Wrong(keyword, rule)

    return check


def _needs(name: str, others: list[str]) -> Check:
    def check(value: Json) -> Wrong | None:
        if isinstance(value, dict) and name in value and not all(other in value for other in others):
            return Wrong("dependencies", {name: others})
        return None

    return check


def _when(name: str, rule: Check) -> Check:
    return lambda value: rule(value) if isinstance(value, dict) and name in value else None


def _pattern(text: str, patterns: Mapping[str, Pattern]) -> Check:
    pattern = patterns[text]
    return lambda value: Wrong("pattern", text) if isinstance(value, str) and not finds(pattern, value) else None


def finds(pattern: Pattern, text: str) -> bool:
    """Whether there is a match anywhere in ``text``. Raises TimeoutError at the deadline."""
    return pattern.compiled.search(text, timeout=MAX_PATTERN_MS / 1000) is not None
