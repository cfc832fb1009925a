"""Requests and answers as bytes. Numbers are big-endian, text is UTF-8 (surrogates pass), post data is untouched.

    request  id u32 · owner u32 · remaining ms u32 · kind u8 · lengths u16 u16 u32 · API ID · connection ID · data
    answer   id u32 · code u8, and for ConnectionInfo: connected i64 · active i64 · lengths u16 u16 · source IP · agent
                               and for Outcomes: how many u32 · a code u8 for each
                               and for Reached: what ``many`` says

A deletion with another close than AWS's has data: code u16 · reason. A request for many has no connection ID; its data
are of ``many``.

Frames stand one after the other in a batch (see ``sealing``), which says where the last one ends.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError
from typing import Final

from gateway.model.ids import ApiId, ConnectionId, NodeNumber
from gateway.model.limits import LIFTED_MESSAGE_BYTES
from gateway.model.peer import (
    NORMALLY,
    Broadcast,
    ConnectionInfo,
    DeleteIt,
    GetInfo,
    Outcome,
    Outcomes,
    PeerAnswer,
    PeerRequest,
    PostTo,
    PostToMany,
    Reached,
)
from gateway.peers import many
from gateway.peers.garbled import Garbled

Asked = tuple[int, NodeNumber, int, PeerRequest]  # request ID, the owner that is meant, remaining ms, what
Answered = tuple[int, PeerAnswer]  # request ID, what

MAX_WAIT_MS: Final = 2**32 - 1

_REQUEST: Final = Struct(">IIIBHHI")
_ANSWER: Final = Struct(">IB")
_INFO: Final = Struct(">qqHH")
_COUNT: Final = Struct(">I")
_CLOSE: Final = Struct(">H")
_POST: Final = 0
_GET: Final = 1
_DELETE: Final = 2
_POST_TO_MANY: Final = 3
_BROADCAST: Final = 4
_BINARY_POST: Final = 5
_BINARY_POST_TO_MANY: Final = 6
_POSTS: Final = (_POST, _BINARY_POST)
_MANY: Final = (_POST_TO_MANY, _BINARY_POST_TO_MANY, _BROADCAST)  # which bound themselves
_POSTS_TO_MANY: Final = (_POST_TO_MANY, _BINARY_POST_TO_MANY)
# The code of an answer is its place here; one more code is an info, one more are many.
_OUTCOMES: Final = (Outcome.DONE, Outcome.GONE, Outcome.LIMITED, Outcome.FENCED, Outcome.UNREACHABLE)
_CODE_OF: Final = {outcome: code for code, outcome in enumerate(_OUTCOMES)}
_INFO_CODE: Final = len(_OUTCOMES)
_OUTCOMES_CODE: Final = _INFO_CODE + 1
_REACHED_CODE: Final = _OUTCOMES_CODE + 1
_NO_AGENT: Final = 0xFFFF  # in place of a length: None
_SURROGATES: Final = "surrogatepass"


def request_frame(request_id: int, owner: NodeNumber, remaining_ms: int, request: PeerRequest) -> bytes:
    """``remaining_ms`` is 0 to ``MAX_WAIT_MS``. Raises ValueError when something is longer than the fleet allows."""
    data = b""
    connection = b""
    if isinstance(request, PostToMany):
        kind = _BINARY_POST_TO_MANY if request.binary else _POST_TO_MANY
        data, api_id = many.data_of(request), request.api_id
    elif isinstance(request, Broadcast):
        kind, data, api_id = _BROADCAST, many.broadcast_data(request), request.audience.api_id
    else:
        api_id = request.api_id
        kind = _GET if isinstance(request, GetInfo) else _DELETE
        if isinstance(request, PostTo):
            kind, data = _BINARY_POST if request.binary else _POST, request.data
        if len(data) > LIFTED_MESSAGE_BYTES:
            raise ValueError("a post is longer than any message may be")
        if isinstance(request, DeleteIt) and (request.code, request.reason) != NORMALLY:
            data = _CLOSE.pack(request.code) + request.reason.encode("utf-8", _SURROGATES)
        connection = request.connection_id.encode("utf-8", _SURROGATES)
    api = api_id.encode("utf-8", _SURROGATES)
    try:
        head = _REQUEST.pack(request_id, owner, remaining_ms, kind, len(api), len(connection), len(data))
    except StructError as error:
        raise ValueError("an identifier or number does not fit") from error
    return head + api + connection + data


def requests_in(batch: bytes, start: int) -> list[Asked]:
    """The requests in ``batch`` from ``start`` to its end, in order. Raises Garbled, and then none is to be trusted."""
    found: list[Asked] = []
    end = len(batch)
    try:
        while start < end:
            request_id, owner, remaining_ms, kind, api, connection, size = _REQUEST.unpack_from(batch, start)
            start += _REQUEST.size
            middle = start + api
            data = middle + connection
            api_id = ApiId(batch[start:middle].decode("utf-8", _SURROGATES))
            connection_id = ConnectionId(batch[middle:data].decode("utf-8", _SURROGATES))
            start = data + size
            if start > end or (size > LIFTED_MESSAGE_BYTES and kind not in _MANY):
                raise Garbled("a request is longer than its batch or than a request may be")
            request = _request(kind, api_id, connection_id, batch[data:start])
            found.append((request_id, owner, remaining_ms, request))
    except (StructError, UnicodeDecodeError) as error:
        raise Garbled("a request cannot be read") from error
    return found


def _request(kind: int, api_id: ApiId, connection_id: ConnectionId, data: bytes) -> PeerRequest:
    if kind in _POSTS:
        return PostTo(api_id, connection_id, data, kind == _BINARY_POST)
    if kind in _POSTS_TO_MANY and not connection_id:
        return many.request_of(api_id, data, kind == _BINARY_POST_TO_MANY)
    if kind == _BROADCAST and not connection_id:
        return many.broadcast_of(api_id, data)
    if kind == _DELETE and data:
        (code,) = _CLOSE.unpack_from(data)
        return DeleteIt(api_id, connection_id, code, data[_CLOSE.size :].decode("utf-8", _SURROGATES))
    if data or kind > _DELETE:
        raise Garbled("a request is of no known kind")
    return GetInfo(api_id, connection_id) if kind == _GET else DeleteIt(api_id, connection_id)


def answer_frame(request_id: int, answer: PeerAnswer) -> bytes:
    """Raises ValueError when a text of the info is longer than 65,534 bytes or a time does not fit 64 bits."""
    if isinstance(answer, Outcome):
        return _ANSWER.pack(request_id, _CODE_OF[answer])
    if isinstance(answer, Outcomes):
        codes = bytes([_CODE_OF[each] for each in answer.each])
        return _ANSWER.pack(request_id, _OUTCOMES_CODE) + _COUNT.pack(len(codes)) + codes
    if isinstance(answer, Reached):
        return _ANSWER.pack(request_id, _REACHED_CODE) + many.reached_data(answer)
    address = answer.source_ip.encode("utf-8", _SURROGATES)
    agent = b"" if answer.user_agent is None else answer.user_agent.encode("utf-8", _SURROGATES)
    if len(agent) >= _NO_AGENT:
        raise ValueError("a user agent does not fit")
    length = _NO_AGENT if answer.user_agent is None else len(agent)
    try:
        info = _INFO.pack(answer.connected_at_ms, answer.last_active_at_ms, len(address), length)
    except StructError as error:
        raise ValueError("a text or time does not fit") from error
    return _ANSWER.pack(request_id, _INFO_CODE) + info + address + agent


def answers_in(batch: bytes, start: int) -> list[Answered]:
    """The answers in ``batch`` from ``start`` to its end, in order. Raises Garbled, and then none is to be trusted."""
    found: list[Answered] = []
    end = len(batch)
    try:
        while start < end:
            request_id, code = _ANSWER.unpack_from(batch, start)
            start += _ANSWER.size
            if code < _INFO_CODE:
                found.append((request_id, _OUTCOMES[code]))
            elif code == _INFO_CODE:
                info, start = _info(batch, start)
                found.append((request_id, info))
            elif code == _OUTCOMES_CODE:
                outcomes, start = _outcomes(batch, start)
                found.append((request_id, outcomes))
            elif code == _REACHED_CODE:
                reached, start = many.reached_in(batch, start)
                found.append((request_id, reached))
            else:
                raise Garbled("an answer is of no known kind")
    except (StructError, UnicodeDecodeError) as error:
        raise Garbled("an answer cannot be read") from error
    return found


def _outcomes(batch: bytes, start: int) -> tuple[Outcomes, int]:
    (count,) = _COUNT.unpack_from(batch, start)
    start += _COUNT.size
    codes = batch[start : start + count]
    if len(codes) < count or max(codes, default=0) >= len(_OUTCOMES):
        raise Garbled("outcomes are longer than their batch, or of no known kind")
    return Outcomes(tuple([_OUTCOMES[code] for code in codes])), start + count


def _info(batch: bytes, start: int) -> tuple[ConnectionInfo, int]:
    connected, active, address, agent = _INFO.unpack_from(batch, start)
    start += _INFO.size
    middle = start + address
    end = middle + (0 if agent == _NO_AGENT else agent)
    if end > len(batch):
        raise Garbled("an answer is longer than its batch")
    source_ip = batch[start:middle].decode("utf-8", _SURROGATES)
    user_agent = None if agent == _NO_AGENT else batch[middle:end].decode("utf-8", _SURROGATES)
    return ConnectionInfo(connected, active, source_ip, user_agent), end
