"""CPU of the gateway for one proxied message beside the invocation itself: route, event, answer, reply.

    python bench/message_path.py [--json]

The function's call is answered at once by this program, so what is measured is everything else that happens between a
message taken from the socket and the reply handed to it. Prints microseconds of CPU per message: median and range of 7
runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("src", "tests")]

from gateway.model.invocation import Returned  # noqa: E402
from node_doubles import until_idle  # noqa: E402
from sample_definitions import handshake  # noqa: E402
from test_node import ALL, Stage  # noqa: E402

RUNS = 7
MESSAGES = 5_000
ANSWER = Returned(b'{"statusCode": 200, "body": "pong"}')
GOAL_US = 60


async def one_run() -> float:
    """Microseconds of CPU per message."""
    stage = Stage(*ALL)

    async def invoke(call: object) -> Returned:
        return ANSWER

    stage.functions.invoke = invoke  # type: ignore[method-assign,assignment]  # no JSON parsed, no call recorded
    socket, conversation = await stage.opened(handshake())
    began = time.process_time()
    for _ in range(MESSAGES // 50):
        expected = len(socket.sent) + 50
        for _ in range(50):
            stage.node.message(conversation, '{"action":"anything","data":{"text":"hello there","room":"tea"}}')
        await until_idle(lambda expected=expected: len(socket.sent) >= expected)
    spent = time.process_time() - began
    await stage.node.stop(1)
    return spent / MESSAGES * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU per proxied message beside the invocation")
    parser.add_argument("--json", action="store_true", help="print JSON")
    as_json = parser.parse_args().json
    asyncio.run(one_run())  # warm
    figures = sorted(asyncio.run(one_run()) for _ in range(RUNS))
    result = {
        "figure": "gateway CPU per proxied two-way message beside the invocation, microseconds",
        "median": round(statistics.median(figures), 1),
        "range": [round(figures[0], 1), round(figures[-1], 1)],
        "goal": GOAL_US,
        "python": platform.python_version(),
        "machine": f"{platform.machine()} {platform.system()} {platform.release()}",
    }
    if as_json:
        print(json.dumps(result))
    else:
        low, high = result["range"]
        print(f"{result['figure']}: {result['median']} ({low}-{high}), goal {GOAL_US}")
        print(f"Python {result['python']}, {result['machine']}, {RUNS} runs of {MESSAGES} messages")


main()
