"""What the documents say of the project's files is so: links lead somewhere, names of modules exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from readme_blocks import README, blocks, dialogue

PROJECT = README.parent
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"), *(PROJECT / "events").glob("*.md")])
LINK = re.compile(r"\]\(([^)#]+?)(?:#[^)]*)?\)")
MODULE = re.compile(r"`((?:\w+/)+\w+\.py)`")
SHOWN_BY = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
ROOM = re.compile(r"^\| [0-9 ]*\| (`[^|]*`) \|", re.M)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_links_and_modules_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = [link for link in LINK.findall(text) if "://" not in link]
    missing = [link for link in links if not (document.parent / link).exists()]
    for module in MODULE.findall(text):
        if not any((root / module).exists() for root in (PROJECT, PROJECT / "src" / "gateway")):
            missing.append(module)
    assert missing == []


def heading_anchors(document: Path) -> set[str]:
    """As GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_anchors_exist(document: Path) -> None:
    found = re.findall(r"\]\(([^):#]*)#([^)]+)\)", document.read_text(encoding="utf-8"))
    targets = ((document.parent / path if path else document, anchor) for path, anchor in found)
    assert [anchor for target, anchor in targets if anchor not in heading_anchors(target)] == []


def test_the_readmes_blocks_are_of_kinds_that_are_run_or_only_shown() -> None:
    fences = set(re.findall(r"^```(\w+)$", README.read_text(encoding="utf-8"), re.M))
    assert fences == {"sh", "console", "python", "text"}
    assert all(dialogue(block).lines for block in blocks("console"))


def test_the_architecture_page_names_every_room() -> None:
    described = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = {name for cell in ROOM.findall(described) for name in re.findall(r"`(\w+)`", cell)}
    rooms = {path.name for path in (PROJECT / "src" / "gateway").iterdir() if (path / "__init__.py").exists()}
    assert rooms <= named, rooms - named


def test_every_threat_has_a_defence_that_a_test_shows() -> None:
    text = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
    table = text.partition("## Threats\n")[2].partition("\n## ")[0]
    threats = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")][2:]
    assert threats
    for threat in threats:
        _, what, defence, tests = threat
        assert what and defence
        assert SHOWN_BY.sub("", tests).strip(", ") == "", f"{what}: not a list of tests"
        missing = [found.group() for found in SHOWN_BY.finditer(tests) if not is_a_test(found)]
        assert missing == [], f"{what}: {missing}"


def is_a_test(named: re.Match[str]) -> bool:
    """Whether the file is there, and in it the test when one is named."""
    path, name = PROJECT / named[1], named[2]
    return path.exists() and (name is None or f"def {name}(" in path.read_text(encoding="utf-8"))


def test_a_test_that_is_not_there_is_noticed() -> None:
    names = (
        "`tests/test_docs.py::test_a_test_that_is_not_there_is_noticed`",
        "`tests/test_docs.py::test_no`",
        "`tests/no.py`",
    )
    assert [is_a_test(found) for found in map(SHOWN_BY.fullmatch, names) if found] == [True, False, False]
