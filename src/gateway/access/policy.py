"""IAM policy documents as an authorizer returns them (parity 6.2), evaluated for one action on one resource.

An explicit deny wins, then any allow, and nothing said is a deny. Conditions are the business of ``conditions``; one
that cannot be decided is taken on the safe side: its Allow does not apply, its Deny does. Policy variables (``${…}``)
are not substituted: they are literal text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import Any, Final

from gateway.access.conditions import InvalidCondition, holds
from gateway.access.wildcard import matches
from gateway.model.hot_value import hot_value

INVOKE: Final = "execute-api:Invoke"
VERSIONS: Final = ("2012-10-17", "2008-10-17")


@hot_value
class Access:
    """What is asked: an action on a resource. ``context`` holds the condition keys whose values are known, such as
    ``aws:SourceIp`` or ``aws:CurrentTime`` (ISO 8601); any other key makes its condition undecided, unless it begins
    like one of ``complete``: of those all are there that exist."""

    resource: str
    action: str = INVOKE
    context: Mapping[str, str] = field(default_factory=dict)
    complete: tuple[str, ...] = ()


class Decision(Enum):
    """The outcome. MALFORMED: the document is not a policy, which AWS answers with 500 rather than 403."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicit deny"
    IMPLICIT_DENY = "implicit deny"
    MALFORMED = "malformed"


class _Malformed(ValueError):
    pass


def evaluate(document: object, access: Access) -> Decision:
    """Judge a policy document (a parsed JSON value). Never raises."""
    try:
        effects = {_effect(statement, access) for statement in _statements(document)}
    except (_Malformed, InvalidCondition):
        return Decision.MALFORMED
    if "Deny" in effects:
        return Decision.EXPLICIT_DENY
    return Decision.ALLOWED if "Allow" in effects else Decision.IMPLICIT_DENY


def _statements(document: object) -> list[Any]:
    """The statements; a missing Version is the old one, as in IAM."""
    if not isinstance(document, dict) or document.get("Version", VERSIONS[0]) not in VERSIONS:
        raise _Malformed
    statements = document.get("Statement")
    if isinstance(statements, dict):
        return [statements]
    if not isinstance(statements, list):
        raise _Malformed
    return statements


def _effect(statement: object, access: Access) -> str | None:
    """``Allow`` or ``Deny`` when the statement applies, else None. Every part is read, so that a bad one is found."""
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        raise _Malformed
    effect: str = statement["Effect"]
    action = _covers(statement, "Action", access.action, ignore_case=True)
    resource = _covers(statement, "Resource", access.resource, ignore_case=False)
    condition = holds(statement.get("Condition", {}), access.context, access.complete)
    if condition is None:
        condition = effect == "Deny"
    return effect if action and resource and condition else None


def _covers(statement: dict[str, Any], element: str, value: str, *, ignore_case: bool) -> bool:
    """Whether ``Action`` or ``NotAction`` (``Resource`` or ``NotResource``) covers the value; exactly one is there."""
    positive, negative = element in statement, f"Not{element}" in statement
    if positive == negative:
        raise _Malformed
    patterns = _texts(statement[element if positive else f"Not{element}"])
    fold = str.lower if ignore_case else str
    covered = any(matches(fold(pattern), fold(value)) for pattern in patterns)
    return covered == positive


def _texts(value: object) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise _Malformed
    return texts
