"""Changes to the text of a file of principals that leave everything else in it as it is, comments too.

A change is made line by line and believed only when the new text parses to exactly what was meant; a file that is
written in another way (keys in inline tables) is for its owner to change.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.model.errors import UserError

_HEADER: Final = re.compile(r"\s*\[")
_PRINCIPAL: Final = re.compile(r"\s*\[\[\s*principal\s*\]\]")
_KEY: Final = re.compile(r"\s*\[\[\s*principal\s*\.\s*key\s*\]\]")
_OF_PRINCIPAL: Final = re.compile(r"\s*\[\[?\s*principal\s*\.")
_HINT: Final = "change it by hand: keys stand in tables of their own, [[principal.key]]"


def with_key(text: str, arn: str, key: Mapping[str, str], about: Mapping[str, Any]) -> str:
    """``key`` is added to the principal with this ARN, or to a new one at the end with what ``about`` says of it.

    Raises UserError where that cannot be done.
    """
    wanted = tomllib.loads(text)
    holders = wanted.setdefault("principal", [])
    at = next((index for index, each in enumerate(holders) if each.get("arn") == arn), None)
    lines = text.splitlines()
    block = ["", "[[principal.key]]", *_lines(key)]
    if at is None:
        holders.append({"arn": arn, **about, "key": [dict(key)]})
        head = [] if not lines else [""]
        lines += [*head, "[[principal]]", *_lines({"arn": arn, **about}), *block]
    else:
        holders[at].setdefault("key", []).append(dict(key))
        end = _end_of(lines, at)
        lines[end:end] = block
    return _checked(lines, wanted)


def without_key(text: str, access_key: str) -> str:
    """The key and its table are gone. Raises UserError where that cannot be done."""
    wanted = tomllib.loads(text)
    found: tuple[int, int] | None = None
    for number, holder in enumerate(wanted.get("principal", [])):
        for at, key in enumerate(holder.get("key", [])):
            if key.get("id") == access_key:
                found = number, at
    assert found is not None, "whoever asks has seen it"
    holder = wanted["principal"][found[0]]
    del holder["key"][found[1]]
    if not holder["key"]:
        del holder["key"]
    lines = text.splitlines()
    start = _start_of(lines, *found)
    if start is not None:
        end = next((at for at in range(start + 1, len(lines)) if _HEADER.match(lines[at])), len(lines))
        del lines[start:end]
    return _checked(lines, wanted)


def _lines(table: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {_value(value)}" for name, value in table.items()]


def _value(value: str | Sequence[str] | Mapping[str, str]) -> str:
    """What is text in JSON is text in TOML, but for one character."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_value(name)} = {_value(each)}" for name, each in value.items()) + " }"
    return "[" + ", ".join(map(_value, value)) + "]"


def _end_of(lines: list[str], number: int) -> int:
    """Behind the last line that says something of principal ``number``."""
    heads = [at for at, line in enumerate(lines) if _PRINCIPAL.match(line)]
    if number >= len(heads):
        return len(lines)  # it is written in another way: the check will tell
    end = next(
        (
            at
            for at in range(heads[number] + 1, len(lines))
            if _HEADER.match(lines[at]) and not _OF_PRINCIPAL.match(lines[at])
        ),
        len(lines),
    )
    while end > heads[number] + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


def _start_of(lines: list[str], number: int, key: int) -> int | None:
    """The head of a principal's key; None where it has none."""
    holder, seen = -1, -1
    for at, line in enumerate(lines):
        if _PRINCIPAL.match(line):
            holder, seen = holder + 1, -1
        elif _KEY.match(line):
            seen += 1
            if (holder, seen) == (number, key):
                return at
    return None


def _checked(lines: list[str], wanted: Mapping[str, Any]) -> str:
    text = "\n".join(lines).strip("\n") + "\n"
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        found = None
    if found != wanted:
        raise UserError("the file of principals is written in a way that this command cannot change", _HINT)
    return text
