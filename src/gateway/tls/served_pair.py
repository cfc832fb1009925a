"""A certificate and its private key from files, checked before anybody depends on them.

A key that others than its owner may read, that is encrypted, or that belongs to another certificate is refused. One
whose time is over is not: whether old clients of a forgotten domain go on is worth less than everybody else.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from gateway.model.errors import UserError

NEAR_END: Final = timedelta(days=7)  # by then whatever renews it has failed; Let's Encrypt's clients do at 30 or 1/3
_KEY: Final = re.compile(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.+?-----END \1PRIVATE KEY-----", re.DOTALL)
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class PairFiles:
    """PEM files: ``certificate`` with the chain behind it, ``key`` unencrypted; both may be the same file."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class ServedPair:
    """``names`` are those it is for, in lower case, ``*.`` wildcards included; addresses are none of them."""

    files: PairFiles
    names: tuple[str, ...]
    begins: datetime
    ends: datetime

    def concerns(self, now: datetime) -> Iterator[str]:
        """What somebody should know who looks after it."""
        told = f"the certificate in {self.files.certificate}"
        if now < self.begins:
            yield f"{told} is not valid before {self.begins:%Y-%m-%d %H:%M} UTC: clients refuse it until then"
        elif now >= self.ends:
            yield f"{told} has expired on {self.ends:%Y-%m-%d %H:%M} UTC: clients refuse it; renew it"
        elif self.ends - now < NEAR_END:
            yield f"{told} expires on {self.ends:%Y-%m-%d %H:%M} UTC: renew it"


def read_pair_files(files: PairFiles) -> ServedPair:
    """Raises UserError."""
    certificate = _certificate(files.certificate)
    key = _key(files.key)
    if key.public_key() != certificate.public_key():
        raise UserError(
            f"the key in {files.key} does not belong to the certificate in {files.certificate}",
            "the server's own certificate must be the first of its file, with the chain behind it",
        )
    return ServedPair(files, _names(certificate), certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(_read(path))[0]
    except ValueError as error:
        raise UserError(f"{path} holds no certificate: {error}", "give a PEM file that begins with one") from error


def _key(path: Path) -> PrivateKeyTypes:
    pem = _read(path, private=True)
    found = _KEY.search(pem)
    if found is None:
        raise UserError(f"{path} holds no private key", "give a PEM file with one")
    try:
        return serialization.load_pem_private_key(found.group(), None)
    except TypeError as error:
        hint = "decrypt it (openssl pkey -in FILE -out FILE) and keep it readable for its owner only"
        raise UserError(f"the private key in {path} is encrypted", hint) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UserError(f"the private key in {path} is damaged, or of a kind that is not supported") from error


def _read(path: Path, *, private: bool = False) -> bytes:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if private and mode & _OTHERS:
                raise UserError(
                    f"the private key in {path} is not its owner's alone (mode {mode:04o})", f"chmod 600 {path}"
                )
            return file.read()
    except OSError as error:
        hint = "name a file that this user can read"
        raise UserError(f"{path} cannot be read: {error.strerror or error}", hint) from error


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(dict.fromkeys(name.lower() for name in names.get_values_for_type(x509.DNSName)))
