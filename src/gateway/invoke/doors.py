"""How one function process gets its events: by the Runtime API always, by a channel where it understands that."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.invoke.dialogue import Dialogue, Runtime, RuntimeEvent
from gateway.invoke.runtime_api import RuntimeEndpoint
from gateway.invoke.runtime_channel import RuntimeChannel
from gateway.ports import Process


class RuntimeDoors:
    """``env`` and ``descriptors`` are for the process; ``close`` ends every way, and the owner hears nothing more."""

    def __init__(self, dialogue: Dialogue, endpoint: RuntimeEndpoint, channel: RuntimeChannel | None) -> None:
        self._dialogue = dialogue
        self._endpoint = endpoint
        self._channel = channel
        self.env: Mapping[str, str] = {"AWS_LAMBDA_RUNTIME_API": endpoint.address}
        self.descriptors: Mapping[str, int] = {} if channel is None else channel.far_ends

    @classmethod
    async def open(cls, runtime: Runtime, *, has_channel: bool) -> RuntimeDoors:
        """Raises OSError when there is no descriptor or port left."""
        dialogue = Dialogue(runtime)
        endpoint = await RuntimeEndpoint.open(dialogue)
        try:
            return cls(dialogue, endpoint, RuntimeChannel(dialogue) if has_channel else None)
        except OSError:
            endpoint.close()
            raise

    async def started(self, process: Process) -> None:
        """The process holds what it was given, and its owner knows it: whatever it closes is closed, it is heard, and
        nobody else is."""
        if self._channel is not None:
            self._channel.started()
        await self._endpoint.serve(process.is_at)

    def offer(self, event: RuntimeEvent) -> None:
        """Hand ``event`` to the runtime that polls."""
        self._dialogue.offer(event)

    def close(self) -> None:
        self._dialogue.close()
        self._endpoint.close()
        if self._channel is not None:
            self._channel.close()
