"""Certificates as an operator has them: an authority made for this run, and files that it signed."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Signed:
    """PEM texts."""

    certificate: bytes
    key: bytes

    def put(self, certificate: Path, key: Path | None = None) -> None:
        """Each file whole at once, the key for its owner alone; both in one without a place for the key."""
        certificate.parent.mkdir(parents=True, exist_ok=True)
        if key is None:
            _put(certificate, self.certificate + self.key)
        else:
            _put(key, self.key)
            _put(certificate, self.certificate)


@dataclass(frozen=True, slots=True)
class OutsideAuthority:
    """Somebody whom clients trust."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def sign(
        self,
        *names: str,
        begins: timedelta = -_DAY,
        ends: timedelta = 90 * _DAY,
        password: bytes = b"",
        for_client: bool = False,
    ) -> Signed:
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if for_client else ExtendedKeyUsageOID.SERVER_AUTH
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder(self.certificate.subject, _name(names), key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        encryption = BestAvailableEncryption(password) if password else NoEncryption()
        return Signed(
            builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM),
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption),
        )

    def client_context(self, pair: Path | None = None) -> ssl.SSLContext:
        """Trusts this authority alone; ``pair`` is the client's own certificate and key."""
        context = ssl.create_default_context(cadata=self.pem.decode())
        if pair is not None:
            context.load_cert_chain(pair)
        return context


@cache
def outside_authority(called: str = "outside") -> OutsideAuthority:
    """The same one for the same name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name((called,))
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - 2 * _DAY)
        .not_valid_after(now + 100 * _DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return OutsideAuthority(key, certificate)


def _name(names: Sequence[str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0] if names else "nobody")])


def _put(path: Path, pem: bytes) -> None:
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(pem)
    draft.chmod(0o600)
    draft.replace(path)
