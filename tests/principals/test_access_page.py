"""The examples of docs/access.md are what they claim to be."""

from __future__ import annotations

import io
import json
import re
import tomllib
import urllib.request
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from gateway.access.caller_identity import Presigned, read_presigned
from gateway.access.policy_check import doubts, faults
from gateway.principals.document import Reader
from gateway.settings import load_settings
from sts_double import ORIGIN, signed_ms

PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


def test_the_file_of_principals() -> None:
    reader = Reader(Path("/etc/wsfleet"))
    entries = reader.read(tomllib.loads(blocks("toml")[0]))
    assert reader.problems == []
    assert [len(each.keys) for each in entries.principals] == [2] and len(entries.grants) == 1


def test_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "wsfleet.toml"
    path.write_text(blocks("toml")[1])
    assert load_settings({}, path, {}).settings.trust_iam == (
        "123456789012",
        "arn:aws:iam::210987654321:role/partner",
    )


def test_the_policy() -> None:
    (text,) = blocks("json")
    document = json.loads(text)
    assert faults(document) == [] and doubts(document) == []


def test_the_program_asks_for_a_key_as_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def urlopen(url: str, body: bytes) -> io.BytesIO:
        asked.append((url, json.loads(body)))
        return io.BytesIO(b"a key")

    for name, value in (("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret")):
        monkeypatch.setenv(name, value)
    (program,) = blocks("python")
    with redirect_stdout(io.StringIO()) as printed:
        exec(program.replace("urllib.request.urlopen", "urlopen"), {"urlopen": urlopen})
    assert printed.getvalue() == "a key\n" and urllib.request.urlopen is not urlopen
    ((url, document),) = asked
    assert url == "https://ws.example.com/@fleet/sts"
    body = json.dumps(document).encode()
    assert isinstance(read_presigned(body, (ORIGIN,), {"a1b2c3d4e5/prod"}, signed_ms(document)), Presigned)


def test_every_command_it_names_exists() -> None:
    from gateway.cli.keys import keys

    for command in re.findall(r"^wsfleet keys (\w+)", PAGE, re.M):
        assert command in keys.commands
    options = set(re.findall(r"`(--[a-z-]+)`", PAGE)) - {"--principals-file", "--json"}
    create = {name for option in keys.commands["create"].params for name in (*option.opts, *option.secondary_opts)}
    assert options <= create | {"--principals-file FILE"}
