"""How many of this process's descriptors clients may have: not all of them.

A node whose every descriptor is a client's can no longer ask its table, answer the other nodes or start a handler, so
the last ones are kept for that. The kernel gives out the lowest number that is free, so the number of a new descriptor
says how many there are, without counting any.
"""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from typing import Final

RESERVED: Final = 256  # connections of the table's client, peers, pipes of handler processes, log files
_SHARE: Final = 8  # of a small limit no more than one in so many is kept back


def for_clients(reserved: int = RESERVED) -> int:
    """The first descriptor that no client is to have, as the limit stands now."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return sys.maxsize
    return limit - min(reserved, limit // _SHARE)


def is_free(below: int, like: int) -> bool:
    """Whether a new descriptor would be below that number; ``like`` is any open one."""
    with suppress(OSError):
        probe = os.dup(like)
        os.close(probe)
        return probe < below
    return False
