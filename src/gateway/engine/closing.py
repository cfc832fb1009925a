"""With which code and reason a DeleteConnection closes: an extension, by the query of the call; AWS has one of each."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from gateway.model.limits import MAX_CLOSE_REASON_BYTES
from gateway.model.peer import NORMALLY

_MAX_DIGITS: Final = 4


def read_close(query: str) -> tuple[int, str] | str:
    """Code and reason, AWS's where the query names none, or what is wrong, as a sentence.

    What clients may be sent: RFC 6455 §7.4, less what is for them to say (1010) or for nobody (1004 to 1006, 1015).
    """
    if "code=" not in query and "reason=" not in query:
        return NORMALLY
    values = {name: found[-1] for name, found in parse_qs(query, keep_blank_values=True).items()}
    code, reason = values.get("code", str(NORMALLY[0])), values.get("reason", "" if "code" in values else NORMALLY[1])
    if not (code.isascii() and code.isdecimal() and len(code) == _MAX_DIGITS and _is_servers(int(code))):
        return "code is none that a server may close with: 1000 to 1003, 1007 to 1009, 1011 to 1014, 3000 to 4999 are"
    if len(reason.encode("utf-8", "replace")) > MAX_CLOSE_REASON_BYTES:
        return f"reason is longer than {MAX_CLOSE_REASON_BYTES} bytes"
    return int(code), reason


def _is_servers(code: int) -> bool:
    return 1000 <= code <= 1003 or 1007 <= code <= 1009 or 1011 <= code <= 1014 or 3000 <= code <= 4999
