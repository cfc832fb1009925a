"""Known vulnerabilities of the packages in ``constraints.txt``, by pip-audit in an environment of its own.

Exit status 1 when there are any. Where no vulnerability service answers (no network, an index without such a service)
that is said, and is no failure, so that ``make lint`` works anywhere; with ``AUDIT_REQUIRED=1`` it is one. What was
found is remembered for a day, unless the packages change.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

PROJECT: Final = Path(__file__).resolve().parent.parent
PINNED: Final = PROJECT / "constraints.txt"
PLACE: Final = PROJECT / ".venv" / "audit"
TOOL: Final = "pip-audit==2.10.1"
ACCEPTED: Final[Mapping[str, str]] = {}  # vulnerability ID: why it does not matter here
TIMEOUT_S: Final = 300
_REQUIRED: Final = "AUDIT_REQUIRED"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``is_told``: somebody knew about the packages, at least about some."""

    lines: tuple[str, ...]
    is_clean: bool
    is_told: bool

    def status(self, is_required: bool) -> int:
        return 0 if self.is_clean and (self.is_told or not is_required) else 1


def judged(document: Mapping[str, Any]) -> Verdict:
    """What pip-audit's JSON says."""
    found = document["dependencies"]
    unknown = [each["name"] for each in found if "skip_reason" in each]
    if len(unknown) == len(found):
        return nobody(f"it knows none of {len(found)} packages")
    flaws = [
        f"{each['name']} {each['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'no version'}"
        for each in found
        for flaw in each.get("vulns", ())
    ]
    told = [f"audit: {len(found) - len(unknown)} packages, {len(flaws)} known vulnerabilities"]
    if unknown:
        told.append(f"audit: nothing is known of {', '.join(unknown)}")
    return Verdict((*flaws, *told), not flaws, True)


def nobody(why: str) -> Verdict:
    """No service told anything."""
    return Verdict((f"audit: no vulnerability service reachable ({why}); NOTHING WAS AUDITED",), True, False)


def audited() -> Verdict:
    tool = PLACE / "bin" / "pip-audit"
    try:
        if not tool.exists():
            venv.create(PLACE, with_pip=True, clear=True)
            _run(PLACE / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", TOOL)
        accepted = [word for flaw in ACCEPTED for word in ("--ignore-vuln", flaw)]
        plain = ("--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json")
        return judged(json.loads(_run(tool, "--requirement", PINNED, *plain, *accepted)))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return nobody(_reason(error))


def _run(*words: str | Path) -> str:
    """What it prints; 1 is pip-audit's status for vulnerabilities, which it prints as well."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    said: str = done.stdout
    if done.returncode and not said.startswith("{"):
        raise subprocess.CalledProcessError(done.returncode, str(words[0]), said, done.stderr)
    return said


def _reason(error: Exception) -> str:
    """The last thing that was said, on one line."""
    said: list[str] = error.stderr.strip().splitlines() if isinstance(error, subprocess.CalledProcessError) else []
    return (said or [str(error)])[-1][:200]


def remembered(path: Path, about: str) -> Verdict | None:
    """What was found about the same packages today."""
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        if note["about"] == about:
            return Verdict(tuple(note["lines"]), note["is_clean"], note["is_told"])
    except (OSError, ValueError, KeyError):
        pass
    return None


def remember(path: Path, about: str, verdict: Verdict) -> None:
    """Where that cannot be written, it is found out again."""
    with suppress(OSError):
        path.write_text(json.dumps({"about": about, **asdict(verdict)}), encoding="utf-8")


def main() -> int:
    is_required = os.environ.get(_REQUIRED) == "1"
    about = f"{date.today()} {TOOL} {sorted(ACCEPTED)} {sha256(PINNED.read_bytes()).hexdigest()}"
    note = PLACE / "verdict.json"
    verdict = remembered(note, about)
    if verdict is None or verdict.status(is_required):
        verdict = audited()
        remember(note, about, verdict)
    print(*verdict.lines, sep="\n", file=sys.stderr)
    return verdict.status(is_required)


if __name__ == "__main__":
    sys.exit(main())
