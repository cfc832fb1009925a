"""One message to many connections, as an application sends it: by single posts of boto3, and by the batch post.

    python bench/many_posts.py ENDPOINT REGION IDS-FILE

Reads lines of stdin, answers each with a line of JSON: ``single COUNT`` (PostToConnection by boto3, 64 threads),
``batch COUNT`` (``handlers.many``). Credentials come from the environment.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config

from handlers.many import SENT, post_to_connections

THREADS: Final = 64
DATA: Final = b"x" * 100


def single(client: Any, ids: Sequence[str]) -> int:
    """How many were sent."""

    def post(connection_id: str) -> int:
        client.post_to_connection(ConnectionId=connection_id, Data=DATA)
        return 1

    with ThreadPoolExecutor(THREADS) as threads:
        return sum(threads.map(post, ids))


def batch(client: Any, ids: Sequence[str]) -> int:
    return sum(outcome == SENT for outcome in post_to_connections(client, ids, DATA).values())


def main(endpoint: str, region: str, path: str) -> None:
    ids = Path(path).read_text(encoding="ascii").split()
    config = Config(max_pool_connections=THREADS, retries={"total_max_attempts": 1})
    client = boto3.client("apigatewaymanagementapi", region_name=region, endpoint_url=endpoint, config=config)
    acts: dict[str, Callable[[Any, Sequence[str]], int]] = {"single": single, "batch": batch}
    for line in sys.stdin:
        what, count = line.split()
        began, spent = time.monotonic(), time.process_time()
        sent = acts[what](client, ids[: int(count)])
        told = {"sent": sent, "seconds": time.monotonic() - began, "cpu": time.process_time() - spent}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
