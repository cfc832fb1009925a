"""``gateway.ports.Processes``: processes that never outlive the gateway, by a guardian that is started when needed.

Knows nothing of what the processes are for. A guardian that died is replaced by the next start.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping, Sequence

from gateway.ports import NO_DESCRIPTORS, Confinement, LineSink, Process
from gateway.processes.link import GuardianGone, GuardianLink, SpawnOrder


class ProcessSupervisor:
    """Belongs to one running loop; ``close`` kills whatever is still running."""

    def __init__(self) -> None:
        self._link: GuardianLink | None = None
        self._reaping: set[asyncio.Future[None]] = set()
        self._closed = False

    @property
    def guardian_pid(self) -> int | None:
        """For who watches processes; None while nothing was started."""
        return self._link.pid if self._link else None

    async def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        output: LineSink,
        descriptors: Mapping[str, int] = NO_DESCRIPTORS,
        confinement: Confinement | None = None,
    ) -> Process:
        order = SpawnOrder(argv, env, cwd, descriptors, confinement)
        try:
            return await self._living_link().spawn(order, output)
        except GuardianGone:
            return await self._living_link().spawn(order, output)

    async def close(self) -> None:
        self._closed = True
        if self._link is not None:
            await self._link.close()
            self._link = None
        await asyncio.gather(*self._reaping)

    def _living_link(self) -> GuardianLink:
        if self._closed:
            raise OSError(errno.ESHUTDOWN, "the gateway is stopping")
        if self._link is not None and self._link.is_gone:
            reaping = self._link.reap_later()
            self._reaping.add(reaping)
            reaping.add_done_callback(self._reaping.discard)
            self._link = None
        if self._link is None:
            self._link = GuardianLink()
        return self._link
