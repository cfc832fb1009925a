"""Policy documents: AWS's rules by table, and any document against a naive model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.policy import Access, Decision, evaluate
from gateway.access.wildcard import matches

ARN = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/$connect"
ACCESS = Access(ARN, context={"aws:SourceIp": "192.0.2.10"})
ALLOWED, EXPLICIT, IMPLICIT, MALFORMED = Decision


def statement(
    effect: str = "Allow", action: object = "execute-api:Invoke", resource: object = "*", **more: object
) -> Any:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements: object, **more: object) -> Any:
    return {"Version": "2012-10-17", "Statement": list(statements), **more}


@pytest.mark.parity("P-307", "P-308")
@pytest.mark.parametrize(
    ("resource", "decision"),
    [
        (ARN, ALLOWED),
        ("*", ALLOWED),
        ("arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/*", ALLOWED),
        ("arn:aws:execute-api:us-east-1:123456789012:abcdef1234/*", ALLOWED),
        ("arn:aws:execute-api:*:*:*", ALLOWED),
        ("arn:aws:execute-api:*:*:abcdef1234/????/$connect", ALLOWED),
        (["arn:aws:s3:::x", ARN], ALLOWED),
        # made for REST APIs: parity 6.2, a common 403
        ("arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/*/*", IMPLICIT),
        ("arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/GET/*", IMPLICIT),
        ("arn:aws:execute-api:us-east-1:123456789012:abcdef1234/PROD/*", IMPLICIT),
        ("arn:aws:execute-api:us-east-1:123456789012:other/prod/$connect", IMPLICIT),
    ],
)
def test_resources(resource: object, decision: Decision) -> None:
    assert evaluate(policy(statement(resource=resource)), ACCESS) is decision


@pytest.mark.parametrize(
    ("action", "decision"),
    [
        ("execute-api:Invoke", ALLOWED),
        ("EXECUTE-API:INVOKE", ALLOWED),
        ("execute-api:*", ALLOWED),
        ("*", ALLOWED),
        ("execute-api:Inv?ke", ALLOWED),
        (["s3:*", "execute-api:invoke"], ALLOWED),
        ("execute-api:ManageConnections", IMPLICIT),
        ("lambda:*", IMPLICIT),
    ],
)
def test_actions(action: object, decision: Decision) -> None:
    assert evaluate(policy(statement(action=action)), ACCESS) is decision


@pytest.mark.parity("P-306", "P-309")
@pytest.mark.parametrize(
    ("document", "decision"),
    [
        (policy(statement(), statement("Deny")), EXPLICIT),
        (policy(statement("Deny"), statement()), EXPLICIT),
        (policy(statement("Deny", resource="arn:aws:s3:::*"), statement()), ALLOWED),
        (policy(statement("Deny", resource="arn:aws:s3:::*")), IMPLICIT),
        (policy(), IMPLICIT),
        (policy(statement(Sid="One")), ALLOWED),
        ({"Version": "2012-10-17", "Statement": statement()}, ALLOWED),
        ({"Statement": [statement()]}, ALLOWED),
        ({"Version": "2008-10-17", "Statement": [statement()]}, ALLOWED),
        (policy({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}), ALLOWED),
        (policy({"Effect": "Allow", "NotAction": "execute-api:*", "Resource": "*"}), IMPLICIT),
        (policy({"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::*"}, statement()), EXPLICIT),
        (policy({"Effect": "Allow", "Action": "*", "NotResource": [ARN]}), IMPLICIT),
        # conditions: an undecided one lets no Allow and every Deny apply
        (policy(statement(Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})), ALLOWED),
        (policy(statement(Condition={"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}})), IMPLICIT),
        (policy(statement(), statement("Deny", Condition={"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}})), ALLOWED),
        (policy(statement(Condition={"StringEquals": {"aws:unknown": "x"}})), IMPLICIT),
        (policy(statement(), statement("Deny", Condition={"StringEquals": {"aws:unknown": "x"}})), EXPLICIT),
        # not policies
        (None, MALFORMED),
        ("{}", MALFORMED),
        ([], MALFORMED),
        ({}, MALFORMED),
        ({"Version": "2012-10-17"}, MALFORMED),
        ({"Version": "2012-10-17", "Statement": None}, MALFORMED),
        ({"Version": "2012-10-17", "Statement": "Allow"}, MALFORMED),
        ({"Version": "2020-01-01", "Statement": [statement()]}, MALFORMED),
        ({"Version": [], "Statement": [statement()]}, MALFORMED),
        (policy("Allow"), MALFORMED),
        (policy(statement("allow")), MALFORMED),
        (policy(statement([])), MALFORMED),  # type: ignore[arg-type]
        (policy({"Effect": "Allow", "Resource": "*"}), MALFORMED),
        (policy({"Effect": "Allow", "Action": "*"}), MALFORMED),
        (policy(statement(NotAction="s3:*")), MALFORMED),
        (policy(statement(action=[])), MALFORMED),
        (policy(statement(action="")), MALFORMED),
        (policy(statement(action=None)), MALFORMED),
        (policy(statement(resource=[None])), MALFORMED),
        (policy(statement(resource={"Ref": "x"})), MALFORMED),
        (policy(statement(Condition="x")), MALFORMED),
        (policy(statement("Deny"), statement(action=7)), MALFORMED),
    ],
)
def test_documents(document: object, decision: Decision) -> None:
    assert evaluate(document, ACCESS) is decision


ACTIONS = st.sampled_from(["execute-api:Invoke", "execute-api:*", "*", "s3:*", "EXECUTE-API:inv*"])
RESOURCES = st.sampled_from([ARN, "*", f"{ARN[:-8]}*", f"{ARN[:-8]}*/*", "arn:aws:s3:::*"])
STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"])},
) | st.builds(
    lambda effect, action, resource, inverse: {
        "Effect": effect,
        ("NotAction" if inverse & 1 else "Action"): action,
        ("NotResource" if inverse & 2 else "Resource"): resource,
    },
    st.sampled_from(["Allow", "Deny"]),
    ACTIONS | st.lists(ACTIONS, min_size=1, max_size=3),
    RESOURCES | st.lists(RESOURCES, min_size=1, max_size=3),
    st.integers(0, 3),
)


def naive(statements: list[dict[str, Any]]) -> Decision:
    def covered(each: dict[str, Any], element: str, value: str) -> bool:
        listed: Any = each.get(element, each.get(f"Not{element}"))
        hit = any(matches(p.lower(), value.lower()) for p in ([listed] if isinstance(listed, str) else listed))
        return hit if element in each else not hit

    if any(len(each) < 3 for each in statements):
        return MALFORMED
    effects = [
        each["Effect"]
        for each in statements
        if covered(each, "Action", "execute-api:Invoke") and covered(each, "Resource", ARN)
    ]
    return EXPLICIT if "Deny" in effects else ALLOWED if effects else IMPLICIT


@given(st.lists(STATEMENTS, max_size=4))
def test_agrees_with_a_naive_model(statements: list[dict[str, Any]]) -> None:
    assert evaluate(policy(*statements), ACCESS) is naive(statements)


DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=4)
    | st.sampled_from(["Allow", "Deny", "*", "2012-10-17"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Version", "Statement", "Effect", "Action", "Resource", "Condition", "StringEquals"]),
            inner,
        )
    ),
)


@given(DOCUMENTS)
def test_any_document_is_judged(document: object) -> None:
    assert isinstance(evaluate(document, ACCESS), Decision)
