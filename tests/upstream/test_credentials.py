"""The SDK's chain over a given environment, without a look at this process's own."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.model.aws import Credentials
from gateway.upstream.credentials import FixedCredentials, NoCredentials, SdkCredentials


class Home:
    """The files of one user, and the environment that leads there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {
            "AWS_CONFIG_FILE": str(folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.opened: list[SdkCredentials] = []

    def chain(self, environ: Mapping[str, str] | None = None) -> SdkCredentials:
        made = SdkCredentials({**self.environ, **(environ or {})})
        self.opened.append(made)
        return made

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    made = Home(tmp_path)
    yield made
    for chain in made.opened:
        chain.close()


async def test_fixed_keys() -> None:
    assert await FixedCredentials(Credentials("a", "b")).get() == Credentials("a", "b")


async def test_the_environment(home: Home) -> None:
    home.write("credentials", "[default]\naws_access_key_id = file\naws_secret_access_key = s\n")
    keys = {"AWS_ACCESS_KEY_ID": "env", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}
    assert await home.chain(keys).get() == Credentials("env", "s", "t")
    assert await home.chain({**keys, "AWS_PROFILE": "default"}).get() == Credentials("env", "s", "t")


async def test_a_profile(home: Home) -> None:
    home.write("credentials", "[default]\naws_access_key_id = one\naws_secret_access_key = s\n"
               "[two]\naws_access_key_id = two\naws_secret_access_key = s\n")  # fmt: skip
    assert await home.chain().get() == Credentials("one", "s")
    assert await home.chain({"AWS_PROFILE": "two"}).get() == Credentials("two", "s")


async def test_keys_of_a_program_are_renewed_before_they_end(home: Home) -> None:
    home.write("config", f"[default]\ncredential_process = {sys.executable} {home.folder / 'keys.py'}\n")
    soon = (datetime.now(UTC) + timedelta(seconds=30)).isoformat()
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for number, end in ((1, soon), (2, later), (3, later)):
        document = {
            "Version": 1,
            "AccessKeyId": f"k{number}",
            "SecretAccessKey": "s",
            "SessionToken": "t",
            "Expiration": end,
        }
        home.write(f"{number}.json", json.dumps(document))
    home.write("keys.py", f"""
import pathlib
folder = pathlib.Path({str(home.folder)!r})
calls = len(list(folder.glob("called.*"))) + 1
(folder / f"called.{{calls}}").touch()
print((folder / f"{{calls}}.json").read_text())
""")  # fmt: skip
    chain = home.chain()
    assert (await chain.get()).access_key_id == "k2", "the first ones end within seconds"
    assert (await chain.get()).access_key_id == "k2"


@pytest.mark.parametrize(
    ("environ", "files", "why"),
    [
        ({}, {}, "no AWS credentials were found"),
        ({"AWS_ACCESS_KEY_ID": "a"}, {}, "no AWS credentials: Partial credentials"),
        ({"AWS_PROFILE": "none"}, {}, r"no AWS credentials: The config profile \(none\) could not be found"),
        ({}, {"config": "[default]\ncredential_process = /nonexistent/program\n"}, "no AWS credentials: "),
        ({}, {"config": "no ini"}, "no AWS credentials: Unable to parse config file"),
    ],
)
async def test_no_keys(home: Home, environ: Mapping[str, str], files: Mapping[str, str], why: str) -> None:
    for name, text in files.items():
        home.write(name, text)
    with pytest.raises(NoCredentials, match=f"^{why}"):
        await home.chain(environ).get()
