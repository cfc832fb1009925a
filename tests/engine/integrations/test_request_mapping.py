"""Bodies, parameters and paths of backends' requests, by table."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.engine.integrations.exchange_values import RequestValues
from gateway.engine.integrations.request_mapping import RequestMapping, compile_request, replaced
from gateway.engine.responses import Failure
from gateway.expressions.parameters import Place
from gateway.model.integration import ContentHandling, IntegrationType, PassthroughBehavior
from integration_plans import SERVER, integration
from sample_definitions import connect_exchange, message_exchange


def mapping(**changes: Any) -> RequestMapping:
    return compile_request(integration(IntegrationType.HTTP, SERVER, **changes))


def message(body: str = '{"kind": "a", "room": "x y"}') -> RequestValues:
    return RequestValues(message_exchange(body=body))


@pytest.mark.parity("P-231", "P-275")
@pytest.mark.parametrize(
    ("templates", "passthrough", "outcome"),
    [
        ({}, "WHEN_NO_MATCH", "passed"),
        ({}, "WHEN_NO_TEMPLATES", "passed"),
        ({}, "NEVER", "refused"),
        ({"b": "B"}, "WHEN_NO_MATCH", "passed"),
        ({"b": "B"}, "WHEN_NO_TEMPLATES", "refused"),
        ({"b": "B"}, "NEVER", "refused"),
        ({"a": "A", "$default": "D"}, "NEVER", "A"),
        ({"b": "B", "$default": "D"}, "NEVER", "D"),
    ],
)
def test_passthrough(templates: dict[str, str], passthrough: str, outcome: str) -> None:
    made = mapping(
        request_templates=templates,
        template_selection_expression="${request.body.kind}",
        passthrough_behavior=PassthroughBehavior(passthrough),
    )
    body = made.body(message())
    if outcome == "refused":
        assert isinstance(body, Failure)
        assert (body.message, body.status) == ("Unsupported Media Type", 415)
        assert passthrough in body.why
    else:
        assert body == (message().body() if outcome == "passed" else outcome).encode()


@pytest.mark.parity("P-273")
def test_a_template_that_fails_is_a_500_that_names_template_and_line() -> None:
    failure = mapping(request_templates={"$default": "\n$util.parseJson('{')"}).body(message())
    assert isinstance(failure, Failure)
    assert (failure.message, failure.status) == ("Internal server error", 500)
    assert failure.why.startswith("template Post RequestTemplates $default, line 2: parseJson(): not JSON")


@pytest.mark.parity("P-237")
def test_base64_becomes_bytes_for_the_backend() -> None:
    made = mapping(content_handling=ContentHandling.CONVERT_TO_BINARY)
    assert made.body(message("AP8=")) == b"\x00\xff"
    failure = made.body(message("{}"))
    assert isinstance(failure, Failure)
    assert "not base64" in failure.why
    assert mapping(content_handling=ContentHandling.CONVERT_TO_TEXT).body(message("AP8=")) == b"AP8="


@pytest.mark.parity("P-239")
def test_parameters_go_where_they_belong() -> None:
    made = mapping(
        request_parameters={
            "integration.request.header.ConnectionId": "context.connectionId",
            "integration.request.header.Room": "route.request.body.room",
            "integration.request.header.None": "route.request.body.nope",
            "integration.request.querystring.q": "'static value'",
        }
    )
    values = message()
    connection_id = values.exchange.connection.connection_id
    assert made.pairs(values, Place.HEADER) == (("ConnectionId", connection_id), ("Room", "x y"))
    assert made.pairs(values, Place.QUERYSTRING) == (("q", "static value"),)


@pytest.mark.parity("P-240")
def test_every_value_of_a_repeated_parameter_can_be_mapped() -> None:
    name = "integration.request.querystring.names"
    made = mapping(request_parameters={name: "route.request.multivaluequerystring.name"})
    values = RequestValues(connect_exchange())
    assert made.pairs(values, Place.QUERYSTRING) == (("names", "ada"),)


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("/plain", "/plain"),
        ("/rooms/{room}/{none}", "/rooms/x%20y/"),
        ("/{climbing}/x", "/%2E%2E/x"),
        ("/{slash}?a={slash}", "/a%2Fb%3F%23?a=a%2Fb%3F%23"),
    ],
)
def test_path_parameters_are_encoded_and_stay_in_their_segment(path: str, result: str) -> None:
    names = {"room": "route.request.body.room", "climbing": "'..'", "slash": "'a/b?#'"}
    made = mapping(request_parameters={f"integration.request.path.{name}": source for name, source in names.items()})
    assert made.with_path(path, message()) == result


def test_headers_of_ours_replace_theirs_in_whatever_case() -> None:
    theirs = (("X-A", "1"), ("x-a", "2"), ("B", "3"))
    assert replaced(theirs, (("x-A", "4"),)) == (("B", "3"), ("x-A", "4"))
