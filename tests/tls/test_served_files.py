from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from gateway.model.errors import UserError
from gateway.tls.served_files import ClientCerts, ServedFiles, chosen, load_served
from gateway.tls.served_pair import PairFiles
from served_certificates import outside_authority
from tls_agreement import agree

AUTHORITY = outside_authority()


def pair(folder: Path, name: str, *names: str) -> PairFiles:
    AUTHORITY.sign(*names).put(folder / f"{name}.crt", folder / f"{name}.key")
    return PairFiles(folder / f"{name}.crt", folder / f"{name}.key")


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("chat.example.com", ("chat.example.com",)),
        ("CHAT.example.com", ("chat.example.com",)),
        ("other.example.com", ("*.example.com",)),
        ("a.b.example.com", ("first.example",)),
        ("example.com", ("first.example",)),
        ("first.example", ("first.example",)),
        ("elsewhere.example", ("first.example",)),
        (None, ("first.example",)),
    ],
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_clients_name_chooses(
    tmp_path: Path, name: str | None, seen: tuple[str, ...], version: ssl.TLSVersion
) -> None:
    first = pair(tmp_path, "z-first", "first.example")
    pair(tmp_path / "more", "a", "*.example.com")
    pair(tmp_path / "more", "b", "chat.example.com")
    served = load_served(ServedFiles(first, tmp_path / "more"))
    client = AUTHORITY.client_context()
    client.check_hostname = False
    client.minimum_version = client.maximum_version = version
    agreed = agree(served.context, client, name)
    assert (agreed.names, agreed.alpn, agreed.client) == (seen, "http/1.1", False)
    assert served.names == ("first.example", "*.example.com", "chat.example.com")


def test_the_first_pair_of_a_name_has_it(tmp_path: Path) -> None:
    first = pair(tmp_path, "one", "a.example", "b.example")
    pair(tmp_path / "more", "two", "a.example", "c.example")
    served = load_served(ServedFiles(first, tmp_path / "more"))
    for name, seen in (("a.example", ("a.example", "b.example")), ("c.example", ("a.example", "c.example"))):
        assert agree(served.context, AUTHORITY.client_context(), name).names == seen


def test_a_wildcard_of_another_pair_does_not_go_before_the_name_itself(tmp_path: Path) -> None:
    first = pair(tmp_path, "one", "chat.example.com")
    pair(tmp_path / "more", "two", "*.example.com")
    served = load_served(ServedFiles(first, tmp_path / "more"))
    assert agree(served.context, AUTHORITY.client_context(), "chat.example.com").names == ("chat.example.com",)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_older_than_1_2_is_refused(tmp_path: Path) -> None:
    client = AUTHORITY.client_context()
    client.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    client.maximum_version = ssl.TLSVersion.TLSv1_1
    client.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match=r"(?i)version|protocol"):
        agree(load_served(ServedFiles(pair(tmp_path, "one", "a.example"))).context, client, "a.example")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", ["a.example", "b.example"])
@pytest.mark.parametrize(
    ("asked", "given", "is_served"),
    [
        (ClientCerts.OFF, None, True),
        (ClientCerts.OFF, "stranger", True),
        (ClientCerts.OPTIONAL, None, True),
        (ClientCerts.OPTIONAL, "friend", True),
        (ClientCerts.OPTIONAL, "stranger", False),
        (ClientCerts.REQUIRED, None, False),
        (ClientCerts.REQUIRED, "friend", True),
        (ClientCerts.REQUIRED, "stranger", False),
    ],
)
def test_certificates_of_clients(
    tmp_path: Path, version: ssl.TLSVersion, name: str, asked: ClientCerts, given: str | None, is_served: bool
) -> None:
    (tmp_path / "clients.crt").write_bytes(outside_authority("friend").pem)
    if given is not None:
        outside_authority(given).sign("me", for_client=True).put(tmp_path / "client.pem")
    files = pair(tmp_path, "one", "a.example")
    pair(tmp_path / "more", "two", "b.example")
    served = load_served(ServedFiles(files, tmp_path / "more", asked, tmp_path / "clients.crt"))
    client = AUTHORITY.client_context(None if given is None else tmp_path / "client.pem")
    client.minimum_version = client.maximum_version = version
    if is_served:
        assert agree(served.context, client, name).client is (asked is not ClientCerts.OFF and given is not None)
    else:
        with pytest.raises(ssl.SSLError):
            agree(served.context, client, name)


@pytest.mark.parametrize(
    "names",
    [
        ["a.crt", "a.key", "b.pem", "b.key", "c.pem"],
        ["x/fullchain.pem", "x/privkey.pem", "x/cert.pem", "y/tls.crt", "y/tls.key", "y/ca.crt", "z.crt", "z.key"],
        ["tls.crt", "tls.key", "ca.crt", "x/tls.crt", "x/tls.key", "x/ca.crt", "..data/tls.crt"],
    ],
)
def test_the_folders_of_others_are_understood(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [
        (str(one.certificate.relative_to(tmp_path)), str(one.key.relative_to(tmp_path)))
        for one in ServedFiles(folder=tmp_path).pairs()
    ]
    expected = {
        "a.crt": [("a.crt", "a.key"), ("b.pem", "b.key"), ("c.pem", "c.pem")],
        "x/fullchain.pem": [("x/fullchain.pem", "x/privkey.pem"), ("y/tls.crt", "y/tls.key"), ("z.crt", "z.key")],
        "tls.crt": [("tls.crt", "tls.key"), ("x/tls.crt", "x/tls.key")],
    }
    assert found == expected[names[0]]


def test_what_cannot_be_served_is_told(tmp_path: Path) -> None:
    first = pair(tmp_path, "one", "a.example")
    (tmp_path / "none").mkdir()
    (tmp_path / "text").write_text("no certificate", encoding="ascii")
    pair(tmp_path / "nameless", "two")
    for files, message in (
        (ServedFiles(folder=tmp_path / "none"), "none holds no certificates"),
        (ServedFiles(folder=tmp_path / "nowhere"), "nowhere cannot be read: No such file"),
        (ServedFiles(first, tmp_path / "nameless"), "two.crt is for no domain"),
        (ServedFiles(first, None, ClientCerts.REQUIRED, tmp_path / "text"), "text holds no certificates"),
        (ServedFiles(first, None, ClientCerts.OPTIONAL, tmp_path / "gone"), "gone cannot be read: No such file"),
    ):
        with pytest.raises(UserError) as raised:
            load_served(files)
        assert message in raised.value.message


def test_the_stamp_is_another_with_every_change(tmp_path: Path) -> None:
    first = pair(tmp_path, "one", "a.example")
    (tmp_path / "more").mkdir()
    (tmp_path / "clients.crt").write_bytes(AUTHORITY.pem)
    files = ServedFiles(first, tmp_path / "more", ClientCerts.OPTIONAL, tmp_path / "clients.crt")
    stamps = [files.stamp()]
    assert files.stamp() == stamps[0]
    for change in (
        lambda: pair(tmp_path, "one", "a.example"),
        lambda: pair(tmp_path / "more", "two", "b.example"),
        lambda: (tmp_path / "one.key").chmod(0o644),
        lambda: (tmp_path / "clients.crt").write_bytes(b""),
        lambda: (tmp_path / "one.crt").unlink(),
        lambda: (tmp_path / "more").rename(tmp_path / "gone"),
    ):
        change()
        stamps.append(files.stamp())
    assert len(set(stamps)) == len(stamps)


def test_a_name_with_a_dot_at_its_end_is_the_same(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert chosen("a.example.", {"a.example": context}) is context
    assert chosen("", {"a.example": context}) is None
