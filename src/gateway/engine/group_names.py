"""What a group may be called: 1 to so many printable characters, so that a path, a header and a policy can name it.

No ``/`` and no ``,``, which end a name there; no space at either end, and neither ``.`` nor ``..``, which would get
lost on the way. Names are compared character by character.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

HEADER: Final = "X-Fleet-Groups"  # of what answers $connect: an extension, AWS ignores it
_SHOWN: Final = 64  # characters of a wrong name that are shown
_DOTS: Final = (".", "..")
_UNDECODABLE: Final = "\ufffd"  # what stands for bytes that are no UTF-8: names would run together


def fault_of(name: str, max_chars: int) -> str | None:
    """What is wrong with a name, as a sentence; None when nothing is."""
    if not name:
        return "a group's name is missing"
    if len(name) > max_chars:
        return f"a group's name has {len(name)} characters, at most {max_chars} are allowed"
    if (
        not name.isprintable()
        or "/" in name
        or "," in name
        or name != name.strip()
        or name in _DOTS
        or _UNDECODABLE in name
    ):
        return f"{name[:_SHOWN]!a} cannot be a group's name: printable characters without / and , can, but . and .."
    return None


def names_in(values: Iterable[str], max_chars: int) -> tuple[list[str], list[str]]:
    """The names that a header's values list, none twice, and what is wrong with the rest, as sentences. They are
    decoded as in a path: of a web server's header only ASCII can be trusted to arrive."""
    names: dict[str, None] = {}
    faults: list[str] = []
    for name in (unquote(each.strip(" \t")) for value in values for each in value.split(",")):
        fault = fault_of(name, max_chars) if name else None
        if fault is not None:
            faults.append(fault)
        elif name:
            names[name] = None
    return list(names), faults
