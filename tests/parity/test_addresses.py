"""Hosts, base paths and stages (parity table, section 1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.engine.directory import Directory
from gateway.model.definition import Definition
from gateway.model.ids import StageName
from gateway.model.plan import DomainName
from parity_world import world
from sample_definitions import api, definition, handshake, route

CHAT = api(route("$connect"), route("$disconnect"), route("$default"))
DOMAIN = "ws.example.com"
MAPPED: Definition = replace(
    definition(CHAT), domain_names=(DomainName(DOMAIN, {"chat": (CHAT.api_id, StageName("dev"))}),)
)
ON_DOMAIN = (("Host", DOMAIN), *(pair for pair in handshake().headers if pair[0] != "Host"))


@pytest.mark.parity("P-009")
def test_the_region_in_a_host_is_not_compared() -> None:
    found = Directory(definition(CHAT)).for_handshake("/dev", "a1b2c3d4e5.execute-api.mars-north-1.example.org")
    assert found is not None
    assert found.domain_name == "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"


@pytest.mark.parity("P-021", "P-102")
async def test_events_on_a_custom_domain_name_it_and_still_the_stage() -> None:
    async with world(MAPPED) as here:
        client = await here.open(path="/chat", headers=ON_DOMAIN)
        client.say("hello")
        client.leave()
        await here.gone()
        contexts = [here.context(name) for name in ("connect", "default", "disconnect")]
    assert [(context["domainName"], context["stage"]) for context in contexts] == [(DOMAIN, "dev")] * 3


@pytest.mark.parity("P-022", "P-023", "P-341")
async def test_on_a_custom_domain_the_stage_is_no_part_of_the_management_url() -> None:
    async with world(MAPPED) as here:
        client = await here.open(path="/chat", headers=ON_DOMAIN)
        right = await here.ask("POST", f"/chat/@connections/{client.connection_id}", b"x", host=DOMAIN)
        wrong = await here.ask("POST", "/dev/@connections/D-j5-fe7IAMCKMA%3D", b"x", host=DOMAIN)
    assert (right.status, client.socket.sent) == (200, [b"x"])
    assert (wrong.status, dict(wrong.headers)["x-amzn-ErrorType"]) == (404, "NotFoundException")
    assert wrong.body == (
        b'{"message":"No method found matching route dev/@connections/D-j5-fe7IAMCKMA= for http method POST."}'
    )
