"""AWS's published test suite for Signature Version 4 (aws-c-auth, ``aws-signing-test-suite/v4``), as facts.

Each vector is one request, signed by AWS's own code at one second with one key, in the header and as a presigned query.
Left out are those that AWS signs without normalising the path, as S3 alone has it, and ``post-sts-header-after``, whose
token joins the query after it was signed, as IoT alone has it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import quote

import pytest

from gateway.access.keyring import Keyring
from gateway.access.principal import Principal
from gateway.access.signature import Refusal
from gateway.access.sigv4 import Realm, Signed, authenticate
from gateway.model.http import HttpRequest
from signing import ARN, moment

KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REALM = Realm("us-east-1", "123456789012", "service")
STAMP, NOW_MS = "20150830T123600Z", moment("2015-08-30T12:36:00")
SCOPE = "20150830/us-east-1/service/aws4_request"
HOST = "example.amazonaws.com"
EXPIRES_S = 3600
TOKEN = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
LONG_TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthA"
    "x7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY"
    "9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)


@dataclass(frozen=True)
class Vector:
    """``headers`` beside ``Host``, as AWS has them; ``signature`` in the header, ``presigned`` in the query."""

    name: str
    method: str
    target: str
    signature: str
    presigned: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    token: str | None = None

    def request(self, query: str, *own: tuple[str, str]) -> HttpRequest:
        """What a server reads: bytes as Latin-1."""
        path = as_read(self.target).partition("?")[0]
        headers = (("Host", HOST), *((name, as_read(value)) for name, value in (*self.headers, *own)))
        return HttpRequest(self.method, path, query, headers, self.body, "192.0.2.1", HOST)

    @property
    def query(self) -> str:
        return as_read(self.target).partition("?")[2]


def as_read(text: str) -> str:
    return text.encode("utf-8").decode("latin-1")


VECTORS = (
    Vector(
        "get-header-key-duplicate",
        "GET",
        "/",
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        "3349ee0b81b4b589da0ff28a395c3591e04de515651dd74f298fa992d1507a97",
        headers=(
            ("My-Header1", "value2"),
            ("My-Header1", "value2"),
            ("My-Header1", "value1"),
        ),
    ),
    Vector(
        "get-header-value-multiline",
        "GET",
        "/",
        "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd",
        "e6f5def831211aca02987a44b96826706278c7bc078112ae0263659c5b2f2d56",
        headers=(("My-Header1", "value1  value2     value3"),),
    ),
    Vector(
        "get-header-value-order",
        "GET",
        "/",
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
        "313720e71ca6202fdcfa9b20f88de01a4eb0638a83c833b1c184359a4eda864e",
        headers=(
            ("My-Header1", "value4"),
            ("My-Header1", "value1"),
            ("My-Header1", "value3"),
            ("My-Header1", "value2"),
        ),
    ),
    Vector(
        "get-header-value-trim",
        "GET",
        "/",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        "e7bb0fd515e125e1aec2ecc4c0c17484fb06f6846b927c35e46005dd3df3acd4",
        headers=(
            ("My-Header1", " value1"),
            ("My-Header2", ' "a   b   c"'),
        ),
    ),
    Vector(
        "get-relative-normalized",
        "GET",
        "/example/..",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d",
    ),
    Vector(
        "get-relative-relative-normalized",
        "GET",
        "/example1/example2/../..",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d",
    ),
    Vector(
        "get-slash-dot-slash-normalized",
        "GET",
        "/./",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d",
    ),
    Vector(
        "get-slash-normalized",
        "GET",
        "//",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d",
    ),
    Vector(
        "get-slash-pointless-dot-normalized",
        "GET",
        "/./example",
        "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
        "35034b1a0bdd969f346975386daf8aedfd4976573b8348cf4f67eaa41c5857de",
    ),
    Vector(
        "get-slashes-normalized",
        "GET",
        "//example//",
        "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
        "c1834e8fb0307243711f0f907f6ab7311ed300d87f13792d7ee4da89ab93e082",
    ),
    Vector(
        "get-space-normalized",
        "GET",
        "/example space/",
        "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
        "7a1f416954786484c9824d93c1f26ef64acb9b1b6c9154d08c9f07d0e394abf6",
    ),
    Vector(
        "get-unreserved",
        "GET",
        "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
        "95968482db1b9e0fadef6efc1bd24689f77c77d9ef56919c96a28cc92e0d6005",
    ),
    Vector(
        "get-utf8",
        "GET",
        "/ሴ",
        "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
        "10eae3f14a260bd3911cc6d008d3c576d143b05b62f09782a7a4b37f52178e44",
    ),
    Vector(
        "get-vanilla",
        "GET",
        "/",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d",
    ),
    Vector(
        "get-vanilla-empty-query-key",
        "GET",
        "/?Param1=value1",
        "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
        "49096700cbbaa5753443850f40df10f904fc2fdb544dc9512203cc77c471a9de",
    ),
    Vector(
        "get-vanilla-query",
        "GET",
        "/",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d",
    ),
    Vector(
        "get-vanilla-query-order-encoded",
        "GET",
        "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
        "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        "c5f1848ceec943ac2ca68ee720460c23aaae30a2300586597ada94c4a65e4787",
    ),
    Vector(
        "get-vanilla-query-order-key-case",
        "GET",
        "/?Param2=value2&Param1=value1",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        "86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5",
    ),
    Vector(
        "get-vanilla-query-unreserved",
        "GET",
        "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        "8e76a88a7433637b12778d5592799b29ad21ecd6cf6325051c21d86f0acda2bf",
    ),
    Vector(
        "get-vanilla-utf8-query",
        "GET",
        "/?ሴ=bar",
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        "0bdd809b1519ac4f0c1dc3540e2cc46bd0c7f778eda408b2ebf3b913d21ff600",
    ),
    Vector(
        "get-vanilla-with-session-token",
        "GET",
        "/",
        "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
        "7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c",
        token=TOKEN,
    ),
    Vector(
        "post-header-key-case",
        "POST",
        "/",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        "2ce6e6d2e0cf2f9d1b55fafec88cd20574c31dc2e7631979f71ba2310083e95b",
    ),
    Vector(
        "post-header-key-sort",
        "POST",
        "/",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        "c09d07e0d55871f10f2a6d350d994acf6825a3cae70673d7def55616e6119dd7",
        headers=(("My-Header1", "value1"),),
    ),
    Vector(
        "post-header-value-case",
        "POST",
        "/",
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
        "0698bc9e4f7f9139065ba2909c0e99da257e8e2a42492a097bcd46d792391fed",
        headers=(("My-Header1", "VALUE1"),),
    ),
    Vector(
        "post-sts-header-before",
        "POST",
        "/",
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
        "46c2e3c63c1dbe7d39f8ada16fe7f001c1f56c5791441565323677f96308871c",
        token=LONG_TOKEN,
    ),
    Vector(
        "post-vanilla",
        "POST",
        "/",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        "2ce6e6d2e0cf2f9d1b55fafec88cd20574c31dc2e7631979f71ba2310083e95b",
    ),
    Vector(
        "post-vanilla-empty-query-value",
        "POST",
        "/?Param1=value1",
        "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
        "a9ef26247f293bffe40eeff86a0480ba8c14d31503b2e0c3399e3a16bf1a3682",
    ),
    Vector(
        "post-vanilla-query",
        "POST",
        "/?Param1=value1",
        "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
        "a9ef26247f293bffe40eeff86a0480ba8c14d31503b2e0c3399e3a16bf1a3682",
    ),
    Vector(
        "post-x-www-form-urlencoded",
        "POST",
        "/",
        "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
        "89a40deed0f26f9461242825a082d2222717248abc7ab41f552ad84a94ad46e9",
        headers=(
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", "13"),
        ),
        body=b"Param1=value1",
    ),
    Vector(
        "post-x-www-form-urlencoded-parameters",
        "POST",
        "/",
        "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
        "0dbeb9b026c7b6675f266b8427efec9b4fa8b1f6ef1477d717aea231106eab4d",
        headers=(
            ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("Content-Length", "13"),
        ),
        body=b"Param1=value1",
    ),
)


def verdict(vector: Vector, request: HttpRequest) -> Signed | Refusal:
    holder = Principal("123456789012", ARN, SECRET, session_token=vector.token)
    return authenticate(request, REALM, Keyring({KEY: holder}), NOW_MS)


def names_of(headers: tuple[tuple[str, str], ...]) -> str:
    return ";".join(sorted({"host", *(name.lower() for name, _ in headers)}))


@pytest.mark.parity("P-386")
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_signed_in_the_header(vector: Vector) -> None:
    own = [("X-Amz-Date", STAMP)]
    if vector.token is not None:
        own.append(("X-Amz-Security-Token", vector.token))
    if vector.body:  # its hash is told and signed too
        own.append(("x-amz-content-sha256", sha256(vector.body).hexdigest()))
    names = names_of((*vector.headers, *own))
    told = f"Credential={KEY}/{SCOPE}, SignedHeaders={names}, Signature={vector.signature}"
    request = vector.request(vector.query, *own, ("Authorization", f"AWS4-HMAC-SHA256 {told}"))
    assert isinstance(verdict(vector, request), Signed)
    assert isinstance(verdict(vector, replace(request, body=vector.body + b" ")), Refusal)


@pytest.mark.parity("P-386")
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_presigned(vector: Vector) -> None:
    parameters = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{KEY}/{SCOPE}",
        "X-Amz-Date": STAMP,
        "X-Amz-SignedHeaders": names_of(vector.headers),
        "X-Amz-Expires": str(EXPIRES_S),
        **({} if vector.token is None else {"X-Amz-Security-Token": vector.token}),
        "X-Amz-Signature": vector.presigned,
    }
    signed = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    request = vector.request(f"{vector.query}&{signed}" if vector.query else signed)
    assert isinstance(verdict(vector, request), Signed)
    assert isinstance(verdict(vector, replace(request, method="PUT")), Refusal)
