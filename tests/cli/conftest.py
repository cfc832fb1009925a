from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli_words import TEMPLATE
from fleet_at_moto import FleetAtMoto
from moto_server import moto_url

__all__ = ["moto_url"]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's own settings."""
    for name in os.environ:
        if name.startswith(("AWS_", "WSFLEET_")):
            monkeypatch.delenv(name)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE, encoding="utf-8")
    return path


@pytest.fixture
def fleet(moto_url: str) -> FleetAtMoto:
    return FleetAtMoto(moto_url)
