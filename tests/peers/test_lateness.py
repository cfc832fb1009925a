"""How late a batch comes, without agreeing on the time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.peers.lateness import DRIFT, WINDOW_MS, Lateness


def all_of(batches: list[tuple[int, int]]) -> list[int]:
    lateness = Lateness()
    return [lateness.of(stamp, arrived) for stamp, arrived in batches]


@pytest.mark.parametrize("apart", [0, 5_000_000, -5_000_000])
def test_what_is_held_up_is_late_however_the_clocks_are_set(apart: int) -> None:
    sent_and_arrived = [(0, 0), (100, 101), (200, 250), (300, 300), (400, 1400)]
    assert all_of([(sent, arrived + apart) for sent, arrived in sent_and_arrived]) == [0, 1, 50, 0, 1000]


def test_a_quicker_one_shows_that_earlier_ones_were_late() -> None:
    assert all_of([(0, 300), (100, 100), (200, 500)]) == [0, 0, 300]


@pytest.mark.parametrize("slept_ms", [WINDOW_MS - 1, WINDOW_MS, 10 * WINDOW_MS])
def test_a_receiver_that_slept_knows_what_waited_for_it(slept_ms: int) -> None:
    wakes = 1_000 + slept_ms
    waited = [(1_000 + each, wakes) for each in range(0, 500, 100)]
    lates = all_of([(0, 0), (900, 900), *waited, (wakes, wakes)])
    drift = wakes // DRIFT
    assert lates[2:-1] == [slept_ms - each - drift for each in range(0, 500, 100)]
    assert lates[-1] == 0


def test_a_sender_whose_clock_stood_still_is_believed_again_after_two_windows() -> None:
    stood_ms = 60_000
    batches = [(at, at) for at in range(0, 10_000, 500)]
    after = [(at, at + stood_ms) for at in range(10_000, 30_000, 500)]
    lates = all_of(batches + after)[len(batches) :]
    believed = 2 * WINDOW_MS // 500 + 1
    assert all(late > stood_ms - 100 for late in lates[:10])
    assert lates[believed:] == [0] * (len(after) - believed)


def test_clocks_may_part_slowly_while_nothing_is_said() -> None:
    day = 24 * 3600 * 1000
    assert all_of([(0, 0), (1000, 1000), (day, day + day // DRIFT - 1)])[-1] == 0


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=30))
def test_it_is_never_negative_nor_more_than_the_spread(gaps_and_delays: list[tuple[int, int]]) -> None:
    sent, batches = 0, []
    for gap, delay in gaps_and_delays:
        sent += gap
        batches.append((sent, sent + delay))
    batches.sort(key=lambda batch: batch[1])
    spread = max((delay for _, delay in gaps_and_delays), default=0)
    assert all(0 <= late <= spread for late in all_of(batches))
