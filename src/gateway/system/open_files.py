"""How many files this process may hold open, which is how many clients it can have.

Systems start programs with a soft limit of 256 or 1,024 for the sake of ancient ones, and let them raise it themselves.
"""

from __future__ import annotations

import resource
from contextlib import suppress
from typing import Final

ENOUGH: Final = 1_048_576  # Linux's ceiling (fs.nr_open) unless somebody changed it
_MODEST: Final = 10_240  # macOS refuses more where its hard limit claims to be endless


def raise_open_files(wanted: int = ENOUGH) -> int:
    """Raise the soft limit as far as allowed, never lower it; returns what it is then."""
    for aim in (wanted, min(wanted, _MODEST)):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        ceiling = aim if hard == resource.RLIM_INFINITY else min(aim, hard)
        if soft == resource.RLIM_INFINITY or soft >= ceiling:
            break
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
