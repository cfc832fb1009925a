"""Groups as sets in the order of joining, whatever joins and leaves in which order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.membership import Membership
from gateway.model.group import Group
from gateway.model.ids import ApiId, StageName

API, DEV, PROD = ApiId("a1b2c3d4e5"), StageName("dev"), StageName("prod")
RED, BLUE = Group(API, DEV, "red"), Group(API, DEV, "blue")


def everywhere(rooms: Membership[str], *groups: Group) -> list[tuple[str, ...]]:
    return [rooms.members_of(group) for group in groups]


def test_members_stand_in_the_order_of_joining() -> None:
    rooms = Membership[str](10)
    assert all(rooms.join(member, RED) for member in ("c", "a", "b", "a"))
    rooms.leave("a", RED)
    assert rooms.join("a", RED)
    assert rooms.members_of(RED) == ("c", "b", "a")


def test_groups_stand_in_the_order_of_joining_too() -> None:
    rooms = Membership[str](10)
    rooms.join("a", RED)
    rooms.join("a", BLUE)
    rooms.join("a", RED)
    assert rooms.groups_of("a") == ("red", "blue")
    rooms.leave("a", RED)
    assert rooms.groups_of("a") == ("blue",)


def test_the_same_name_in_another_stage_or_api_is_another_group() -> None:
    rooms = Membership[str](10)
    others = Group(API, PROD, "red"), Group(ApiId("zzzzzzzzzz"), DEV, "red")
    rooms.join("a", RED)
    assert everywhere(rooms, *others) == [(), ()]
    rooms.join("b", others[0])
    rooms.leave("a", others[0])
    assert everywhere(rooms, RED, *others) == [("a",), ("b",), ()]


def test_who_is_in_as_many_as_it_may_be_joins_no_other() -> None:
    rooms = Membership[str](2)
    rooms.join("a", RED)
    rooms.join("a", BLUE)
    third = Group(API, DEV, "third")
    assert not rooms.join("a", third)
    assert (rooms.groups_of("a"), rooms.members_of(third)) == (("red", "blue"), ())
    assert rooms.join("a", RED), "it is in it"
    assert rooms.join("b", third), "it is not the one that is full"
    rooms.leave("a", RED)
    assert rooms.join("a", third)


def test_who_leaves_what_it_is_not_in_changes_nothing() -> None:
    rooms = Membership[str](2)
    rooms.join("a", RED)
    rooms.leave("b", RED)
    rooms.leave("a", BLUE)
    rooms.leave_all("b")
    assert (rooms.members_of(RED), rooms.groups_of("b")) == (("a",), ())


def test_what_is_over_leaves_nothing_behind() -> None:
    rooms = Membership[str](2)
    for member in "abc":
        rooms.join(member, RED)
        rooms.join(member, BLUE)
    rooms.leave_all("a")
    rooms.leave("b", RED)
    rooms.leave("b", BLUE)
    rooms.leave_all("c")
    assert len(rooms) == 0
    assert (rooms._rooms, rooms._rooms_of) == ({}, {})


STEPS = st.lists(
    st.tuples(st.sampled_from(["join", "leave", "leave_all"]), st.sampled_from("abc"), st.sampled_from("xyz")),
    max_size=40,
)


@given(STEPS)
def test_both_ways_always_agree(steps: list[tuple[str, str, str]]) -> None:
    rooms, model = Membership[str](2), dict[str, list[str]]()
    for what, member, name in steps:
        group, mine = Group(API, DEV, name), model.setdefault(member, [])
        if what == "join":
            has_room = name in mine or len(mine) < 2
            assert rooms.join(member, group) is has_room
            mine += [name] if has_room and name not in mine else []
        elif what == "leave":
            rooms.leave(member, group)
            mine[:] = [each for each in mine if each != name]
        else:
            rooms.leave_all(member)
            mine.clear()
    assert {member: list(rooms.groups_of(member)) for member in model} == model
    for name in "xyz":
        assert set(rooms.members_of(Group(API, DEV, name))) == {member for member in model if name in model[member]}
    assert len(rooms) == sum(1 for mine in model.values() if mine)
