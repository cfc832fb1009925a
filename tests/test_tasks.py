from __future__ import annotations

import asyncio

import pytest

from gateway.model.errors import UserError
from gateway.tasks import Tasks

DEADLINE_S = 10.0


class Owner:
    def __init__(self) -> None:
        self.told: list[str] = []
        self.tasks = Tasks(self.told.append)


@pytest.fixture
def owner() -> Owner:
    return Owner()


async def forever() -> None:
    await asyncio.Event().wait()


async def test_work_ends_by_itself(owner: Owner) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go_on.wait()

    owner.tasks.start(work(), "work")
    await asyncio.wait_for(begun.wait(), DEADLINE_S)
    assert len(owner.tasks) == 1
    go_on.set()
    assert await owner.tasks.settle(DEADLINE_S) == 0
    assert len(owner.tasks) == 0
    assert owner.told == []


async def test_a_failure_is_told_once_with_its_place(owner: Owner) -> None:
    async def work() -> None:
        raise KeyError("x\ny")

    owner.tasks.start(work(), "counting")
    await owner.tasks.settle(DEADLINE_S)
    (told,) = owner.told
    assert told.startswith("counting failed: KeyError: 'x\\ny' (tests/test_tasks.py:")


async def test_what_a_person_can_mend_comes_with_its_hint(owner: Owner) -> None:
    async def work() -> None:
        raise UserError("too many files", "raise the limit")

    owner.tasks.start(work(), "watching")
    await owner.tasks.settle(DEADLINE_S)
    assert owner.told == ["watching failed: too many files (raise the limit)"]


async def test_what_does_not_wait_is_over_at_once_and_no_task(owner: Owner) -> None:
    done: list[int] = []

    async def work() -> None:
        done.append(1)

    owner.tasks.begin(work(), "work", "x")
    assert (done, len(owner.tasks)) == ([1], 0)


async def test_what_comes_to_wait_is_a_task_with_its_name(owner: Owner) -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("begun")
        await asyncio.sleep(0)
        current = asyncio.current_task()
        assert current is not None
        done.append(current.get_name())

    owner.tasks.begin(work(), "message", "x")
    assert (done, len(owner.tasks)) == (["begun"], 1)
    assert await owner.tasks.settle(DEADLINE_S) == 0
    assert done == ["begun", "message of x"]


async def test_what_waits_for_one_future_needs_no_task(owner: Owner) -> None:
    here, answer, done = asyncio.all_tasks(), asyncio.get_running_loop().create_future(), asyncio.Event()

    async def work() -> None:
        assert await answer == 7
        done.set()

    owner.tasks.begin(work(), "message", "x")
    assert (len(owner.tasks), asyncio.all_tasks()) == (1, here)
    answer.set_result(7)
    await asyncio.wait_for(done.wait(), DEADLINE_S)
    assert (len(owner.tasks), owner.told) == (0, [])


async def test_a_second_wait_is_a_task(owner: Owner) -> None:
    answer, names, done = asyncio.get_running_loop().create_future(), list[str](), asyncio.Event()

    async def work() -> None:
        for _ in range(2):
            await answer
            await asyncio.sleep(0)
            current = asyncio.current_task()
            assert current is not None
            names.append(current.get_name())
        done.set()

    owner.tasks.begin(work(), "message", "x")
    answer.set_result(None)
    await asyncio.wait_for(done.wait(), DEADLINE_S)
    assert names == ["message of x"] * 2


async def test_a_deadline_ends_a_wait_without_a_task(owner: Owner) -> None:
    never, ended = asyncio.get_running_loop().create_future(), asyncio.Event()

    async def work() -> None:
        try:
            async with asyncio.timeout(0.01):
                await never
        except TimeoutError:
            ended.set()

    owner.tasks.begin(work(), "message", "x")
    await asyncio.wait_for(ended.wait(), DEADLINE_S)
    assert (await owner.tasks.settle(DEADLINE_S), owner.told) == (0, [])
    assert never.cancelled()


async def test_settling_waits_for_who_waits_without_a_task(owner: Owner) -> None:
    answer = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await answer

    owner.tasks.begin(work(), "message", "x")
    assert await owner.tasks.settle(0.01) == 1
    owner.tasks.begin(work(), "message", "y")
    answer.set_result(None)
    assert await owner.tasks.settle(DEADLINE_S) == 0


async def test_what_was_awaited_need_not_go_on_when_it_is_closed_first(owner: Owner) -> None:
    answer, ended = asyncio.get_running_loop().create_future(), list[str]()

    async def work() -> None:
        try:
            await answer
        finally:
            ended.append("once")

    owner.tasks.begin(work(), "message", "x")
    answer.set_result(None)  # its turn is due, and then it is closed
    await owner.tasks.close()
    assert (ended, len(owner.tasks), owner.told) == (["once"], 0, [])


async def test_closing_ends_what_comes_to_wait_on_the_way_out(owner: Owner) -> None:
    async def work() -> None:
        try:
            await forever()
        finally:
            owner.tasks.begin(forever(), "last", "wish")

    owner.tasks.begin(work(), "work", "x")
    await owner.tasks.close()
    assert (len(owner.tasks), owner.told) == (0, [])


async def test_a_wait_that_somebody_else_cancels_is_no_failure(owner: Owner) -> None:
    answer = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await answer

    owner.tasks.begin(work(), "message", "x")
    answer.cancel()
    await asyncio.sleep(0)
    assert (len(owner.tasks), owner.told) == (0, [])


@pytest.mark.parametrize("waits", ["not", "for a turn", "for a future"])
async def test_a_failure_is_told_whenever_it_comes(owner: Owner, waits: str) -> None:
    answer = asyncio.get_running_loop().create_future()

    async def work() -> None:
        if waits == "for a turn":
            await asyncio.sleep(0)
        elif waits == "for a future":
            await answer
        raise OSError("disk full")

    owner.tasks.begin(work(), "message", "x")
    answer.set_result(None)
    for _ in range(3):
        await asyncio.sleep(0)
    assert [told.split(" (")[0] for told in owner.told] == ["message of x failed: OSError: disk full"]


async def test_work_that_cancels_itself_at_once_is_no_failure(owner: Owner) -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    owner.tasks.begin(work(), "work", "x")
    assert (owner.told, len(owner.tasks)) == ([], 0)


async def test_what_waits_is_ended_by_closing(owner: Owner) -> None:
    owner.tasks.begin(forever(), "work", "x")
    await owner.tasks.close()
    assert (owner.told, len(owner.tasks)) == ([], 0)


async def test_what_is_due_soon_is_waited_for(owner: Owner) -> None:
    done: list[int] = []
    owner.tasks.soon(lambda: done.append(1), "one")
    owner.tasks.soon(lambda: owner.tasks.start(asyncio.sleep(0), "more"), "two")
    assert (done, len(owner.tasks)) == ([], 2)
    assert await owner.tasks.settle_once(DEADLINE_S) > 0
    assert done == [1]
    assert await owner.tasks.settle(DEADLINE_S) == 0


async def test_what_is_due_soon_is_not_called_after_closing(owner: Owner) -> None:
    done: list[int] = []
    owner.tasks.soon(lambda: done.append(1), "one")
    await owner.tasks.close()
    await asyncio.sleep(0)
    assert (done, len(owner.tasks)) == ([], 0)


async def test_a_failure_of_what_was_due_is_told(owner: Owner) -> None:
    owner.tasks.soon([].clear, "fine")
    owner.tasks.soon({}.popitem, "taking")
    await owner.tasks.settle(DEADLINE_S)
    assert [told.split(" (")[0] for told in owner.told] == ["taking failed: KeyError: 'popitem(): dictionary is empty'"]


async def test_settling_waits_for_what_is_started_meanwhile(owner: Owner) -> None:
    done: list[int] = []

    async def work(left: int) -> None:
        await asyncio.sleep(0)
        done.append(left)
        if left:
            owner.tasks.start(work(left - 1), "more")

    owner.tasks.start(work(3), "first")
    assert await owner.tasks.settle(DEADLINE_S) == 0
    assert done == [3, 2, 1, 0]


async def test_settling_says_how_many_did_not_end(owner: Owner) -> None:
    owner.tasks.start(forever(), "one")
    owner.tasks.start(forever(), "two")
    assert await owner.tasks.settle(0.01) == 2
    assert await owner.tasks.settle(0) == 2
    await owner.tasks.close()


async def test_settling_once_waits_for_one(owner: Owner) -> None:
    async def short() -> None:
        await asyncio.sleep(0)

    assert await owner.tasks.settle_once(DEADLINE_S) == 0.0
    owner.tasks.start(short(), "short")
    owner.tasks.start(forever(), "long")
    left_s = await owner.tasks.settle_once(DEADLINE_S)
    assert 0 < left_s <= DEADLINE_S
    assert len(owner.tasks) == 1
    await owner.tasks.close()


async def test_closing_cancels_and_is_no_failure(owner: Owner) -> None:
    owner.tasks.start(forever(), "one")
    await asyncio.sleep(0)
    await owner.tasks.close()
    assert len(owner.tasks) == 0
    assert owner.told == []


async def test_closing_lets_each_clean_up(owner: Owner) -> None:
    cleaned: list[int] = []

    async def work(steps: int) -> None:
        try:
            await forever()
        finally:
            for _ in range(steps):
                await asyncio.sleep(0)
            cleaned.append(steps)

    for steps in (1, 5, 20):
        owner.tasks.start(work(steps), "work")
    await asyncio.sleep(0)
    await owner.tasks.close()
    assert cleaned == [1, 5, 20]


async def test_closing_ends_what_is_started_on_the_way_out(owner: Owner) -> None:
    async def work() -> None:
        try:
            await forever()
        finally:
            owner.tasks.start(forever(), "last wish")

    owner.tasks.start(work(), "work")
    await asyncio.sleep(0)
    await owner.tasks.close()
    assert len(owner.tasks) == 0


async def test_closing_does_not_wait_for_ever(owner: Owner) -> None:
    released = asyncio.Event()

    async def stubborn() -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    owner.tasks.start(stubborn(), "stubborn")
    await asyncio.sleep(0)
    await owner.tasks.close(0.05)
    assert owner.told == ["stubborn did not end within 0 s"]
    released.set()
    assert await owner.tasks.settle(DEADLINE_S) == 0


async def test_a_failure_while_closing_is_told(owner: Owner) -> None:
    async def work() -> None:
        try:
            await forever()
        finally:
            raise OSError("disk full")

    owner.tasks.start(work(), "saving")
    await asyncio.sleep(0)
    await owner.tasks.close()
    assert [told.split(" (")[0] for told in owner.told] == ["saving failed: OSError: disk full"]


async def test_work_of_one_kind_is_cut_off_and_no_other(owner: Owner) -> None:
    cleaned: list[str] = []

    async def work(name: str) -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            cleaned.append(name)

    owner.tasks.begin(work("one"), "message", "a")
    owner.tasks.begin(work("other"), "messages", "a")
    owner.tasks.start(work("task"), "message of b")
    await asyncio.sleep(0)
    assert owner.tasks.cut_off("message") == 2
    await owner.tasks.settle_once(DEADLINE_S)
    await owner.tasks.settle_once(DEADLINE_S)
    assert sorted(cleaned) == ["one", "task"]
    assert owner.told == []
    await owner.tasks.close()
