"""Runs at the start of every Python handler process, before anything of the application: leads host names.

``WSFLEET_HOSTS`` is a JSON list of ``[pattern, address, port, plain port]`` (``environment.HostRule``). A name that
matches is looked up and connected to as that address; TLS server name and ``Host`` header stay what the application
said, because it never learns of it. All other names and ports are untouched. Must load fast, run on every Python that
Lambda knows, and never break an application: it imports nothing that the interpreter has not loaded already, unless
there is something to lead. An application's own ``sitecustomize`` runs afterwards, as if this one were not there.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # what typing says, without loading it
if TYPE_CHECKING:
    from typing import Any

_TLS_PORTS = (443, "443", "https", b"443", b"https")
_PLAIN_PORTS = (80, "80", "http", b"80", b"http")
_ANY_PORT = (None, 0, "0", "", b"0", b"")
_REMEMBERED = 1024  # host names; looking through the rules again costs microseconds


class _Hosts:
    """The rules, asked for every name and port that a process looks up or connects to."""

    def __init__(self, rules: list[list[Any]]) -> None:
        self._rules = rules
        self._known: dict[str, list[Any] | None] = {}

    def rule(self, host: object) -> list[Any] | None:
        """The rule that leads this host elsewhere, None when there is none."""
        name = host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else host
        if not isinstance(name, str):
            return None
        if name not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[name] = self._find(name.lower().rstrip("."))
        return self._known[name]

    def lead(self, host: object, port: object) -> tuple[Any, Any] | None:
        """The address and port to use instead, None when this is none of our business."""
        rule = self.rule(host)
        if rule is None:
            return None
        if port in _ANY_PORT:
            return rule[1], port
        if port in _TLS_PORTS:
            return rule[1], rule[2]
        return (rule[1], rule[3]) if rule[3] and port in _PLAIN_PORTS else None

    def lead_address(self, address: Any) -> Any:
        """The same for the address of a socket; its other forms (IPv6, Unix paths) come back as they are."""
        if isinstance(address, tuple) and len(address) == 2:
            return self.lead(*address) or address
        return address

    def _find(self, name: str) -> list[Any] | None:
        rule = next((rule for rule in self._rules if _matches(rule[0], name)), None)
        return rule if rule and rule[1] else None


def _install(hosts: _Hosts) -> None:
    """Replace the functions of ``socket`` that take host names."""
    import socket

    getaddrinfo, gethostbyname, gethostbyname_ex = socket.getaddrinfo, socket.gethostbyname, socket.gethostbyname_ex
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def led_getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        return getaddrinfo(*(hosts.lead(host, port) or (host, port)), *args, **kwargs)

    def led_gethostbyname(hostname: Any) -> Any:
        rule = hosts.rule(hostname)
        return rule[1] if rule else gethostbyname(hostname)

    def led_gethostbyname_ex(hostname: Any) -> Any:
        rule = hosts.rule(hostname)
        return (hostname, [], [rule[1]]) if rule else gethostbyname_ex(hostname)

    def led_connect(self: Any, address: Any) -> Any:
        return connect(self, hosts.lead_address(address))

    def led_connect_ex(self: Any, address: Any) -> Any:
        return connect_ex(self, hosts.lead_address(address))

    replaced: Any = socket
    replaced.getaddrinfo = led_getaddrinfo
    replaced.gethostbyname = led_gethostbyname
    replaced.gethostbyname_ex = led_gethostbyname_ex
    replaced.socket.connect = led_connect
    replaced.socket.connect_ex = led_connect_ex


def _matches(pattern: str, name: str) -> bool:
    """Whether ``name`` is ``pattern``, in which ``*`` stands for any text."""
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    if not name.startswith(first):
        return False
    place = len(first)
    for part in rest[:-1]:
        found = name.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return len(name) - place >= len(rest[-1]) and name.endswith(rest[-1])


def _make_way() -> None:
    """Vanish from the search path and run the ``sitecustomize`` that would have run without us."""
    import importlib.machinery
    import importlib.util

    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        sys.modules["sitecustomize"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


if __name__ == "sitecustomize":  # and not when something else reads this file
    if os.environ.get("WSFLEET_HOSTS"):
        import json

        _install(_Hosts(json.loads(os.environ["WSFLEET_HOSTS"])))
    _make_way()
