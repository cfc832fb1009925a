"""Short-lived access keys that need no record: whoever has the fleet's key can tell them, and what they stand for.

    token  = base64url(content) . base64url(HMAC(k1, content))      the session token, which its holder sends along
    secret = HMAC(k2, content)                                      with which it signs
    ID     = "WSFT" + HMAC(k3, content)

k1, k2 and k3 are derived from the fleet's key. The content is readable, its secret cannot be made from it.
"""

from __future__ import annotations

import hmac
from base64 import b32encode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass, field
from typing import Final

from gateway.access.keyring import same
from gateway.model.json_text import NotJson, read_bytes, write

ID_PREFIX: Final = "WSFT"  # not AWS's ASIA: nobody shall take it for a key of AWS
MAX_TOKEN_CHARS: Final = 4096
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Session:
    """Whom a key stands for, until when (Unix time); ``nonce`` makes each its own."""

    arn: str
    user_id: str
    expires_at_ms: int
    nonce: str


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """What its holder is given, once."""

    access_key: str
    secret: str = field(repr=False)
    session_token: str = field(repr=False)


class SessionSeal:
    """Makes such keys and tells them; all nodes of a fleet have the same one."""

    def __init__(self, fleet_key: bytes) -> None:
        self._seal, self._secret, self._id = (
            hmac.digest(fleet_key, b"wsfleet session " + label, "sha256") for label in (b"seal", b"secret", b"id")
        )

    def keys_for(self, session: Session) -> SessionKeys:
        """The same for the same session."""
        content = write([_VERSION, session.arn, session.user_id, session.expires_at_ms, session.nonce]).encode()
        token = f"{_written(content)}.{_written(hmac.digest(self._seal, content, 'sha256'))}"
        return SessionKeys(self._access_key(content), self._secret_of(content), token)

    def read(self, access_key: str, token: str) -> tuple[Session, str] | None:
        """What a key stands for and its secret, None for one that no node of this fleet has made. It may be over.
        Never raises."""
        if not access_key.startswith(ID_PREFIX) or len(token) > MAX_TOKEN_CHARS:
            return None
        content, seal = (_read(part) for part in (token.partition(".")[0], token.partition(".")[2]))
        if not hmac.compare_digest(hmac.digest(self._seal, content, "sha256"), seal):
            return None
        if not same(self._access_key(content), access_key):
            return None
        session = _session(content)
        return None if session is None else (session, self._secret_of(content))

    def _access_key(self, content: bytes) -> str:
        return ID_PREFIX + b32encode(hmac.digest(self._id, content, "sha256")[:10]).decode("ascii")

    def _secret_of(self, content: bytes) -> str:
        return b64encode(hmac.digest(self._secret, content, "sha256")[:30]).decode("ascii")


def _session(content: bytes) -> Session | None:
    """None for what another version of this program has sealed."""
    try:
        match read_bytes(content):
            case [1, str(arn), str(user_id), int(expires_at_ms), str(nonce)]:
                return Session(arn, user_id, expires_at_ms, nonce)
    except NotJson:
        pass
    return None


def _written(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _read(text: str) -> bytes:
    """Nothing for what is no base64url."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Error, ValueError):
        return b""
