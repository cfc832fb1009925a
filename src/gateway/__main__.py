"""``python -m gateway`` is the ``wsfleet`` command."""

from __future__ import annotations

from gateway.cli import main

main()
