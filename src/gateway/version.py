"""The version of the installed distribution."""

from __future__ import annotations


def version() -> str:
    """Looked up when asked for: that takes as long as the rest of ``wsfleet --help``."""
    from importlib import metadata

    try:
        return metadata.version("wsfleet")
    except metadata.PackageNotFoundError:  # run from a source tree that was never installed
        return "0+unknown"
