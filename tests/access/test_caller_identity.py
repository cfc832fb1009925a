"""What is passed on to STS, and what is made of its answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.caller_identity import NOT_AVAILABLE, Identity, Presigned, read_identity, read_presigned
from gateway.access.signature import Refusal
from sts_double import ORIGIN, ROLE, USER, presigned, signed_ms

AUDIENCES = {"a1b2c3d4e5/prod", "a1b2c3d4e5/dev"}
AUDIENCE = "a1b2c3d4e5/prod"


def verdict(document: dict[str, Any], late_s: int = 0) -> Presigned | Refusal:
    now_ms = signed_ms(document) + late_s * 1000
    return read_presigned(json.dumps(document).encode(), (ORIGIN,), AUDIENCES, now_ms)


def refused(outcome: Presigned | Refusal) -> tuple[str, str]:
    assert isinstance(outcome, Refusal)
    return outcome.error_type, outcome.message


@pytest.mark.parametrize("holder", [ROLE, USER])
@pytest.mark.parametrize("nonce", [{}, {"x-wsfleet-nonce": "0f8a"}])
def test_what_was_signed_for_this_fleet_is_passed_on(holder: Any, nonce: dict[str, str]) -> None:
    document = presigned(holder, "", headers={"X-Wsfleet-Audience": AUDIENCE, **nonce})
    outcome = verdict(document)
    assert isinstance(outcome, Presigned)
    assert outcome.url == document["url"]
    assert dict(outcome.headers) == {"x-wsfleet-audience": AUDIENCE, **nonce}
    assert outcome.signature == document["url"].rpartition("=")[2]
    assert outcome.over_at_ms == signed_ms(document) + 60_000


@pytest.mark.parametrize(("late_s", "good"), [(60, True), (61, False), (-300, True), (-301, False)])
def test_time_is_bounded(late_s: int, good: bool) -> None:
    outcome = verdict(presigned(ROLE, AUDIENCE), late_s)
    assert isinstance(outcome, Presigned) is good
    if not good:
        assert refused(outcome) in [
            ("AccessDeniedException", "it has expired: sign another one"),
            ("AccessDeniedException", "X-Amz-Date is in the future"),
        ]


ONLY_SIGNED = "host and x-wsfleet-audience must be signed, x-wsfleet-nonce may be, and no others be sent"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (presigned(ROLE, "another/prod"), "x-wsfleet-audience is not API/STAGE of this fleet"),
        (presigned(ROLE, AUDIENCE, headers={}), ONLY_SIGNED),
        (presigned(ROLE, AUDIENCE, headers={"x-wsfleet-audience": AUDIENCE, "x-other": "1"}), ONLY_SIGNED),
        (presigned(ROLE, AUDIENCE) | {"headers": {"x-wsfleet-audience": AUDIENCE, "x-other": "1"}}, ONLY_SIGNED),
        (presigned(ROLE, AUDIENCE) | {"headers": {}}, ONLY_SIGNED),
        (presigned(ROLE, AUDIENCE, expires_s=901), "X-Amz-Expires is more than 900 seconds"),
        (presigned(ROLE, AUDIENCE, service="s3"), "it is not signed for the service sts"),
        (
            presigned(ROLE, AUDIENCE, query="Action=GetSessionToken&Version=2011-06-15"),
            "Action is not GetCallerIdentity",
        ),
        (presigned(ROLE, AUDIENCE, query="Action=GetCallerIdentity&Version=1"), "Version is not 2011-06-15"),
        *(
            (presigned(ROLE, AUDIENCE, origin), f"the URL is not that of {ORIGIN}/?Action=GetCallerIdentity…")
            for origin in (
                "https://sts.eu-west-1.amazonaws.com",
                "http://sts.eu-central-1.amazonaws.com",
                f"{ORIGIN}.evil.example",
                f"{ORIGIN}:444",
                "https://evil.example",
                f"{ORIGIN}@evil.example",
                f"{ORIGIN}/path",
            )
        ),
    ],
)
def test_anything_else_is_not(document: dict[str, Any], message: str) -> None:
    assert refused(verdict(document)) == ("AccessDeniedException", message)


PARAMETERS = "the URL's parameters are not those of a presigned GetCallerIdentity, each once and no others"


@pytest.mark.parametrize("more", ["&RoleArn=x", "&action=x", "&X-Amz-Meta=60", "&Action=GetCallerIdentity"])
def test_parameters_that_are_not_its_own(more: str) -> None:
    document = presigned(ROLE, AUDIENCE)
    assert refused(verdict(document | {"url": document["url"] + more})) == ("ValidationException", PARAMETERS)
    if "Identity" not in more:  # which botocore would sign but once
        signed = presigned(ROLE, AUDIENCE, query=f"Action=GetCallerIdentity&Version=2011-06-15{more}")
        assert refused(verdict(signed)) == ("ValidationException", PARAMETERS)


@pytest.mark.parametrize("more", ["#x", " ", "\r\nHost: evil", "é", '"', "\\", "\0"])
def test_characters_that_no_query_has(more: str) -> None:
    document = presigned(ROLE, AUDIENCE)
    outcome = verdict({**document, "url": document["url"] + more}) if more != "\0" else None
    assert outcome is None or refused(outcome) == (
        "ValidationException",
        "the URL's query has characters that none has",
    )


GOOD = presigned(ROLE, AUDIENCE)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        json.dumps({"url": GOOD["url"]}).encode(),
        json.dumps(GOOD | {"method": "POST"}).encode(),
        json.dumps(GOOD | {"headers": {"x-wsfleet-audience": 1}}).encode(),
        json.dumps(GOOD | {"headers": {"x-wsfleet-audience": f"{AUDIENCE}\r\nx: y"}}).encode(),
        json.dumps(GOOD | {"headers": {"x-wsfleet-audience": AUDIENCE, "X-Wsfleet-Audience": AUDIENCE}}).encode(),
        json.dumps(GOOD | {"headers": {"x-wsfleet-audience": "x" * 257}}).encode(),
    ],
)
def test_another_body_is_invalid(body: bytes) -> None:
    assert refused(read_presigned(body, (ORIGIN,), AUDIENCES, signed_ms(GOOD)))[0] == "ValidationException"


@given(st.binary(max_size=200), st.text(max_size=100))
def test_nothing_raises(body: bytes, query: str) -> None:
    assert isinstance(read_presigned(body, (ORIGIN,), AUDIENCES, 0), Refusal)
    made = json.dumps({"url": f"{ORIGIN}/?{query}", "headers": {}}).encode()
    assert isinstance(read_presigned(made, (ORIGIN,), AUDIENCES, 0), Refusal)
    assert isinstance(read_identity(200, body), Refusal)


def answer(**changes: str) -> bytes:
    result = {"Arn": ROLE.arn, "UserId": "AROAX:i-0abc", "Account": ROLE.account} | changes
    return json.dumps({"GetCallerIdentityResponse": {"GetCallerIdentityResult": result}}).encode()


def test_whom_sts_names() -> None:
    assert read_identity(200, answer()) == Identity(ROLE.arn, "AROAX:i-0abc")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (201, answer()),
        (403, answer()),
        (200, answer(Account="210987654321")),
        (200, answer(Account="", Arn="x")),
        (200, b"<GetCallerIdentityResponse/>"),
        (500, b'{"Error":{"Code":"InternalFailure"}}'),
        (403, b'{"Error":{"Code":"<script>"}}'),
    ],
)
def test_what_names_nobody(status: int, body: bytes) -> None:
    assert read_identity(status, body) == NOT_AVAILABLE


def test_whom_sts_does_not_know() -> None:
    assert read_identity(403, b'{"Error":{"Code":"SignatureDoesNotMatch","Message":"secret"}}') == Refusal(
        "AccessDeniedException", "STS does not know the caller: SignatureDoesNotMatch"
    )
