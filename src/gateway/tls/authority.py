"""The local certificate authority: made on first use, kept in one folder that only this user can read.

``authority.pem`` holds key and certificate (mode 600), ``ca.pem`` the certificate to trust, ``ca-bundle.pem`` that and
the public roots. Every file appears whole or not at all, and a lock file lets two gateways start at once. Server keys
live in memory only. Where the folder is, and which host names are served, is for the caller to say.
"""

from __future__ import annotations

import fcntl
import os
import ssl
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import certifi

from gateway.model.errors import UserError
from gateway.tls import certificate
from gateway.tls.certificate import KeyPair
from gateway.tls.contexts import server_context

LOCK_TIMEOUT_S: Final = 10.0  # making an authority takes milliseconds; only a stopped process holds the lock longer
LOCK_POLL_S: Final = 0.01


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority on disk. ``certificate_path`` is what to trust, ``bundle_path`` that and the public roots."""

    pair: KeyPair
    certificate_path: Path
    bundle_path: Path
    folder: Path
    now: Callable[[], datetime] = _utc_now

    def server_context(self, hosts: Sequence[str] = (), suffixes: Sequence[str] = ()) -> ssl.SSLContext:
        """A context for localhost, both loopback addresses and ``hosts``, TLS 1.2 and newer, HTTP/1.1.

        Names below one of ``suffixes`` get a certificate of their own when a client asks for one, however many labels
        they have. ``hosts`` and ``suffixes`` must be among those the authority was opened for, or of AWS.
        """
        return server_context(self.sign, self.folder, hosts, suffixes)

    def leaf_file(self, name: str, hosts: Sequence[str]) -> Path:
        """Key and certificate for ``hosts`` in one new PEM file of the authority's folder, for another program."""
        path = self.folder / f"{name}.pem"
        _replace(path, self.sign(tuple(dict.fromkeys(hosts))), 0o600)
        return path

    def sign(self, names: tuple[str, ...]) -> bytes:
        """Key and certificate of a server with these names, in one PEM text."""
        return certificate.leaf(self.pair, names, self.now()).pem()


def open_authority(
    folder: Path, hosts: Sequence[str] = (), *, extra_roots: Sequence[Path] = (), now: Callable[[], datetime] = _utc_now
) -> Authority:
    """The authority of ``folder``, made or renewed when needed, allowed to sign for ``hosts``.

    ``extra_roots`` are further PEM files that handlers shall trust, a company's for example.
    Raises UserError when the folder cannot be used or holds a damaged authority.
    """
    roots = _public_roots(extra_roots)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _close_to_others(folder)
        with _locked(folder / "authority.lock"):
            pair = _load_or_make(folder / "authority.pem", hosts, now())
            _replace(folder / "ca.pem", pair.certificate_pem(), 0o644)
            _replace(folder / "ca-bundle.pem", roots + pair.certificate_pem(), 0o644)
    except OSError as error:
        raise UserError(
            f"the local certificate authority in {folder} cannot be used: {error.strerror or error}",
            f"make {error.filename or folder} readable and writable for this user only, or delete it",
        ) from error
    return Authority(pair, folder / "ca.pem", folder / "ca-bundle.pem", folder, now)


def _load_or_make(path: Path, hosts: Sequence[str], now: datetime) -> KeyPair:
    pair = _load(path)
    if pair is None:
        pair = certificate.authority(certificate.new_key(), certificate.needed_constraints(hosts), now)
    else:
        allowed = certificate.constraints_of(pair.certificate)
        needed = certificate.needed_constraints(hosts, allowed)
        if needed == allowed and not certificate.is_near_end(pair.certificate, now):
            return pair
        pair = certificate.authority(pair.key, needed, now)
    _replace(path, pair.pem(), 0o600)
    return pair


def _load(path: Path) -> KeyPair | None:
    """What the file holds, None when there is none. A key that others could read is closed to them again."""
    try:
        _close_to_others(path)
        pem = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        pair = certificate.read_pair(pem)
        certificate.constraints_of(pair.certificate)
    except ValueError as error:
        raise UserError(
            f"the local certificate authority in {path} is damaged: {error}",
            f"delete {path}; a new authority is made at the next start (trust its ca.pem again where you had done so)",
        ) from error
    return pair


def _public_roots(extra: Sequence[Path]) -> bytes:
    roots = Path(certifi.where()).read_bytes()
    for path in extra:
        try:
            roots += b"\n" + path.read_bytes()
        except OSError as error:
            raise UserError(f"the certificates in {path} cannot be read: {error.strerror}") from error
    return roots + b"\n"


def _replace(path: Path, content: bytes, mode: int) -> None:
    """Put a whole file in place at once; left alone when it already says this."""
    if path.is_file() and path.read_bytes() == content:
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    _write(draft, content, mode)
    draft.replace(path)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Create a file that never had wider permissions than ``mode``."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _close_to_others(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        path.chmod(mode & 0o700)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "rb") as file:
        _lock(file.fileno(), path)
        yield  # closing the file frees the lock, and so does the death of this process


def _lock(fd: int, path: Path) -> None:
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise UserError(f"another process holds {path}", "end it and try again") from None
            time.sleep(LOCK_POLL_S)
