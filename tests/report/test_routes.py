from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.api import LambdaTarget, Route
from gateway.model.ids import FunctionName, RouteKey
from gateway.model.integration import HttpTarget, IntegrationType, MockTarget, ServiceTarget, Target
from gateway.report.routes import route_documents, route_table, routes_in_order
from sample_definitions import api, authorized, definition, route


def test_a_table() -> None:
    served = api(
        route("send", two_way=True),
        route("$default"),
        authorized(route("$connect")),
        route("$disconnect"),
        Route("EmptyRoute", RouteKey("empty")),
        stages=("dev", "prod"),
    )
    assert route_table(definition(served)) == [
        "Apia1b2c3d4e5 (a1b2c3d4e5), stages dev, prod, routes by $request.body.action",
        "  ROUTE        TARGET      AUTHORIZATION        REPLY",
        "  $connect     connect     CUSTOM (authorizer)  one-way",
        "  $disconnect  disconnect  NONE                 one-way",
        "  $default     default     NONE                 one-way",
        "  empty        -           NONE                 one-way",
        "  send         send        NONE                 two-way",
    ]


def test_an_empty_line_stands_between_two() -> None:
    two = definition(api(route("a")), api(route("b"), api_id="z9y8x7w6v5", stages=("x",)))
    lines = route_table(two)
    assert lines.count("") == 1
    assert lines[lines.index("") + 1].startswith("Apiz9y8x7w6v5 (z9y8x7w6v5), stage x, ")


def test_an_alias_is_named() -> None:
    found = route("a")
    assert found.integration is not None
    target = LambdaTarget(FunctionName("f"), "live")
    aliased = replace(found, integration=replace(found.integration, target=target))
    assert route_table(definition(api(aliased)))[-1].split() == ["a", "f:live", "NONE", "one-way"]


@pytest.mark.parametrize(
    ("kind", "target", "shown"),
    [
        (IntegrationType.HTTP_PROXY, HttpTarget("https://host/path"), "PUT https://host/path"),
        (IntegrationType.AWS, ServiceTarget("us-east-1", "dynamodb", action="PutItem"), "dynamodb:PutItem"),
        (IntegrationType.AWS, ServiceTarget("", "sqs", path="1/queue"), "sqs:PUT /1/queue"),
        (IntegrationType.AWS, ServiceTarget("", "s3", path="key", subdomain="photos"), "photos.s3:PUT /key"),
        (IntegrationType.AWS, LambdaTarget(FunctionName("f")), "f"),
        (IntegrationType.MOCK, MockTarget(), "MOCK"),
    ],
)
def test_whom_a_route_calls(kind: IntegrationType, target: Target, shown: str) -> None:
    found = route("a")
    assert found.integration is not None
    integration = replace(found.integration, integration_type=kind, target=target, integration_method="PUT")
    served = api(replace(found, integration=integration))
    assert route_table(definition(served))[-1].split("NONE")[0].removeprefix("  a").strip() == shown
    (document,) = route_documents(definition(served))
    assert document["routes"][0]["target"] == shown
    assert document["routes"][0]["integration_type"] == kind.value


def test_columns_stand_below_each_other_in_any_script() -> None:
    keys = ("日本", "e\u0301te\u0301", "plain")
    lines = route_table(definition(api(*(route(key, function="f") for key in keys))))[2:]
    assert lines == [
        "  e\u0301te\u0301    f       NONE           one-way",
        "  plain  f       NONE           one-way",
        "  日本   f       NONE           one-way",
    ]


def test_no_route_key_can_forge_a_line() -> None:
    lines = route_table(definition(api(route("a\nb\tc\x1b[2J", function="f"))))
    assert lines[-1].startswith("  a\\nb\\tc\\x1b[2J  f ")


def test_the_order_is_the_lifecycles_then_by_name() -> None:
    keys = ("b", "$default", "A", "$disconnect", "a", "$connect")
    assert [each.route_key for each in routes_in_order(api(*map(route, keys)))] == [
        "$connect", "$disconnect", "$default", "A", "a", "b",
    ]  # fmt: skip


def test_documents() -> None:
    served = api(authorized(route("$connect")), Route("EmptyRoute", RouteKey("empty"), two_way=True))
    assert route_documents(definition(served)) == [
        {
            "logical_id": "Apia1b2c3d4e5",
            "api_id": "a1b2c3d4e5",
            "stages": ["dev"],
            "route_selection_expression": "$request.body.action",
            "routes": [
                {
                    "route_key": "$connect",
                    "integration_type": "AWS_PROXY",
                    "target": "connect",
                    "authorization": "CUSTOM",
                    "authorizer": "authorizer",
                    "two_way": False,
                },
                {
                    "route_key": "empty",
                    "integration_type": None,
                    "target": None,
                    "authorization": "NONE",
                    "authorizer": None,
                    "two_way": True,
                },
            ],
        }
    ]
