"""A group whose commands are imported when asked for: who lists nodes need not wait for the reader of templates."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class Lazily(click.Group):
    """``modules`` by command name, in the order of help; each has a command named like it, dashes as underscores."""

    def __init__(self, *args: Any, modules: Mapping[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in self._modules:
            return None
        found = getattr(import_module(self._modules[cmd_name]), cmd_name.replace("-", "_"))
        assert isinstance(found, click.Command)
        return found
