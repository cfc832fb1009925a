"""Autobahn's cases, driven by kosoku, against the socket layer with its limits lifted: a table, and 1 for any failure.

    python tests/conformance/run.py [--shell parked|transport] [--cases GLOB…] [--minutes N] [--json FILE]

Both shells by default, each in a process of its own. A failed case is named with what was wrong; so is one that kosoku
could not run, which counts as failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

try:
    import kosoku
except ImportError:
    sys.exit("error: kosoku is not installed; it comes with pip install -e '.[dev]'")

HERE: Final = Path(__file__).parent
SHELLS: Final = ("parked", "transport")
# 8 and 11 do not exist. Every group of 12 and 13 is 18,000 messages.
GROUPS: Final = (
    *(f"{number}.*" for number in (1, 2, 3, 4, 5, 6, 7, 9, 10)),
    *(f"12.{number}.*" for number in range(1, 6)),
    *(f"13.{number}.*" for number in range(1, 8)),
)
MINUTES: Final = 90  # for everything; a tenth on a quiet machine for each shell but 12 and 13, which are the most of it
AT_ONCE: Final = 2
ROW: Final = "{:<10} {:<8} {:>6} {:>6} {:>11} {:>14} {:>7} {:>8}"
PASSED: Final = ("OK", "NON-STRICT", "INFORMATIONAL")


@contextmanager
def echoing(shell: str) -> Iterator[str]:
    """The URL of an echo server in a process of its own."""
    command = [sys.executable, str(HERE / "echo.py"), shell]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield f"ws://127.0.0.1:{int(server.stdout.readline())}/prod"
        server.stdin.close()
        if server.wait(30):
            sys.exit(f"error: the echo server ended with {server.returncode}")


async def results(url: str, group: str) -> list[Any]:
    """What became of each case, in order."""
    try:
        found: list[Any] = await kosoku.run_fuzzingclient(url, [group], concurrency=AT_ONCE)
    except kosoku.FailureError as failure:
        found = failure.results
    return found


def row(shell: str, group: str, found: Sequence[Any], seconds: float) -> str:
    verdicts = Counter(verdict(case) for case in found)
    failed = len(found) - sum(verdicts[name] for name in PASSED)
    return ROW.format(shell, group, len(found), *(verdicts[name] for name in PASSED), failed, f"{seconds:.1f}")


def verdict(case: Any) -> str:
    """The worse of what was sent and of how it was closed; ``FAILED`` for anything that did not pass."""
    return str(case.behavior.value) if case.passed else "FAILED"


def why(case: Any) -> str:
    return (
        f"  {case.case_id}: {case.behavior.value}, close {case.behavior_close.value}: "
        f"{case.result} {case.result_close} (expected: {case.expectation})"
    )


async def run(shells: Sequence[str], groups: Sequence[str]) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    print(ROW.format("shell", "cases", "run", "OK", "NON-STRICT", "INFORMATIONAL", "failed", "seconds"), flush=True)
    for shell in shells:
        with echoing(shell) as url:
            for group in groups:
                began = time.monotonic()
                found = await results(url, group)
                print(row(shell, group, found, time.monotonic() - began), flush=True)
                for case in found:
                    if not case.passed:
                        print(why(case), flush=True)
                    told.append({"shell": shell, "case": case.case_id, "verdict": verdict(case)})
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description="Autobahn's cases against the socket layer")
    parser.add_argument("--shell", choices=SHELLS, help="only this one")
    parser.add_argument("--cases", nargs="+", default=GROUPS, metavar="GLOB", help="only these, such as 12.* or 6.4.1")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="give up after")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every case's verdict there")
    asked = parser.parse_args()

    async def bounded() -> list[dict[str, Any]]:
        async with asyncio.timeout(asked.minutes * 60):
            return await run([asked.shell] if asked.shell else SHELLS, asked.cases)

    try:
        told = asyncio.run(bounded())
    except TimeoutError:
        print(f"error: not done after {asked.minutes:g} minutes", file=sys.stderr)
        return 1
    if asked.json is not None:
        asked.json.write_text(json.dumps(told), encoding="utf-8")
    failed = sum(each["verdict"] == "FAILED" for each in told)
    print(f"{len(told)} cases, {failed} failed")
    return 1 if failed or not told else 0


sys.exit(main())
