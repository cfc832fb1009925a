"""An authority that another process opened, with the certificates it made there: for one that shall stay small."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gateway.tls.contexts import server_context


@dataclass(frozen=True, slots=True)
class PreparedAuthority:
    """``bundle_path`` is what to trust; ``leaves`` are keys and certificates by the names they are for, ``pair`` the
    authority's own, all as PEM texts."""

    folder: Path
    bundle_path: Path
    pair: bytes = field(repr=False)
    leaves: Mapping[tuple[str, ...], bytes] = field(repr=False)

    def server_context(self, hosts: Sequence[str] = (), suffixes: Sequence[str] = ()) -> ssl.SSLContext:
        """As ``Authority.server_context``."""
        return server_context(self._sign, self.folder, hosts, suffixes)

    def _sign(self, names: tuple[str, ...]) -> bytes:
        made = self.leaves.get(names)
        if made is None:
            from gateway.tls import certificate  # brings cryptography, for a handler that calls AWS by its own name

            made = certificate.leaf(certificate.read_pair(self.pair), names, datetime.now(UTC)).pem()
        return made
