from __future__ import annotations

from typing import Any

import pytest
from bench.harness.profile import KERNEL, LIBRARIES, NODE, rooms_of

NODE_PY = ("/src/wsfleet/src/gateway/node.py", 10, "_step")
LOT = ("/src/wsfleet/src/gateway/server/lot.py", 20, "_read")
SELECT = ("/lib/selectors.py", 452, "select")
JSON = ("/lib/json/encoder.py", 183, "encode")
READ = ("~", 0, "<built-in method posix.read>")
POLL = ("~", 0, "<method 'poll' of 'select.epoll' objects>")
NOBODYS = ("/lib/asyncio/events.py", 80, "_run")


def entry(seconds: float, **callers: float) -> Any:
    named = {"node": NODE_PY, "lot": LOT, "select": SELECT}
    return (1, 1, seconds, seconds, {named[name]: (1, 1, part, part) for name, part in callers.items()})


def test_time_counts_for_the_room_that_spends_it_or_has_it_spent() -> None:
    profile = rooms_of(
        {
            NODE_PY: entry(1.0),
            LOT: entry(2.0),
            JSON: entry(1.0, node=1.0),
            READ: entry(3.0, lot=3.0),
            POLL: entry(91.0, select=90.0, lot=1.0),
            NOBODYS: entry(2.0, select=2.0),
        }
    )
    assert profile.rooms == pytest.approx({KERNEL: 0.4, NODE: 0.2, "server": 0.2, LIBRARIES: 0.2})
    assert next(iter(profile.functions)) == "built-in method posix.read"
    assert profile.functions["server/lot:20 _read"] == pytest.approx(0.2)


def test_nothing_has_no_shares() -> None:
    assert rooms_of({}).rooms == {}
