"""Changes of the file are taken over; a bad one is told once, and everybody known stays known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.access.keyring import Keyring
from gateway.model.errors import CapacityError, SettingsError
from gateway.principals.file import Known, PrincipalsFile
from gateway.principals.watch import ASK_EVERY_MS, PrincipalsWatch
from node_doubles import ManualClock

SECRET, OTHER = "first-secret-of-ada-1", "second-secret-of-ada-2"
KEY = "WSFKAAAAAAAAAAAAAAA1"
MANAGED = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:ada-AbCdEf"


def toml(place: str = f'secret = "{SECRET}"', more: str = "") -> str:
    arn = "arn:aws:iam::123456789012:user/ada"
    return f'[[principal]]\narn = "{arn}"\n{more}\n[[principal.key]]\nid = "{KEY}"\n{place}\n'


class Watched:
    """What a node would hear and know."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "principals.toml"
        self.taken: list[Known] = []
        self.told: list[tuple[str, str]] = []
        self.clock = ManualClock()
        self.managed: str | None = SECRET
        file = PrincipalsFile(self.path, {}, self._manager)
        self.watch = PrincipalsWatch(file, self.taken.append, self.clock, self)

    def write(self, text: str) -> None:
        draft = self.path.with_suffix(".draft")
        draft.write_text(text, encoding="utf-8")
        draft.chmod(0o600)
        draft.replace(self.path)

    async def _manager(self, arn: str) -> str:
        if self.managed is None:
            raise CapacityError("ThrottlingException")
        return self.managed

    @property
    def keys(self) -> Keyring:
        return self.taken[-1].keys

    def said(self, text: str) -> None:
        self.told.append(("said", text))

    def warned(self, text: str) -> None:
        self.told.append(("warned", text))

    def failed(self, text: str) -> None:
        self.told.append(("failed", text))


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    made = Watched(tmp_path)
    yield made
    await made.watch.close()


async def test_a_bad_file_at_the_start_is_an_error(watched: Watched) -> None:
    watched.write(toml('secret = "x"') + "[[nobody]]\n")
    with pytest.raises(SettingsError) as raised:
        await watched.watch.open()
    assert len(raised.value.problems) == 2
    assert watched.taken == []


async def test_a_change_is_taken_over(watched: Watched) -> None:
    watched.write(toml())
    await watched.watch.open()
    await watched.watch.look()
    assert len(watched.taken) == 1 and watched.told == [], "nothing has changed"
    watched.write(toml(f'secret = "{OTHER}"'))
    await watched.watch.look()
    assert watched.keys[KEY].secret == OTHER
    assert watched.told == [("said", f"principals of {watched.path} read anew: 1 key")]


async def test_a_bad_change_is_told_whenever_it_changes_and_takes_nobody_in(watched: Watched) -> None:
    watched.write(toml())
    await watched.watch.open()
    for text in ("[[principal", "[[principal"):
        watched.write(text)
        await watched.watch.look()
        await watched.watch.look()
    watched.path.unlink()
    await watched.watch.look()
    kinds = [kind for kind, _ in watched.told]
    assert kinds == ["failed"] * 6, "each problem, and that the old ones stay: three times"
    assert watched.told[-1][1].startswith(f"{watched.path} is not taken over: whoever was known")
    assert len(watched.taken) == 1
    watched.write(toml())
    await watched.watch.look()
    assert watched.keys[KEY].secret == SECRET and watched.told[-1][0] == "said"


async def test_whoever_a_bad_file_does_not_name_any_more_is_out(watched: Watched) -> None:
    other = "WSFKAAAAAAAAAAAAAAA2"
    both = f'{toml()}[[principal.key]]\nid = "{other}"\nsecret = "{OTHER}"\n'
    watched.write(both)
    await watched.watch.open()
    watched.write(toml() + "[[nobody]]\n")
    await watched.watch.look()
    assert watched.keys.keys() == {KEY}
    assert ("said", f"principals of {watched.path} taken out: {other}") in watched.told
    watched.write(both + "[[nobody]]\n")
    await watched.watch.look()
    assert watched.keys.keys() == {KEY}, "nobody comes in by a file that is wrong"
    watched.write("[[nobody]]\n")
    await watched.watch.look()
    assert watched.keys == {}


async def test_files_it_refers_to_are_looked_at_too(watched: Watched, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    watched.write(toml('secret_file = "secret"'))
    await watched.watch.open()
    secret.write_text(OTHER)
    await watched.watch.look()
    assert watched.keys[KEY].secret == OTHER
    secret.unlink()
    await watched.watch.look()
    assert watched.told[-1][0] == "failed" and len(watched.taken) == 2
    secret.write_text(SECRET)
    secret.chmod(0o600)
    await watched.watch.look()
    assert watched.keys[KEY].secret == SECRET


async def test_the_manager_is_asked_again_after_a_while(watched: Watched) -> None:
    watched.write(toml(f'secret_arn = "{MANAGED}"'))
    await watched.watch.open()
    watched.managed = OTHER
    await watched.watch.look()
    assert watched.keys[KEY].secret == SECRET
    watched.clock.advance(ASK_EVERY_MS)
    await watched.watch.look()
    assert watched.keys[KEY].secret == OTHER and watched.told == []
    watched.managed = None
    for _ in range(3):
        watched.clock.advance(ASK_EVERY_MS)
        await watched.watch.look()
    assert [kind for kind, _ in watched.told] == ["failed", "failed"] and watched.keys[KEY].secret == OTHER
    watched.managed = SECRET
    watched.clock.advance(ASK_EVERY_MS)
    await watched.watch.look()
    assert watched.keys[KEY].secret == SECRET and watched.told[-1][0] == "said"


async def test_the_manager_is_asked_at_once_when_somebody_wants_that(watched: Watched) -> None:
    watched.write(toml(f'secret_arn = "{MANAGED}"'))
    await watched.watch.open()
    watched.managed = OTHER
    watched.watch.reload()
    await watched.watch.look()
    assert watched.keys[KEY].secret == OTHER


async def test_doubts_are_told_when_they_are_new(watched: Watched) -> None:
    condition = 'Condition = { StringEquals = { "aws:SourceVpc" = "x" } }'
    policy = f'policies = [{{ Statement = [{{ Effect = "Allow", Action = "*", Resource = "*", {condition} }}] }}]'
    watched.write(toml(more=policy))
    await watched.watch.open()
    assert [kind for kind, _ in watched.told] == ["warned"]
    watched.write(toml(f'secret = "{OTHER}"', policy))
    await watched.watch.look()
    assert [kind for kind, _ in watched.told] == ["warned", "said"]
