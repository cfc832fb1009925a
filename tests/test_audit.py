"""The audit of dependencies says what it found, and says so when it found out nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

_PLACE = Path(__file__).parent.parent / ".ci" / "audit.py"
_spec = spec_from_file_location("audit", _PLACE)
assert _spec is not None and _spec.loader is not None
audit = module_from_spec(_spec)
sys.modules["audit"] = audit  # dataclasses look there for what annotations mean
_spec.loader.exec_module(audit)

CLEAN = {"name": "clean", "version": "1", "vulns": []}
UNKNOWN = {"name": "unheard-of", "skip_reason": "Dependency not found on PyPI and could not be audited"}
FLAWED = {
    "name": "flawed",
    "version": "2",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}, {"id": "PYSEC-2", "fix_versions": []}],
}


def judged(*dependencies: dict[str, Any]) -> Any:
    return audit.judged({"dependencies": list(dependencies)})


def test_no_flaw_is_a_success() -> None:
    verdict = judged(CLEAN, UNKNOWN)
    assert verdict.lines == ("audit: 1 packages, 0 known vulnerabilities", "audit: nothing is known of unheard-of")
    assert [verdict.status(is_required) for is_required in (False, True)] == [0, 0]


def test_every_flaw_is_named_and_a_failure() -> None:
    verdict = judged(CLEAN, FLAWED)
    assert verdict.lines[:2] == ("flawed 2: PYSEC-1, fixed in 2.1", "flawed 2: PYSEC-2, fixed in no version")
    assert verdict.status(False) == 1


def test_when_nobody_knows_anything_that_is_said_and_fails_only_where_it_must_not_be() -> None:
    verdict = judged(UNKNOWN, UNKNOWN)
    assert "NOTHING WAS AUDITED" in verdict.lines[0]
    assert [verdict.status(is_required) for is_required in (False, True)] == [0, 1]


def test_the_reason_is_the_last_thing_that_was_said() -> None:
    failed = subprocess.CalledProcessError(1, "pip-audit", "", "Traceback\nConnectionError: no route\n")
    assert audit._reason(failed) == "ConnectionError: no route"
    assert audit._reason(FileNotFoundError(2, "No such file")) == "[Errno 2] No such file"


def test_an_accepted_vulnerability_has_a_reason() -> None:
    assert all(len(reason) > 20 for reason in audit.ACCEPTED.values())


def test_a_verdict_is_remembered_about_the_same_packages(tmp_path: Path) -> None:
    verdict, note = judged(CLEAN, FLAWED), tmp_path / "verdict.json"
    assert audit.remembered(note, "these") is None
    audit.remember(note, "these", verdict)
    assert audit.remembered(note, "these") == verdict
    assert audit.remembered(note, "others") is None
    note.write_text("{")
    assert audit.remembered(note, "these") is None
