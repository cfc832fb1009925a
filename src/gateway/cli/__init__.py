"""The command line: one module for each group of commands, what they share beside them."""

from __future__ import annotations

from gateway.cli.main import cli, main, status_of

__all__ = ["cli", "main", "status_of"]
