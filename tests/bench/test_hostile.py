"""The hostile soak in small: what it says must hold also of 200 bad clients beside 100 good ones, but for the times,
which on a machine that is busy otherwise mean nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.mark.timeout(240)
def test_good_clients_lose_nothing_to_bad_ones() -> None:
    words = ["--seconds", "5", "--good", "100", "--bad", "200", "--times", "1e9", "--json"]
    ended = subprocess.run(
        [sys.executable, str(BENCH / "hostile.py"), *words], capture_output=True, text=True, timeout=220
    )
    assert ended.returncode in (0, 1), ended.stderr
    found = json.loads(ended.stdout)
    assert [line for line in found["lines"] if not line["holds"]] == []
    assert all(kind["began"] for kind in found["measured"]["kinds"].values())
    assert {"head_bytes", "ping_rate", "message_bytes", "protocol"} <= found["measured"]["exceeded"].keys()
