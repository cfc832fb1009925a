"""What is needed once before anything is served, done by a process beside this one: a template read, certificates made.

So the process that serves never holds SAM's translator, nor the library for certificates: 50 MB less for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gateway.aside.process import Aside, AsideEnded
from gateway.model.definition import Definition
from gateway.settings import tool_environment
from gateway.template.options import LoadOptions
from gateway.tls.prepared import PreparedAuthority

_READER: Final = "gateway.control.disk"
_AUTHORITY: Final = "gateway.tls.preparation"


class Preparation:
    """Loads what it needs at once; the first call waits for that. After ``close``, or when its process has ended, the
    next call starts another. ``with_authority``: certificates will be asked for too."""

    def __init__(self, *, with_authority: bool = False) -> None:
        self._loaded = ("gateway.template.load", *((_AUTHORITY,) if with_authority else ()))
        self._aside: Aside | None = None
        self._open()

    async def read(self, template: Path, options: LoadOptions) -> Definition:
        """``gateway.control.disk.read_definition``. Raises UserError, DefinitionError among it."""
        definition = await self._call(_READER, "read_definition", template, options)
        assert isinstance(definition, Definition)
        return definition

    async def authority(
        self, folder: Path, hosts: Sequence[str], extra_roots: Sequence[Path], servers: Sequence[Sequence[str]]
    ) -> PreparedAuthority:
        """``gateway.tls.preparation.prepared_authority``. Raises UserError."""
        arguments = (folder, hosts, extra_roots, servers)
        authority = await self._call(_AUTHORITY, "prepared_authority", *arguments)
        assert isinstance(authority, PreparedAuthority)
        return authority

    def close(self) -> None:
        """May be called again."""
        if self._aside is not None:
            self._aside.close()
            self._aside = None

    async def _call(self, module: str, function: str, *args: Any) -> Any:
        try:
            return await self._open().call(module, function, *args)
        except AsideEnded:
            self.close()
            raise

    def _open(self) -> Aside:
        if self._aside is None:
            self._aside = Aside(tool_environment())
            for module in self._loaded:
                self._aside.expect(module)
        return self._aside
