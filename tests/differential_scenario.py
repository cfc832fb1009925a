"""Questions that any implementation of a WebSocket API can be asked: through its sockets, its management API and the
events that its handlers got. Each answer is a short text, so that two implementations can be laid side by side."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count
from typing import Any
from urllib.parse import quote, urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from gateway_process import until
from raw_socket import raw_socket
from wire_frames import client_frame

Document = dict[str, Any]
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=any, SignedHeaders=host, Signature=any"}
PATIENCE_S = 10.0
SOON_S = 0.7  # how long silence is listened to before it counts as silence


@dataclass(frozen=True)
class Subject:
    """One implementation with the application loaded; URLs end in the stage, tables are read by ``events``."""

    socket_url: Callable[[str], str]
    management_url: Callable[[str], str]
    events: Callable[[str], list[Document]]


@dataclass
class Visitor:
    """An open connection and the ID its handlers know it by."""

    subject: Subject
    socket: ClientConnection
    connection_id: str

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def reply(self, within_s: float = PATIENCE_S) -> str:
        """The next message, or why there is none."""
        try:
            message = self.socket.recv(timeout=within_s)
        except TimeoutError:
            return "nothing"
        except ConnectionClosed as closed:
            return f"closed {closing(closed)}"
        return message if isinstance(message, str) else "a binary message"

    def event(self, kind: str) -> Document:
        """The connection's event of a kind, once its handler has kept it."""
        found: list[Document] = []

        def is_kept() -> bool:
            kept = self.subject.events(self.connection_id)
            found[:] = [event for event in kept if event["requestContext"]["eventType"] == kind]
            return bool(found)

        until(is_kept, f"a {kind} event")
        return found[-1]


def closing(closed: ConnectionClosed) -> str:
    return "without a close frame" if closed.rcvd is None else f"{closed.rcvd.code} {closed.rcvd.reason}".strip()


VISITS = count(1)


@contextmanager
def visiting(subject: Subject, stage: str = "open", query: str = "", **options: Any) -> Iterator[Visitor]:
    """A client that knows its connection's ID: one of the routes tells it."""
    url = subject.socket_url(stage) + (f"?{query}" if query else "")
    with connect(url, open_timeout=PATIENCE_S, close_timeout=PATIENCE_S, max_size=None, **options) as socket:
        socket.send(json.dumps({"action": "known"}))
        told = socket.recv(timeout=PATIENCE_S)
        yield Visitor(subject, socket, json.loads(told)["connectionId"])


@contextmanager
def raw_visit(subject: Subject) -> Iterator[Any]:
    parts = urlsplit(subject.socket_url("open"))
    with raw_socket(parts.port or 80) as raw:
        raw.upgrade(parts.path)
        yield raw


def management(
    subject: Subject, method: str, visitor_id: str, body: bytes = b"", stage: str = "open", **headers: str
) -> str:
    """Status, error type and body of a call, as one text."""
    parts = urlsplit(subject.management_url(stage))
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_S)
    try:
        path = f"{parts.path}/@connections/{quote(visitor_id, safe='')}"
        connection.request(method, path, body, {"Host": parts.netloc, **(headers or SIGNED)})
        response = connection.getresponse()
        content = response.read().decode("utf-8", "replace")
    finally:
        connection.close()
    said = [str(response.status), response.headers.get("x-amzn-ErrorType", ""), content]
    return " ".join(part for part in said if part)


def refusal(subject: Subject, stage: str, query: str = "") -> str:
    """What a handshake is refused with, IDs left out."""
    try:
        with connect(f"{subject.socket_url(stage)}?{query}", open_timeout=PATIENCE_S):
            return "accepted"
    except InvalidStatus as refused:
        body = refused.response.body.decode("utf-8", "replace")
        body = re.sub(r'("(?:connectionId|requestId)": ?)"[^"]*"', r'\1"…"', body)
        return f"{refused.response.status_code} {body}".strip()
    except InvalidHandshake as refused:
        return type(refused).__name__


def last_frame(frames: list[Frame]) -> str:
    """The close frame a server ended with."""
    ends = [frame for frame in frames if frame.opcode is Opcode.CLOSE]
    if not ends:
        return "no close frame"
    data = bytes(ends[-1].data)
    return f"close {int.from_bytes(data[:2], 'big')} {data[2:].decode()}".strip() if data else "an empty close"


Answer = Callable[[Subject], str]
QUESTIONS: dict[str, Answer] = {}


def question(text: str) -> Callable[[Answer], Answer]:
    def keep(answer: Answer) -> Answer:
        QUESTIONS[text] = answer
        return answer

    return keep


def answers(subject: Subject) -> dict[str, str]:
    return {text: answer(subject) for text, answer in QUESTIONS.items()}


# -- the upgrade -------------------------------------------------------------------------------------------------------


@question("headers of the 101")
def _(subject: Subject) -> str:
    parts = urlsplit(subject.socket_url("open"))
    with raw_socket(parts.port or 80) as raw:
        head = raw.upgrade(parts.path).decode("ascii")
    return ", ".join(sorted(line.partition(":")[0].lower() for line in head.splitlines()[1:]))


@question("permessage-deflate, offered")
def _(subject: Subject) -> str:
    with connect(subject.socket_url("open"), compression="deflate") as socket:
        return "declined" if not socket.protocol.extensions else "negotiated"


@question("`$connect` answers 401 with a body")
def _(subject: Subject) -> str:
    return refusal(subject, "open", "status=401&body=who")


@question("an unknown stage")
def _(subject: Subject) -> str:
    return refusal(subject, "nowhere")


@question("an identity source is missing")
def _(subject: Subject) -> str:
    return refusal(subject, "guarded")


@question("the authorizer throws `Unauthorized`")
def _(subject: Subject) -> str:
    return refusal(subject, "guarded", "token=unauthorized")


@question("the authorizer denies")
def _(subject: Subject) -> str:
    return refusal(subject, "guarded", "token=deny")


@question("no `$connect` route, but a `$default`")
def _(subject: Subject) -> str:
    with visiting(subject, "fallback") as visitor:
        kinds = {event["requestContext"]["eventType"] for event in subject.events(visitor.connection_id)}
    return "`$default` is called with the CONNECT" if "CONNECT" in kinds else "accepted, nothing is called"


# -- events ------------------------------------------------------------------------------------------------------------


@question("a connection ID")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        shape = "base64url, ending `==`" if visitor.connection_id.endswith("==") else "hexadecimal"
        return f"{len(visitor.connection_id)} characters, {shape}"


@question("header names in CONNECT")
def _(subject: Subject) -> str:
    with visiting(subject, additional_headers={"X-Custom": "a"}) as visitor:
        names = visitor.event("CONNECT")["headers"]
    return "as sent" if "X-Custom" in names else "in lower case"


@question("headers in CONNECT that the client did not send")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        names = {name.lower() for name in visitor.event("CONNECT")["headers"]}
    return ", ".join(sorted(name for name in names if name.startswith("x-"))) or "none"


@question("`Connection` and `Upgrade` in CONNECT")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        names = {name.lower() for name in visitor.event("CONNECT")["headers"]}
    return "there" if {"connection", "upgrade"} & names else "left out"


@question("CONNECT without a query")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        event = visitor.event("CONNECT")
    return "null" if "queryStringParameters" in event else "left out"


@question("members of a MESSAGE's `requestContext`")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        return ", ".join(sorted(visitor.event("MESSAGE")["requestContext"]))


@question("`requestId` and `extendedRequestId`")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        context = visitor.event("MESSAGE")["requestContext"]
    same = "the same" if context["requestId"] == context["extendedRequestId"] else "different"
    return f"{same}, {len(context['requestId'])} characters"


@question("`connectedAt` over a connection's events")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        time.sleep(0.01)
        visitor.say(action="known")
        visitor.reply()
        visitor.socket.close()
        times = {visitor.event(kind)["requestContext"]["connectedAt"] for kind in ("CONNECT", "MESSAGE", "DISCONNECT")}
    return "constant" if len(times) == 1 else "the event's own time"


@question("`userAgent` of a client that sent none")
def _(subject: Subject) -> str:
    with visiting(subject, user_agent_header=None) as visitor:
        identity = visitor.event("CONNECT")["requestContext"]["identity"]
    return repr(identity["userAgent"]) if "userAgent" in identity else "left out"


@question("`body` in CONNECT and DISCONNECT")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        visitor.socket.close()
        return "there" if "body" in visitor.event("DISCONNECT") else "left out"


@question("headers of DISCONNECT")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        visitor.socket.close()
        return ", ".join(visitor.event("DISCONNECT").get("headers", {})) or "none"


@question("the authorizer's context in MESSAGE")
def _(subject: Subject) -> str:
    with visiting(subject, "guarded", "token=allow") as visitor:
        return json.dumps(visitor.event("MESSAGE")["requestContext"].get("authorizer"))


# -- routes and replies ------------------------------------------------------------------------------------------------


def routed(subject: Subject, message: str) -> str:
    with visiting(subject) as visitor:
        visitor.socket.send(message)
        said = visitor.reply()
    return f"`{json.loads(said)['routeKey']}`" if said.startswith("{") and "routeKey" in said else said


@question('`{"action":["a","b"]}` and a route `[a, b]`')
def _(subject: Subject) -> str:
    return routed(subject, '{"action":["a","b"]}')


@question("a text that is not JSON")
def _(subject: Subject) -> str:
    return routed(subject, "hello")


@question("a message that names `$disconnect`")
def _(subject: Subject) -> str:
    return routed(subject, '{"action":"$disconnect"}')


@question("no route matches, no `$default`")
def _(subject: Subject) -> str:
    with visiting(subject, "bare") as visitor:
        visitor.say(action="unknown")
        said = visitor.reply(SOON_S)
        if said.startswith("{"):
            said = f"a frame `{json.loads(said)['message']}`"
        visitor.say(action="known")
        return f"{said}; the socket stays {'open' if visitor.reply().startswith('{') else 'not open'}"


@question("a route without a RouteResponse")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        visitor.say(action="oneWay")
        return "nothing is sent" if visitor.reply(SOON_S) == "nothing" else "the body is sent"


@question("a handler answers 503 with a body")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        visitor.say(do="fail")
        return visitor.reply()


@question("a two-way answer without a body")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        visitor.say(do="empty")
        return visitor.reply(SOON_S) or "an empty message"


def framed(subject: Subject, message: Document) -> str:
    with visiting(subject) as visitor:
        visitor.say(**message)
        said = visitor.reply(SOON_S + 1)
    return re.sub(r'("(?:connectionId|requestId)": ?)"[^"]*"', r'\1"…"', said).splitlines()[-1]


@question("a handler throws")
def _(subject: Subject) -> str:
    return framed(subject, {"do": "throw"})


@question("a handler returns what is no proxy response")
def _(subject: Subject) -> str:
    return framed(subject, {"do": "malformed"})


@question("a slow message, then a fast one")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        visitor.say(action="slow")
        visitor.say(action="fast")
        first = json.loads(visitor.reply())["routeKey"]
        visitor.reply()
    return "the fast reply comes first" if first != "slow" else "one after the other"


# -- frames and closes -------------------------------------------------------------------------------------------------


@question("a binary message")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        visitor.socket.send(b'{"action":"known"}')
        said = visitor.reply()
    return said if said.startswith("closed") else "handled like text"


def violating(subject: Subject, frames: bytes) -> str:
    with raw_visit(subject) as raw:
        raw.send(frames + client_frame(Opcode.CLOSE, b"\x03\xe8"))
        raw.end()
        found = raw.frames()
    handled = any(frame.opcode is Opcode.TEXT for frame in found)
    return ("handled, then " if handled else "") + last_frame(found)


@question("a frame over 32 KB")
def _(subject: Subject) -> str:
    return violating(subject, client_frame(Opcode.TEXT, b"x" * 32_769))


@question("a message over 128 KB")
def _(subject: Subject) -> str:
    more = client_frame(Opcode.CONT, b"x" * 32_768, fin=False) * 3 + client_frame(Opcode.CONT, b"x")
    return violating(subject, client_frame(Opcode.TEXT, b"x" * 32_768, fin=False) + more)


@question("text that is no UTF-8")
def _(subject: Subject) -> str:
    return violating(subject, client_frame(Opcode.TEXT, b"\xff"))


@question("a ping")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        return "a pong" if visitor.socket.ping(b"payload").wait(PATIENCE_S) else "nothing"


def ended(subject: Subject, end: Callable[[ClientConnection], None]) -> str:
    with visiting(subject) as visitor:
        end(visitor.socket)
        context = visitor.event("DISCONNECT")["requestContext"]
    return f"{context['disconnectStatusCode']} {context['disconnectReason']}".strip()


@question("`$disconnect` after a close with 4001 `enough`")
def _(subject: Subject) -> str:
    return ended(subject, lambda socket: socket.close(4001, "enough"))


@question("`$disconnect` after TCP ended without a close frame")
def _(subject: Subject) -> str:
    return ended(subject, lambda socket: socket.socket.shutdown(2))


# -- the management API ------------------------------------------------------------------------------------------------


def posted(subject: Subject, body: bytes) -> str:
    with visiting(subject) as visitor:
        status = management(subject, "POST", visitor.connection_id, body)
        said = visitor.reply(SOON_S)
    return f"{status}, {said!a}" if len(said) < 100 else f"{status}, {len(said)} characters"


@question("POST of bytes that are no UTF-8 (`00 FF FE 80 61`)")
def _(subject: Subject) -> str:
    return posted(subject, b"\x00\xff\xfe\x80a")


@question("POST of an encoded surrogate (`ED A0 80`)")
def _(subject: Subject) -> str:
    return posted(subject, b"\xed\xa0\x80")


@question("an empty POST")
def _(subject: Subject) -> str:
    return posted(subject, b"")


@question("POST of 131072 bytes")
def _(subject: Subject) -> str:
    return posted(subject, b"x" * 131_072)


@question("POST of 131073 bytes")
def _(subject: Subject) -> str:
    return posted(subject, b"x" * 131_073)


@question("GET")
def _(subject: Subject) -> str:
    with visiting(subject, user_agent_header="agent") as visitor:
        said = management(subject, "GET", visitor.connection_id)
    said = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", said)
    return re.sub(r"\s+", " ", re.sub(r"\b\d{10}\b", "SECONDS", said))


@question("DELETE")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        status = management(subject, "DELETE", visitor.connection_id)
        return f"{status}, {visitor.reply()}"


@question("`$disconnect` after a DELETE")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        management(subject, "DELETE", visitor.connection_id)
        context = visitor.event("DISCONNECT")["requestContext"]
    return f"{context['disconnectStatusCode']} {context['disconnectReason']}".strip()


@question("POST to a connection that is gone")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        visitor.socket.close()
        visitor.event("DISCONNECT")
    return management(subject, "POST", visitor.connection_id, b"late")


@question("POST to an ID of another form")
def _(subject: Subject) -> str:
    return management(subject, "POST", "cjy8i76bx002884le6n17d49b", b"x")


@question("POST through an unknown stage")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        return management(subject, "POST", visitor.connection_id, b"x", stage="nowhere")


@question("POST without a signature")
def _(subject: Subject) -> str:
    with visiting(subject) as visitor:
        return management(subject, "POST", visitor.connection_id, b"x", Accept="*/*")
