"""What the fleet promises, one scenario after the other, each over several seeds and checked like a random run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gateway.model.ids import ConnectionId
from gateway.model.peer import Outcome
from gateway.reach import MANY_WAIT_MS
from simulation import runs
from simulation.book import Story
from simulation.clients import Client
from simulation.dynamodb import DYNAMODB, Weather
from simulation.mail import Mailing
from simulation.process import LEASE_MS, Process
from simulation.scene import Simulation

SEEDS = range(1, 4)
REAPED_WITHIN_MS = LEASE_MS + 30_000


@contextmanager
def fleet(seed: int, nodes: int = 3, clients: int = 6) -> Iterator[Simulation]:
    """As many clients at each node, all connected; in the end everything is healed and checked."""
    with runs.told(seed) as world:
        simulation = Simulation(world, nodes)
        world.run_until(lambda: all(process.serves for process in simulation.processes), 10_000)
        for process in simulation.processes:
            for _ in range(clients):
                simulation.connect(process)
        world.run_until(lambda: all(client.is_open for client in simulation.clients), 10_000)
        yield simulation
        simulation.calm_down()
        simulation.check()


def of(simulation: Simulation, process: Process) -> list[Client]:
    return [each for each in simulation.clients if each.story is not None and each.story.actor is process.actor]


def farewells(clients: list[Client]) -> list[int]:
    """How often each one's ``$disconnect`` was delivered."""
    return [len(each.story.delivered) for each in clients if each.story is not None]


def all_told(clients: list[Client]) -> Callable[[], bool]:
    return lambda: all(farewells(clients))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_killed_nodes_connections_are_told_once_and_in_time(seed: int) -> None:
    with fleet(seed, clients=30) as simulation:
        victim = simulation.processes[0]
        victim.kill()
        lost = of(simulation, victim)
        simulation.world.run_until(all_told(lost), REAPED_WITHIN_MS)
        simulation.world.run(simulation.world.now_ms + 30_000)
        assert farewells(lost) == [1] * 30
        codes = {each.code for client in lost if client.story is not None for each in client.story.delivered}
        assert codes == {1006}


@pytest.mark.parametrize("seed", SEEDS)
def test_who_dies_while_reaping_is_taken_over_from(seed: int) -> None:
    with fleet(seed, clients=20) as simulation:
        victim, *others = simulation.processes
        victim.kill()
        lost = of(simulation, victim)
        simulation.mood.slow_ms = 200
        simulation.world.run_until(lambda: sum(farewells(lost)) >= 5, REAPED_WITHIN_MS)
        next(each for each in others if each.reaper.reaping).kill()
        assert sum(farewells(lost)) < 20, "it was to die half way"
        simulation.world.run_until(all_told(lost), 2 * REAPED_WITHIN_MS)


@pytest.mark.parametrize("seed", range(1, 11))
def test_the_table_lets_one_of_two_reapers_begin(seed: int) -> None:
    """Both survivors find out at about the same time, and learn late of each other's claim."""
    with fleet(seed) as simulation:
        simulation.processes[0].kill()
        lost = of(simulation, simulation.processes[0])
        simulation.world.run(simulation.world.now_ms + 0.8 * LEASE_MS)
        simulation.dynamodb.weather = Weather(slow_ms=600)
        simulation.world.run_until(all_told(lost), REAPED_WITHIN_MS)
        assert farewells(lost) == [1] * 6


@pytest.mark.parametrize("seed", SEEDS)
def test_who_was_stopped_for_longer_than_its_lease_wakes_fenced_and_comes_back(seed: int) -> None:
    with fleet(seed) as simulation:
        sleeper = simulation.processes[0]
        number, mine = sleeper.tenure.number, of(simulation, sleeper)
        sleeper.here.pause(3 * LEASE_MS)
        simulation.world.run_until(all_told(mine), 2 * LEASE_MS)
        simulation.world.run_until(lambda: sleeper.actor.acts_as not in (None, number), 3 * LEASE_MS)
        assert {each.story.ended for each in mine if each.story is not None} == {"closed by us: 1012"}
        assert farewells(mine) == [1] * 6


@pytest.mark.parametrize("callbacks", range(1, 21))
def test_who_was_stopped_between_a_command_and_its_call_does_not_make_it(callbacks: int) -> None:
    """Connects, messages and ends had been taken; on waking others speak for them already."""
    with fleet(callbacks) as simulation:
        sleeper = simulation.processes[0]
        for client in of(simulation, sleeper)[:3]:
            client.says("hello")
        of(simulation, sleeper)[3].leaves()
        simulation.connect(sleeper)
        sleeper.here.after(callbacks, lambda: sleeper.here.pause(2 * LEASE_MS))
        simulation.world.run(simulation.world.now_ms + 1.5 * LEASE_MS)


@pytest.mark.parametrize("callbacks", range(1, 11))
def test_who_was_stopped_before_it_sent_a_record_does_not_send_it(callbacks: int) -> None:
    """Nobody would look for it any more, and whoever sent it dies before it has noticed."""
    with fleet(callbacks) as simulation:
        sleeper = simulation.processes[0]
        simulation.connect(sleeper)

        def stop() -> None:
            sleeper.here.pause(2.5 * LEASE_MS)
            sleeper.here.after(2, sleeper.kill)

        sleeper.here.after(callbacks, stop)
        simulation.world.run(simulation.world.now_ms + 3 * LEASE_MS)


@pytest.mark.parametrize("seed", range(1, 11))
def test_what_was_read_before_it_came_back_says_nothing_about_who_came_back(seed: int) -> None:
    """A reading that is under way meanwhile cannot know the new number; it must not be taken for its end."""
    with fleet(seed, nodes=2) as simulation:
        sleeper = simulation.processes[0]
        simulation.dynamodb.weather = Weather(slow_ms=300)
        sleeper.here.pause(1.2 * LEASE_MS)
        simulation.world.run(simulation.world.now_ms + 2 * LEASE_MS)


@pytest.mark.parametrize("seed", SEEDS)
def test_who_has_left_is_not_told_that_it_is_dead(seed: int) -> None:
    """While it says so it may still read: a caller asks it for a connection of a node that it has not seen."""
    with fleet(seed) as simulation:
        world, leaver = simulation.world, simulation.processes[0]
        leaver.terminate()
        world.drag(leaver.name, DYNAMODB, 800)
        world.drag(DYNAMODB, leaver.name, 800)
        world.run_until(lambda: leaver.actor.has_left, 10_000)
        newcomer = simulation.start_one()
        world.run_until(lambda: newcomer.serves, 1_000)
        client = simulation.connect(newcomer)
        world.run_until(lambda: client.is_open, 1_000)
        assert client.story is not None
        answers = simulation.post(leaver, client.story.connection_id)
        world.run_until(lambda: not leaver.runs, 20_000)
        assert answers, "it was to be asked while it left"


@pytest.mark.parametrize("seed", range(1, 11))
def test_a_record_that_arrives_late_is_found(seed: int) -> None:
    """A node's lease cannot be renewed, its records still are written, slowly: some after it was declared dead."""
    with fleet(seed) as simulation:
        world, victim = simulation.world, simulation.processes[0]
        simulation.dynamodb.local[victim.name] = Weather(slow_ms=50, throttled=0.9, shunned=1.0)
        for ms in range(6_500, 9_000, 100):
            world.after(ms, lambda: simulation.connect(victim))
        world.run(world.now_ms + 1.8 * LEASE_MS)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_node_is_reaped_only_once_its_records_are_gone(seed: int) -> None:
    """Handlers have taken every $disconnect, the records cannot be removed, and the reaper dies."""
    with fleet(seed) as simulation:
        victim, *others = simulation.processes
        victim.kill()
        lost = of(simulation, victim)
        for other in others:
            simulation.dynamodb.local[other.name] = Weather(throttled=1.0)
        simulation.world.run_until(all_told(lost), REAPED_WITHIN_MS)
        simulation.world.run(simulation.world.now_ms + 10_000)
        next(each for each in others if each.reaper.reaping).kill()


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_notices_a_table_that_is_away_for_less_than_a_lease(seed: int) -> None:
    with fleet(seed) as simulation:
        numbers = [process.tenure.number for process in simulation.processes]
        simulation.dynamodb.weather = Weather(lost=1.0)
        simulation.world.run(simulation.world.now_ms + 0.55 * LEASE_MS)
        simulation.dynamodb.calm()
        simulation.world.run(simulation.world.now_ms + 2 * LEASE_MS)
        assert all(client.is_open for client in simulation.clients)
        assert numbers == [process.actor.acts_as for process in simulation.processes]


@pytest.mark.parametrize("seed", SEEDS)
def test_everybody_is_fenced_by_a_longer_outage_and_comes_back(seed: int) -> None:
    with fleet(seed) as simulation:
        simulation.dynamodb.weather = Weather(lost=1.0)
        simulation.world.run(simulation.world.now_ms + 2 * LEASE_MS)
        assert not any(client.is_open for client in simulation.clients)
        assert not any(process.actor.acts_as for process in simulation.processes)
        simulation.dynamodb.calm()
        simulation.world.run_until(all_told(simulation.clients), REAPED_WITHIN_MS)
        assert farewells(simulation.clients) == [1] * 18


@pytest.mark.parametrize("seed", SEEDS)
def test_a_node_cut_off_from_the_table_is_fenced_and_its_connections_are_told_by_others(seed: int) -> None:
    with fleet(seed) as simulation:
        lonely = simulation.processes[0]
        simulation.world.cut(lonely.name, DYNAMODB)
        simulation.world.run_until(all_told(of(simulation, lonely)), REAPED_WITHIN_MS)
        assert farewells(of(simulation, lonely)) == [1] * 6
        assert all(client.is_open for process in simulation.processes[1:] for client in of(simulation, process))


@pytest.mark.parametrize("seed", SEEDS)
def test_nodes_cut_off_from_each_other_go_on_serving(seed: int) -> None:
    """The table alone says who lives; a post across the cut is unreachable, never gone."""
    with fleet(seed) as simulation:
        one, other = simulation.processes[:2]
        simulation.world.cut(one.name, other.name)
        story = of(simulation, other)[0].story
        assert story is not None
        answers = simulation.post(one, story.connection_id)
        simulation.world.run(simulation.world.now_ms + 3 * LEASE_MS)
        assert [answer.value for answer in answers if isinstance(answer, Outcome)] == ["UNREACHABLE"]
        assert all(client.is_open for client in simulation.clients)


@pytest.mark.parametrize("seed", SEEDS)
def test_who_leaves_in_good_order_tells_each_of_its_own(seed: int) -> None:
    with fleet(seed) as simulation:
        leaver = simulation.processes[0]
        leaver.terminate()
        simulation.world.run_until(lambda: not leaver.runs, 20_000)
        assert farewells(of(simulation, leaver)) == [1] * 6
        assert not [each for each in simulation.dynamodb.table.members if each == leaver.tenure.number]


def ids_of(clients: list[Client]) -> list[ConnectionId]:
    return [each.story.connection_id for each in clients if each.story is not None]


def half_way(mailing: Mailing | None, clients: list[Client]) -> Callable[[], bool]:
    """Some of these have got it."""
    assert mailing is not None
    mine = set(ids_of(clients))
    return lambda: len(mine & mailing.got.keys()) >= len(mine) // 3


def told(simulation: Simulation, mailing: Mailing | None) -> dict[str, Any]:
    """What the caller was told."""
    assert mailing is not None
    simulation.world.run_until(lambda: mailing.told is not None, MANY_WAIT_MS + 5_000)
    assert mailing.told is not None
    return mailing.told


@pytest.mark.parametrize("seed", range(1, 6))
def test_who_dies_during_a_broadcast_is_unreachable_and_all_others_are_served(seed: int) -> None:
    with fleet(seed, clients=30) as simulation:
        victim, caller, _ = simulation.processes
        mailing = simulation.broadcast(caller)
        simulation.world.run_until(half_way(mailing, of(simulation, victim)), 5_000)
        victim.kill()
        answer = told(simulation, mailing)
        assert answer["nodes"].pop(str(victim.tenure.number)) == "unreachable"
        assert answer["counts"] == {"sent": 60, "gone": 0, "limited": 0}
        assert list(answer["nodes"].values()) == [{"sent": 30, "gone": 0, "limited": 0}] * 2


@pytest.mark.parametrize("seed", range(1, 6))
def test_who_dies_during_a_batch_post_is_unreachable_and_all_others_are_served(seed: int) -> None:
    with fleet(seed, clients=30) as simulation:
        victim, caller, _ = simulation.processes
        mailing = simulation.post_to_many(caller, list(simulation.book.stories))
        simulation.world.run_until(half_way(mailing, of(simulation, victim)), 5_000)
        victim.kill()
        outcomes = told(simulation, mailing)["outcomes"]
        lost = set(ids_of(of(simulation, victim)))
        assert {outcomes[each] for each in lost} == {"unreachable"}
        assert {outcome for each, outcome in outcomes.items() if each not in lost} == {"sent"}


@pytest.mark.parametrize("seed", range(1, 6))
def test_who_is_stopped_during_a_broadcast_sends_no_more_of_it_once_it_is_fenced(seed: int) -> None:
    with fleet(seed, clients=30) as simulation:
        victim, caller, _ = simulation.processes
        mailing = simulation.broadcast(caller)
        simulation.world.run_until(half_way(mailing, of(simulation, victim)), 5_000)
        assert mailing is not None
        had_it, number = set(mailing.got) & set(ids_of(of(simulation, victim))), victim.tenure.number
        victim.here.pause(3 * LEASE_MS)
        assert told(simulation, mailing)["nodes"][str(number)] == "unreachable"
        simulation.world.run_until(lambda: victim.actor.acts_as not in (None, number), 4 * LEASE_MS)
        assert set(mailing.got) & set(ids_of(of(simulation, victim))) == had_it
        assert 0 < len(had_it) < 30


@pytest.mark.parametrize("many", ["broadcast", "batch"])
@pytest.mark.parametrize("callbacks", range(1, 16))
def test_who_was_stopped_between_two_copies_sends_no_other(callbacks: int, many: str) -> None:
    """On waking it may come upon the next copy before it notices what time it is; others speak for it by then."""
    with fleet(callbacks, clients=10) as simulation:
        sleeper, caller, _ = simulation.processes

        def copied(story: Story) -> None:
            if story.actor is sleeper.actor:
                sleeper.here.after(callbacks, lambda: sleeper.here.pause(2 * LEASE_MS))
            else:
                simulation.mail.next_copy = copied

        simulation.mail.next_copy = copied
        if many == "broadcast":
            simulation.broadcast(caller)
        else:
            simulation.post_to_many(caller, list(simulation.book.stories))
        simulation.world.run(simulation.world.now_ms + 3 * LEASE_MS)


@pytest.mark.parametrize("seed", range(1, 6))
def test_who_leaves_carries_out_first_what_it_has_taken(seed: int) -> None:
    with fleet(seed, clients=30) as simulation:
        leaver, caller, _ = simulation.processes
        mailings = [simulation.broadcast(caller, waits=False) for _ in range(5)]
        for mailing in mailings:
            assert set(told(simulation, mailing)["nodes"].values()) == {"taken"}
        leaver.terminate()
        simulation.world.run_until(lambda: not leaver.runs, 20_000)
        mine = set(ids_of(of(simulation, leaver)))
        assert all(mailing is not None and mine <= mailing.got.keys() for mailing in mailings)


@pytest.mark.parametrize("seed", range(1, 21))
def test_what_one_node_is_asked_for_without_waiting_arrives_in_order(seed: int) -> None:
    """Whether or not anybody waits for the answers, and a batch post behind them once they are there."""
    with fleet(seed, clients=8) as simulation:
        world, (caller, other, _) = simulation.world, simulation.processes
        for _ in range(12):
            last = simulation.broadcast(caller, waits=world.rng.random() < 0.5)
            world.run(world.now_ms + world.rng.choice((0, 0, 1, 5)))
        told(simulation, last)
        told(simulation, simulation.post_to_many(other, list(simulation.book.stories)))
        assert sum(len(mailing.follows) for mailing in simulation.mail.mailings) > 60, "there was no order to keep"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_table_that_is_away_keeps_a_broadcast_from_nobody_who_is_known(seed: int) -> None:
    with fleet(seed) as simulation:
        caller = simulation.processes[0]
        simulation.world.run_until(lambda: len(caller.member.roster.sightings) == 3, LEASE_MS)
        simulation.dynamodb.weather = Weather(lost=1.0)
        answer = told(simulation, simulation.broadcast(caller))
        assert answer["counts"]["sent"] == 18
        simulation.dynamodb.calm()


@pytest.mark.parametrize("seed", SEEDS)
def test_an_answer_that_is_lost_leaves_open_what_became_of_it(seed: int) -> None:
    """The other node has sent it; the caller cannot know, and nobody sends it again."""
    with fleet(seed) as simulation:
        caller, other, _ = simulation.processes
        simulation.world.cut_one_way(other.name, caller.name)
        mailing = simulation.broadcast(caller)
        assert told(simulation, mailing)["nodes"][str(other.tenure.number)] == "unreachable"
        assert mailing is not None and len(mailing.got) == 18


@pytest.mark.parametrize("seed", SEEDS)
def test_who_does_not_read_holds_nobody_up(seed: int) -> None:
    with fleet(seed) as simulation:
        slow = simulation.clients[::6]
        for client in slow:
            client.stops_reading()
        answer = told(simulation, simulation.broadcast(simulation.processes[0]))
        assert answer["counts"] == {"sent": 15, "gone": 0, "limited": 3}
        assert set(answer["limited"]) == set(ids_of(slow))


@pytest.mark.parametrize("seed", SEEDS)
def test_handlers_that_never_answer_leave_it_parked(seed: int) -> None:
    with fleet(seed, clients=3) as simulation:
        simulation.mood.away = 1.0
        simulation.processes[0].kill()
        of(simulation, simulation.processes[1])[0].leaves()
        simulation.world.run_until(lambda: len(simulation.dynamodb.table.parked) == 4, 120_000)
