"""Reads the properties of one resource as the types they should have, reporting whatever is wrong with them.

Every reader returns None after reporting a value that is missing, cannot be known or is of a wrong kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, TypeVar

from gateway.template.closest import did_you_mean
from gateway.template.declared import Declared
from gateway.template.findings import Findings, Path
from gateway.template.intrinsics import NO_VALUE
from gateway.template.text import as_text
from gateway.template.unresolvable import Unresolvable

Resolve = Callable[[Any], Any]
Choice = TypeVar("Choice", bound=Enum)


class Properties:
    """The properties of ``declared``, or a mapping within them when ``values`` and ``path`` are given."""

    def __init__(
        self,
        declared: Declared,
        resolve: Resolve,
        findings: Findings,
        values: Mapping[str, Any] | None = None,
        path: Path | None = None,
    ) -> None:
        self.declared = declared
        self._resolve = resolve
        self._findings = findings
        self._values = declared.properties if values is None else values
        self._path = (*declared.path, "Properties") if path is None else path

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def has(self, name: str) -> bool:
        """Whether the property is written at all."""
        return name in self._values

    def is_absent(self, name: str) -> bool:
        """Whether it is known that there is no value: not written, null or ``AWS::NoValue``."""
        try:
            value = self._resolve(self._values.get(name))
        except Unresolvable:
            return False
        return value is None or value is NO_VALUE

    def value(self, name: str) -> Any:
        """The resolved value, None when absent, ``AWS::NoValue`` or unknowable."""
        if name not in self._values:
            return None
        try:
            value = self._resolve(self._values[name])
        except Unresolvable as reason:
            if not reason.reported:
                self.problem(f"{name}: {reason.message}", name, reason.hint)
            return None
        return None if value is NO_VALUE else value

    def text(self, name: str) -> str | None:
        value = self.value(name)
        text = as_text(value)
        if value is not None and text is None:
            self.problem(f"{name} must be text", name)
        return text

    def required(self, name: str, hint: str = "") -> str | None:
        """A text that has to be there and not empty."""
        text = self.text(name)
        if text == "" or self.is_absent(name):
            self.problem(f"{name} is missing", name, hint)
        return text or None

    def integer(self, name: str, low: int, high: int) -> int | None:
        """A whole number within ``low`` and ``high``, both included."""
        text = self.text(name)
        if text is None:
            return None
        digits = text.removesuffix(".0")
        number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else None
        if number is None or not low <= number <= high:
            self.problem(f"{name} must be a whole number from {low} to {high}, not {text}", name)
            return None
        return number

    def number(self, name: str) -> float | None:
        """A number that is not negative."""
        text = self.text(name)
        if text is None:
            return None
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 <= number < math.inf:
            self.problem(f"{name} must be a number from 0, not {text}", name)
            return None
        return number

    def choice(self, name: str, kind: type[Choice]) -> Choice | None:
        """A member of ``kind`` by its value."""
        text = self.text(name)
        known = [str(member.value) for member in kind]
        if text is None or text in known:
            return None if text is None else kind(text)
        hint = did_you_mean(text, known, f"it is one of {', '.join(known)}")
        self.problem(f"there is no {name} {text!r}", name, hint)
        return None

    def boolean(self, name: str) -> bool | None:
        text = self.text(name)
        if text is None or text.lower() in ("true", "false"):
            return None if text is None else text.lower() == "true"
        self.problem(f"{name} must be true or false, not {text}", name)
        return None

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A list of texts; a single text counts as a list of one."""
        value = self.value(name)
        if value is None:
            return None
        found = [as_text(item) for item in (value if isinstance(value, list) else [value])]
        if None in found:
            self.problem(f"{name} must be a list of texts", name)
            return None
        return tuple(item for item in found if item is not None)

    def text_by_name(self, name: str) -> dict[str, str]:
        """A mapping of texts, empty when absent; entries of another kind are left out after reporting them."""
        block = self.nested(name)
        if block is None:
            return {}
        found = {key: block.text(key) for key in block}
        return {key: text for key, text in found.items() if text is not None}

    def entries(self, name: str) -> list[Properties]:
        """The mappings of a list of mappings; empty when absent."""
        value = self.value(name)
        items = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(item, dict) for item in items):
            self.problem(f"{name} must be a list of mappings", name)
            return []
        path = (*self._path, name)
        return [
            Properties(self.declared, self._resolve, self._findings, item, (*path, at)) for at, item in enumerate(items)
        ]

    def nested(self, name: str) -> Properties | None:
        """The mapping under ``name``, its values still to be resolved one by one."""
        value = self._values.get(name)
        if not isinstance(value, dict) or _is_function(value):
            value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.problem(f"{name} must be a mapping", name)
            return None
        return Properties(self.declared, self._resolve, self._findings, value, (*self._path, name))

    def check_names(self, known: Iterable[str]) -> None:
        """Report every property that the resource type does not have."""
        names = frozenset(known)
        for name in self._values:
            if name.startswith("Fn::"):
                self.unsupported(f"{name} among the properties", name, "write out what it stands for")
            elif name not in names:
                what = f"{self._called()} has no property {name!r}"
                self.problem(what, name, did_you_mean(name, names, f"it has {', '.join(sorted(names)) or 'none'}"))

    def _called(self) -> str:
        if self._values is self.declared.properties:
            return self.declared.type
        return next((part for part in reversed(self._path) if isinstance(part, str)), self.declared.type)

    def unsupported(self, what: str, name: str | None = None, hint: str = "") -> None:
        """Report something that AWS has and this version does not serve."""
        self.problem(f"{what} is not supported", name, hint)

    def problem(self, message: str, name: str | None = None, hint: str = "") -> None:
        self._findings.problem(message, self.path(name), hint)

    def warning(self, message: str, name: str | None = None, hint: str = "") -> None:
        self._findings.warning(message, self.path(name), hint)

    def path(self, name: str | None = None) -> Path:
        """The way to a property, or to the resource or mapping itself."""
        if name is not None:
            return (*self._path, name)
        return self.declared.path if self._values is self.declared.properties else self._path


def _is_function(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and all(key == "Ref" or key.startswith("Fn::") for key in value)
