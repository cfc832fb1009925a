"""Functions here and elsewhere behind one port: what the template defines runs here, everything else remotely."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.ids import FunctionName
from gateway.model.invocation import FunctionResult
from gateway.ports import FunctionCall, Functions


@dataclass(frozen=True, slots=True)
class FunctionsByPlace:
    """A local function hides a remote one of its name, whichever versions and aliases either has."""

    local: Functions
    remote: Functions

    async def invoke(self, call: FunctionCall) -> FunctionResult:
        return await self._of(call.function_name).invoke(call)

    def knows(self, function_name: FunctionName, qualifier: str | None) -> bool:
        return self._of(function_name).knows(function_name, qualifier)

    def _of(self, function_name: FunctionName) -> Functions:
        return self.local if self.local.knows(function_name, None) else self.remote
