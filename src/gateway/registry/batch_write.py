"""BatchWriteItem as text: the request built by hand, and what its answer says. The one call made for each connect.

pynamodb and botocore take some 130 microseconds for an item, most of it for a generality that is of no use here. The
items are those of ``records.item_of`` all the same, and a test holds them equal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from gateway.model.connection import Connection
from gateway.model.ids import ConnectionId, NodeNumber
from gateway.registry.batches import Key
from gateway.registry.keys import CONNECTION_PREFIX, TTL_ATTRIBUTE, partition_of


def batch_write(table: str, puts: Sequence[Connection], deletes: Sequence[Key], keep_s: int | None) -> bytes:
    """The body of a request; at most 25 different keys in all. ``keep_s`` as in ``records.item_of``."""
    requests = [f'{{"DeleteRequest":{{"Key":{{{_key(*key)}}}}}}}' for key in deletes]
    requests += [f'{{"PutRequest":{{"Item":{_item(connection, keep_s)}}}}}' for connection in puts]
    return f'{{"RequestItems":{{{quoted(table)}:[{",".join(requests)}]}}}}'.encode("ascii")


def unprocessed_in(answer: Mapping[str, Any], table: str) -> frozenset[Key]:
    """The keys that DynamoDB left for another time."""
    left: Iterable[dict[str, Any]] = (answer.get("UnprocessedItems") or {}).get(table, ())
    return frozenset(map(_key_in, left))


def error_in(status: int, body: bytes) -> tuple[str, str]:
    """Code and message of an answer that is an error; the status is the code when the body names none."""
    try:
        document = json.loads(body)
    except ValueError:
        return str(status), body.decode("utf-8", "replace")
    if not isinstance(document, dict):
        return str(status), ""
    code = str(document.get("__type", status)).rpartition("#")[2].partition(":")[0]
    return code, str(document.get("message", document.get("Message", "")))


def _item(connection: Connection, keep_s: int | None) -> str:
    c = connection
    expires = "" if keep_s is None else f'"{TTL_ATTRIBUTE}":{{"N":"{c.connected_at_ms // 1000 + keep_s}"}},'
    text = (
        f'{{{_key(c.owner, c.connection_id)},"type":{{"S":"Connection"}},{expires}'
        f'"api":{{"S":{quoted(c.api_id)}}},"stage":{{"S":{quoted(c.stage)}}},'
        f'"connectedAt":{{"N":"{c.connected_at_ms}"}},"sourceIp":{{"S":{quoted(c.source_ip)}}},'
        f'"domainName":{{"S":{quoted(c.domain_name)}}}'
    )
    if c.user_agent is not None:
        text += f',"userAgent":{{"S":{quoted(c.user_agent)}}}'
    if c.authorizer is not None:
        text += f',"authorizer":{_map(c.authorizer)}'
    if c.identity is not None:
        text += f',"identity":{_map(c.identity)}'
    return text + "}"


def _key(owner: NodeNumber, connection_id: ConnectionId) -> str:
    return f'"pk":{{"S":"{partition_of(owner)}"}},"sk":{{"S":{quoted(CONNECTION_PREFIX + connection_id)}}}'


def _map(texts: Mapping[str, str]) -> str:
    members = ",".join([f'{quoted(name)}:{{"S":{quoted(text)}}}' for name, text in texts.items()])
    return f'{{"M":{{{members}}}}}'


def _key_in(request: Mapping[str, Any]) -> Key:
    item = request["PutRequest"]["Item"] if "PutRequest" in request else request["DeleteRequest"]["Key"]
    owner = NodeNumber(int(item["pk"]["S"].partition("#")[2]))
    return owner, ConnectionId(item["sk"]["S"].removeprefix(CONNECTION_PREFIX))
