"""Verification judged against botocore's own signers; every refusal with AWS's text."""

from __future__ import annotations

import hmac
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.access.keyring import Keyring
from gateway.access.policy import Access
from gateway.access.signature import Credential, Refusal
from gateway.access.sigv4 import Signed, authenticate, signing_key
from gateway.model.http import HttpRequest
from signing import ARN, HOST, KEY, PRINCIPALS, REALM, SECRET, principal, signed, signing_time_ms

PATHS = st.text("abcXYZ019-_.~/@%=+:,;!$&'()*", max_size=20).map(lambda text: f"/{text}")
QUERIES = st.text("abXY09-_.~%=&+:,/@", max_size=30)
VALUES = st.text("ab 9:,;=\"'é\t", max_size=12)
NAMES = st.sampled_from(["X-Custom", "x-amz-meta-a", "Content-Type", "Accept", "Sec-WebSocket-Key", "Cookie"])
METHODS = st.sampled_from(["GET", "POST", "DELETE", "PUT"])
TOKENS = st.sampled_from([None, "token/with+signs=="])
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=4)


def verdict(request: HttpRequest, after_s: int = 0) -> Signed | Refusal:
    return authenticate(request, REALM, PRINCIPALS, signing_time_ms(request) + after_s * 1000)


def refused(outcome: Signed | Refusal) -> tuple[str, str]:
    assert isinstance(outcome, Refusal)
    return outcome.error_type, outcome.message


def changed(request: HttpRequest, name: str, value: str) -> HttpRequest:
    kept = tuple(pair for pair in request.headers if pair[0].lower() != name.lower())
    return replace(request, headers=(*kept, (name, value)))


@settings(max_examples=200)
@given(PATHS, QUERIES, HEADERS, METHODS, st.binary(max_size=80), TOKENS)
def test_whatever_botocore_signs_is_verified(
    path: str, query: str, headers: list[tuple[str, str]], method: str, body: bytes, token: str | None
) -> None:
    request = signed(path, query, headers, method=method, body=body, token=token)
    holder = principal(session_token=token)
    outcome = authenticate(request, REALM, Keyring({KEY: holder}), signing_time_ms(request))
    assert outcome == Signed(KEY, holder)


@settings(max_examples=100)
@given(PATHS, QUERIES, HEADERS, METHODS, st.integers(0, 604_800), TOKENS)
def test_whatever_botocore_presigns_is_verified(
    path: str, query: str, headers: list[tuple[str, str]], method: str, expires_s: int, token: str | None
) -> None:
    request = signed(path, query, headers, method=method, presigned=True, expires_s=expires_s, token=token)
    principals = Keyring({KEY: principal(session_token=token)})
    assert isinstance(authenticate(request, REALM, principals, signing_time_ms(request)), Signed)


@settings(max_examples=100)
@given(st.data(), st.booleans())
def test_no_change_goes_unnoticed(data: st.DataObject, presigned: bool) -> None:
    request = signed("/dev", "name=ada&room=1", [("X-Custom", "value")], presigned=presigned)
    now_ms = signing_time_ms(request)
    part = data.draw(st.sampled_from(["raw_path", "query", "body", "method", "headers"]))
    if part == "headers":
        names = [name for name, _ in request.headers if name != "Content-Type"]
        other = changed(request, data.draw(st.sampled_from(names)), data.draw(st.text("ab=/", min_size=1, max_size=5)))
    elif part == "body":
        other = replace(request, body=b"more")
    else:
        text = getattr(request, part)
        at = data.draw(st.integers(0, len(text) - 1))
        letter = data.draw(st.sampled_from("abQZ09"))
        assume(text[at] != letter)
        other = replace(request, **{part: text[:at] + letter + text[at + 1 :]})
        assume(other.method.upper() != request.method or part != "method")
    assert isinstance(authenticate(other, REALM, PRINCIPALS, now_ms), Refusal)


@given(
    st.text(max_size=200),
    st.text(max_size=200),
    st.lists(st.tuples(st.sampled_from(["Authorization", "Date", "X-Amz-Date", "Host"]), st.text(max_size=100))),
)
def test_nothing_raises(path: str, query: str, headers: list[tuple[str, str]]) -> None:
    request = HttpRequest("GET", path, query, tuple(headers), b"", "192.0.2.1", "")
    assert isinstance(authenticate(request, REALM, PRINCIPALS, 0), Refusal)


@pytest.mark.parity("P-387")
@pytest.mark.parametrize("presigned", [False, True])
def test_a_payload_that_is_not_signed(presigned: bool) -> None:
    headers = [("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD")]
    request = signed("/dev", "", headers, method="POST", presigned=presigned)
    assert isinstance(verdict(request), Signed)
    assert isinstance(verdict(replace(request, body=b"another")), Signed)
    assert isinstance(verdict(replace(request, raw_path="/prod")), Refusal), "everything else is signed"
    signed_body = signed("/dev", "", method="POST", presigned=presigned)
    claimed = replace(changed(signed_body, "X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD"), body=b"another")
    assert isinstance(verdict(claimed), Refusal), "only its signer can say so"


def test_a_presigned_query_can_say_that_the_payload_is_not_signed() -> None:
    """As the JavaScript SDK moves the header into the query."""
    query = "x-amz-content-sha256=UNSIGNED-PAYLOAD"
    request = signed("/dev", query, [("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD")], method="POST", presigned=True)
    names = tuple(pair for pair in request.headers if pair[0].lower() != "x-amz-content-sha256")
    again = signed("/dev", query, method="POST", presigned=True)
    assert isinstance(verdict(again), Refusal), "botocore signed the hash of the body here"
    assert isinstance(verdict(replace(request, body=b"whatever")), Signed)
    assert isinstance(verdict(replace(request, headers=names)), Refusal), "a signed header is missing"


def test_a_hash_of_another_body_is_a_mismatch() -> None:
    request = signed("/dev", "", [("X-Amz-Content-SHA256", sha256(b"one").hexdigest())], method="POST", body=b"one")
    assert isinstance(verdict(request), Signed)
    assert refused(verdict(replace(request, body=b"two")))[0] == "InvalidSignatureException"


@pytest.mark.parity("P-388")
@pytest.mark.parametrize("presigned", [False, True])
@pytest.mark.parametrize(
    "payload",
    [
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-" + "X" * 500,
    ],
)
def test_a_body_in_signed_chunks_is_refused_by_name(payload: str, presigned: bool) -> None:
    request = signed("/dev", "", [("X-Amz-Content-SHA256", payload)], method="POST", presigned=presigned)
    error_type, message = refused(authenticate(request, REALM, PRINCIPALS, 0))
    assert error_type == "IncompleteSignatureException"
    assert message == (
        f"x-amz-content-sha256 '{payload[:64]}' is not supported by service 'execute-api': a body that is signed "
        "in chunks, or has a trailer, is not taken. Sign the whole body, or send 'UNSIGNED-PAYLOAD'."
    )


def test_a_query_that_is_encoded_otherwise_on_the_wire() -> None:
    request = signed("/dev", "a=%2f&b=x")
    assert isinstance(verdict(request), Signed), "as botocore left it"
    again = signed("/dev", "a=%2F&b=x")
    assert isinstance(verdict(replace(again, query="b=%78&a=%2f")), Signed), "the same pairs, spelled otherwise"


@pytest.mark.parametrize(
    "spelled",
    [
        "{algorithm} {credential}, {names}, {signature}",
        "{algorithm} {credential},{names},{signature}",
        "{algorithm} {signature}, {names}, {credential}",
        "{algorithm}   {credential} ,  {names},  {signature} ",
        "{algorithm} Signature=0, {credential}, {names}, {signature}",
        "{algorithm} {credential}, {names}, {signature}, Unknown=x",
    ],
)
def test_how_the_header_is_spelled_changes_nothing(spelled: str) -> None:
    request = signed("/dev/@connections/a%3D")
    algorithm, _, rest = (request.header("authorization") or "").partition(" ")
    credential, names, signature = rest.split(", ")
    written = spelled.format(algorithm=algorithm, credential=credential, names=names, signature=signature)
    assert isinstance(verdict(changed(request, "Authorization", written)), Signed)


@pytest.mark.parametrize("signature", ["", "0", "0, Signature=", "\u00b2", "0" * 64])
def test_a_signature_that_is_none(signature: str) -> None:
    request = signed()
    before = (request.header("authorization") or "").rpartition("=")[0]
    other = changed(request, "Authorization", f"{before}={signature}")
    assert isinstance(authenticate(other, REALM, PRINCIPALS, signing_time_ms(request)), Refusal)


def test_a_secret_that_was_replaced_signs_nothing() -> None:
    old, new = signed(), signed(secret="another")
    rotated = Keyring({KEY: principal(secret="another")})
    for _ in range(2):  # whatever was kept of the first time
        assert isinstance(verdict(old), Signed) and isinstance(verdict(new), Refusal)
        assert isinstance(authenticate(new, REALM, rotated, signing_time_ms(new)), Signed)
        assert isinstance(authenticate(old, REALM, rotated, signing_time_ms(old)), Refusal)


def test_a_date_header_stands_in_for_x_amz_date() -> None:
    request = signed(headers=[("Date", "any")])
    assert request.header("x-amz-date") is None
    assert isinstance(verdict(request), Signed)


def test_a_session_token_must_be_the_principals() -> None:
    temporary = Keyring({KEY: principal(session_token="s3ss10n")})
    for token, good in (("s3ss10n", True), ("other", False), (None, False)):
        request = signed(token=token)
        outcome = authenticate(request, REALM, temporary, signing_time_ms(request))
        assert isinstance(outcome, Signed) is good
    assert refused(verdict(signed(token="unasked")))[0] == "UnrecognizedClientException"


@pytest.mark.parity("P-389")
@pytest.mark.parametrize(
    ("after_s", "presigned", "expires_s", "good"),
    [
        (300, False, 0, True),
        (301, False, 0, False),
        (-300, False, 0, True),
        (-301, False, 0, False),
        (60, True, 60, True),
        (61, True, 60, False),
        (604_800, True, 604_800, True),
        (-900, True, 60, True),
        (-901, True, 60, False),
    ],
)
def test_time(after_s: int, presigned: bool, expires_s: int, good: bool) -> None:
    outcome = verdict(signed(presigned=presigned, expires_s=expires_s), after_s)
    assert isinstance(outcome, Signed) is good
    if not good:
        error_type, message = refused(outcome)
        assert error_type == "InvalidSignatureException"
        assert message.startswith("Signature expired: " if after_s > 0 else "Signature not yet current: ")


def test_the_text_of_an_expired_signature() -> None:
    request = changed(signed(), "X-Amz-Date", "20260925T000000Z")
    outcome = authenticate(request, REALM, PRINCIPALS, 1_790_295_000_000)
    assert refused(outcome)[1] == (
        "Signature expired: 20260925T000000Z is now earlier than 20260925T000500Z (20260925T001000Z - 5 min.)"
    )


@pytest.mark.parametrize(
    ("request_", "error_type", "message"),
    [
        (
            HttpRequest("GET", "/dev", "", (("Host", HOST),), b"", "", HOST),
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        ),
        (
            HttpRequest("GET", "/dev", "", (("Authorization", "Bearer x"),), b"", "", HOST),
            "IncompleteSignatureException",
            "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' "
            "parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires "
            "existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) "
            "Authorization=uTem/WB082UJMN2ajD6lH6UChGpTAddMJSx2iu923No=",
        ),
        (
            HttpRequest("GET", "/dev", "X-Amz-Signature=0", (), b"", "", HOST),
            "IncompleteSignatureException",
            "AWS query-string parameters must include 'X-Amz-Algorithm'. AWS query-string parameters must include "
            "'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Date'. AWS query-string parameters "
            "must include 'X-Amz-SignedHeaders'. Re-examine the query-string parameters.",
        ),
        (
            changed(signed(), "Authorization", "AWS4-ECDSA-P256-SHA256 Credential=a"),
            "IncompleteSignatureException",
            "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'.",
        ),
        (
            changed(signed(), "X-Amz-Date", "yesterday"),
            "IncompleteSignatureException",
            "Date must be in ISO-8601 'basic format'. Got 'yesterday'. See http://en.wikipedia.org/wiki/ISO_8601",
        ),
        (
            changed(signed(), "Authorization", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0"),
            "IncompleteSignatureException",
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'",
        ),
    ],
)
def test_what_cannot_be_read(request_: HttpRequest, error_type: str, message: str) -> None:
    assert refused(authenticate(request_, REALM, PRINCIPALS, 0)) == (error_type, message)


@pytest.mark.parametrize("expires", ["604801", "-1", "", "1.5", "1" * 30, "\u00b2"])
def test_a_lifetime_that_is_none(expires: str) -> None:
    request = signed(presigned=True)
    outcome = authenticate(
        replace(request, query=request.query.replace("X-Amz-Expires=300", f"X-Amz-Expires={expires}")),
        REALM,
        PRINCIPALS,
        signing_time_ms(request),
    )
    assert refused(outcome)[0] == "IncompleteSignatureException"


@pytest.mark.parity("P-389")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"region": "eu-west-1"}, "Credential should be scoped to a valid region, not 'eu-west-1'. "),
        ({"service": "lambda"}, "Credential should be scoped to correct service: 'execute-api'. "),
    ],
)
def test_a_signature_for_elsewhere(options: dict[str, str], message: str) -> None:
    assert refused(verdict(signed(**options))) == ("InvalidSignatureException", message)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "aws4_request",
            "aws4_x",
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws4_x'.",
        ),
        (
            "SignedHeaders=host;x-amz-date",
            "SignedHeaders=x-amz-date",
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ),
        ("/us-east-1", "x/us-east-1", "Date in Credential scope does not match YYYYMMDD"),
    ],
)
def test_a_scope_that_is_none(old: str, new: str, message: str) -> None:
    request = signed()
    authorization = request.header("authorization")
    assert authorization is not None and old in authorization
    outcome = verdict(changed(request, "Authorization", authorization.replace(old, new)))
    assert refused(outcome)[1].startswith(message)


def test_a_key_nobody_holds() -> None:
    request = signed()
    assert refused(authenticate(request, REALM, Keyring(), signing_time_ms(request))) == (
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )


def test_a_mismatch_shows_what_should_have_been_signed() -> None:
    request = signed("/dev/@connections/a=", secret="wrong")
    error_type, message = refused(verdict(request))
    stamp = request.header("x-amz-date")
    canonical = (
        f"GET\n/dev/%40connections/a%3D\n\nhost:{HOST}\nx-amz-date:{stamp}\n\nhost;x-amz-date\n{sha256().hexdigest()}"
    )
    scope = f"{stamp}\n{(stamp or '')[:8]}/us-east-1/execute-api/aws4_request"
    assert error_type == "InvalidSignatureException"
    assert message == (
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.\n\n"
        f"The Canonical String for this request should have been\n'{canonical}'\n\n"
        "The String-to-Sign should have been\n"
        f"'AWS4-HMAC-SHA256\n{scope}\n{sha256(canonical.encode()).hexdigest()}'\n"
    )


def test_without_principals_whoever_signs_is_believed() -> None:
    outcome = authenticate(signed(secret="whatever", region="mars-1"), REALM, None, 0)
    assert isinstance(outcome, Signed)
    assert outcome.identity() == {
        "accessKey": KEY,
        "accountId": "123456789012",
        "caller": KEY,
        "user": KEY,
        "userArn": f"arn:aws:iam::123456789012:user/{KEY}",
    }
    assert outcome.refusal(Access("anything")) is None
    unsigned = HttpRequest("GET", "/dev", "", (), b"", "", HOST)
    assert refused(authenticate(unsigned, REALM, None, 0))[0] == "MissingAuthenticationTokenException"


RESOURCE = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/$connect"


def policy(effect: str, resource: str = "*") -> dict[str, object]:
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize(
    ("policies", "why"),
    [
        (None, None),
        ((policy("Allow"),), None),
        ((policy("Allow", "arn:aws:execute-api:*:*:*/dev/$connect"), policy("Allow", "nothing")), None),
        ((), "because no identity-based policy allows the execute-api:Invoke action"),
        ((policy("Allow", "x"),), "because no identity-based policy allows the execute-api:Invoke action"),
        (({"no": "policy"},), "because no identity-based policy allows the execute-api:Invoke action"),
        ((policy("Allow"), policy("Deny")), "with an explicit deny in an identity-based policy"),
    ],
)
def test_policies(policies: tuple[dict[str, object], ...] | None, why: str | None) -> None:
    outcome = Signed(KEY, principal(policies=policies, principal_id="AIDAEXAMPLE")).refusal(Access(RESOURCE))
    if why is None:
        assert outcome is None
        return
    masked = RESOURCE.replace("123456789012", "********9012")
    assert outcome == Refusal(
        "AccessDeniedException",
        f"User: {ARN} is not authorized to perform: execute-api:Invoke on resource: {masked} {why}",
        member="Message",
    )


def test_secrets_do_not_show() -> None:
    shown = repr(principal(session_token="t0ken"))
    assert SECRET not in shown and "t0ken" not in shown


def test_aws_own_example_of_a_derived_key() -> None:
    """The signing key of AWS's documentation for 20150830/us-east-1/iam."""
    key = signing_key(SECRET, Credential("x", "20150830", "us-east-1", "iam", "aws4_request"))
    assert hmac.compare_digest(key.hex(), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9")
