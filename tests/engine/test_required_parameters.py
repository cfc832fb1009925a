"""Which parameters a handshake lacks."""

from __future__ import annotations

import pytest

from gateway.engine.required_parameters import missing_parameters, required_parameters
from gateway.model.errors import ExpressionError
from sample_definitions import handshake

HEADERS = (("Host", "h"), ("X-Token", "t"), ("X-Blank", "  "))


@pytest.mark.parametrize(
    ("parameters", "query", "missing"),
    [
        ({}, "", []),
        ({"route.request.header.x-token": True}, "", []),
        ({"route.request.multivalueheader.X-Token": True}, "", []),
        ({"route.request.header.X-Blank": True}, "", ["X-Blank"]),
        ({"route.request.header.Absent": True, "route.request.querystring.name": True}, "", ["Absent", "name"]),
        ({"route.request.header.Absent": False}, "", []),
        ({"route.request.querystring.name": True}, "name=ada", []),
        ({"route.request.multivaluequerystring.name": True}, "name=ada&name=bob", []),
        ({"route.request.querystring.name": True}, "NAME=ada", ["name"]),
        ({"route.request.querystring.name": True}, "name=", ["name"]),
        ({"route.request.querystring.name": True}, "name=%20+", ["name"]),
    ],
)
def test_missing(parameters: dict[str, bool], query: str, missing: list[str]) -> None:
    asked = handshake(headers=HEADERS, query=query)
    assert missing_parameters(required_parameters(parameters), asked) == missing


@pytest.mark.parametrize("text", ["", "header.X", "route.request.header.", "route.request.body.x", "context.x"])
def test_names_that_are_none(text: str) -> None:
    assert required_parameters({text: False}) == ()
    with pytest.raises(ExpressionError):
        required_parameters({text: True})
