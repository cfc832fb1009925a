from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.contracts import CONTRACTS, MAX_BYTES

CORPUS = Path(__file__).parent / "corpus"
SEEDS = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_corpus_keeps_the_contracts(seed: Path) -> None:
    data = seed.read_bytes()
    assert len(data) <= MAX_BYTES
    CONTRACTS[seed.parent.name](data)


def test_every_contract_has_a_corpus() -> None:
    assert {seed.parent.name for seed in SEEDS} == set(CONTRACTS)


@pytest.mark.parametrize("name", CONTRACTS)
def test_any_bytes_keep_the_contract(name: str) -> None:
    seeds = [path.read_bytes() for path in SEEDS if path.parent.name == name]

    @given(st.binary(max_size=200) | st.tuples(st.sampled_from(seeds), st.data()).map(_spliced))
    def kept(data: bytes) -> None:
        CONTRACTS[name](data)

    kept()


def _spliced(drawn: tuple[bytes, st.DataObject]) -> bytes:
    """A seed of which one stretch is replaced."""
    seed, data = drawn
    start = data.draw(st.integers(0, len(seed)))
    end = data.draw(st.integers(start, min(len(seed), start + 8)))
    return seed[:start] + data.draw(st.binary(max_size=8)) + seed[end:]
