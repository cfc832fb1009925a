"""Batches under a MAC of all that was said."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.peers.bounds import MAX_ALONE_BYTES, MAX_BATCH_BYTES
from gateway.peers.garbled import Garbled
from gateway.peers.sealing import FRAMES_AT, MAC_BYTES, Batch, Opener, Sealer

KEY = bytes(range(32))
BATCHES = st.lists(st.tuples(st.lists(st.binary(max_size=40), max_size=4), st.integers(0, 2**64 - 1)), max_size=5)


def opened(opener: Opener, pieces: Iterable[bytes]) -> tuple[list[Batch], bool]:
    """The batches, and whether all was in order."""
    found: list[Batch] = []
    try:
        for piece in pieces:
            for stamp, message in opener.feed(piece):
                found.append((stamp, message[FRAMES_AT:]))
    except Garbled:
        return found, False
    return found, True


def one_by_one(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


@given(BATCHES, st.lists(st.integers(0, 400), max_size=6))
def test_batches_come_back_however_their_bytes_are_cut(batches: list[tuple[list[bytes], int]], cuts: list[int]) -> None:
    sealer = Sealer(KEY)
    data = b"".join(sealer.seal(frames, stamp) for frames, stamp in batches)
    borders = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(borders)]
    wanted = [(stamp, b"".join(frames)) for frames, stamp in batches], True
    assert opened(Opener(KEY), [data]) == wanted
    assert opened(Opener(KEY), pieces) == wanted
    assert opened(Opener(KEY), one_by_one(data)) == wanted


@given(st.binary(max_size=200))
def test_random_bytes_are_garbled_or_not_enough(data: bytes) -> None:
    assert opened(Opener(KEY), [data])[0] == []
    assert opened(Opener(KEY), [data]) == opened(Opener(KEY), one_by_one(data))


@given(BATCHES.filter(bool), st.data())
def test_any_changed_bit_is_found_before_its_batch_is_read(
    batches: list[tuple[list[bytes], int]], data: st.DataObject
) -> None:
    sealer = Sealer(KEY)
    sealed = [sealer.seal(frames, stamp) for frames, stamp in batches]
    said = bytearray(b"".join(sealed))
    bit = data.draw(st.integers(0, len(said) * 8 - 1))
    said[bit // 8] ^= 1 << bit % 8
    untouched = 0
    while sum(map(len, sealed[: untouched + 1])) <= bit // 8:
        untouched += 1
    found, _ = opened(Opener(KEY), [bytes(said)])
    assert len(found) == untouched


def three() -> list[bytes]:
    sealer = Sealer(KEY)
    return [sealer.seal([frame], 1) for frame in (b"one", b"two", b"six")]


@pytest.mark.parametrize(
    ("order", "good"),
    [
        pytest.param((0, 1, 2), 3, id="as said"),
        pytest.param((0, 0), 1, id="repeated"),
        pytest.param((0, 1, 0), 2, id="repeated later"),
        pytest.param((0, 2), 1, id="left out"),
        pytest.param((1,), 0, id="first left out"),
        pytest.param((1, 0), 0, id="moved"),
    ],
)
def test_batches_are_taken_in_the_order_said(order: tuple[int, ...], good: int) -> None:
    said = three()
    found, fine = opened(Opener(KEY), [said[number] for number in order])
    assert len(found) == good
    assert fine == (order == (0, 1, 2))


def test_another_key_is_garbled() -> None:
    assert opened(Opener(bytes(32)), three()) == ([], False)


def test_a_batch_longer_than_any_is_refused_from_its_head() -> None:
    head = (MAX_ALONE_BYTES + 1).to_bytes(4, "big") + bytes(8)
    assert opened(Opener(KEY), [head[:11]]) == ([], True)
    assert opened(Opener(KEY), [head]) == ([], False)


def test_a_frame_longer_than_a_batch_has_one_to_itself() -> None:
    long = bytes(MAX_BATCH_BYTES + 1)
    found, fine = opened(Opener(KEY), [Sealer(KEY).seal([long, b"x"], 5)])
    assert fine
    assert [len(body) for _, body in found] == [len(long), 1]


def test_what_does_not_fit_one_batch_makes_several() -> None:
    half = bytes(MAX_BATCH_BYTES // 2)
    frames = [half, half, b"x", half, half[:-1], half]
    data = Sealer(KEY).seal(frames, 5)
    found, fine = opened(Opener(KEY), [data])
    assert fine
    assert [(stamp, len(body)) for stamp, body in found] == [
        (5, MAX_BATCH_BYTES),
        (5, MAX_BATCH_BYTES),
        (5, MAX_BATCH_BYTES // 2),
    ]
    assert b"".join(body for _, body in found) == b"".join(frames)
    assert len(data) == sum(map(len, frames)) + 3 * (FRAMES_AT + MAC_BYTES)
