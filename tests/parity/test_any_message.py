"""Any text to any routes: exactly one of a reply, an error frame, nothing; and never an error of the gateway's own."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.api import Model, Route
from gateway.model.ids import RouteKey
from gateway.model.integration import (
    HttpTarget,
    Integration,
    IntegrationResponse,
    IntegrationType,
    MockTarget,
)
from gateway.model.invocation import Answered, FunctionError, FunctionResult, Returned, Throttled, TimedOut, Unavailable
from node_doubles import until_idle
from parity_world import world
from sample_definitions import api, definition, integration

FRAME = {"message", "connectionId", "requestId"}, {"message", "connectionId", "messageId"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
ACTIONS = st.sampled_from(["a", "b", "$default", "$connect", "$disconnect", "none", 1, None, True, ["a"]])
TEXTS = st.text() | JSON.map(json.dumps) | ACTIONS.map(lambda action: json.dumps({"action": action}))
RESULTS: st.SearchStrategy[FunctionResult] = st.one_of(
    st.builds(Returned, st.binary(max_size=20) | JSON.map(lambda value: json.dumps(value).encode())),
    st.builds(Returned, JSON.map(lambda body: json.dumps({"statusCode": 200, "body": body}).encode())),
    st.builds(FunctionError, st.binary(max_size=20)),
    st.sampled_from([TimedOut(), Throttled(), Unavailable("away")]),
)
ANSWERS = st.builds(Answered, st.integers(200, 599), st.just(()), st.binary(max_size=20))
VTL = (
    '$input.json("$.action") $input.path("$").a.b #foreach($each in $input.path("$..*"))$each#end $context.connectionId'
)
RESPONSES = {"$default": IntegrationResponse("Answer", "$default", {"$default": VTL})}
WEB = Integration(
    "Web",
    IntegrationType.HTTP,
    "https://example.com/{room}",
    HttpTarget("https://example.com/{room}"),
    request_parameters={"integration.request.path.room": "route.request.body.action"},
    request_templates={"$default": VTL},
    responses=RESPONSES,
)
INTEGRATIONS = st.sampled_from(
    [
        None,
        integration("default"),
        WEB,
        replace(WEB, integration_type=IntegrationType.HTTP_PROXY),
        Integration(
            "Mock",
            IntegrationType.MOCK,
            "",
            MockTarget(),
            request_templates={"$default": '{"statusCode": 200}'},
            responses=RESPONSES,
        ),
    ]
)
MODEL = Model("M", "M", {"type": "object", "properties": {"action": {"type": "string", "pattern": "^(a|b)+$"}}})


@dataclass(frozen=True)
class Served:
    key: str
    integration: Integration | None
    two_way: bool
    validates: bool

    def route(self) -> Route:
        return Route(
            f"R{self.key}",
            RouteKey(self.key),
            self.integration,
            two_way=self.two_way,
            model_selection_expression="any" if self.validates else None,
            request_models={"$default": MODEL} if self.validates else {},
        )


ROUTES = st.lists(
    st.builds(Served, st.sampled_from(["a", "b", "$default"]), INTEGRATIONS, st.booleans(), st.booleans()),
    unique_by=lambda served: served.key,
    max_size=3,
)


@settings(max_examples=150, deadline=None)
@given(text=TEXTS, served=ROUTES, result=RESULTS, answer=ANSWERS | st.sampled_from([TimedOut(), Unavailable("away")]))
def test_any_text_to_any_routes(
    text: str, served: list[Served], result: FunctionResult, answer: Answered | TimedOut | Unavailable
) -> None:
    async def play() -> list[bytes]:
        async with world(definition(api(*(each.route() for each in served)))) as here:
            here.functions.scripts["default"] = lambda event: result
            here.upstreams.script = lambda request: answer
            client = await here.open()
            client.say(text)
            await until_idle(lambda: client.conversation.in_flight == 0)
            assert "failed" not in here.reporter.kinds()
            assert client.socket.closed is None
            return client.socket.sent

    sent = asyncio.run(play())
    assert len(sent) <= 1
    for data in sent:
        data.decode("utf-8")
    if not any(each.two_way for each in served):
        assert all(json.loads(data).keys() in FRAME for data in sent)
    if all(each.two_way for each in served):
        assert len(sent) == 1
