"""The one error of the conversation between two nodes."""

from __future__ import annotations


class Garbled(Exception):
    """The other side is no node of this fleet, or its bytes are not what a node sends: the connection must end.

    The text says why, in words for an operator, without any of the bytes.
    """
