"""The writer on a table that the test plays: every batch is held until the test lets it go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from gateway.model.connection import Connection
from gateway.model.errors import RegistryUnavailable
from gateway.registry.batches import FULL, TOO_LATE, CommitPolicy, Key, RecordRejected
from gateway.registry.patience import CLOSED
from gateway.registry.writer import Writer
from tables import connection

DEADLINE_S = 5.0
QUICK = CommitPolicy(min_backoff_s=0.001, max_backoff_s=0.002)


class Call:
    """One batch on its way: ``puts`` and ``deletes`` are connection numbers as the test made them."""

    def __init__(self, puts: Sequence[Connection], deletes: Sequence[Key]) -> None:
        self.puts = [c.connection_id for c in puts]
        self.deletes = [key[1] for key in deletes]
        self.answer: asyncio.Future[frozenset[Key]] = asyncio.get_running_loop().create_future()


class Stage:
    """The writer, the table's end of it, and what was reported."""

    def __init__(self, policy: CommitPolicy = QUICK) -> None:
        self.calls: asyncio.Queue[Call] = asyncio.Queue()
        self.heard: list[str] = []
        self.writer = Writer(
            self.send,
            policy,
            lambda: 1.0,
            on_outage=lambda why: self.heard.append(f"outage: {why}"),
            on_recovery=lambda: self.heard.append("recovery"),
            on_loss=lambda count: self.heard.append(f"lost {count}"),
        )

    async def send(self, puts: Sequence[Connection], deletes: Sequence[Key]) -> frozenset[Key]:
        call = Call(puts, deletes)
        self.calls.put_nowait(call)
        return await call.answer

    async def next_call(self) -> Call:
        async with asyncio.timeout(DEADLINE_S):
            return await self.calls.get()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    await made.writer.close(0.0)


def ids(*numbers: int) -> list[str]:
    return [connection(number).connection_id for number in numbers]


def key(number: int) -> Key:
    return connection(number).owner, connection(number).connection_id


async def test_what_is_asked_in_one_iteration_leaves_as_one_batch(stage: Stage) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(25):
            group.create_task(stage.writer.put(connection(number)))
        group.create_task(stage.writer.delete(key(30)))
        first = await stage.next_call()
        first.answer.set_result(frozenset())
        second = await stage.next_call()
        second.answer.set_result(frozenset())
    assert first.puts == ids(*range(25))
    assert (second.puts, second.deletes) == ([], ids(30))
    assert stage.writer.pending == 0


async def test_put_returns_only_when_the_table_has_answered(stage: Stage) -> None:
    put = asyncio.ensure_future(stage.writer.put(connection(1)))
    call = await stage.next_call()
    assert not put.done()
    assert stage.writer.pending == 1
    call.answer.set_result(frozenset())
    async with asyncio.timeout(DEADLINE_S):
        await put


async def test_unprocessed_writes_are_sent_again(stage: Stage) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(stage.writer.put(connection(1)))
        group.create_task(stage.writer.put(connection(2)))
        (await stage.next_call()).answer.set_result(frozenset({key(2)}))
        again = await stage.next_call()
        assert again.puts == ids(2)
        again.answer.set_result(frozenset())


async def test_a_caller_that_was_cancelled_harms_nobody(stage: Stage) -> None:
    gone = asyncio.ensure_future(stage.writer.put(connection(1)))
    stays = asyncio.ensure_future(stage.writer.put(connection(2)))
    call = await stage.next_call()
    gone.cancel()
    call.answer.set_result(frozenset())
    async with asyncio.timeout(DEADLINE_S):
        await stays
    assert gone.cancelled()


async def test_an_outage_is_told_once_with_its_reason_and_so_is_its_end(stage: Stage) -> None:
    put = asyncio.ensure_future(stage.writer.put(connection(1)))
    for _ in range(4):
        (await stage.next_call()).answer.set_exception(RegistryUnavailable("connection refused"))
    (await stage.next_call()).answer.set_result(frozenset())
    async with asyncio.timeout(DEADLINE_S):
        await put
    assert stage.heard == ["outage: connection refused", "recovery"]


async def test_one_failed_call_is_no_news(stage: Stage) -> None:
    put = asyncio.ensure_future(stage.writer.put(connection(1)))
    (await stage.next_call()).answer.set_exception(RegistryUnavailable("hiccup"))
    (await stage.next_call()).answer.set_result(frozenset())
    async with asyncio.timeout(DEADLINE_S):
        await put
    assert stage.heard == []


async def test_a_write_fails_at_its_deadline_and_says_why() -> None:
    stage = Stage(CommitPolicy(deadline_s=0.05, min_backoff_s=0.001, max_backoff_s=0.002))

    async def refuse() -> None:
        while True:
            (await stage.next_call()).answer.set_exception(RegistryUnavailable("connection refused"))

    table = asyncio.ensure_future(refuse())
    with pytest.raises(RegistryUnavailable, match="connection refused") as caught:
        async with asyncio.timeout(DEADLINE_S):
            await stage.writer.put(connection(1))
    assert TOO_LATE in str(caught.value)
    table.cancel()
    await asyncio.gather(table, return_exceptions=True)
    await stage.writer.close(0.0)


async def test_a_delete_that_failed_is_repeated_until_it_succeeds() -> None:
    stage = Stage(CommitPolicy(deadline_s=0.02, min_backoff_s=0.01, max_backoff_s=0.02))
    with pytest.raises(RegistryUnavailable):
        async with asyncio.timeout(DEADLINE_S):
            await stage.writer.delete(key(1))
    (await stage.next_call()).answer.set_exception(RegistryUnavailable("away"))
    call = await stage.next_call()
    assert call.deletes == ids(1)
    assert stage.writer.pending == 1
    call.answer.set_result(frozenset())
    async with asyncio.timeout(DEADLINE_S):
        assert await stage.writer.close(1.0) == 0


async def test_a_put_whose_fate_is_unknown_is_deleted_again() -> None:
    stage = Stage(CommitPolicy(deadline_s=0.02))
    with pytest.raises(RegistryUnavailable):
        async with asyncio.timeout(DEADLINE_S):
            await stage.writer.put(connection(1))
    (await stage.next_call()).answer.set_result(frozenset())
    call = await stage.next_call()
    assert (call.puts, call.deletes) == ([], ids(1))
    call.answer.set_result(frozenset())
    assert await stage.writer.close(1.0) == 0


async def test_a_full_queue_refuses_at_once_and_losses_are_told() -> None:
    stage = Stage(CommitPolicy(max_waiting=1, max_kept=0))
    flying = asyncio.ensure_future(stage.writer.put(connection(1)))
    call = await stage.next_call()
    waiting = asyncio.ensure_future(stage.writer.put(connection(2)))
    await asyncio.sleep(0)
    with pytest.raises(RegistryUnavailable, match=FULL):
        await stage.writer.put(connection(3))
    with pytest.raises(RegistryUnavailable, match=FULL):
        await stage.writer.delete(key(4))
    assert stage.heard == ["lost 1"]
    call.answer.set_result(frozenset())
    (await stage.next_call()).answer.set_result(frozenset())
    await asyncio.gather(flying, waiting)
    await stage.writer.close(0.0)


async def test_a_rejected_record_fails_alone(stage: Stage) -> None:
    good = asyncio.ensure_future(stage.writer.put(connection(1)))
    bad = asyncio.ensure_future(stage.writer.put(connection(2)))
    (await stage.next_call()).answer.set_exception(RecordRejected("too long"))
    for _ in range(2):
        call = await stage.next_call()
        if call.puts == ids(2):
            call.answer.set_exception(RecordRejected("too long"))
        else:
            call.answer.set_result(frozenset())
    with pytest.raises(RegistryUnavailable, match="too long"):
        await bad
    await good


async def test_close_flushes_what_waits_and_takes_no_more(stage: Stage) -> None:
    put = asyncio.ensure_future(stage.writer.put(connection(1)))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(stage.writer.close(DEADLINE_S))
    call = await stage.next_call()
    with pytest.raises(RegistryUnavailable, match=CLOSED):
        await stage.writer.put(connection(2))
    call.answer.set_result(frozenset())
    assert await closing == 0
    await put


async def test_close_gives_up_at_its_deadline_and_tells_everyone(stage: Stage) -> None:
    put = asyncio.ensure_future(stage.writer.put(connection(1)))
    await stage.next_call()
    assert await stage.writer.close(0.01) == 1
    with pytest.raises(RegistryUnavailable, match=CLOSED):
        await put


async def test_an_idle_writer_closes_at_once(stage: Stage) -> None:
    async with asyncio.timeout(DEADLINE_S):
        assert await stage.writer.close(DEADLINE_S * 2) == 0
