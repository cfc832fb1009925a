"""What is wrong with an identity-based policy, told before it decides anything: ``policy`` alone would only not allow.

Policy variables are refused: a Deny with one in it would silently deny nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from gateway.access.conditions import InvalidCondition, holds, is_known
from gateway.access.policy import VERSIONS, Access, Decision, evaluate

_ELEMENTS: Final = frozenset({"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"})
_DOCUMENT: Final = frozenset({"Version", "Id", "Statement"})
_KEYS: Final = (
    "aws:sourceip", "aws:currenttime", "aws:epochtime", "aws:securetransport", "aws:useragent", "aws:principalarn",
    "aws:principalaccount",
)  # fmt: skip
_TAGS: Final = "aws:principaltag/"
_NOTHING: Final = Access("")


def faults(document: object) -> list[str]:
    """Why the document cannot be an identity-based policy; each is the end of a sentence that begins with its name."""
    if not isinstance(document, dict):
        return ["it is not an object"]
    found = [f"{name} is no element of a policy" for name in document if name not in _DOCUMENT]
    if document.get("Version", VERSIONS[0]) not in VERSIONS:
        found.append(f"Version is neither {' nor '.join(VERSIONS)}")
    statements = document.get("Statement")
    if not isinstance(statements, list | dict):
        return [*found, "Statement is missing, or neither a list nor an object"]
    for number, statement in _numbered(statements):
        found += [f"statement {number}: {fault}" for fault in _faults(statement)]
    return found


def doubts(document: dict[str, Any]) -> list[str]:
    """What holds a policy without faults back: conditions that are never decided here."""
    found = []
    for number, statement in _numbered(document["Statement"]):
        effect = "it applies to everybody" if statement["Effect"] == "Deny" else "it never applies"
        for operator, block in statement.get("Condition", {}).items():
            if not is_known(operator):
                found.append(f"statement {number}: the operator {operator} is not known here, so {effect}")
            unknown = [key for key in block if key.lower() not in _KEYS and not key.lower().startswith(_TAGS)]
            found += [f"statement {number}: {key} is not known here, so {effect}" for key in unknown]
    return found


def _numbered(statements: Any) -> Iterator[tuple[int, Any]]:
    yield from enumerate(statements if isinstance(statements, list) else [statements], 1)


def _faults(statement: object) -> Iterator[str]:
    if not isinstance(statement, dict):
        yield "it is not an object"
        return
    for name in statement:
        if name not in _ELEMENTS:
            yield f"{name} is no element of an identity-based policy"
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield "Effect is neither Allow nor Deny"
    for name in ("Action", "Resource"):
        if (name in statement) == (f"Not{name}" in statement):
            yield f"one of {name} and Not{name} must be there"
    try:
        holds(statement.get("Condition", {}), {})
    except InvalidCondition:
        yield "Condition is not of the form {operator: {key: value}}"
        return
    if evaluate({"Statement": [statement | {"Effect": "Allow"}]}, _NOTHING) is Decision.MALFORMED:
        yield "its actions or resources are not texts"
    if any("${" in text for text in _texts(statement)):
        yield "policy variables such as ${aws:username} are not known here"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
