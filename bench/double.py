"""A DynamoDB that answers at once: what the gateway's own cost is measured against. One process, one thread.

    python bench/double.py

Prints its port; ends with its stdin. It knows what a fleet asks: nodes are kept and changed, so that several of them
believe each other alive; of connections only the keys are kept. Conditions always hold, so it is no table to test with.
``GET /ids`` answers the connection IDs by node number, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

Request = Mapping[str, Any]
Item = dict[str, Any]

NODE: Final = "NODE#"
CONNECTION: Final = "CONN#"
_SET: Final = re.compile(r"(#\d+) = (if_not_exists \(#\d+, )?(:\d+)")
_ADD: Final = re.compile(r"ADD (#\d+) (:\d+)")


class Table:
    """The answer to each operation, by its name."""

    def __init__(self) -> None:
        self.ids: dict[str, dict[str, None]] = {}
        self._items: dict[tuple[str, str], Item] = {}
        self._operations: Mapping[str, Callable[[Request], Any]] = {
            "BatchWriteItem": self._batch,
            "PutItem": self._put,
            "UpdateItem": self._update,
            "DeleteItem": self._delete,
            "GetItem": self._get,
            "Query": self._query,
            "DescribeTable": self._describe,
        }

    def answer(self, operation: str, body: bytes) -> tuple[int, Any]:
        """Status and document."""
        operate = self._operations.get(operation)
        if operate is None:
            return 400, {"__type": "UnknownOperationException", "message": operation}
        return 200, operate(json.loads(body))

    def _batch(self, request: Request) -> Any:
        for requests in request["RequestItems"].values():
            for each in requests:
                if "PutRequest" in each:
                    self._keep(each["PutRequest"]["Item"])
                else:
                    self._drop(each["DeleteRequest"]["Key"])
        return {"UnprocessedItems": {}}

    def _put(self, request: Request) -> Any:
        self._keep(request["Item"])
        return {}

    def _keep(self, item: Item) -> None:
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        if pk.startswith(NODE):
            self.ids.setdefault(pk.removeprefix(NODE), {})[sk.removeprefix(CONNECTION)] = None
        else:
            self._items[pk, sk] = item

    def _drop(self, key: Item) -> None:
        pk, sk = key["pk"]["S"], key["sk"]["S"]
        self.ids.get(pk.removeprefix(NODE), {}).pop(sk.removeprefix(CONNECTION), None)
        self._items.pop((pk, sk), None)

    def _delete(self, request: Request) -> Any:
        self._drop(request["Key"])
        return {}

    def _get(self, request: Request) -> Any:
        item = self._items.get((request["Key"]["pk"]["S"], request["Key"]["sk"]["S"]))
        return {} if item is None else {"Item": item}

    def _query(self, request: Request) -> Any:
        """One page of nodes, or none of anybody's connections."""
        values = [value["S"] for value in request["ExpressionAttributeValues"].values() if "S" in value]
        found = [
            item for (pk, sk), item in sorted(self._items.items()) if pk in values and any(map(sk.startswith, values))
        ]
        return {"Items": found, "Count": len(found), "ScannedCount": len(found)}

    def _update(self, request: Request) -> Any:
        key = request["Key"]
        item = self._items.setdefault((key["pk"]["S"], key["sk"]["S"]), dict(key))
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        text = request["UpdateExpression"]
        for name, unless, value in _SET.findall(text):
            if not (unless and names[name] in item):
                item[names[name]] = values[value]
        for name, value in _ADD.findall(text):
            before = int(item.get(names[name], {"N": "0"})["N"])
            item[names[name]] = {"N": str(before + int(values[value]["N"]))}
        return {"Attributes": item}

    def _describe(self, request: Request) -> Any:
        keys = [("pk", "HASH"), ("sk", "RANGE")]
        return {
            "Table": {
                "TableName": request["TableName"],
                "TableStatus": "ACTIVE",
                "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys],
                "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            }
        }


class Conversation(asyncio.Protocol):
    """One kept connection. Requests come whole or in parts, one behind the other."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._got = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            fields = dict(
                line.split(": ", 1)
                for line in self._got[:end].decode("latin-1").lower().split("\r\n")[1:]
                if ": " in line
            )
            length = int(fields.get("content-length", 0))
            if len(self._got) < end + 4 + length:
                return
            body = self._got[end + 4 : end + 4 + length]
            begins = self._got[:16]
            target = re.search(rb"(?i)x-amz-target: *DynamoDB_20120810\.(\w+)", self._got[:end])
            self._got = self._got[end + 4 + length :]
            self._send(*self._answer(begins, target, body))

    def _answer(self, begins: bytes, target: re.Match[bytes] | None, body: bytes) -> tuple[int, Any]:
        if begins.startswith(b"GET /ids"):
            return 200, {number: list(ids) for number, ids in self._table.ids.items()}
        return self._table.answer(target[1].decode() if target else "", body)

    def _send(self, status: int, document: Any) -> None:
        assert self._transport is not None
        text = json.dumps(document).encode()
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(text)}\r\n\r\n"
        self._transport.write(head.encode() + text)


async def serve() -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    table = Table()
    server = await loop.create_server(lambda: Conversation(table), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop.add_reader(0, over.set)
    await over.wait()
    server.close()


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    asyncio.run(serve())
