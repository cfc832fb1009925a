"""A fleet for whoever asks; and when a test fails, what its gateways printed is part of the report."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from fleet_process import Fleet, fleet_in
from gateway_process import RUNNING

SHOWN = 8_000  # characters of the end


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with fleet_in(tmp_path) as fleet:
        yield fleet


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for gateway in RUNNING:
            report.sections.append((f"gateway {gateway.pid}", gateway.output.text[-SHOWN:]))
    return report
