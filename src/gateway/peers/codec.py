"""Requests and answers as bytes. Numbers are big-endian, text is UTF-8 (surrogates pass), post data is untouched.

    request  id u32 · owner u32 · remaining ms u32 · kind u8 · lengths u16 u16 u32 · API ID · connection ID · data
    answer   id u32 · code u8, and for ConnectionInfo: connected i64 · active i64 · lengths u16 u16 · source IP · agent
                               and for Outcomes: how many u32 · a code u8 for each
                               and for Reached: what ``many`` says, for InGroups and Listing: what ``listing`` says

A deletion with another close than AWS's has data: code u16 · reason. A request for many has no connection ID; its data
are of ``many``. Those of groups and lists are of ``listing``. A request of a kind that is not known here, or that says
more, is of a newer version: it is told from the others by its length, and refused by itself. Nobody is answered what he
did not ask for, so an answer of an unknown kind is garbled.

Frames stand one after the other in a batch (see ``sealing``), which says where the last one ends.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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
    GetGroups,
    GetInfo,
    GroupRequest,
    InGroups,
    JoinGroup,
    LeaveGroup,
    ListConnections,
    Listing,
    ManyRequest,
    OneRequest,
    Outcome,
    Outcomes,
    PeerAnswer,
    PeerRequest,
    PostTo,
    PostToMany,
    Reached,
)
from gateway.peers import listing, many
from gateway.peers.garbled import Garbled

# Request ID, the owner that is meant, remaining ms, what: None of a kind that is not known here.
Asked = tuple[int, NodeNumber, int, PeerRequest | None]
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
_LIST: Final = 16
_GROUP_KINDS: Final[dict[type[GroupRequest], int]] = {JoinGroup: 17, LeaveGroup: 18, GetGroups: 19}
_OF_GROUPS: Final = {code: kind for kind, code in _GROUP_KINDS.items()}
_MANY: Final = (PostToMany, Broadcast, ListConnections)
_OF_MANY: Final[dict[int, Callable[[ApiId, bytes], ManyRequest | None]]] = {  # which bound themselves
    _POST_TO_MANY: many.request_of,
    _BINARY_POST_TO_MANY: partial(many.request_of, binary=True),
    _BROADCAST: many.broadcast_of,
    _LIST: listing.list_request,
}
# The code of an answer is its place here; one more code is an info, one more are many. Others have theirs by name.
_OUTCOMES: Final = (Outcome.DONE, Outcome.GONE, Outcome.LIMITED, Outcome.FENCED, Outcome.UNREACHABLE)
_LATER_OUTCOMES: Final = {Outcome.UNSUPPORTED: 15, Outcome.IN_MANY: 18}
_CODE_OF: Final = {**{each: code for code, each in enumerate(_OUTCOMES)}, **_LATER_OUTCOMES}
_INFO_CODE: Final = len(_OUTCOMES)
_OUTCOMES_CODE: Final = _INFO_CODE + 1
_REACHED_CODE: Final = _OUTCOMES_CODE + 1
_IN_GROUPS_CODE: Final = 16
_LISTING_CODE: Final = 17
_OUTCOME_OF: Final = {code: outcome for outcome, code in _CODE_OF.items()}
_NO_AGENT: Final = 0xFFFF  # in place of a length: None
_SURROGATES: Final = "surrogatepass"


def request_frame(request_id: int, owner: NodeNumber, remaining_ms: int, request: PeerRequest) -> bytes:
    """``remaining_ms`` is 0 to ``MAX_WAIT_MS``. Raises ValueError when something is longer than the fleet allows."""
    connection = b""
    if isinstance(request, _MANY):
        kind, data, api_id = _for_many(request)
    else:
        kind, data = _for_one(request)
        api_id = request.api_id
        connection = request.connection_id.encode("utf-8", _SURROGATES)
    api = api_id.encode("utf-8", _SURROGATES)
    try:
        head = _REQUEST.pack(request_id, owner, remaining_ms, kind, len(api), len(connection), len(data))
    except StructError as error:
        raise ValueError("an identifier or number does not fit") from error
    return head + api + connection + data


def _for_one(request: OneRequest) -> tuple[int, bytes]:
    match request:
        case PostTo(data=data, binary=binary):
            if len(data) > LIFTED_MESSAGE_BYTES:
                raise ValueError("a post is longer than any message may be")
            return _BINARY_POST if binary else _POST, data
        case GetInfo():
            return _GET, b""
        case DeleteIt(code=code, reason=reason):
            is_usual = (code, reason) == NORMALLY
            return _DELETE, b"" if is_usual else _CLOSE.pack(code) + reason.encode("utf-8", _SURROGATES)
        case _:
            return _GROUP_KINDS[type(request)], listing.group_data(request)


def _for_many(request: ManyRequest) -> tuple[int, bytes, ApiId]:
    if isinstance(request, PostToMany):
        kind = _BINARY_POST_TO_MANY if request.binary else _POST_TO_MANY
        return kind, many.data_of(request), request.api_id
    if isinstance(request, Broadcast):
        return _BROADCAST, many.broadcast_data(request), request.audience.api_id
    return _LIST, listing.list_data(request), request.audience.api_id


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
            if start > end or (size > LIFTED_MESSAGE_BYTES and kind not in _OF_MANY):
                raise Garbled("a request is longer than its batch or than a request may be")
            request = _request(kind, api_id, connection_id, batch[data:start])
            found.append((request_id, owner, remaining_ms, request))
    except (StructError, UnicodeDecodeError) as error:
        raise Garbled("a request cannot be read") from error
    return found


def _request(kind: int, api_id: ApiId, connection_id: ConnectionId, data: bytes) -> PeerRequest | None:
    if kind in _POSTS:
        return PostTo(api_id, connection_id, data, kind == _BINARY_POST)
    if kind in _OF_MANY:
        if connection_id:
            raise Garbled("a request for many names a connection")
        return _OF_MANY[kind](api_id, data)
    if kind in _OF_GROUPS:
        return listing.group_request(_OF_GROUPS[kind], api_id, connection_id, data)
    if kind > _DELETE:
        return None
    if kind == _DELETE and data:
        (code,) = _CLOSE.unpack_from(data)
        return DeleteIt(api_id, connection_id, code, data[_CLOSE.size :].decode("utf-8", _SURROGATES))
    if data:
        raise Garbled("a question has data")
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
    if isinstance(answer, InGroups):
        return _ANSWER.pack(request_id, _IN_GROUPS_CODE) + listing.groups_data(answer)
    if isinstance(answer, Listing):
        return _ANSWER.pack(request_id, _LISTING_CODE) + listing.listing_data(answer)
    return _ANSWER.pack(request_id, _INFO_CODE) + _info_data(answer)


def _info_data(answer: ConnectionInfo) -> bytes:
    address = answer.source_ip.encode("utf-8", _SURROGATES)
    agent = b"" if answer.user_agent is None else answer.user_agent.encode("utf-8", _SURROGATES)
    if len(agent) >= _NO_AGENT:
        raise ValueError("a user agent does not fit")
    length = _NO_AGENT if answer.user_agent is None else len(agent)
    try:
        info = _INFO.pack(answer.connected_at_ms, answer.last_active_at_ms, len(address), length)
    except StructError as error:
        raise ValueError("a text or time does not fit") from error
    return info + address + agent


def answers_in(batch: bytes, start: int) -> list[Answered]:
    """The answers in ``batch`` from ``start`` to its end, in order. Raises Garbled, and then none is to be trusted."""
    found: list[Answered] = []
    end = len(batch)
    try:
        while start < end:
            request_id, code = _ANSWER.unpack_from(batch, start)
            start += _ANSWER.size
            answer: PeerAnswer
            if code in _OUTCOME_OF:
                answer = _OUTCOME_OF[code]
            elif code in _READERS:
                answer, start = _READERS[code](batch, start)
            else:
                raise Garbled("an answer is of no known kind")
            found.append((request_id, answer))
    except (StructError, UnicodeDecodeError) as error:
        raise Garbled("an answer cannot be read") from error
    return found


def _outcomes(batch: bytes, start: int) -> tuple[Outcomes, int]:
    (count,) = _COUNT.unpack_from(batch, start)
    start += _COUNT.size
    codes = batch[start : start + count]
    if len(codes) < count or not _OUTCOME_OF.keys() >= set(codes):
        raise Garbled("outcomes are longer than their batch, or of no known kind")
    return Outcomes(tuple([_OUTCOME_OF[code] for code in codes])), start + count


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


_READERS: Final[dict[int, Callable[[bytes, int], tuple[PeerAnswer, int]]]] = {
    _INFO_CODE: _info,
    _OUTCOMES_CODE: _outcomes,
    _REACHED_CODE: many.reached_in,
    _IN_GROUPS_CODE: listing.groups_in,
    _LISTING_CODE: listing.listing_in,
}
