"""People with browsers: they connect, say something, leave, and answer a close as they please."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from gateway.conversation import Conversation
from simulation.book import BookedSocket, Story
from simulation.process import Process

UNCLEAN: Final = 0.3  # of all ends come without a close frame
DEAF: Final = 0.1  # of all clients never answer a close frame


class Client:
    """One connection to ``process``. What it does arrives there a little later and in order, unless that is dead."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._world = process.scene.world
        self._conversation: Conversation | None = None
        self._last_arrival_ms = 0.0
        self._left = False
        self.on_open: Callable[[], None] = lambda: None
        self.socket = BookedSocket(process.scene.book, self._is_let_in, self._reads_a_close)
        self._arrives(self._knock)

    @property
    def story(self) -> Story | None:
        """None as long as the node has not taken the handshake."""
        return self.socket.story

    @property
    def is_open(self) -> bool:
        return self.story is not None and self.story.is_open

    def says(self, text: str) -> None:
        """A message, if the client believes itself connected."""
        if self.story is not None and self.story.accepted and not self._left:
            self._arrives(lambda: self._heard(lambda it: self._process.node.message(it, text)))

    def stops_reading(self) -> None:
        """What is sent waits at the node from now on, and there is room for nothing more."""
        self.socket.is_full = True

    def reads_on(self) -> None:
        self.socket.is_full = False

    def leaves(self) -> None:
        """With or without a close frame; it reads nothing from now on. Also while it waits for its 101."""
        if not self._left and self.story is not None:
            self.socket.gone = True
            if self.story.accepted:
                self._process.scene.book.leaves(self.story, "the client has left")
            self._ends()

    def _knock(self) -> None:
        self._conversation = self._process.takes(self.socket)

    def _is_let_in(self) -> None:
        self._world.after(self._world.latency_ms() / 2, lambda: self.on_open())

    def _reads_a_close(self) -> None:
        if not self._left and self._world.rng.random() >= DEAF:
            self._ends()

    def _ends(self) -> None:
        self._left = True
        clean = self._world.rng.random() >= UNCLEAN and self.story is not None and self.story.accepted
        node = self._process.node

        def end(conversation: Conversation) -> None:
            if clean:
                node.peer_closed(conversation, 1000, "")
            else:
                node.peer_lost(conversation)
            self.socket.finished = True
            assert self.story is not None
            self._process.scene.book.ends(self.story, "the client has left")

        self._arrives(partial(self._heard, end))

    def _heard(self, tell: Callable[[Conversation], None]) -> None:
        if self._conversation is not None and not self.socket.finished:
            tell(self._conversation)

    def _arrives(self, what: Callable[[], None]) -> None:
        self._last_arrival_ms = max(self._last_arrival_ms, self._world.now_ms + self._world.latency_ms() / 2)
        self._world.at(self._last_arrival_ms, lambda: self._process.here.loop.call_soon(what))
