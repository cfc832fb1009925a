"""Python's garbage collector, told how a server allocates.

What is made for a message or a handshake is freed by its reference count. Yet 700 objects more than before, which is a
few dozen handshakes in flight, have the collector look for cycles among the young, and by and by through everything
that there is, modules and code included.
"""

from __future__ import annotations

import gc
from typing import Final

YOUNG: Final = 10_000  # objects: about a megabyte of those that may hold each other in cycles


def spare_collector() -> None:
    """To be called once everything that stays has been made: it is not looked through any more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
