from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.settings import HostPort, ServeSettings
from gateway.workers.spec import WorkerSpec, parents_end, read_spec

DEADLINE_S = 10.0


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Reading end, writing end; the test closes the latter."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


def test_what_a_parent_writes_a_worker_reads() -> None:
    spec = WorkerSpec(
        3,
        Path("/tmp/x.json"),
        ServeSettings(
            port=8080,
            advertise=HostPort("10.0.0.7", 7003),
            parameter_overrides={"Secret": "a\nb\u2028"},
        ),
    )
    line = spec.line()
    assert line.count(b"\n") == 1
    assert read_spec(io.BytesIO(line)) == spec


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"{}\n", b"[]\n", b'{"index": 0, "ready_file": "x", "settings": {}}\n', b'{"index": 0\n']
)
def test_what_no_parent_wrote_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"not|Expecting"):
        read_spec(io.BytesIO(data))


async def test_the_end_of_a_parent_is_seen(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    watching = asyncio.ensure_future(parents_end(reading))
    os.write(writing, b"whatever")
    await asyncio.sleep(0)
    assert not watching.done()
    os.close(writing)
    async with asyncio.timeout(DEADLINE_S):
        await watching


async def test_whoever_stops_watching_leaves_nothing(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    watching = asyncio.ensure_future(parents_end(reading))
    await asyncio.sleep(0)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert not asyncio.get_running_loop().remove_reader(reading)
    os.close(writing)
