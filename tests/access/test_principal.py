from __future__ import annotations

from typing import Any

import pytest

from gateway.access.policy import Access, Decision
from signing import ARN, principal

ASKED = Access("arn:aws:execute-api:us-east-1:123456789012:a1/dev/POST/@connections/{connectionId}")


def policy(effect: str, **condition: Any) -> dict[str, Any]:
    return {"Statement": {"Effect": effect, "Action": "*", "Resource": "*", "Condition": condition}}


def test_who_has_no_policies_may_do_everything() -> None:
    assert principal().may_do_everything
    assert principal().decide(ASKED) is Decision.ALLOWED
    assert principal(policies=()).decide(ASKED) is Decision.IMPLICIT_DENY


@pytest.mark.parity("P-327")
@pytest.mark.parametrize(
    ("condition", "decision"),
    [
        ({"StringLike": {"aws:PrincipalTag/team": "sup*"}}, Decision.ALLOWED),
        ({"StringLike": {"aws:PrincipalTag/team": "ops"}}, Decision.IMPLICIT_DENY),
        ({"StringLike": {"aws:PrincipalTag/other": "*"}}, Decision.IMPLICIT_DENY),
        ({"ArnLike": {"aws:PrincipalArn": ARN}}, Decision.ALLOWED),
        ({"StringEquals": {"aws:PrincipalAccount": "123456789012"}}, Decision.ALLOWED),
        ({"StringEquals": {"aws:Unheard": "of"}}, Decision.IMPLICIT_DENY),
    ],
)
def test_conditions_ask_for_the_principal(condition: dict[str, Any], decision: Decision) -> None:
    holder = principal(policies=(policy("Allow", **condition),), tags={"Team": "support"})
    assert holder.decide(ASKED) is decision


def test_a_deny_for_a_tag_is_for_those_who_have_it() -> None:
    policies = (policy("Allow"), policy("Deny", StringEquals={"aws:PrincipalTag/suspended": "yes"}))
    assert principal(policies=policies).decide(ASKED) is Decision.ALLOWED
    assert principal(policies=policies, tags={"suspended": "yes"}).decide(ASKED) is Decision.EXPLICIT_DENY


def test_beside_what_is_no_policy_nothing_is_allowed() -> None:
    assert principal(policies=(policy("Allow"), {"Statement": 7})).decide(ASKED) is Decision.IMPLICIT_DENY
    assert principal(policies=(policy("Deny"), {"Statement": 7})).decide(ASKED) is Decision.EXPLICIT_DENY
