"""``$util`` of mapping templates (parity 5.3): six functions, escaping to the character as AWS's Java libraries do."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from gateway.expressions.velocity.execution import Frame
from gateway.expressions.velocity.values import BuiltIn, Value, text_of
from gateway.model.json_text import NotJson, read

_ESCAPES: Final = {
    **{code: f"\\u{code:04X}" for code in range(32)},
    **{ord(character): f"\\{letter}" for character, letter in zip("\b\n\t\f\r", "bntfr", strict=True)},
    **{ord(character): f"\\{character}" for character in "'\"\\/"},
}
_LAST_ASCII: Final = 0x7F


def escape_java_script(frame: Frame, value: Value) -> str:
    """Also ``'`` to ``\\'`` and ``/`` to ``\\/``; beyond ASCII as UTF-16 escapes in upper-case hexadecimal."""
    text = text_of(value, frame)
    if not text.isascii():
        frame.spend_on(6 * len(text))
        text = "".join(map(_kept_for_escape, text.translate(_ESCAPES)))
        return text
    return text.translate(_ESCAPES)


def _kept_for_escape(character: str) -> str:
    if ord(character) <= _LAST_ASCII:
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i] << 8 | units[i + 1]:04X}" for i in range(0, len(units), 2))


def parse_json(frame: Frame, value: Value) -> Value:
    try:
        return read(text_of(value, frame))  # type: ignore[return-value]
    except NotJson as error:
        raise ValueError(f"not JSON: {error}") from None


def url_encode(frame: Frame, value: Value) -> str:
    """As ``java.net.URLEncoder``: a space is ``+``, of the signs ``. - * _`` stay."""
    text = text_of(value, frame)
    frame.spend_on(3 * len(text))
    return quote_plus(text, safe="*", errors="replace").replace("~", "%7E")


def url_decode(frame: Frame, value: Value) -> str:
    return unquote_plus(text_of(value, frame))


def base64_encode(frame: Frame, value: Value) -> str:
    return b64encode(text_of(value, frame).encode("utf-8", "replace")).decode("ascii")


def base64_decode(frame: Frame, value: Value) -> str:
    try:
        return b64decode(text_of(value, frame)).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"not base64: {error}") from None


UTIL: Final = BuiltIn(
    "$util",
    methods={
        ("escapeJavaScript", 1): escape_java_script,
        ("parseJson", 1): parse_json,
        ("urlEncode", 1): url_encode,
        ("urlDecode", 1): url_decode,
        ("base64Encode", 1): base64_encode,
        ("base64Decode", 1): base64_decode,
    },
)
