from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gateway.tls import certificate

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def authority(*hosts: str) -> certificate.KeyPair:
    return certificate.authority(certificate.new_key(), certificate.needed_constraints(hosts), NOW)


def test_authority_is_a_constrained_p256_authority() -> None:
    pair = authority()
    constraints = pair.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert isinstance(pair.key.curve, ec.SECP256R1)
    assert constraints.critical and constraints.value.ca and constraints.value.path_length == 0
    assert certificate.constraints_of(pair.certificate) == {
        "localhost", "127.0.0.0/8", "::1/128", "amazonaws.com", "amazonaws.com.cn", "api.aws",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("hosts", "added"),
    [
        ((), set()),
        (("127.0.0.9", "::1", "app.localhost"), set()),
        (("*.execute-api.us-east-1.amazonaws.com",), set()),
        (("ws.example.com",), {"ws.example.com"}),
        (("*.Example.com", "ws.example.com"), {"example.com"}),
        (("notamazonaws.com",), {"notamazonaws.com"}),
        (("192.168.1.5",), {"192.168.1.5/32"}),
    ],
)
def test_constraints_widen_by_what_hosts_need(hosts: tuple[str, ...], added: set[str]) -> None:
    assert certificate.needed_constraints(hosts) - certificate.needed_constraints(()) == added


def test_constraints_once_given_are_kept() -> None:
    present = certificate.needed_constraints(("ws.example.com",))
    assert certificate.needed_constraints(("other.example.org",), present) == present | {"other.example.org"}


def test_leaf_names_its_hosts_and_lives_as_long_as_browsers_accept() -> None:
    made = certificate.leaf(authority(), ("localhost", "127.0.0.1", "*.amazonaws.com"), NOW).certificate
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["localhost", "127.0.0.1", "*.amazonaws.com"]
    assert made.not_valid_after_utc - made.not_valid_before_utc <= timedelta(days=397)
    assert made.not_valid_before_utc < NOW < made.not_valid_after_utc


@pytest.mark.parametrize(
    ("age", "near"),
    [(timedelta(), False), (timedelta(days=3248), False), (timedelta(days=3250), True), (timedelta(days=-2), True)],
)
def test_authority_is_renewed_while_its_leaves_still_live(age: timedelta, near: bool) -> None:
    assert certificate.is_near_end(authority().certificate, NOW + age) is near


def test_pair_survives_the_disk() -> None:
    pair = authority()
    read = certificate.read_pair(pair.pem())
    assert read.certificate == pair.certificate
    assert read.key.private_numbers() == pair.key.private_numbers()


def rsa_pem() -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def encrypted_pem() -> bytes:
    return certificate.new_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"rubbish",
        authority().pem()[:200],
        authority().certificate_pem(),
        authority().pem().split(b"-----BEGIN CERT")[0] + authority().certificate_pem(),
        rsa_pem() + authority().certificate_pem(),
        encrypted_pem() + authority().certificate_pem(),
    ],
    ids=["empty", "rubbish", "cut", "no key", "two halves", "rsa", "encrypted"],
)
def test_damaged_pairs_are_refused(pem: bytes) -> None:
    with pytest.raises(ValueError):
        certificate.read_pair(pem)


def test_a_certificate_without_constraints_is_refused() -> None:
    made = certificate.leaf(authority(), ("localhost",), NOW).certificate
    with pytest.raises(ValueError, match="no name constraints"):
        certificate.constraints_of(made)
