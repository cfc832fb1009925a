from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.tls.authority import open_authority
from gateway.tls.served_files import ServedFiles, load_served
from gateway.tls.unreadable_names import ignore_unreadable_names
from served_certificates import outside_authority

NAME, UNREADABLE = b"name.example", b"\xff\xfe\x1b[.example"


@pytest.fixture
def told() -> Iterator[list[Any]]:
    """What reached the hook that was there before."""
    before, heard = sys.unraisablehook, list[Any]()
    sys.unraisablehook = heard.append
    yield heard
    sys.unraisablehook = before


def ask(server: ssl.SSLContext, name: bytes) -> None:
    """A client's first words with this server name, as far as the server takes them."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client.wrap_bio(incoming, outgoing, server_hostname=NAME.decode()).do_handshake()
    words = ssl.MemoryBIO()
    words.write(outgoing.read().replace(NAME, name))
    server.wrap_bio(words, ssl.MemoryBIO(), server_side=True).do_handshake()


@pytest.mark.parametrize("of", ["files", "the authority"])
def test_it_is_refused_without_a_word(tmp_path: Path, told: list[Any], of: str) -> None:
    if of == "files":
        for name in ("a", "b"):
            outside_authority().sign(f"{name}.example").put(tmp_path / f"{name}.pem")
        context = load_served(ServedFiles(folder=tmp_path)).context
    else:
        context = open_authority(tmp_path / "authority").server_context(suffixes=("amazonaws.com",))
    with pytest.raises(ssl.SSLWantReadError):
        ask(context, NAME)
    with pytest.raises(ssl.SSLError, match="callback failed"):
        ask(context, UNREADABLE)
    assert told == []


def test_everything_else_is_told_as_before(told: list[Any]) -> None:
    ignore_unreadable_names()
    ignore_unreadable_names()
    others = [
        SimpleNamespace(exc_type=ValueError, object=b"x"),
        SimpleNamespace(exc_type=UnicodeDecodeError, object=print),
    ]
    for other in (*others, SimpleNamespace(exc_type=UnicodeDecodeError, object=b"\xff")):
        sys.unraisablehook(other)
    assert told == others
