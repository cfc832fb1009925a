"""When authorizers are asked (parity table, section 6)."""

from __future__ import annotations

import pytest

from gateway.model.limits import MAX_INTEGRATION_TIMEOUT_MS
from node_doubles import returning, until_idle
from parity_world import world
from sample_definitions import api, authorized, definition, route

GUARDED = definition(api(authorized(route("$connect")), route("$disconnect"), route("$default")))
STATEMENT = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
ALLOW = returning({"principalId": "u", "policyDocument": {"Version": "2012-10-17", "Statement": [STATEMENT]}})
DENY = returning({"policyDocument": {"Version": "2012-10-17", "Statement": [STATEMENT | {"Effect": "Deny"}]}})


@pytest.mark.parity("P-298", "P-316")
async def test_every_connection_asks_the_authorizer_anew() -> None:
    async with world(GUARDED) as here:
        here.functions.scripts["authorizer"] = ALLOW
        await here.open()
        await here.open()
        assert len(here.functions.events("authorizer")) == 2
        assert here.functions.waits["authorizer"] == MAX_INTEGRATION_TIMEOUT_MS


@pytest.mark.parity("P-299")
async def test_an_open_socket_is_not_authorized_again() -> None:
    async with world(GUARDED) as here:
        here.functions.scripts["authorizer"] = ALLOW
        client = await here.open()
        here.functions.scripts["authorizer"] = DENY
        client.say("hello")
        await until_idle(lambda: bool(here.functions.events("default")))
        client.leave()
        await here.gone()
        assert len(here.functions.events("authorizer")) == 1
        assert here.context("disconnect")["authorizer"] == {"principalId": "u"}
