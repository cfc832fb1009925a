"""A subset of Autobahn's cases; ``make conformance`` runs all of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("kosoku", reason="kosoku is not installed; it comes with pip install -e '.[dev]'")

PROGRAM = Path(__file__).with_name("run.py")
# Framing, pings, reserved bits and opcodes, fragmentation, UTF-8, closing; of the long ones large messages and each way
# of agreeing on compression.
SUBSET = (
    "1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.1.1", "9.4.1", "10.*", "12.1.4", "13.1.1", "13.2.1", "13.3.1",
    "13.4.1", "13.5.1", "13.6.1", "13.7.1",
)  # fmt: skip


@pytest.mark.parametrize("shell", ["parked", "transport"])
def test_no_case_fails(shell: str) -> None:
    command = [sys.executable, str(PROGRAM), "--shell", shell, "--cases", *SUBSET]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.endswith(" cases, 0 failed\n")
