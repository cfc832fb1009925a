"""The network in memory as a simulator uses it: a loop for each node, messages delivered by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from gateway.model.peer import Outcome, PeerAnswer
from gateway.peers.memory import MemoryNetwork, MemoryPeers
from peer_doubles import DELETE, GET, LONG_MS, POST, Owner, member, until

THERE = member(address="owner")


class Post:
    """Keeps every message until the test delivers it."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, str, Callable[[], None]]] = []

    def __call__(self, source: str, target: str, what: Callable[[], None]) -> None:
        self.waiting.append((source, target, what))

    def ways(self) -> list[tuple[str, str]]:
        return [(source, target) for source, target, _ in self.waiting]

    def deliver(self, number: int = 0) -> None:
        self.waiting.pop(number)[2]()


def asking(peers: MemoryPeers, request: object = POST, wait_ms: int = LONG_MS) -> asyncio.Task[PeerAnswer]:
    return asyncio.get_running_loop().create_task(peers.ask(THERE, request, wait_ms))  # type: ignore[arg-type]


async def test_every_message_goes_through_the_hook() -> None:
    post, owner = Post(), Owner()
    network = MemoryNetwork(post)
    asker = network.join("asker", Owner(number=1))
    network.join("owner", owner)
    waiting = asking(asker)
    await until(lambda: post.waiting)
    assert (post.ways(), owner.asked) == ([("asker", "owner")], [])
    post.deliver()
    assert (post.ways(), owner.asked) == ([("owner", "asker")], [POST])
    post.deliver()
    assert await waiting is Outcome.DONE
    assert post.waiting == []


async def test_messages_may_overtake_each_other() -> None:
    post = Post()
    network = MemoryNetwork(post)
    asker = network.join("asker", Owner(number=1))
    network.join("owner", Owner(lambda request: Outcome.DONE if request == POST else Outcome.LIMITED))
    one, two = asking(asker, POST), asking(asker, GET)
    await until(lambda: len(post.waiting) == 2)
    post.deliver(1)
    post.deliver(0)
    post.deliver(1)
    post.deliver(0)
    assert await asyncio.gather(*[one, two]) == [Outcome.DONE, Outcome.LIMITED]


async def test_a_lost_message_ends_with_the_time() -> None:
    post = Post()
    network = MemoryNetwork(post)
    asker = network.join("asker", Owner(number=1))
    owner = Owner()
    network.join("owner", owner)
    lost_request, lost_answer = asking(asker, POST, wait_ms=20), asking(asker, GET, wait_ms=20)
    await until(lambda: len(post.waiting) == 2)
    post.deliver(1)
    assert await asyncio.gather(*[lost_request, lost_answer]) == [Outcome.UNREACHABLE] * 2
    assert owner.asked == [GET]


async def test_that_nobody_listens_is_news_that_may_be_lost_too() -> None:
    post = Post()
    asker = MemoryNetwork(post).join("asker", Owner(number=1))
    heard, lost = asking(asker), asking(asker, wait_ms=20)
    await until(lambda: len(post.waiting) == 2)
    assert await lost is Outcome.UNREACHABLE
    post.deliver()
    assert post.ways()[-1] == ("owner", "asker")
    post.deliver(-1)
    assert await heard is Outcome.UNREACHABLE


async def test_what_was_sent_to_one_process_does_not_reach_the_next() -> None:
    post, first, second = Post(), Owner(), Owner()
    network = MemoryNetwork(post)
    asker = network.join("asker", Owner(number=1))
    network.join("owner", first)
    connect = asking(asker, GET)
    await until(lambda: post.waiting)
    post.deliver()
    post.deliver()
    await connect
    waiting = asking(asker, POST)
    await until(lambda: post.waiting)
    network.join("owner", second)
    assert post.ways() == [("asker", "owner"), ("owner", "asker")]
    post.deliver()  # the request
    post.deliver()  # the news of the broken connection
    assert await waiting is Outcome.UNREACHABLE
    again = asking(asker, DELETE)
    await until(lambda: len(post.waiting) == 2)
    post.deliver()  # the same news once more, of the connection before
    post.deliver()
    post.deliver()
    assert await again is Outcome.DONE
    assert (first.asked, second.asked) == ([GET], [DELETE])


async def test_a_node_that_has_left_asks_nobody() -> None:
    post = Post()
    network = MemoryNetwork(post)
    asker = network.join("asker", Owner(number=1))
    network.leave("asker")
    network.leave("asker")
    assert await asker.ask(THERE, POST, 20) is Outcome.UNREACHABLE
    assert post.waiting == []


class Loops:
    """Two loops in one thread, run by turns, each with a clock of its own that the test sets."""

    def __init__(self) -> None:
        self.post = Post()
        self.network = MemoryNetwork(self.post)
        self.asker, self.owner = ClockedLoop(1_000_000.0), ClockedLoop(5.0)

    def close(self) -> None:
        self.asker.close()
        self.owner.close()


class ClockedLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes when the test says so."""

    def __init__(self, now: float) -> None:
        super().__init__()
        self.now = now

    def time(self) -> float:
        return self.now

    def turns(self, count: int = 5) -> None:
        async def some() -> None:
            for _ in range(count):
                await asyncio.sleep(0)

        self.run_until_complete(some())


@contextmanager
def looped() -> Iterator[Loops]:
    loops = Loops()
    try:
        yield loops
    finally:
        loops.close()


def join(loops: Loops, loop: ClockedLoop, name: str, owner: Owner) -> MemoryPeers:
    async def joined() -> MemoryPeers:
        return loops.network.join(name, owner)

    return loop.run_until_complete(joined())


def test_each_side_may_have_a_loop_of_its_own() -> None:
    with looped() as loops:
        owner = Owner()
        asker = join(loops, loops.asker, "asker", Owner(number=1))
        join(loops, loops.owner, "owner", owner)
        waiting = loops.asker.create_task(asker.ask(THERE, POST, 100))
        loops.asker.turns()
        loops.owner.call_soon(loops.post.waiting.pop()[2])
        loops.owner.turns()
        assert owner.asked == [POST]
        loops.asker.call_soon(loops.post.waiting.pop()[2])
        loops.asker.turns()
        assert waiting.result() is Outcome.DONE


def test_the_asking_sides_clock_ends_the_waiting() -> None:
    with looped() as loops:
        asker = join(loops, loops.asker, "asker", Owner(number=1))
        join(loops, loops.owner, "owner", Owner())
        waiting = loops.asker.create_task(asker.ask(THERE, POST, 1_000))
        loops.asker.turns()
        loops.owner.now += 60
        loops.asker.now += 0.9
        loops.asker.turns()
        assert not waiting.done()
        loops.asker.now += 0.2
        loops.asker.turns()
        assert waiting.result() is Outcome.UNREACHABLE


@pytest.mark.parametrize(("late_s", "carried_out"), [(0.9, True), (1.1, False)])
def test_a_node_that_slept_does_not_carry_out_what_is_over(late_s: float, carried_out: bool) -> None:
    with looped() as loops:
        owner = Owner()
        asker = join(loops, loops.asker, "asker", Owner(number=1))
        join(loops, loops.owner, "owner", owner)
        for request in (GET, POST):
            loops.asker.create_task(asker.ask(THERE, request, 1_000))
            loops.asker.turns()
            if request == POST:
                loops.owner.now += late_s
                loops.asker.now += late_s
            loops.post.deliver()
            loops.post.deliver()
            loops.asker.turns()
        assert owner.asked == ([GET, POST] if carried_out else [GET])
