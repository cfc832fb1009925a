"""TLS contexts of servers, made of key and certificate as text: by this machine's names, and by what a client asks for.

Who signs is the caller's affair, so that nothing here needs a library for certificates.
"""

from __future__ import annotations

import os
import re
import ssl
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from gateway.tls.names import HOME_NAMES
from gateway.tls.unreadable_names import ignore_unreadable_names

MAX_NAMED_CONTEXTS: Final = 256  # contexts made on demand; one AWS service and region each
_NAME: Final = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63}){1,10}")  # RFC 1035 §2.3.4, with its labels bounded

Sign = Callable[[tuple[str, ...]], bytes]
"""Key and certificate for these names, in one PEM text."""


def home_names(hosts: Sequence[str]) -> tuple[str, ...]:
    """localhost, both loopback addresses and ``hosts``, each once."""
    return tuple(dict.fromkeys((*HOME_NAMES, *hosts)))


def server_context(sign: Sign, folder: Path, hosts: Sequence[str], suffixes: Sequence[str]) -> ssl.SSLContext:
    """For ``home_names`` of ``hosts``, and for names below one of ``suffixes``, each of which gets a certificate of its
    own when a client asks for one. ``folder`` is private; nothing stays in it."""
    context = _context(sign(home_names(hosts)), folder)
    if suffixes:
        ignore_unreadable_names()
        context.sni_callback = _Named(sign, folder, tuple(f".{suffix}" for suffix in suffixes))
    return context


class _Named:
    """Chooses the certificate for the name a client asks for (SNI), making it the first time."""

    def __init__(self, sign: Sign, folder: Path, suffixes: tuple[str, ...]) -> None:
        self._sign = sign
        self._folder = folder
        self._suffixes = suffixes
        self._contexts: dict[str, ssl.SSLContext] = {}

    def __call__(self, sock: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        name = (name or "").lower()
        if name.endswith(self._suffixes) and _NAME.fullmatch(name):
            sock.context = self._contexts.get(name) or self._add(name)

    def _add(self, name: str) -> ssl.SSLContext:
        while len(self._contexts) >= MAX_NAMED_CONTEXTS:
            del self._contexts[next(iter(self._contexts))]
        context = self._contexts[name] = _context(self._sign((name,)), self._folder)
        return context


def _context(pem: bytes, folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # The ssl module reads keys from files only; this one is private, and gone when this block ends.
    with tempfile.TemporaryDirectory(prefix=".leaf-", dir=folder) as private:
        path = Path(private, "leaf.pem")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
        context.load_cert_chain(path)
    return context
