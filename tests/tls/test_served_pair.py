from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.model.errors import UserError
from gateway.tls.served_pair import PairFiles, ServedPair, read_pair_files
from served_certificates import Signed, outside_authority

DAY = timedelta(days=1)


def read(folder: Path, signed: Signed) -> ServedPair:
    files = PairFiles(folder / "a.crt", folder / "a.key")
    signed.put(files.certificate, files.key)
    return read_pair_files(files)


def refused(folder: Path, certificate: str = "a.crt", key: str = "a.key") -> UserError:
    with pytest.raises(UserError) as raised:
        read_pair_files(PairFiles(folder / certificate, folder / key))
    return raised.value


def test_names_are_those_of_the_alternatives_in_lower_case(tmp_path: Path) -> None:
    assert read(tmp_path, outside_authority().sign("Chat.example.com", "*.example.com")).names == (
        "chat.example.com",
        "*.example.com",
    )
    assert read(tmp_path, outside_authority().sign()).names == ()


def test_both_may_be_in_one_file_in_either_order(tmp_path: Path) -> None:
    signed, path = outside_authority().sign("a.example"), tmp_path / "a.pem"
    for pem in (signed.certificate + signed.key, signed.key + signed.certificate):
        path.write_bytes(pem)
        path.chmod(0o600)
        assert read_pair_files(PairFiles(path, path)).names == ("a.example",)


def test_the_chain_stands_behind_the_certificate(tmp_path: Path) -> None:
    signed = outside_authority().sign("a.example")
    chained = Signed(signed.certificate + outside_authority().pem, signed.key)
    assert read(tmp_path, chained).names == ("a.example",)
    (tmp_path / "a.crt").write_bytes(outside_authority().pem + signed.certificate)
    error = refused(tmp_path)
    assert "does not belong" in error.message
    assert "first of its file" in error.hint


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o602, 0o777])
def test_a_key_that_is_not_its_owners_alone_is_refused(tmp_path: Path, mode: int) -> None:
    read(tmp_path, outside_authority().sign("a.example"))
    (tmp_path / "a.key").chmod(mode)
    error = refused(tmp_path)
    assert error.message == f"the private key in {tmp_path / 'a.key'} is not its owner's alone (mode {mode:04o})"
    assert error.hint == f"chmod 600 {tmp_path / 'a.key'}"


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_of_its_owner_is_not(tmp_path: Path, mode: int) -> None:
    read(tmp_path, outside_authority().sign("a.example"))
    (tmp_path / "a.key").chmod(mode)
    assert read_pair_files(PairFiles(tmp_path / "a.crt", tmp_path / "a.key")).names == ("a.example",)


def test_what_is_wrong_is_told_with_its_file(tmp_path: Path) -> None:
    signed, other = outside_authority().sign("a.example"), outside_authority().sign("b.example")
    signed.put(tmp_path / "a.crt", tmp_path / "a.key")
    other.put(tmp_path / "b.crt", tmp_path / "b.key")
    outside_authority().sign("c.example", password=b"secret").put(tmp_path / "c.crt", tmp_path / "c.key")
    for name, content in (("empty", b""), ("broken.key", signed.key.replace(b"\nM", b"\nX"))):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    assert "does not belong to the certificate" in refused(tmp_path, key="b.key").message
    assert "a.nowhere cannot be read: No such file" in refused(tmp_path, "a.nowhere").message
    assert "k.nowhere cannot be read: No such file" in refused(tmp_path, key="k.nowhere").message
    assert "empty holds no certificate" in refused(tmp_path, "empty").message
    assert "empty holds no private key" in refused(tmp_path, key="empty").message
    assert "broken.key is damaged" in refused(tmp_path, key="broken.key").message
    encrypted = refused(tmp_path, "c.crt", "c.key")
    assert "is encrypted" in encrypted.message
    assert "openssl pkey" in encrypted.hint


@pytest.mark.parametrize(
    ("begins", "ends", "concern"),
    [
        (-DAY, 90 * DAY, None),
        (-DAY, 6 * DAY, "expires on"),
        (-9 * DAY, -DAY, "has expired on"),
        (DAY, 90 * DAY, "is not valid before"),
    ],
)
def test_a_time_that_is_over_or_nearly_is_a_concern(
    tmp_path: Path, begins: timedelta, ends: timedelta, concern: str | None
) -> None:
    told = list(read(tmp_path, outside_authority().sign("a", begins=begins, ends=ends)).concerns(datetime.now(UTC)))
    assert [concern is not None and concern in each for each in told] == [True] * (concern is not None)
