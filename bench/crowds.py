"""Clients for ``hostile.py``, good ones or bad ones: one process, told what to do by lines of standard input.

    python bench/crowds.py good|bad PORT PATH [KIND…]

Every command is answered by one line of JSON. It ends with its standard input.

    open COUNT                  good: connect so many                       post-to ID…   good: whom posts go to
    talk SECONDS RATE           good: so many messages a second, of all, and a tenth as many posts
    misbehave COUNT SECONDS     bad: so many clients, of each kind the same share; who is thrown out comes again
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench.harness.bad_clients import KINDS, Bad  # noqa: E402
from bench.harness.good_clients import Good  # noqa: E402


async def main(name: str, port: int, path: str, *only: str) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    crowd = Good(port, path) if name == "good" else Bad(port, path, {kind: KINDS[kind] for kind in only or KINDS})
    commands: dict[str, Callable[..., Awaitable[Any]]] = {
        word: getattr(crowd, word.replace("-", "_"))
        for word in (("open", "post-to", "talk") if name == "good" else ("misbehave",))
    }
    while line := (await reader.readline()).decode().split():
        began = time.monotonic()
        answer = await commands[line[0]](*line[1:])
        print(json.dumps({"seconds": time.monotonic() - began} | answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
