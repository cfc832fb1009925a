"""A TCP forwarder a test can shut and reopen on the same port: a service that goes away and comes back."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

CHUNK_BYTES = 65536


class TcpGate:
    """Forwards a loopback port of its own to ``url``'s while it is open; shut, the port refuses."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @classmethod
    async def open(cls, url: str) -> TcpGate:
        parts = urlsplit(url)
        assert parts.hostname is not None and parts.port is not None
        gate = cls(parts.hostname, parts.port)
        await gate.reopen()
        return gate

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def reopen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Refuse new connections and break the ones there are."""
        assert self._server is not None
        self._server.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_copy(reader, far_writer))
                    group.create_task(_copy(far_reader, writer))
            finally:
                far_writer.close()
        except asyncio.CancelledError:
            pass  # shut: the connection ends here and nobody waits for this task
        finally:
            writer.close()
            self._tasks.discard(task)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except ConnectionError:
        writer.close()
