"""The baseline of the ecosystem: aiohttp with its own WebSocket handler, an echo, and posts by connection ID.

    python bench/baseline.py

Prints its port; ends with its stdin. It does none of what a gateway does: no events, no registry, no signatures.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from itertools import count

from aiohttp import WSMsgType, web

ID = b'{"action":"id"}'
_numbers = count(1)
_open: dict[str, web.WebSocketResponse] = {}


async def connect(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(compress=False, heartbeat=None)
    await socket.prepare(request)
    number = str(next(_numbers))
    _open[number] = socket
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(number if message.data == ID.decode() else message.data)
    finally:
        del _open[number]
    return socket


async def post(request: web.Request) -> web.Response:
    socket = _open.get(request.match_info["id"])
    if socket is None:
        return web.Response(status=410)
    await socket.send_str((await request.read()).decode())
    return web.Response()


async def main() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    application = web.Application()
    application.add_routes([web.get("/", connect), web.post("/@connections/{id}", post), web.post("/", upstream)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print(json.dumps(runner.addresses[0][1]), flush=True)
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), over.set)
    await over.wait()
    await runner.cleanup()


def event(text: bytes) -> bytes:
    return b"TEXT %x\r\n%b\r\n" % (len(text), text)


async def upstream(request: web.Request) -> web.Response:
    """Pushpin's backend, by WebSocket-over-HTTP: opens, subscribes to a channel of its own, echoes text."""
    body, number = await request.read(), request.headers.get("Connection-Id", "").encode()
    if body.startswith(b"OPEN\r\n"):
        answer = b"OPEN\r\n" + event(b'c:{"type": "subscribe", "channel": "%b"}' % number)
    elif not body.startswith(b"TEXT"):
        answer = b""
    else:
        answer = event(number) if ID in body else body
    headers = {"Content-Type": "application/websocket-events", "Sec-WebSocket-Extensions": 'grip; message-prefix=""'}
    return web.Response(body=answer, headers=headers)


if __name__ == "__main__":
    asyncio.run(main())
