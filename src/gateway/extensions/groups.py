"""``PUT``, ``DELETE /{stage}/@fleet/groups/{group}/connections/{id}`` and ``GET …/@fleet/connections/{id}/groups``: one
connection and its groups, asked of the node that holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.engine.endpoint import Endpoint
from gateway.engine.group_names import fault_of
from gateway.extensions.answers import Answers
from gateway.management import IdCheck
from gateway.model.http import HttpResponse
from gateway.model.ids import ConnectionId
from gateway.model.peer import ANSWERS, GetGroups, GroupRequest, InGroups, JoinGroup, LeaveGroup, Outcome, PeerAnswer
from gateway.reach import Reaching

_TOO_MANY: Final = "it is in as many groups as one connection may be in"
_ERRORS: Final = {
    Outcome.GONE: ("GoneException", "the connection is gone"),
    Outcome.IN_MANY: ("ConflictException", _TOO_MANY),
    Outcome.LIMITED: ("LimitExceededException", "too much waits for it to open"),
    Outcome.FENCED: ("ServiceUnavailableException", "Service Unavailable"),
    Outcome.UNREACHABLE: ("InternalServerErrorException", "the node that holds it does not answer"),
    Outcome.UNSUPPORTED: ("ServiceUnavailableException", "the node that holds it is of a version without groups"),
}


@dataclass(frozen=True, slots=True)
class GroupCalls:
    """``max_name_chars`` of a group."""

    reach: Reaching
    check: IdCheck
    answers: Answers
    max_name_chars: int

    async def join(self, endpoint: Endpoint, group: str, connection_id: str) -> HttpResponse:
        return await self._change(JoinGroup, endpoint, group, connection_id)

    async def leave(self, endpoint: Endpoint, group: str, connection_id: str) -> HttpResponse:
        return await self._change(LeaveGroup, endpoint, group, connection_id)

    async def of(self, endpoint: Endpoint, connection_id: str) -> HttpResponse:
        """In which it is."""
        asked = GetGroups(endpoint.api.api_id, ConnectionId(connection_id), endpoint.stage.stage_name)
        return await self._answered(asked)

    async def _change(
        self, kind: type[JoinGroup | LeaveGroup], endpoint: Endpoint, group: str, connection_id: str
    ) -> HttpResponse:
        fault = fault_of(group, self.max_name_chars)
        if fault is not None:
            return self.answers.error("BadRequestException", fault)
        api_id, stage = endpoint.api.api_id, endpoint.stage.stage_name
        return await self._answered(kind(api_id, ConnectionId(connection_id), stage, group))

    async def _answered(self, request: GroupRequest) -> HttpResponse:
        owner = self.check.owner(request.connection_id)
        if owner is None:
            return self.answers.error("BadRequestException", f"Invalid connectionId: {request.connection_id}")
        asked = self.reach.ask(owner, request)
        answer: PeerAnswer = asked if isinstance(asked, ANSWERS) else await asked
        if isinstance(answer, InGroups):
            return self.answers.result({"groups": list(answer.names)})
        if answer is Outcome.DONE:
            return self.answers.done()
        return self.answers.error(*_ERRORS[answer if isinstance(answer, Outcome) else Outcome.UNREACHABLE])
