"""An HTTP exchange without a framework: what a service needs of a request, and all that its response carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from gateway.model.hot_value import hot_value


@hot_value
class HttpRequest:
    """``raw_path`` is as sent (still percent-encoded, without the query), ``query`` without the question mark;
    ``headers`` keep the order and case of the wire; ``host`` is the Host header, empty when there was none;
    ``secure`` says whether it came over TLS."""

    method: str
    raw_path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str
    host: str
    secure: bool = False
    _fields: dict[str, str] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def fields(self) -> Mapping[str, str]:
        """The last value of each header by its name in lower case; found once for all who ask for one."""
        fields = self._fields
        if fields is None:
            fields = {name.lower(): value for name, value in self.headers}
            object.__setattr__(self, "_fields", fields)
        return fields

    def knows(self, fields: dict[str, str]) -> None:
        """Whoever has read the headers has found ``fields`` already."""
        object.__setattr__(self, "_fields", fields)

    def header(self, name: str) -> str | None:
        """The last value of a header by case-insensitive name, None when the client sent none."""
        return self.fields.get(name.lower())


@hot_value
class HttpResponse:
    """``headers`` hold no framing: ``Date``, ``Content-Length`` and ``Connection`` are the server's."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
