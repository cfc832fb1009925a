"""What only the DynamoDB adapter does: its table, an absent DynamoDB, one that comes back."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import threading
from collections.abc import Iterator

import pytest

from gateway.model.aws import AwsEndpoint
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import NodeNumber
from gateway.registry.batches import CommitPolicy
from gateway.registry.dynamodb import Deadlines, DynamoDbRegistry
from gateway.registry.table_settings import TableSettings
from process_watch import LINUX
from tables import Heard, connection, fresh_table
from tcp_gate import TcpGate

REGION = "eu-central-1"
IMPATIENT = CommitPolicy(deadline_s=0.3, min_backoff_s=0.01, max_backoff_s=0.05)
SHORT = Deadlines(page_s=0.2, flush_s=0.2)
DEADLINE_S = 15.0


@pytest.fixture
def unserved_port() -> Iterator[int]:
    """A port that is ours, so nobody else listens there, and refuses."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


async def test_the_table_is_made_once_by_whoever_comes_first(moto_url: str) -> None:
    name = fresh_table()
    first = DynamoDbRegistry(AwsEndpoint(moto_url, REGION), Heard(), TableSettings(name))
    second = DynamoDbRegistry(AwsEndpoint(moto_url, REGION), Heard(), TableSettings(name))
    made = await asyncio.gather(first.ensure_table(), second.ensure_table())
    assert sum(made) <= 1
    assert await first.ensure_table() is False
    await first.register(connection(1))
    assert [c async for c in second.connections_of(NodeNumber(7))] == [connection(1)]
    await first.close()
    await second.close()


async def test_an_unreachable_dynamodb_is_unavailable_within_the_deadline(unserved_port: int) -> None:
    heard = Heard()
    registry = DynamoDbRegistry(
        AwsEndpoint(f"http://127.0.0.1:{unserved_port}", REGION), heard, policy=IMPATIENT, deadlines=SHORT
    )
    async with asyncio.timeout(DEADLINE_S):
        with pytest.raises(RegistryUnavailable, match="Could not connect"):
            await registry.ensure_table()
        with pytest.raises(RegistryUnavailable, match="Could not connect"):
            await registry.register(connection(1))
        await registry.close()
    assert len(heard.failures) >= 1
    assert "new connections are refused" in heard.failures[0]


async def test_a_read_that_never_succeeds_ends(unserved_port: int) -> None:
    registry = DynamoDbRegistry(AwsEndpoint(f"http://127.0.0.1:{unserved_port}", REGION), Heard(), deadlines=SHORT)
    async with asyncio.timeout(DEADLINE_S):
        with pytest.raises(RegistryUnavailable):
            _ = [c async for c in registry.connections_of(NodeNumber(7))]
        await registry.close()


async def test_connections_recover_and_removals_are_made_up_for(moto_url: str) -> None:
    heard = Heard()
    gate = await TcpGate.open(moto_url)
    table = TableSettings(fresh_table())
    registry = DynamoDbRegistry(AwsEndpoint(gate.url, REGION), heard, table, IMPATIENT)
    async with asyncio.timeout(DEADLINE_S):
        await registry.ensure_table()
        await registry.register(connection(1))
        await gate.shut()
        with pytest.raises(RegistryUnavailable):
            await registry.unregister(NodeNumber(7), connection(1).connection_id)
        with pytest.raises(RegistryUnavailable):
            await registry.register(connection(2))
        await gate.reopen()
        await registry.register(connection(3))
        await registry.close()
        await gate.shut()
        later = DynamoDbRegistry(AwsEndpoint(moto_url, REGION), heard, table)
        assert [c async for c in later.connections_of(NodeNumber(7))] == [connection(3)]
        await later.close()
    assert len(heard.failures) == 1
    assert len(heard.warnings) == 1


async def test_a_missing_table_is_named(moto_url: str) -> None:
    name = fresh_table()
    policy = CommitPolicy(deadline_s=1.0, min_backoff_s=0.01, max_backoff_s=0.05)
    registry = DynamoDbRegistry(AwsEndpoint(moto_url, REGION), Heard(), TableSettings(name), policy, SHORT)
    assert await registry.exists() is False  # what takes long the first time is over
    with pytest.raises(RegistryUnavailable, match=rf"(?s){name}.*ResourceNotFound"):
        await registry.register(connection(1))
    with pytest.raises(RegistryUnavailable, match="ResourceNotFound"):
        _ = [c async for c in registry.connections_of(NodeNumber(7))]
    await registry.close()


async def test_the_surroundings_have_no_say(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_PROFILE": "does-not-exist",
        "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "AWS_CONFIG_FILE": "/does/not/exist",
    }.items():
        monkeypatch.setenv(name, value)
    registry = DynamoDbRegistry(AwsEndpoint(moto_url, REGION), Heard(), TableSettings(fresh_table()))
    assert await registry.ensure_table() is True
    await registry.register(connection(1))
    await registry.close()


async def test_a_missing_table_is_not_made_by_asking_for_it(moto_url: str) -> None:
    registry = DynamoDbRegistry(AwsEndpoint(moto_url, REGION), Heard(), TableSettings(fresh_table()))
    assert await registry.exists() is False
    assert await registry.exists() is False
    assert await registry.ensure_table() is True
    assert await registry.exists() is True
    await registry.close()


@pytest.mark.skipif(not LINUX, reason="descriptors are counted as on Linux")
async def test_its_descriptors_threads_and_tasks_go_with_it_and_do_not_grow_before(moto_url: str) -> None:
    table = TableSettings(fresh_table())

    def counts() -> tuple[int, int, int]:
        gc.collect()
        return len(os.listdir("/proc/self/fd")), threading.active_count(), len(asyncio.all_tasks())

    async def life(rounds: int) -> list[tuple[int, int, int]]:
        registry = DynamoDbRegistry(AwsEndpoint(moto_url, REGION), Heard(), table)
        await registry.ensure_table()
        found = []
        for _ in range(rounds):
            everybody = [connection(number) for number in range(60)]
            await asyncio.gather(*map(registry.register, everybody))
            assert len([c async for c in registry.connections_of(NodeNumber(7))]) == len(everybody)
            await asyncio.gather(*(registry.unregister(each.owner, each.connection_id) for each in everybody))
            assert await registry.find(NodeNumber(7), everybody[0].connection_id) is None
            found.append(counts())
        await registry.close()
        return found

    await life(1)
    before = counts()
    during = await life(6)
    assert during[-1][1] <= max(threads for _, threads, _ in during[:3]), "only names are looked up in threads"
    assert during[-1][0] <= max(files for files, _, _ in during[:3]) + 2, "one more a round would be three"
    assert counts() == before
