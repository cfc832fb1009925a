"""Many sockets of one fleet, held by as many load generators as it has nodes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.harness.gateway import Gateway
from bench.harness.scenario import Bench

ARRIVE_S: Final = 30.0
IN_FLIGHT: Final = 64  # handshakes of all generators together


class Crowd:
    """Everybody who is connected; each message is counted by its receiver."""

    def __init__(self, bench: Bench, gateway: Gateway) -> None:
        self._loads = [bench.loads.at(gateway.target) for _ in gateway.workers]
        self._shares = [0] * len(self._loads)

    @property
    def size(self) -> int:
        return sum(self._shares)

    def grow(self, count: int) -> None:
        """Until there are so many."""
        wanted = [count // len(self._loads) + (at < count % len(self._loads)) for at in range(len(self._loads))]
        for load, before, share in zip(self._loads, self._shares, wanted, strict=True):
            load.begin_open(share - before, max(IN_FLIGHT // len(self._loads), 1))
        for load in self._loads:
            load.opened()
        self._shares = wanted

    @contextmanager
    def receiving(self) -> Iterator[None]:
        """One message to everybody, by whatever is done within. Raises ChildFailed when it does not arrive."""
        for load in self._loads:
            load.received()
            load.rest()
        yield
        for load, share in zip(self._loads, self._shares, strict=True):
            load.begin_wait_for(share, ARRIVE_S)
        for load in self._loads:
            load.waited()

    def end(self) -> None:
        for load in self._loads:
            load.end()
