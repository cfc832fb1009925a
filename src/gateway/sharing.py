"""Values that many connections have in common, held once: most clients are of a few kinds, from a few places."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

MAX_MAPPINGS: Final = 1_024  # recently seen ones; who is equal to one seen longer ago has its own


def shared_text(text: str) -> str:
    """The same text, as one object for all who have it; it goes with the last of them."""
    return sys.intern(text)


class SharedMappings:
    """What authorizers say of connections; the mappings given out must not be changed."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[tuple[str, str], ...], Mapping[str, str]] = OrderedDict()

    def of(self, mapping: Mapping[str, str] | None) -> Mapping[str, str] | None:
        """An equal mapping in the same order, the one that others have where there are some."""
        if mapping is None:
            return None
        key = tuple(mapping.items())
        found = self._seen.get(key)
        if found is None:
            found = self._seen[key] = mapping
            if len(self._seen) > MAX_MAPPINGS:
                self._seen.popitem(last=False)
        else:
            self._seen.move_to_end(key)
        return found
