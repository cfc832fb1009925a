"""Posts to one connection whose ``$connect`` still runs: they wait for the upgrade, as many as there is room for."""

from __future__ import annotations

import asyncio

from gateway.model.limits import MAX_EARLY_BYTES, MAX_EARLY_POSTS
from gateway.model.peer import Outcome, PostTo


class EarlyPost:
    """``outcome`` is set by whoever delivers the post or gives it up. To be made inside a running loop."""

    __slots__ = ("outcome", "post")

    def __init__(self, post: PostTo) -> None:
        self.post = post
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()


class EarlyPosts:
    """In the order in which they came; there is one only for a connection that is posted to too early."""

    __slots__ = ("_bytes", "_held", "_max_bytes")

    def __init__(self, max_message_bytes: int) -> None:
        self._held: list[EarlyPost] = []
        self._bytes = 0
        self._max_bytes = max(MAX_EARLY_BYTES, max_message_bytes)

    def hold(self, post: PostTo) -> EarlyPost | None:
        """Keep one more; None when there is no room for it."""
        if len(self._held) >= MAX_EARLY_POSTS or self._bytes + len(post.data) > self._max_bytes:
            return None
        early = EarlyPost(post)
        self._held.append(early)
        self._bytes += len(post.data)
        return early

    def withdraw(self, early: EarlyPost) -> None:
        """Nobody waits for it any more; a no-op once it was taken."""
        if early in self._held:
            self._held.remove(early)
            self._bytes -= len(early.post.data)

    def take(self) -> list[EarlyPost]:
        """All that are waited for; none are kept."""
        taken, self._held, self._bytes = self._held, [], 0
        return [early for early in taken if not early.outcome.done()]
