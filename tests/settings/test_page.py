from __future__ import annotations

from pathlib import Path

from gateway.settings.page import markdown_table

PAGE = Path(__file__).parent.parent.parent / "docs" / "settings.md"


def test_the_page_holds_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.partition("## All settings\n\n")[2] == markdown_table(), (
        "put there what `wsfleet config --markdown` says"
    )


def test_rows() -> None:
    rows = markdown_table().splitlines()
    assert "| `drain_seconds` | `30` | s | How long closing all sockets is spread when a node leaves. |" in rows
    assert any(row.startswith("| `log_format` | `json` |") and row.endswith("`json` or `text`. |") for row in rows)
    assert any("`AWS_REGION`, `AWS_DEFAULT_REGION`" in row for row in rows)
