"""A file of principals with all that it refers to, and every problem by file and key, never with a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.access.grant import Grant
from gateway.access.principal import Principal
from gateway.model.errors import CapacityError
from gateway.principals.file import PrincipalsFile, Reading

ARN = "arn:aws:iam::123456789012:user/ada"
MANAGED = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:fleet/ada-AbCdEf"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEY = "WSFKAAAAAAAAAAAAAAA1"
ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "execute-api:*", "Resource": "*"}
POLICY = {"Version": "2012-10-17", "Statement": [ALLOW]}
PRINCIPAL = f'[[principal]]\narn = "{ARN}"\n'


class Manager:
    """Secrets Manager, as far as it is asked here."""

    def __init__(self, **secrets: str) -> None:
        self.secrets = secrets
        self.asked: list[str] = []

    async def text(self, arn: str) -> str:
        self.asked.append(arn)
        if "text" not in self.secrets:
            raise CapacityError("ResourceNotFoundException")
        return self.secrets["text"]


async def read(
    folder: Path, text: str, environ: dict[str, str] | None = None, manager: Manager | None = None, mode: int = 0o600
) -> Reading:
    path = folder / "principals.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    file = PrincipalsFile(path, environ or {}, None if manager is None else manager.text)
    try:
        return await file.read()
    finally:
        file.close()


def keyed(place: str, head: str = PRINCIPAL) -> str:
    return f'{head}[[principal.key]]\nid = "{KEY}"\n{place}\n'


def problems(reading: Reading) -> list[str]:
    assert (reading.known is None) == bool(reading.problems)
    assert not any(SECRET in str(problem) for problem in reading.problems)
    assert all(problem.file is not None and problem.file.endswith("principals.toml") for problem in reading.problems)
    return [problem.message for problem in reading.problems]


def secret_file(folder: Path, text: str = SECRET + "\n", mode: int = 0o600) -> str:
    path = folder / "secret"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return 'secret_file = "secret"'


async def test_secrets_by_every_way(tmp_path: Path) -> None:
    ways: list[tuple[str, dict[str, str], Manager | None]] = [
        (f'secret = "{SECRET}"', {}, None),
        (secret_file(tmp_path), {}, None),
        ('secret_env = "ADA"', {"ADA": SECRET}, None),
        (f'secret_arn = "{MANAGED}"', {}, Manager(text=SECRET)),
        (f'secret_arn = "{MANAGED}"\nsecret_member = "s"', {}, Manager(text=json.dumps({"s": SECRET}))),
    ]
    for place, environ, manager in ways:
        reading = await read(tmp_path, keyed(place), environ, manager)
        assert problems(reading) == []
        assert reading.known is not None
        assert reading.known.keys == {KEY: Principal("123456789012", ARN, SECRET, policies=())}
        assert reading.asks_manager is (manager is not None)
        assert manager is None or manager.asked == [MANAGED]


async def test_policies_tags_and_grants(tmp_path: Path) -> None:
    (tmp_path / "post.json").write_text(json.dumps(POLICY))
    head = PRINCIPAL + 'id = "AIDAX"\ntags = { team = "x" }\npolicies = ["post.json", { Statement = [] }]\n'
    grant = '[[iam]]\narn = "arn:aws:iam::123456789012:role/ops"\npolicies = ["post.json"]\ntags = { a = "b" }\n'
    reading = await read(tmp_path, keyed('secret_env = "ADA"', head) + grant, {"ADA": SECRET})
    assert problems(reading) == []
    assert reading.known is not None
    holder = reading.known.keys[KEY]
    assert (holder.policies, holder.tags, holder.principal_id) == ((POLICY, {"Statement": []}), {"team": "x"}, "AIDAX")
    assert reading.known.grants == (Grant("arn:aws:iam::123456789012:role/ops", (POLICY,), {"a": "b"}),)
    assert set(reading.looks) == {tmp_path / "principals.toml", tmp_path / "post.json"}


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ('secret_env = "ADA"', f"key {KEY}: the secret in variable ADA is not there"),
        ('secret_file = "none"', f"key {KEY}: its secret_file FOLDER/none cannot be read: No such file or directory"),
        (f'secret_arn = "{MANAGED}"', f"key {KEY}: there is no Secrets Manager to ask"),
    ],
)
async def test_a_secret_that_is_not_there(tmp_path: Path, place: str, told: str) -> None:
    assert problems(await read(tmp_path, keyed(place))) == [told.replace("FOLDER", str(tmp_path))]


@pytest.mark.parametrize(
    ("manager", "member", "told"),
    [
        (Manager(), "", f"key {KEY}: secret {MANAGED} cannot be had: ResourceNotFoundException"),
        (Manager(text="short"), "", f"key {KEY}: the secret in secret {MANAGED} is shorter than 16 characters"),
        (Manager(text="{}"), "s", f"key {KEY}: the secret in secret {MANAGED} (s) is not there"),
        (Manager(text="no JSON" + SECRET), "s", f"key {KEY}: the secret in secret {MANAGED} (s) is not there"),
    ],
)
async def test_a_secret_that_the_manager_has_not(tmp_path: Path, manager: Manager, member: str, told: str) -> None:
    place = f'secret_arn = "{MANAGED}"' + (f'\nsecret_member = "{member}"' if member else "")
    reading = await read(tmp_path, keyed(place), manager=manager)
    assert problems(reading) == [told]
    assert reading.asks_manager, "so that it is asked again"


async def test_what_everybody_may_read_holds_no_secrets(tmp_path: Path) -> None:
    path = tmp_path / "principals.toml"
    assert problems(await read(tmp_path, keyed(f'secret = "{SECRET}"'), mode=0o644)) == [
        f"secrets stand in it, and everybody on this machine may read it (mode 0644): chmod 600 {path}"
    ]
    assert problems(await read(tmp_path, keyed(f'secret = "{SECRET}"'), mode=0o640)) == []
    assert problems(await read(tmp_path, keyed('secret_env = "A"'), {"A": SECRET}, mode=0o644)) == []
    place = secret_file(tmp_path, mode=0o644)
    assert problems(await read(tmp_path, keyed(place))) == [
        f"key {KEY}: its secret_file {tmp_path / 'secret'}: everybody on this machine may read it (mode 0644): "
        f"chmod 600 {tmp_path / 'secret'}"
    ]


async def test_a_file_with_more_than_a_secret(tmp_path: Path) -> None:
    place = secret_file(tmp_path, f"{SECRET}\n{SECRET}\n")
    assert problems(await read(tmp_path, keyed(place))) == [
        f"key {KEY}: the secret in file {tmp_path / 'secret'} has blanks or other characters in it that no secret of "
        "AWS's has"
    ]


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (None, "cannot be read: No such file or directory"),
        ("{", ": it is not JSON: "),
        ("null", ": it is not an object"),
        (json.dumps({"Statement": [ALLOW | {"Principal": "*"}]}), ": statement 1: Principal is no element"),
    ],
)
async def test_a_policy_that_is_none(tmp_path: Path, policy: str | None, told: str) -> None:
    if policy is not None:
        (tmp_path / "p.json").write_text(policy)
    (problem,) = problems(await read(tmp_path, PRINCIPAL + 'policies = ["p.json"]\n'))
    assert problem.startswith(f"{ARN}: policy {tmp_path / 'p.json'}") and told in problem


async def test_conditions_that_hold_a_policy_back_are_told(tmp_path: Path) -> None:
    odd = {"Statement": [ALLOW | {"Condition": {"StringEquals": {"aws:SourceVpc": "x"}}}]}
    (tmp_path / "p.json").write_text(json.dumps(odd))
    reading = await read(tmp_path, PRINCIPAL + 'policies = ["p.json"]\n')
    assert problems(reading) == []
    assert reading.doubts == (
        f"{tmp_path / 'principals.toml'}: {ARN}: policy {tmp_path / 'p.json'}: statement 1: aws:SourceVpc is not known "
        "here, so it never applies",
    )


async def test_broken_toml_and_no_file(tmp_path: Path) -> None:
    assert problems(await read(tmp_path, "[[principal"))[0].startswith("the TOML is broken: ")
    file = PrincipalsFile(tmp_path / "gone.toml", {})
    reading = await file.read()
    file.close()
    assert [each.message for each in reading.problems] == ["it cannot be read: No such file or directory"]
    assert set(reading.looks) == {tmp_path / "gone.toml"}
