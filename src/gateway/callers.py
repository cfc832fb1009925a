"""Everybody who may sign: the node's own handlers, whoever the file of principals names, whom IAM vouched for.

Implements ``access.principal.Principals``. What is known is replaced as a whole; the next request sees it.
"""

from __future__ import annotations

from typing import Final

from gateway.access.grant import Grant, account_of, covers, granted
from gateway.access.keyring import EXPIRED_TOKEN, INVALID_TOKEN, Keyring
from gateway.access.principal import Principal
from gateway.access.session import Session, SessionKeys, SessionSeal
from gateway.access.signature import Refusal

READY_SESSIONS: Final = 256  # read and judged already, some 2 KB each; only genuine ones get that far


class Vouched:
    """Callers with keys that this fleet made for them on IAM's word, as long as ``trusted`` and a grant cover them."""

    def __init__(self, seal: SessionSeal, trusted: tuple[str, ...]) -> None:
        self._seal = seal
        self._trusted = trusted
        self._grants: tuple[Grant, ...] = ()
        self._ready: dict[tuple[str, str], tuple[Session, Principal | None]] = {}

    def know(self, grants: tuple[Grant, ...]) -> None:
        """Judge by these from now on, keys that are out there too."""
        self._grants = grants
        self._ready.clear()

    def grant_for(self, arn: str) -> Grant | None:
        """What is granted to a caller, None when it is not trusted or nothing is meant for it."""
        return granted(self._grants, arn) if any(covers(pattern, arn) for pattern in self._trusted) else None

    def keys_for(self, session: Session) -> SessionKeys:
        return self._seal.keys_for(session)

    def find(self, access_key: str, token: str, now_ms: int) -> Principal | Refusal:
        ready = self._ready.get((access_key, token)) or self._judge(access_key, token)
        if ready is None:
            return INVALID_TOKEN
        session, principal = ready
        if now_ms >= session.expires_at_ms:
            return EXPIRED_TOKEN
        return principal or INVALID_TOKEN

    def _judge(self, access_key: str, token: str) -> tuple[Session, Principal | None] | None:
        found = self._seal.read(access_key, token)
        if found is None:
            return None
        session, secret = found
        if len(self._ready) >= READY_SESSIONS:
            del self._ready[next(iter(self._ready))]
        ready = self._ready[access_key, token] = session, self._principal(session, secret, token)
        return ready

    def _principal(self, session: Session, secret: str, token: str) -> Principal | None:
        grant = self.grant_for(session.arn)
        if grant is None:
            return None
        return Principal(
            account_of(session.arn), session.arn, secret, token, session.user_id, grant.policies, tags=grant.tags
        )


class Callers:
    """``own`` are the node's keys; ``vouched`` is None where IAM's word is not asked for."""

    def __init__(self, own: Keyring, vouched: Vouched | None = None) -> None:
        self._own = own
        self._keys = Keyring()
        self._vouched = vouched

    def know(self, keys: Keyring, grants: tuple[Grant, ...]) -> None:
        """Everybody the file of principals names, from now on; a node's own key means the node all the same."""
        self._keys = keys
        if self._vouched is not None:
            self._vouched.know(grants)

    def find(self, access_key: str, session_token: str | None, now_ms: int) -> Principal | Refusal:
        if access_key in self._own:
            return self._own.find(access_key, session_token, now_ms)
        if access_key in self._keys:
            return self._keys.find(access_key, session_token, now_ms)
        if self._vouched is None or session_token is None:
            return INVALID_TOKEN
        return self._vouched.find(access_key, session_token, now_ms)
