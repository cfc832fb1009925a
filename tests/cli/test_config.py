from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli.main import status_of
from gateway.settings.known import SETTINGS
from gateway.settings.page import markdown_table


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wsfleet.toml").write_text('region = "eu-west-1"\n', encoding="utf-8")
    return tmp_path


def rows(out: str) -> dict[str, list[str]]:
    head, *lines = out.splitlines()
    assert head.split() == ["SETTING", "VALUE", "UNIT", "DEFAULT", "SOURCE"]
    return {line.split()[0]: line.split() for line in lines}


def test_every_setting_with_its_source(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("WSFLEET_LEASE_SECONDS", "20")
    assert status_of(["config", "--workers", "3", "--no-auth", "--parameter-overrides", "A=1", "B=2"]) == 0
    found = rows(capsys.readouterr().out)
    assert list(found) == [each.name for each in SETTINGS]
    assert found["region"][1:] == ["eu-west-1", "-", "us-east-1", "file", "(wsfleet.toml:1)"]
    assert found["lease_seconds"][1:] == ["20", "s", "10", "environment", "(WSFLEET_LEASE_SECONDS)"]
    assert found["workers"][1:] == ["3", "processes", "1", "flag", "(--workers)"]
    assert found["no_auth"][1:] == ["true", "-", "false", "flag", "(--no-auth)"]
    assert found["parameter_overrides"][1:3] == ["A=1", "B=2"]
    assert found["port"][1:] == ["8080", "port", "8080", "default"]


def test_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["config", "--json", "--tls-port", "8443"]) == 0
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)["settings"]}
    assert found["tls_port"] == {
        "name": "tls_port",
        "value": 8443,
        "unit": "port",
        "default": None,
        "source": "flag",
        "place": "--tls-port",
        "doc": "For wss:// and https://; 0 takes a free one.",
    }
    assert (found["endpoint_url"]["value"], found["endpoint_url"]["place"]) == (None, None)


def test_another_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.toml").write_text("no_auth = true\nport = 1\n", encoding="utf-8")
    assert status_of(["config", "--config", "other.toml", "--auth"]) == 0
    found = rows(capsys.readouterr().out)
    assert found["port"][4:] == ["file", "(other.toml:2)"]
    assert found["no_auth"][1:] == ["false", "-", "false", "flag", "(--no-auth)"]
    assert found["region"][-1] == "default"


def test_what_is_wrong_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["config", "--port", "x", "--workers", "0"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert [line for line in told.err.splitlines() if not line.startswith("  ")] == [
        "error: --port: 'x' is no whole number from 0 to 65535",
        "error: --workers: '0' is no whole number from 1 to 64",
        "2 problems",
    ]


def test_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["config", "--markdown"]) == 0
    assert capsys.readouterr().out == markdown_table()
