from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.model.errors import UserError
from gateway.tls.renewal import Renewal, Watching
from gateway.tls.served_files import ServedFiles
from gateway.tls.served_pair import PairFiles
from served_certificates import outside_authority
from server_fakes import until
from tls_agreement import agree

AUTHORITY = outside_authority()
SOON, NEVER = 0.01, 3600.0


class Told:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def said(self, text: str) -> None:
        self.lines.append(("said", text))

    def warned(self, text: str) -> None:
        self.lines.append(("warned", text))

    def failed(self, text: str) -> None:
        self.lines.append(("failed", text))

    def of(self, kind: str) -> list[str]:
        return [text for each, text in self.lines if each == kind]


@pytest.fixture
def files(tmp_path: Path) -> ServedFiles:
    found = ServedFiles(PairFiles(tmp_path / "a.crt", tmp_path / "a.key"))
    put(found, "a.example")
    return found


def put(files: ServedFiles, name: str, ends: timedelta = timedelta(days=90)) -> None:
    assert files.pair is not None
    AUTHORITY.sign(name, ends=ends).put(files.pair.certificate, files.pair.key)


@asynccontextmanager
async def following(renewal: Renewal) -> AsyncIterator[None]:
    task = asyncio.ensure_future(renewal.follow())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def sees(renewal: Renewal, name: str) -> bool:
    client = AUTHORITY.client_context()
    client.check_hostname = False
    return name in agree(renewal.context(), client, name).names


async def test_changed_files_are_taken_up(files: ServedFiles) -> None:
    told = Told()
    renewal = Renewal(files, told, Watching(SOON))
    before = renewal.context()
    async with following(renewal):
        put(files, "b.example")
        await until(lambda: renewal.context() is not before)
        assert sees(renewal, "b.example")
        assert told.lines == [("said", "serves the certificates of b.example from now on")]


async def test_unchanged_files_are_read_again_when_somebody_asks(files: ServedFiles) -> None:
    renewal = Renewal(files, Told(), Watching(NEVER))
    before = renewal.context()
    async with following(renewal):
        renewal.reload()
        await until(lambda: renewal.context() is not before)
        assert sees(renewal, "a.example")


def _no_key(files: ServedFiles) -> None:
    assert files.pair is not None
    files.pair.key.unlink()


def _open_to_all(files: ServedFiles) -> None:
    assert files.pair is not None
    files.pair.key.chmod(0o644)


def _of_another(files: ServedFiles) -> None:
    assert files.pair is not None
    files.pair.certificate.write_bytes(AUTHORITY.sign("b.example").certificate)


@pytest.mark.parametrize(
    ("spoil", "why"), [(_no_key, "cannot be read"), (_open_to_all, "chmod 600"), (_of_another, "does not belong")]
)
async def test_what_cannot_be_used_is_told_once_and_the_old_stays(
    files: ServedFiles, spoil: Callable[[ServedFiles], None], why: str
) -> None:
    told, looks = Told(), list[None]()

    def clock() -> datetime:
        looks.append(None)
        return datetime.now(UTC)

    renewal = Renewal(files, told, Watching(SOON, clock))
    before = renewal.context()
    async with following(renewal):
        spoil(files)
        await until(lambda: told.of("failed"))
        seen = len(looks)
        await until(lambda: len(looks) > seen + 3)
        assert renewal.context() is before
        put(files, "c.example")
        await until(lambda: renewal.context() is not before)
    assert len(told.of("failed")) == 1
    assert told.of("failed")[0].startswith("new certificates are not used, the old ones stay: ")
    assert why in told.of("failed")[0]


async def test_a_certificate_that_nears_its_end_is_told_of_once(files: ServedFiles) -> None:
    told, looked, now = Told(), list[datetime](), [datetime.now(UTC)]

    def clock() -> datetime:
        looked.append(now[0])
        return now[0]

    renewal = Renewal(files, told, Watching(SOON, clock))
    async with following(renewal):
        assert told.lines == []
        for days, expected in ((85, "expires on"), (91, "has expired on")):
            now[0] += timedelta(days=days) - (now[0] - looked[0])
            await until(lambda: looked.count(now[0]) > 2)
            assert expected in told.lines[-1][1]
        assert [kind for kind, _ in told.lines] == ["warned", "warned"]


def test_what_is_wrong_at_the_start_is_raised(files: ServedFiles) -> None:
    _open_to_all(files)
    with pytest.raises(UserError):
        Renewal(files, Told())


def test_one_that_has_expired_is_served_and_told_of(files: ServedFiles) -> None:
    put(files, "a.example", ends=-timedelta(hours=1))
    told = Told()
    assert Renewal(files, told).served.names == ("a.example",)
    assert "has expired" in told.of("warned")[0]
