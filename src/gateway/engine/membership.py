"""Who is in which group: of one node, in its memory alone. Whoever is in no group has no place here."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from gateway.model.group import Group

Member = TypeVar("Member", bound=Hashable)


class _Room(Generic[Member]):
    """One group with its members, one object for all of them."""

    __slots__ = ("group", "members")

    def __init__(self, group: Group) -> None:
        self.group = group
        self.members: dict[Member, None] = {}


class Membership(Generic[Member]):
    """Both ways: members of a group in the order in which they joined, groups of a member in the order in which it
    joined them. A group without members is forgotten."""

    __slots__ = ("_max_groups", "_rooms", "_rooms_of")

    def __init__(self, max_groups: int) -> None:
        self._max_groups = max_groups
        self._rooms: dict[Group, _Room[Member]] = {}
        self._rooms_of: dict[Member, tuple[_Room[Member], ...]] = {}

    def __len__(self) -> int:
        """How many are in any group."""
        return len(self._rooms_of)

    def join(self, member: Member, group: Group) -> bool:
        """Whether it is in the group now: False when it is in as many others as it may be. Joining again changes
        nothing."""
        room = self._rooms.get(group)
        if room is not None and member in room.members:
            return True
        mine = self._rooms_of.get(member, ())
        if len(mine) >= self._max_groups:
            return False
        if room is None:
            room = self._rooms[group] = _Room(group)
        room.members[member] = None
        self._rooms_of[member] = (*mine, room)
        return True

    def leave(self, member: Member, group: Group) -> None:
        """A no-op when it is not in it."""
        room = self._rooms.get(group)
        if room is None or member not in room.members:
            return
        self._drop(member, room)
        left = tuple([each for each in self._rooms_of[member] if each is not room])
        if left:
            self._rooms_of[member] = left
        else:
            del self._rooms_of[member]

    def leave_all(self, member: Member) -> None:
        """It is gone; a no-op when it was in no group."""
        for room in self._rooms_of.pop(member, ()):
            self._drop(member, room)

    def groups_of(self, member: Member) -> tuple[str, ...]:
        """Their names."""
        return tuple([room.group.name for room in self._rooms_of.get(member, ())])

    def members_of(self, group: Group) -> tuple[Member, ...]:
        """Those of this moment."""
        room = self._rooms.get(group)
        return () if room is None else tuple(room.members)

    def _drop(self, member: Member, room: _Room[Member]) -> None:
        del room.members[member]
        if not room.members:
            del self._rooms[room.group]
