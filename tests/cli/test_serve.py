from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.main import status_of
from gateway.cli.serve import serve_with
from gateway.report.outlets import Outlets, outlets
from gateway.report.report import Report
from gateway.settings import ServeSettings
from gateway.workers.spec import WorkerSpec
from node_doubles import ManualClock

NO_TEMPLATE = ServeSettings(api=Path("nope.yaml"), no_auth=True)
PROJECT = Path(__file__).parent.parent.parent


def served(settings: ServeSettings) -> tuple[int, str]:
    """Exit status and output, with roots that serve nobody."""
    out = io.StringIO()

    def one(asked: ServeSettings, told: Outlets) -> None:
        assert asked is settings
        told.report.said("one node")

    def several(asked: ServeSettings, report: Report) -> int:
        assert asked is settings
        report.said(f"{asked.workers} workers")
        return 130

    told = outlets(settings.log_format, out, io.StringIO(), ManualClock())
    return serve_with(settings, told, one, several), out.getvalue()


def test_one_node_is_served_here() -> None:
    assert served(ServeSettings(log_format="text")) == (0, "one node\n")


def test_several_have_a_parent_that_reports_like_them() -> None:
    assert served(ServeSettings(workers=2, log_format="text")) == (130, "2 workers\n")
    status, out = served(ServeSettings(workers=2))
    assert (status, json.loads(out)["message"]) == (130, "2 workers")


def test_without_a_template_nothing_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert status_of(["serve"]) == 2
    assert capsys.readouterr().err.startswith("error: no template.yaml here\n  hint: ")


@pytest.mark.parametrize(
    ("line", "status"),
    [(WorkerSpec(3, Path("ready.json"), ServeSettings(api=Path("nope.yaml"), no_auth=True)).line(), 2), (b"", 1)],
)
def test_a_worker_reads_what_it_shall_do(line: bytes, status: int, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "gateway", "serve-worker"],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "src"), "WSFLEET_STATE_DIR": str(tmp_path)},
        input=line,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == status, ended.stderr


def test_the_command_of_workers_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of([]) == 0
    shown = capsys.readouterr().out
    assert "  serve " in shown
    assert "serve-worker" not in shown
