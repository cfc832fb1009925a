"""Whatever is excused from a security rule says why."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).parent.parent
EXCUSED = re.compile(r"# noqa: [A-Z0-9, ]*\bS\d+(?P<reason>.*)")
GIVEN = re.compile(r" - \S.{5,}")


def test_every_exception_from_a_security_rule_has_a_reason() -> None:
    unreasoned = [
        f"{path.relative_to(PROJECT)}: {found.group()}"
        for root in ("src", "bench", ".ci")
        for path in (PROJECT / root).rglob("*.py")
        for found in EXCUSED.finditer(path.read_text(encoding="utf-8"))
        if not GIVEN.match(found["reason"])
    ]
    assert unreasoned == []


def test_a_reason_is_told_from_none() -> None:
    excuses = (
        "# noqa: S104 - recognised, not bound",
        "# noqa: S104",
        "# noqa: S104 -",
        "# noqa: E402, S310 - loopback",
    )
    given = [bool(found and GIVEN.match(found["reason"])) for found in map(EXCUSED.search, excuses)]
    assert given == [True, False, False, True]
