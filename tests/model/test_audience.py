"""Whom an audience admits."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.model.audience import Audience
from gateway.model.ids import ApiId, ConnectionId, StageName
from sample_definitions import connection

CONNECTION = connection(authorizer={"principalId": "ada", "level": "3"})
HAS_IT = SimpleNamespace(connection=CONNECTION)
ALL = Audience(CONNECTION.api_id, CONNECTION.stage)


@pytest.mark.parametrize(
    ("narrowed", "admitted"),
    [
        ({}, True),
        ({"stage": StageName("other")}, False),
        ({"api_id": ApiId("zzzzzzzzzz")}, False),
        ({"but": frozenset({CONNECTION.connection_id})}, False),
        ({"but": frozenset({ConnectionId("x")})}, True),
        ({"before_ms": CONNECTION.connected_at_ms}, False),
        ({"before_ms": CONNECTION.connected_at_ms + 1}, True),
        ({"principal": "ada"}, True),
        ({"principal": "bob"}, False),
        ({"principal": ""}, False),
    ],
)
def test_whom_it_admits(narrowed: dict[str, Any], admitted: bool) -> None:
    assert replace(ALL, **narrowed).admits(CONNECTION) is admitted
    assert replace(ALL, **narrowed).among([HAS_IT, HAS_IT]) == [HAS_IT, HAS_IT] * admitted


def test_without_an_authorizer_nobody_is_a_principal() -> None:
    assert not replace(ALL, principal="ada").admits(connection())
