"""The document of a batch post: read, or told what is wrong with it."""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as Base64Error
from typing import Final

from gateway.model.hot_value import hot_value
from gateway.model.limits import MAX_BATCH_IDS_BYTES, MAX_ESCAPED, MAX_MESSAGE_BYTES, MAX_TARGETS

_MEMBERS: Final = frozenset({"connectionIds", "data", "dataBase64"})


@hot_value
class Post:
    """``connection_ids`` in the order of the document, none twice; nothing is known of them. ``data`` is of
    any length."""

    connection_ids: tuple[str, ...]
    data: bytes


def longest_document(max_message_bytes: int) -> int:
    """Bytes of a batch post's JSON with as many IDs as there may be. Every byte of a message of AWS's size may be
    escaped; a longer one has to be in base64, or half as often."""
    return MAX_BATCH_IDS_BYTES + max(MAX_ESCAPED * min(max_message_bytes, MAX_MESSAGE_BYTES), 2 * max_message_bytes)


def read_post(body: bytes) -> Post | str:
    """What is asked for, or what is wrong, as a sentence."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return "the body is not JSON"
    if not isinstance(document, dict):
        return "the body is not a JSON object"
    unknown = sorted(document.keys() - _MEMBERS)
    if unknown:
        return f"{unknown[0][:64]} is not known here: connectionIds, and data or dataBase64, are"
    targets = _targets(document.get("connectionIds"))
    if isinstance(targets, str):
        return targets
    data = _data(document)
    return data if isinstance(data, str) else Post(targets, data)


def _targets(listed: object) -> tuple[str, ...] | str:
    if not isinstance(listed, list):
        return "connectionIds is missing, or not a list"
    if len(listed) > MAX_TARGETS:
        return f"connectionIds has {len(listed)} elements, at most {MAX_TARGETS} are allowed"
    for at, each in enumerate(listed):
        if not isinstance(each, str):
            return f"connectionIds[{at}] is not a string"
    return tuple(dict.fromkeys(listed))


def _data(document: dict[str, object]) -> bytes | str:
    if ("data" in document) == ("dataBase64" in document):
        return "one of data and dataBase64 must be there"
    name = "data" if "data" in document else "dataBase64"
    text = document[name]
    if not isinstance(text, str):
        return f"{name} is not a string"
    try:
        return text.encode("utf-8", "replace") if name == "data" else b64decode(text, validate=True)
    except (Base64Error, ValueError):
        return "dataBase64 is not base64"
