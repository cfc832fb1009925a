"""Certificates of the local authority, as values: made, signed and read here, never stored or looked for.

The authority's certificate carries name constraints, so that whoever trusts it (a handler, perhaps a browser) trusts it
for this machine's names and AWS's only, even when its key is stolen. It is signed anew with the same key when it nears
its end or when a further name is wanted; what it signed before stays valid under the new certificate.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.tls.names import AWS_SUFFIXES

AUTHORITY_LIFETIME: Final = timedelta(days=3650)
LEAF_LIFETIME: Final = timedelta(days=397)  # what browsers accept at most (CA/Browser Forum, 2020-09)
BACKDATE: Final = timedelta(days=1)  # a container's or phone's clock may be behind ours
RENEW_BEFORE: Final = LEAF_LIFETIME + timedelta(days=3)  # no leaf outlives its authority

_HOME_CONSTRAINTS: Final = frozenset({"localhost", "127.0.0.0/8", "::1/128", *AWS_SUFFIXES})


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and the certificate of its public half."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def pem(self) -> bytes:
        """Both in one PEM text, the key unencrypted and first."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ) + self.certificate.public_bytes(serialization.Encoding.PEM)

    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def read_pair(pem: bytes) -> KeyPair:
    """The pair that ``KeyPair.pem`` wrote. Raises ValueError when it is damaged or its halves do not match."""
    try:
        key = serialization.load_pem_private_key(pem, None)
    except TypeError as error:  # an encrypted key
        raise ValueError(str(error)) from error
    certificate = x509.load_pem_x509_certificate(pem)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the key is not an elliptic-curve key")
    if key.public_key() != certificate.public_key():
        raise ValueError("key and certificate do not belong together")
    return KeyPair(key, certificate)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def authority(key: ec.EllipticCurvePrivateKey, constraints: Iterable[str], now: datetime) -> KeyPair:
    """A self-signed authority of ``key`` for the names under ``constraints`` (domain suffixes and networks)."""
    fingerprint = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()[:8]
    name = _name(f"wsfleet local authority {fingerprint}")
    builder = (
        _builder(name, name, key.public_key(), now, AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints([_subtree(text) for text in sorted(constraints)], None), critical=True)
    )
    return KeyPair(key, builder.sign(key, hashes.SHA256()))


def leaf(issuer: KeyPair, hosts: Sequence[str], now: datetime) -> KeyPair:
    """A server certificate with a key of its own for ``hosts``: names, ``*.`` wildcards and IP addresses."""
    key = new_key()
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    alternatives = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
    builder = (
        _builder(_name("wsfleet"), issuer.certificate.subject, key.public_key(), now, LEAF_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(alternatives, critical=False)
        .add_extension(issuer_key, critical=False)
    )
    return KeyPair(key, builder.sign(issuer.key, hashes.SHA256()))


def constraints_of(certificate: x509.Certificate) -> frozenset[str]:
    """The suffixes and networks that an authority may sign for. Raises ValueError when it states none."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound as error:
        raise ValueError("the certificate has no name constraints") from error
    return frozenset(str(subtree.value) for subtree in found.permitted_subtrees or ())


def needed_constraints(hosts: Iterable[str], present: frozenset[str] = frozenset()) -> frozenset[str]:
    """``present`` widened by what this machine and ``hosts`` need, and by no more than that."""
    needed = _HOME_CONSTRAINTS | present
    for host in hosts:
        if not _is_covered(host, needed):
            needed |= {_constraint(host)}
    return needed


def is_near_end(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_after_utc - now < RENEW_BEFORE or now < certificate.not_valid_before_utc


def _constraint(host: str) -> str:
    try:
        return str(ipaddress.ip_network(host))
    except ValueError:
        return host.removeprefix("*.").lower()


def _is_covered(host: str, constraints: Iterable[str]) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = "." + host.removeprefix("*.").lower()
        return any(name.endswith("." + suffix) for suffix in constraints)
    return any("/" in text and address in ipaddress.ip_network(text) for text in constraints)


def _subtree(text: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_network(text)) if "/" in text else x509.DNSName(text)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host.lower())


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "wsfleet"), x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now - BACKDATE + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
