"""The groups of one node's open connections: joined by what answers ``$connect`` or by a call, left with the socket."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.conversation import Conversation
from gateway.counters import Counters, Limit
from gateway.engine.group_names import HEADER, names_in
from gateway.engine.membership import Membership
from gateway.model.group import Group
from gateway.model.limits import Limits
from gateway.model.peer import GetGroups, InGroups, JoinGroup, LeaveGroup, Outcome
from gateway.ports import Reporter


class Groups:
    """Only of connections that are open: ``leave_all`` is to be called when one closes."""

    def __init__(self, limits: Limits, counters: Counters, reporter: Reporter) -> None:
        self.max_name_chars = limits.max_group_name_chars
        self._max_groups = limits.max_groups
        self._counters = counters
        self._reporter = reporter
        self._membership: Membership[Conversation] = Membership(limits.max_groups)

    def change(self, conversation: Conversation, request: JoinGroup | LeaveGroup) -> Outcome:
        """GONE when it is a connection of another stage: who may do this in one may not in all."""
        connection = conversation.connection
        if connection.stage != request.stage:
            return Outcome.GONE
        if isinstance(request, JoinGroup):
            return self._join(conversation, request.group)
        self._membership.leave(conversation, Group(connection.api_id, connection.stage, request.group))
        return Outcome.DONE

    def told(self, conversation: Conversation, request: GetGroups) -> Outcome | InGroups:
        """Likewise."""
        if conversation.connection.stage != request.stage:
            return Outcome.GONE
        return InGroups(self.names_of(conversation))

    def enter(self, conversation: Conversation, listed: Iterable[str]) -> None:
        """Join what can be joined of all that the values of ``X-Fleet-Groups`` list; the operator hears of the rest."""
        names, faults = names_in(listed, self.max_name_chars)
        for _ in faults:
            self._counters.exceed(Limit.GROUP_NAME)
        left_out = [name for name in names if self._join(conversation, name) is Outcome.IN_MANY]
        if left_out:
            faults.append(f"{len(left_out)} more than the {self._max_groups} that one connection may be in, not joined")
        if faults:
            connection_id = conversation.connection.connection_id
            self._reporter.warned(f"{HEADER} of {connection_id}: {_first(faults)}")

    def leave_all(self, conversation: Conversation) -> None:
        """It closes; a no-op when it is in no group."""
        self._membership.leave_all(conversation)

    def names_of(self, conversation: Conversation) -> tuple[str, ...]:
        """In the order of joining."""
        return self._membership.groups_of(conversation)

    def members_of(self, group: Group) -> tuple[Conversation, ...]:
        """In the order of joining."""
        return self._membership.members_of(group)

    def __len__(self) -> int:
        """How many connections are in any."""
        return len(self._membership)

    def _join(self, conversation: Conversation, name: str) -> Outcome:
        connection = conversation.connection
        if self._membership.join(conversation, Group(connection.api_id, connection.stage, name)):
            return Outcome.DONE
        self._counters.exceed(Limit.GROUPS)
        return Outcome.IN_MANY


def _first(faults: list[str]) -> str:
    """A handler that is wrong is so for each connection: one line for each, however many are wrong."""
    return faults[0] if len(faults) == 1 else f"{faults[0]}; and {len(faults) - 1} more"
