"""How a node leaves: nobody new, then what it has taken for many, then its sockets in batches, each with its
``$disconnect``, then itself.

Connections whose handlers are at work are left for later batches, as long as there is time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from gateway.cluster.drain import STEP_MS, drain_plan
from gateway.crowds import Crowds
from gateway.node import LAST_CALLS_S, Node


async def drain(node: Node, crowds: Crowds, over_s: float, random: Callable[[], float]) -> int:
    """Let go of every socket within ``over_s`` seconds and wait for the calls that follow; returns how many had not
    ended by then. Nobody is let go before the broadcasts that ``crowds`` has taken, for at most half of the time.
    ``random`` is uniform in [0, 1)."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    waiting = deque(node.begin_leaving())
    await crowds.catch_up(over_s / 2)
    lets_go = loop.time()
    for batch in drain_plan(len(waiting), int((began + over_s - lets_go) * 1000), random):
        await asyncio.sleep(lets_go + batch.at_ms / 1000 - loop.time())
        for _ in range(min(batch.count, len(waiting))):
            let_go = waiting.popleft()
            if not let_go(True):
                waiting.append(let_go)
    while waiting and loop.time() - began < over_s:
        await asyncio.sleep(STEP_MS / 1000)
        waiting = deque(let_go for let_go in waiting if not let_go(True))
    return await node.stop(max(LAST_CALLS_S, began + over_s - loop.time()))
