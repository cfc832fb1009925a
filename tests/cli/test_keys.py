from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.main import status_of

ADA = "arn:aws:iam::123456789012:user/ada"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of this folder name it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wsfleet.toml").write_text('principals_file = "principals.toml"\n')
    return tmp_path / "principals.toml"


def asked(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> Any:
    assert status_of(["keys", *words, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_for_scripts(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = asked(capsys, "create", ADA)
    key = made["access_key_id"]
    place = f"file {path.parent / 'secrets' / key}"
    assert made == {
        "arn": ADA,
        "access_key_id": key,
        "secret_access_key": (path.parent / "secrets" / key).read_text().strip(),
        "secret": place,
        "new_principal": True,
        "principals_file": "principals.toml",
    }
    hidden = asked(capsys, "create", ADA, "--no-show")
    assert hidden["secret_access_key"] is None
    listed = asked(capsys)["keys"]
    assert [each["access_key_id"] for each in listed] == [key, hidden["access_key_id"]]
    assert listed[0].keys() == {"access_key_id", "arn", "created", "secret"}
    assert made["secret_access_key"] not in json.dumps(listed)
    assert asked(capsys, "revoke", key) == {**listed[0], "secret_left": None}
    assert [each["access_key_id"] for each in asked(capsys, "list")["keys"]] == [hidden["access_key_id"]]


def test_for_a_person(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = path.parent / "post.json"
    policy.write_text('{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}')
    policy.chmod(0o644)
    assert status_of(["keys", "create", ADA, "--policy", "post.json", "--tag", "team=support", "--inline"]) == 0
    shown = capsys.readouterr()
    key_line, of_line, secret_line, kept = shown.out.splitlines()
    key, secret = key_line.split()[1], secret_line.split()[1]
    assert (of_line, kept, shown.err) == (f"of      {ADA} (new)", "kept    in the file of principals", "")
    written = path.read_text()
    assert f'policies = ["{policy}"]' in written and 'tags = { "team" = "support" }' in written and secret in written
    assert status_of(["keys"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["KEY", "PRINCIPAL", "CREATED", "SECRET"]
    assert row.split()[:2] == [key, ADA] and row.split()[-1] == "here" and secret not in row
    assert status_of(["keys", "create", ADA, "--secret-env", "ADA_SECRET"]) == 0
    second = capsys.readouterr().out.split()[1]
    assert status_of(["keys", "revoke", second]) == 0
    told = f"key {second} of {ADA} is taken out of principals.toml\nits secret stays in variable ADA_SECRET\n"
    assert capsys.readouterr().out == told
    policy.unlink()
    assert status_of(["keys", "create", ADA]) == 0
    assert "warning: nodes take nothing new over from this file until it is mended" in capsys.readouterr().err


def test_somebody_without_policies_is_told_of(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["keys", "create", ADA, "--no-show"]) == 0
    shown = capsys.readouterr()
    assert "secret" not in shown.out.splitlines()[1] and len(shown.out.splitlines()) == 3
    assert shown.err.startswith(f"warning: {ADA} has no policies, so it may do nothing\n")


def test_a_key_that_is_not_there(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["keys", "revoke", "WSFKAAAAAAAAAAAAAAAA"]) == 1
    assert capsys.readouterr().err == ("error: there is no key WSFKAAAAAAAAAAAAAAAA\n  hint: wsfleet keys lists them\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["create", "ada"], "arn is no ARN of a user or role"),
        (["create"], "missing argument"),
        (["create", ADA, "--inline", "--secret-env", "A"], "one place only"),
        (["create", ADA, "--secret-env", "A", "--no-show"], "would leave nobody with the secret"),
        (["create", ADA, "--tag", "x"], "--tag: 'x' is not K=V"),
        (["create", ADA, "--secret-arn", "x"], "secret_arn is no ARN of Secrets Manager"),
        (["revoke"], "missing argument"),
    ],
)
def test_what_is_wrong(path: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["keys", *words]) == 2
    assert told in capsys.readouterr().err
    assert not path.exists()


def test_without_a_file_of_principals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert status_of(["keys"]) == 2
    assert capsys.readouterr().err.startswith("error: there is no file of principals\n")
    assert status_of(["keys", "list", "--principals-file", "none.toml"]) == 0
