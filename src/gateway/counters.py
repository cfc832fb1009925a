"""What one node counts: plain integers that whoever does the work increments, and nothing is computed from on the way.

Names and units are what operators see (``metrics``). It knows no limit's size and no clock.
"""

from __future__ import annotations

from enum import Enum


class Limit(Enum):
    """What a client, or a caller, can go beyond: the name, and what is done about it."""

    PER_ADDRESS = ("connections_per_address", "closed unread")
    HEAD_BYTES = ("head_bytes", "431")
    HEAD_COUNT = ("head_count", "431")
    HEAD_TIMEOUT = ("head_timeout", "408, or closed when nothing came")
    TLS_HANDSHAKE = ("tls_handshake", "closed")
    PROXY_HEADER = ("proxy_header", "closed")
    BODY_BYTES = ("body_bytes", "413")
    BODY_TIMEOUT = ("body_timeout", "408")
    UNREAD_ANSWER = ("unread_answer", "closed")
    ORIGIN = ("origin", "403")
    CONNECT_RATE = ("connect_rate", "429")
    REQUEST_RATE = ("request_rate", "429, or an error frame")
    MESSAGE_RATE = ("message_rate", "not read for a while")
    BYTE_RATE = ("byte_rate", "not read for a while")
    PING_RATE = ("ping_rate", "not read for a while")
    IN_FLIGHT = ("messages_in_flight", "not read until half are answered")
    IN_LINE = ("bytes_in_line", "not read until half are with their handler")
    FRAME_BYTES = ("message_bytes", "closed with 1009")
    PROTOCOL = ("protocol", "closed with 1002, 1003 or 1007")
    OUT_BUFFER = ("out_buffer", "429 to the poster")
    PONG = ("pong", "cut; $disconnect with 1006")
    SLOW_CLIENT = ("slow_client", "closed with 1008")
    WAITING_TO_MANY = ("waiting_to_many", "`limited`, or 429")
    GROUPS = ("groups", "not joined: 409, or a warning")
    GROUP_NAME = ("group_name", "not joined, and a warning")

    def __init__(self, label: str, consequence: str) -> None:
        self.label = label
        self.consequence = consequence


class Counters:
    """``sockets`` and ``paused`` (listeners that accept nobody) are of this moment; all others only grow."""

    __slots__ = (
        "accept_pauses",
        "accepts",
        "exceeded",
        "invocations",
        "messages",
        "opened",
        "paused",
        "posts",
        "refused",
        "sockets",
    )

    def __init__(self) -> None:
        self.sockets = 0
        self.paused = 0
        self.accepts = 0
        self.accept_pauses = 0
        self.opened = 0
        self.messages = 0
        self.posts = 0
        self.invocations = 0
        self.refused: dict[int, int] = {}  # handshakes, by the status that they were answered with
        self.exceeded: dict[Limit, int] = dict.fromkeys(Limit, 0)

    def refuse(self, status: int) -> None:
        """A handshake was answered with something else than 101."""
        self.refused[status] = self.refused.get(status, 0) + 1

    def exceed(self, limit: Limit) -> None:
        """Somebody went beyond a limit, once."""
        self.exceeded[limit] += 1
