from __future__ import annotations

from gateway.model.limits import AWS
from gateway.model.now import Now
from gateway.server.door import Door
from server_fakes import Conversation, Conversations, until


class ManualClock:
    def __init__(self) -> None:
        self.ms = 1_000

    def now(self) -> Now:
        return Now(1_790_000_000_000, self.ms)


class Shell:
    def __init__(self) -> None:
        self.overdues = 0
        self.drops = 0

    def overdue(self) -> None:
        self.overdues += 1

    def drop(self) -> None:
        self.drops += 1


def made(clock: ManualClock) -> Door[Conversation]:
    return Door(Conversations(), clock, AWS)


async def test_only_a_watched_shell_that_stays_is_overdue() -> None:
    clock, late, left, unwatched = ManualClock(), Shell(), Shell(), Shell()
    door = made(clock)
    for shell in (late, left, unwatched):
        door.enter(shell)
    door.watch(late, 1_000)
    door.watch(left, 1_000)
    door.leave(left)
    assert len(door) == 2
    clock.ms += 2_000
    await until(lambda: late.overdues)
    assert (late.overdues, left.overdues, unwatched.overdues) == (1, 0, 0)
    door.close()


async def test_a_shell_is_watched_by_its_last_deadline() -> None:
    clock, moved, sentinel = ManualClock(), Shell(), Shell()
    door = made(clock)
    door.watch(moved, 1_000)
    door.watch(moved, 1_000_000)
    door.watch(sentinel, 1_000)
    clock.ms += 2_000
    await until(lambda: sentinel.overdues)
    assert moved.overdues == 0
    door.close()


async def test_closing_drops_every_shell() -> None:
    shells = [Shell(), Shell()]
    door = made(ManualClock())
    for shell in shells:
        door.enter(shell)
    door.watch(shells[0], 1)
    door.close()
    assert [shell.drops for shell in shells] == [1, 1]


async def test_the_date_is_the_clocks() -> None:
    assert made(ManualClock()).wall_ms() == 1_790_000_000_000
