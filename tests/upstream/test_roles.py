from __future__ import annotations

import asyncio

import pytest

from gateway.model.aws import Credentials
from gateway.upstream.credentials import NoCredentials
from gateway.upstream.roles import RENEWED_BEFORE_MS, Assumed, Roles
from node_doubles import ManualClock, until_idle

HOUR_MS = 3_600_000


class Issuer:
    """Gives keys for an hour, numbered; a gate holds it, a failure is raised once."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.asked: list[str] = []
        self.gate: asyncio.Event | None = None
        self.failure: NoCredentials | None = None

    async def assume(self, arn: str) -> Assumed:
        self.asked.append(arn)
        if self.gate is not None:
            await self.gate.wait()
        if (failure := self.failure) is not None:
            self.failure = None
            raise failure
        return Assumed(Credentials(f"{arn}{len(self.asked)}", "s"), self.clock.wall_ms + HOUR_MS)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(ManualClock())


async def test_a_role_is_kept_until_shortly_before_its_end(issuer: Issuer) -> None:
    roles = Roles(issuer.assume, issuer.clock)
    assert (await roles.keys("a")).access_key_id == "a1"
    issuer.clock.advance(HOUR_MS - RENEWED_BEFORE_MS - 1)
    assert (await roles.keys("a")).access_key_id == "a1"
    issuer.clock.advance(1)
    assert (await roles.keys("a")).access_key_id == "a2"


async def test_each_role_is_its_own_and_asked_for_once(issuer: Issuer) -> None:
    roles = Roles(issuer.assume, issuer.clock)
    issuer.gate = asyncio.Event()
    waiting = [asyncio.ensure_future(roles.keys(arn)) for arn in "aabab"]
    await until_idle(lambda: len(issuer.asked) == 2)
    issuer.gate.set()
    assert [keys.access_key_id[0] for keys in await asyncio.gather(*waiting)] == list("aabab")
    assert sorted(issuer.asked) == ["a", "b"]


async def test_a_failure_is_not_kept(issuer: Issuer) -> None:
    roles = Roles(issuer.assume, issuer.clock)
    issuer.failure = NoCredentials("no")
    with pytest.raises(NoCredentials):
        await roles.keys("a")
    assert (await roles.keys("a")).access_key_id == "a2"


async def test_a_caller_that_gives_up_leaves_the_next_one_free(issuer: Issuer) -> None:
    roles = Roles(issuer.assume, issuer.clock)
    issuer.gate = asyncio.Event()
    first, second = (asyncio.ensure_future(roles.keys("a")) for _ in range(2))
    await until_idle(lambda: len(issuer.asked) == 1)
    first.cancel()
    issuer.gate.set()
    assert (await second).access_key_id == "a2"
