from __future__ import annotations

from gateway.early_posts import EarlyPosts
from gateway.model.ids import ApiId, ConnectionId
from gateway.model.limits import MAX_EARLY_BYTES, MAX_MESSAGE_BYTES
from gateway.model.peer import Outcome, PostTo


def post(data: bytes) -> PostTo:
    return PostTo(ApiId("a"), ConnectionId("c"), data)


async def test_they_are_taken_in_order_and_once() -> None:
    posts = EarlyPosts(MAX_MESSAGE_BYTES)
    held = [posts.hold(post(data)) for data in (b"a", b"b")]
    assert posts.take() == held
    assert posts.take() == []


async def test_so_many_bytes_and_no_more() -> None:
    posts = EarlyPosts(MAX_MESSAGE_BYTES)
    half = posts.hold(post(bytes(MAX_EARLY_BYTES // 2)))
    assert half is not None
    assert posts.hold(post(bytes(MAX_EARLY_BYTES // 2))) is not None
    assert posts.hold(post(b"x")) is None
    posts.withdraw(half)
    posts.withdraw(half)
    assert posts.hold(post(b"x")) is not None
    assert posts.hold(post(bytes(MAX_EARLY_BYTES // 2))) is None


async def test_one_of_the_longest_message_has_room() -> None:
    assert EarlyPosts(1_000_000).hold(post(bytes(1_000_000))) is not None


async def test_what_is_not_waited_for_any_more_is_not_taken() -> None:
    posts = EarlyPosts(MAX_MESSAGE_BYTES)
    held = posts.hold(post(b"a"))
    assert held is not None
    held.outcome.set_result(Outcome.GONE)
    assert posts.take() == []
