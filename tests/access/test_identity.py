"""Identity sources: what is accepted, what is found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.identity import IdentitySource, Source, all_present, parse
from gateway.model.errors import ExpressionError
from gateway.model.handshake import Handshake

HEADERS = (("Auth", "first"), ("AUTH", "last"), ("Empty", ""), ("X-Api.Key_1", "k"))
SHAKE = Handshake("/prod", "token=a%20b&empty=&twice=1&twice=2&Plus=a+b", HEADERS, "key", "192.0.2.1", 443, True)
CONTEXT = {"connectionId": "id", "routeKey": "$connect", "eventType": "CONNECT", "messageDirection": "IN", "empty": ""}
CONTEXT["identity.sourceIp"] = "192.0.2.1"


def present(*sources: str) -> bool:
    return all_present(map(parse, sources), SHAKE, CONTEXT, {"v": "1", "empty": ""})


@pytest.mark.parity("P-300", "P-302", "P-303")
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("route.request.header.Auth", True),
        ("route.request.header.auth", True),
        ("route.request.header.x-api.key_1", True),
        ("route.request.header.Empty", False),
        ("route.request.header.None", False),
        ("route.request.querystring.token", True),
        ("route.request.querystring.Token", False),
        ("route.request.querystring.empty", False),
        ("route.request.querystring.none", False),
        ("route.request.querystring.twice", True),
        ("context.connectionId", True),
        ("context.routeKey", True),
        ("context.identity.sourceIp", True),
        ("context.empty", False),
        ("context.none", False),
        # accepted when the authorizer is made, 401 at every connection: parity 6.2
        ("context.eventType", False),
        ("context.messageDirection", False),
        ("stageVariables.v", True),
        ("stageVariables.empty", False),
        ("stageVariables.none", False),
    ],
)
def test_a_source_is_present(source: str, expected: bool) -> None:
    assert present(source) is expected


@pytest.mark.parity("P-300", "P-301")
def test_all_must_be_present_and_none_is_enough() -> None:
    assert present()
    assert present("route.request.header.Auth", "route.request.querystring.token", "stageVariables.v")
    assert not present("route.request.header.Auth", "route.request.querystring.none")


@pytest.mark.parity("P-300")
@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("Auth", 0),
        ("method.request.header.Auth", 0),
        ("$request.header.Auth", 0),
        ("route.request.header.", 21),
        ("route.request.header.A b", 22),
        ("route.request.header.Auth,route.request.header.B", 25),
        ("route.request.body.a", 0),
        ("context.$x", 8),
        ("stageVariables", 0),
        ("Context.a", 0),
        ("context.ü", 8),
    ],
)
def test_what_is_refused(text: str, position: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.position == position


def test_what_is_read() -> None:
    assert parse("route.request.querystring.a.b-c_D") == IdentitySource(Source.QUERYSTRING, "a.b-c_D")


@given(
    st.text() | st.sampled_from([source.value for source in Source]).flatmap(lambda head: st.text().map(head.__add__))
)
def test_any_text_is_read_or_refused_and_never_raises_later(text: str) -> None:
    try:
        source = parse(text)
    except ExpressionError as error:
        assert 0 <= error.position <= len(text)
    else:
        assert all_present([source], SHAKE, CONTEXT, {}) in (True, False)
        assert source.source.value + source.name == text


@given(st.text())
def test_any_query_is_read(query: str) -> None:
    shake = Handshake("/", query, (), "key", "192.0.2.1", 443, False)
    assert all_present([parse("route.request.querystring.t")], shake, {}, {}) in (True, False)
