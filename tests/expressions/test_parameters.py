"""Parameter mappings by table: what each source finds, and what is refused when it is read."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.expressions.parameters import (
    Origin,
    Place,
    parse_request_parameter,
    parse_response_parameter,
)
from gateway.model.errors import ExpressionError


class Plain:
    """Values by hand."""

    def __init__(self, body: str = '{"p": {"q": [1, 2]}, "t": true, "n": null, "s": "x"}') -> None:
        self._body = body

    def header(self, name: str) -> list[str]:
        return {"x-id": ["1", "2"]}.get(name.lower(), [])

    def querystring(self, name: str) -> list[str]:
        return {"q": ["a", "b"]}.get(name, [])

    def body(self) -> str:
        return self._body

    def context_variable(self, name: str) -> str | None:
        return {"connectionId": "id==", "identity.sourceIp": "192.0.2.1"}.get(name)

    def stage_variables(self) -> Mapping[str, str]:
        return {"table": "t"}


@pytest.mark.parity("P-240", "P-242", "P-243", "P-244", "P-245")
@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("'static value'", ["static value"]),
        ("''", [""]),
        ("'it''s'", ["it''s"]),
        ("context.connectionId", ["id=="]),
        ("context.identity.sourceIp", ["192.0.2.1"]),
        ("context.authorizer.principalId", []),
        ("stageVariables.table", ["t"]),
        ("stageVariables.nope", []),
        ("route.request.body.s", ["x"]),
        ("route.request.body.$.s", ["x"]),
        ("route.request.body['s']", ["x"]),
        ("route.request.body.p.q[1]", ["2"]),
        ("route.request.body.p.q", ["[1, 2]"]),
        ("route.request.body.p", ['{"q":[1,2]}']),
        ("route.request.body.t", ["true"]),
        ("route.request.body.n", ["null"]),
        ("route.request.body.nope", []),
        ("route.request.body", [Plain().body()]),
        ("route.request.header.X-Id", ["2"]),
        ("route.request.header.nope", []),
        ("route.request.multivalueheader.X-Id", ["1", "2"]),
        ("route.request.querystring.q", ["b"]),
        ("route.request.multivaluequerystring.q", ["a", "b"]),
    ],
)
def test_sources_of_a_request(source: str, found: list[str]) -> None:
    assert parse_request_parameter("integration.request.header.h", source).source.find(Plain()) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("integration.response.header.X-Id", ["2"]),
        ("integration.response.multivalueheader.X-Id", ["1", "2"]),
        ("integration.response.body.s", ["x"]),
        ("integration.response.body", [Plain().body()]),
        ("'none'", ["none"]),
        ("stageVariables.table", ["t"]),
    ],
)
def test_sources_of_a_response(source: str, found: list[str]) -> None:
    parameter = parse_response_parameter("method.response.header.Sec-WebSocket-Protocol", source)
    assert parameter.header == "Sec-WebSocket-Protocol"
    assert parameter.source.find(Plain()) == found


@pytest.mark.parametrize("body", ["", "text", "{", "[" * 100_000])
def test_a_body_without_json_has_no_parts(body: str) -> None:
    assert parse_request_parameter("integration.request.path.x", "route.request.body.a").source.find(Plain(body)) == []
    assert parse_request_parameter("integration.request.path.x", "route.request.body").source.find(Plain(body)) == [
        body
    ]


@pytest.mark.parity("P-239", "P-246")
@pytest.mark.parametrize(
    ("target", "place", "name"),
    [
        ("integration.request.header.Content-Type", Place.HEADER, "Content-Type"),
        ("integration.request.querystring.q", Place.QUERYSTRING, "q"),
        ("integration.request.path.room.id", Place.PATH, "room.id"),
    ],
)
def test_targets(target: str, place: Place, name: str) -> None:
    parameter = parse_request_parameter(target, "'x'")
    assert (parameter.place, parameter.name, parameter.source.origin) == (place, name, Origin.LITERAL)


@pytest.mark.parity("P-239", "P-246")
@pytest.mark.parametrize(
    "target", ["header.x", "integration.request.header.", "integration.request.header", "integration.request.body.x"]
)
def test_other_targets_of_a_request_are_refused(target: str) -> None:
    with pytest.raises(ExpressionError, match=r"integration\.request\.header"):
        parse_request_parameter(target, "'x'")


def test_other_targets_of_a_response_are_refused() -> None:
    assert parse_response_parameter("route.response.header.X", "'x'").header == "X"
    with pytest.raises(ExpressionError, match=r"method\.response\.header"):
        parse_response_parameter("method.response.body", "'x'")


@pytest.mark.parity("P-246")
@pytest.mark.parametrize(
    "source",
    [
        "",
        "'",
        "literal",
        "method.request.header.x",
        "route.request.header.",
        "route.request.header.a b",
        "route.request.path.x",
        "route.request.bodyx",
        "integration.response.header.x",
        "stageVariables",
        "context",
        "$context.connectionId",
    ],
)
def test_other_sources_are_refused(source: str) -> None:
    with pytest.raises(ExpressionError, match="must be 'text' in quotes"):
        parse_request_parameter("integration.request.header.h", source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("context.conectionId", "there is no context variable conectionId"),
        ("route.request.body.", "JSONPath"),
        ("route.request.body[", "JSONPath"),
    ],
)
def test_names_and_paths_that_lead_nowhere_are_refused(source: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        parse_request_parameter("integration.request.header.h", source)


@given(st.text(max_size=20), st.sampled_from(["", "route.request.body", "context.", "'", "route.request.header."]))
def test_any_text_is_a_source_or_refused(text: str, start: str) -> None:
    try:
        source = parse_request_parameter("integration.request.header.h", start + text).source
    except ExpressionError as refusal:
        assert 0 <= refusal.position <= len(start + text)
    else:
        assert isinstance(source.find(Plain()), list)
