from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model.errors import SettingsError, UserError
from gateway.principals.entries import Entries, InFile, InManager, InVariable, OnTheSpot, Place
from gateway.principals.file import PrincipalsFile
from gateway.principals.store import Created, KeyStore, Wish

ADA = "arn:aws:iam::123456789012:user/ada"
WHEN = "2026-09-25T09:20:05Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "principals.toml"


def create(path: Path, wish: Wish | None = None) -> Created:
    return KeyStore(path).create(wish or Wish(ADA), WHEN)


def known(path: Path) -> dict[str, str]:
    """Secrets by key, as a node reads them."""
    file = PrincipalsFile(path, {})
    reading = asyncio.run(file.read())
    file.close()
    assert reading.known is not None, reading.problems
    return {key: holder.secret for key, holder in reading.known.keys.items()}


ALLOW = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'


def policy_file(path: Path, text: str | None = ALLOW, mode: int = 0o644) -> Path:
    """Beside the file of principals; None: there is none."""
    policy = path.parent / "post.json"
    if text is not None:
        policy.write_text(text)
        policy.chmod(mode)
    return policy


def test_a_first_key_makes_file_and_principal(path: Path) -> None:
    made = create(path)
    assert re.fullmatch("WSFK[A-Z2-7]{16}", made.access_key) and len(made.secret) == 40 and made.is_new
    secret = path.parent / "secrets" / made.access_key
    assert made.place == f"file {secret}" and secret.read_text() == made.secret + "\n"
    assert [each.stat().st_mode & 0o777 for each in (path, secret, secret.parent)] == [0o600, 0o600, 0o700]
    assert f'secret_file = "secrets/{made.access_key}"' in path.read_text()
    assert known(path) == {made.access_key: made.secret}
    assert made.secret not in path.read_text() + repr(made)


def test_two_keys_at_once_and_no_more(path: Path) -> None:
    first, second = create(path), create(path)
    assert not second.is_new
    assert known(path) == {each.access_key: each.secret for each in (first, second)}
    before = path.read_text()
    with pytest.raises(UserError, match="has 2 keys, and 2 are valid at once"):
        create(path)
    assert path.read_text() == before and len(list((path.parent / "secrets").iterdir())) == 2
    revoked = KeyStore(path).revoke(first.access_key)
    assert revoked is not None and (revoked.holder.arn, revoked.left) == (ADA, None)
    assert not (path.parent / "secrets" / first.access_key).exists()
    third = create(path)
    assert known(path) == {each.access_key: each.secret for each in (second, third)}


def test_other_places_for_the_secret(path: Path) -> None:
    managed = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:ada-AbCdEf"
    own = path.parent / "elsewhere"
    places: list[Place] = [InFile(own), InVariable("ADA"), InManager(managed), OnTheSpot("")]
    made = [create(path, Wish(f"{ADA}-{number}", place)) for number, place in enumerate(places)]
    assert [each.place for each in made] == [f"file {own}", "variable ADA", f"secret {managed}", "here"]
    assert own.read_text() == made[0].secret + "\n"
    written = path.read_text()
    assert made[3].secret in written and not any(each.secret in written for each in made[:3])
    store = KeyStore(path)
    left = [store.revoke(each.access_key) for each in made]
    assert [each.left if each else "?" for each in left] == [f"file {own}", "variable ADA", f"secret {managed}", None]
    assert own.exists(), "it was somebody else's choice"


def test_policies_and_tags_are_for_somebody_new(path: Path) -> None:
    policy = policy_file(path)
    wish = Wish(ADA, None, (str(policy),), {"team": "support"})
    create(path, wish)
    (holder,) = KeyStore(path).entries().principals
    assert (holder.policies, holder.tags) == ((policy,), {"team": "support"})
    for another in (replace(wish, tags={}), replace(wish, policies=())):
        with pytest.raises(UserError, match="is there already"):
            create(path, another)


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [
        (None, 0o600, "cannot be read: No such file"),
        ("{", 0o600, "is not JSON"),
        ("{}", 0o600, "post.json"),
        (ALLOW, 0o666, "can be changed by others"),
    ],
)
def test_a_policy_that_no_node_would_take_is_refused(path: Path, text: str | None, mode: int, told: str) -> None:
    policy = policy_file(path, text, mode)
    with pytest.raises(SettingsError, match=told):
        create(path, Wish(ADA, None, (str(policy),)))
    assert not path.exists() and not (path.parent / "secrets").exists()


def test_what_keeps_nodes_from_taking_it_over_is_known(path: Path) -> None:
    """What they alone can see, variables and Secrets Manager, is not missed here."""
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:ada-AbCdEf"
    create(path, Wish(ADA, InVariable("ADA_SECRET")))
    create(path, Wish(ADA, InManager(arn)))
    store = KeyStore(path)
    assert store.problems() == ()
    path.chmod(0o660)
    (problem,) = store.problems()
    assert "it can be changed by others (mode 0660): chmod go-w" in str(problem)


def test_what_is_no_principal_is_not_written(path: Path) -> None:
    with pytest.raises(SettingsError, match="arn is no ARN"):
        create(path, Wish("ada"))
    assert list(path.parent.iterdir()) == []


def test_a_file_that_is_in_the_way_stays(path: Path) -> None:
    taken = path.parent / "taken"
    taken.write_text("mine")
    with pytest.raises(UserError, match="cannot be written: File exists"):
        create(path, Wish(ADA, InFile(taken)))
    assert taken.read_text() == "mine" and not path.exists()


def test_a_broken_file_is_told_and_left(path: Path) -> None:
    path.write_text("[[principal")
    with pytest.raises(UserError, match="the TOML is broken"):
        create(path)
    path.write_text("[[nobody]]")
    with pytest.raises(SettingsError):
        KeyStore(path).entries()
    assert path.read_text() == "[[nobody]]"


def test_permissions_stay_but_for_everybody(path: Path) -> None:
    create(path)
    path.chmod(0o664)
    create(path)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_link_is_followed(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.touch(0o600)
    path.symlink_to(real)
    create(path)
    assert path.is_symlink() and ADA in real.read_text()


def test_nobody_and_no_folder(path: Path) -> None:
    assert KeyStore(path).entries() == Entries()
    assert KeyStore(path).revoke("WSFKAAAAAAAAAAAAAAAA") is None
    with pytest.raises(UserError, match="cannot be used: No such file or directory"):
        create(path.parent / "none" / "principals.toml")
