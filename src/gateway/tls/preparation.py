"""An authority opened for another process, which then needs no library for certificates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gateway.tls.authority import open_authority
from gateway.tls.contexts import home_names
from gateway.tls.prepared import PreparedAuthority


def prepared_authority(
    folder: Path, hosts: Sequence[str], extra_roots: Sequence[Path], servers: Sequence[Sequence[str]]
) -> PreparedAuthority:
    """``open_authority``, with a certificate for each of ``servers``: the hosts that a server context will be asked
    for. Raises UserError likewise."""
    authority = open_authority(folder, hosts, extra_roots=extra_roots)
    leaves = {names: authority.sign(names) for names in map(home_names, servers)}
    return PreparedAuthority(authority.folder, authority.bundle_path, authority.pair.pem(), leaves)
