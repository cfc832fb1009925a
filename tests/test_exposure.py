from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.main import status_of
from gateway.exposure import check_exposure, is_loopback
from gateway.model.errors import UserError
from gateway.settings import ServeSettings

NETWORK = ["0.0.0.0", "::", "10.0.0.7", "chat.example.com", "fd00::1"]
HERE = ["localhost", "127.0.0.1", "127.0.0.9", "::1", "LOCALHOST"]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-our-own")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)


def settings(state: Path, host: str, **more: object) -> ServeSettings:
    return ServeSettings(host=host, state_dir=state, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("host", NETWORK)
def test_a_network_is_no_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", HERE)
def test_what_is_loopback(host: str, tmp_path: Path) -> None:
    assert is_loopback(host)
    check_exposure(settings(tmp_path, host, no_auth=True, tls_port=8443))


@pytest.mark.parametrize("host", NETWORK)
def test_no_auth_on_a_network_must_be_said_twice(host: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"whoever reaches {host} could speak to every client") as raised:
        check_exposure(settings(tmp_path, host, no_auth=True))
    assert "--no-auth-on-network" in raised.value.hint
    check_exposure(settings(tmp_path, host, no_auth=True, no_auth_on_network=True))
    check_exposure(settings(tmp_path, host))


@pytest.mark.parametrize("host", NETWORK)
def test_the_laptops_authority_is_not_for_a_network(host: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="signed by this machine's own authority") as raised:
        check_exposure(settings(tmp_path, host, tls_port=8443))
    assert "--tls-cert-file" in raised.value.hint


@pytest.mark.parametrize("where", ["tls_cert_file", "tls_cert_dir"])
def test_a_certificate_of_a_file_is(where: str, tmp_path: Path) -> None:
    check_exposure(settings(tmp_path, "0.0.0.0", tls_port=8443, **{where: tmp_path / "chat"}))


def test_nor_are_the_keys_that_every_emulator_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emulated = settings(tmp_path, "10.0.0.7", endpoint_url="http://10.0.0.8:8000")
    check_exposure(emulated)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(UserError, match="keys that everybody uses with emulators") as raised:
        check_exposure(emulated)
    assert "AWS_ACCESS_KEY_ID" in raised.value.hint
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with pytest.raises(UserError, match="would be believed"):
        check_exposure(emulated)
    check_exposure(settings(tmp_path, "localhost", endpoint_url="http://10.0.0.8:8000"))


def test_a_key_that_others_can_read_is_not_used_anywhere(tmp_path: Path) -> None:
    key = tmp_path / "fleet.key"
    key.write_bytes(bytes(32))
    key.chmod(0o644)
    with pytest.raises(UserError, match="can be read by other users"):
        check_exposure(settings(tmp_path, "localhost"))
    key.chmod(0o600)
    check_exposure(settings(tmp_path, "localhost"))


@pytest.mark.parametrize("more", [["--no-auth"], ["--tls-port", "0"]])
def test_the_command_ends_with_2_before_anything_starts(
    more: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WSFLEET_STATE_DIR", str(tmp_path / "state"))
    template = tmp_path / "template.yaml"
    template.touch()
    assert status_of(["serve", "--api", str(template), "--host", "0.0.0.0", "--port", "0", *more]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and "\n  hint: " in told
    assert not (tmp_path / "state").exists()
