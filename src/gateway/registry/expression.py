"""Names and values of a request's expressions, which DynamoDB wants apart from their text, by placeholders."""

from __future__ import annotations

from typing import Any


class Terms:
    """Of one request. What is named twice has one placeholder."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    def name(self, attribute: str) -> str:
        """The attribute, as a text of an expression mentions it."""
        return self._names.setdefault(attribute, f"#{len(self._names)}")

    def value(self, typed: dict[str, Any]) -> str:
        """A value as DynamoDB types it, as a text mentions it."""
        placeholder = f":{len(self._values)}"
        self._values[placeholder] = typed
        return placeholder

    def equal(self, attribute: str, typed: dict[str, Any]) -> str:
        """``=``: a condition, and an action of SET too."""
        return f"{self.name(attribute)} = {self.value(typed)}"

    def absent(self, attribute: str) -> str:
        """The condition that there is no such attribute."""
        return f"attribute_not_exists ({self.name(attribute)})"

    def one_of(self, attribute: str, *typed: dict[str, Any]) -> str:
        """The condition that it is one of these."""
        return f"{self.name(attribute)} IN ({', '.join(map(self.value, typed))})"

    def members(self) -> dict[str, Any]:
        """Of the request, beside its expressions."""
        found: dict[str, Any] = {"ExpressionAttributeNames": {short: name for name, short in self._names.items()}}
        if self._values:
            found["ExpressionAttributeValues"] = self._values
        return found
