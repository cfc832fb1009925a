"""Which files a node serves TLS with, and what they hold at a moment: one context that chooses by the client's name.

A folder may hold pairs side by side (``NAME.crt`` or ``NAME.pem`` and ``NAME.key``, or both in ``NAME.pem``), and pairs
in folders of their own as certbot and Kubernetes keep them (``fullchain.pem`` and ``privkey.pem``, ``tls.crt`` and
``tls.key``). Names that begin with a dot are not looked at.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Final

from gateway.model.errors import UserError
from gateway.tls.served_pair import PairFiles, ServedPair, read_pair_files
from gateway.tls.unreadable_names import ignore_unreadable_names

_IN_FOLDERS: Final = (("fullchain.pem", "privkey.pem"), ("tls.crt", "tls.key"))
_SUFFIXES: Final = (".crt", ".pem")


class ClientCerts(Enum):
    """Whether clients are asked for a certificate. One that is given must be of an authority that is trusted."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


_VERIFY: Final = {
    ClientCerts.OFF: ssl.CERT_NONE,
    ClientCerts.OPTIONAL: ssl.CERT_OPTIONAL,
    ClientCerts.REQUIRED: ssl.CERT_REQUIRED,
}


@dataclass(frozen=True, slots=True)
class ServedFiles:
    """``pair`` goes before those of ``folder``; at least one of both is there. ``client_authorities`` is a PEM file,
    None only where no client is asked."""

    pair: PairFiles | None = None
    folder: Path | None = None
    client_certs: ClientCerts = ClientCerts.OFF
    client_authorities: Path | None = None

    def pairs(self) -> list[PairFiles]:
        """In order, the first one is for clients that ask for no name that any has. Raises UserError."""
        found = [] if self.pair is None else [self.pair]
        if self.folder is not None:
            try:
                found += _pairs_in(self.folder)
            except OSError as error:
                raise UserError(f"{self.folder} cannot be read: {error.strerror}") from error
        if not found:
            hint = "put pairs there: NAME.crt and NAME.key, or NAME/fullchain.pem and NAME/privkey.pem"
            raise UserError(f"{self.folder} holds no certificates", hint)
        return found

    def stamp(self) -> tuple[object, ...]:
        """Something that is another as soon as any of the files is another, is there, or is gone. Never raises."""
        try:
            paths = [path for pair in self.pairs() for path in (pair.certificate, pair.key)]
        except UserError as error:
            return (str(error),)
        if self.client_authorities is not None:
            paths.append(self.client_authorities)
        return tuple((path, _look(path)) for path in paths)


@dataclass(frozen=True, slots=True)
class Served:
    """``context`` is for listeners: TLS 1.2 and newer, HTTP/1.1."""

    pairs: tuple[ServedPair, ...]
    context: ssl.SSLContext

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for pair in self.pairs for name in pair.names))

    def concerns(self, now: datetime) -> list[str]:
        return [concern for pair in self.pairs for concern in pair.concerns(now)]


def load_served(files: ServedFiles) -> Served:
    """Raises UserError for the first thing that is wrong with any of the files."""
    pairs = tuple(read_pair_files(pair) for pair in files.pairs())
    contexts = [_context(pair, files) for pair in pairs]
    by_name: dict[str, ssl.SSLContext] = {}
    for pair, context in zip(pairs, contexts, strict=True):
        if not pair.names and context is not contexts[0]:
            hint = "give it a subjectAltName, or make it the first one, which is for clients that ask for no name"
            raise UserError(f"the certificate in {pair.files.certificate} is for no domain", hint)
        for name in pair.names:
            by_name.setdefault(name, context)
    first = contexts[0]
    if len(contexts) > 1:
        ignore_unreadable_names()
        first.sni_callback = _ByName(first, by_name)
    return Served(pairs, first)


class _ByName:
    """What the ssl module calls with the name that a client asks for, in ASCII; None without one."""

    def __init__(self, first: ssl.SSLContext, by_name: Mapping[str, ssl.SSLContext]) -> None:
        self._first = first
        self._by_name = by_name

    def __call__(self, sock: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        found = chosen(name or "", self._by_name)
        if found is not None and found is not self._first:
            sock.context = found


def chosen(name: str, by_name: Mapping[str, ssl.SSLContext]) -> ssl.SSLContext | None:
    """The one for a host name, else for its wildcard, which stands for one label (RFC 6125 §6.4.3); None without."""
    name = name.lower().removesuffix(".")
    return by_name.get(name) or by_name.get("*." + name.partition(".")[2])


def _context(pair: ServedPair, files: ServedFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(pair.files.certificate, pair.files.key, password=_no_password)
    except (ssl.SSLError, OSError) as error:
        place = f"{pair.files.certificate} and {pair.files.key}"
        raise UserError(f"{place} cannot be used for TLS: {_reason(error)}") from error
    if files.client_certs is not ClientCerts.OFF:
        _ask_clients(context, files)
    return context


def _ask_clients(context: ssl.SSLContext, files: ServedFiles) -> None:
    path = files.client_authorities
    assert path is not None, "clients are asked, and nobody could vouch for them"
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise UserError(f"{path} holds no certificates: {_reason(error)}", "give a PEM file of authorities") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}", "name a file that this user can read") from error
    context.verify_mode = _VERIFY[files.client_certs]


def _reason(error: OSError) -> str:
    return str(getattr(error, "reason", None) or error.strerror or error)


def _no_password() -> str:
    return ""  # or OpenSSL asks at the terminal


def _pairs_in(folder: Path) -> Iterator[PairFiles]:
    own = list(_pair_of_folder(folder))
    yield from own
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _pair_of_folder(path)
        elif path.suffix in _SUFFIXES and not own:
            key = path.with_suffix(".key")
            yield PairFiles(path, key if key.exists() else path)


def _pair_of_folder(folder: Path) -> Iterator[PairFiles]:
    """Where there is one beside it, the other files there belong to it."""
    for certificate, key in _IN_FOLDERS:
        if (folder / certificate).exists():
            yield PairFiles(folder / certificate, folder / key)


def _look(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode
