from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.control.hookless import with_local_domain
from gateway.model.api import Route
from gateway.model.function import Function, Inline
from gateway.model.ids import FunctionName, RouteKey
from sample_definitions import api, definition, route


@pytest.mark.parametrize(
    ("runtime", "domain_name"),
    [
        ("provided.al2023", "localhost:8443"),
        ("provided", "localhost:8443"),
        ("python3.13", None),
        ("nodejs22.x", None),
    ],
)
def test_who_gets_a_domain_of_this_machine(runtime: str, domain_name: str | None) -> None:
    name = FunctionName("f")
    functions = {name: Function("F", name, "arn:f", runtime, "x", Inline(""))}
    found = replace(definition(api(route("a", function="f"))), functions=functions)
    integration = with_local_domain(found, "localhost:8443").apis[0].routes[RouteKey("a")].integration
    assert integration is not None
    assert integration.domain_name == domain_name


def test_others_stay_as_they_are() -> None:
    found = definition(api(route("unknown-function"), Route("EmptyRoute", RouteKey("empty"))))
    assert with_local_domain(found, "localhost:8443") == found
