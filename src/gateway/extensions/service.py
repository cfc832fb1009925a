"""``/{stage}/@fleet/…``, before the service that answers everything else.

Order of checks: path, method, signature, the account's rate, body. ``@`` begins no stage and no base path, and AWS
answers such a path with 403, so no application meets it unawares.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from gateway.engine.broadcasting import read_wanted
from gateway.engine.directory import FleetPath
from gateway.engine.filters import FILTERS, read_audience, read_query
from gateway.engine.paging import read_page
from gateway.engine.posting import longest_document, read_post
from gateway.extensions.answers import Answers
from gateway.extensions.batch import BatchPosts
from gateway.extensions.broadcasts import Broadcasts
from gateway.extensions.groups import GroupCalls
from gateway.extensions.limits import document
from gateway.extensions.lists import Lists
from gateway.management import CONNECTION, MANAGE, Guard, IdCheck, is_binary, is_signed
from gateway.model.audience import Audience
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.limits import Limits
from gateway.model.peer import Outcome
from gateway.node import Node
from gateway.ports import HttpAnswer, HttpService, Ids
from gateway.reach import ReachingAll

BROADCAST: Final = "wsfleet:Broadcast"
MANAGE_GROUPS: Final = "wsfleet:ManageGroups"
LIST: Final = "wsfleet:ListConnections"
_ID: Final = "{connectionId}"  # literally, as in CONNECTION
_MARKERS: Final = ("/@fleet/", "/%40fleet/")


def longest_body(raw_path: str, max_message_bytes: int) -> int | None:
    """How many bytes a body may have at an extension's path, None elsewhere."""
    return longest_document(max_message_bytes) if any(marker in raw_path for marker in _MARKERS) else None


@dataclass(frozen=True, slots=True)
class _Call:
    """One thing that can be asked for: by whom (``action`` on ``what``), and what is done."""

    action: str
    what: str
    carry_out: Callable[[HttpRequest, FleetPath], Awaitable[HttpResponse]]


class Extensions:
    """``guard`` is None when whoever signs is believed. Implements ``ports.HttpService``."""

    def __init__(
        self, service: HttpService, node: Node, reach: ReachingAll, check: IdCheck, ids: Ids, guard: Guard | None = None
    ) -> None:
        self._service = service
        self._node = node
        self._limits: Limits = node.limits
        self._posts = BatchPosts(reach, check)
        self._broadcasts = Broadcasts(reach)
        self._answers = Answers(ids)
        self._groups = GroupCalls(reach, check, self._answers, node.limits.max_group_name_chars)
        self._lists = Lists(reach)
        self._guard = guard

    @property
    def max_body_bytes(self) -> int:
        """Of everything else; ``longest_body`` says what holds here."""
        return self._service.max_body_bytes

    def too_large(self, request: HttpRequest) -> HttpResponse:
        longest = self._longest_body(request)
        if longest is None:
            return self._service.too_large(request)
        return self._answers.error("PayloadTooLargeException", f"the body is over {longest} bytes")

    def handle(self, request: HttpRequest) -> HttpAnswer:
        if self._longest_body(request) is None:
            return self._service.handle(request)
        found = self._node.directory.for_fleet(request.raw_path, request.host)
        if found is None:
            return self._elsewhere(request)
        return self._answered(request, found)

    def _longest_body(self, request: HttpRequest) -> int | None:
        return longest_body(request.raw_path, self._limits.max_message_bytes)

    def _elsewhere(self, request: HttpRequest) -> HttpAnswer:
        """Not a stage of ours: as any such path. What is longer than may be there has been read all the same."""
        if len(request.body) > self._service.max_body_bytes:
            return self._service.too_large(request)
        return self._service.handle(request)

    async def _answered(self, request: HttpRequest, found: FleetPath) -> HttpResponse:
        calls = self._calls(found.parts)
        if not calls:
            return self._answers.error("NotFoundException", "there is no such extension")
        call = calls.get(request.method)
        if call is None:
            return self._answers.wrong_method(calls)
        refusal = self._refusal(request, found, call)
        return await call.carry_out(request, found) if refusal is None else refusal

    def _calls(self, parts: tuple[str, ...]) -> dict[str, _Call]:
        """What a path takes, by method."""
        match parts:
            case ("post",):
                # Who may post to each of them one by one may post to all of them at once.
                return {"POST": _Call(MANAGE, CONNECTION, self._post)}
            case ("broadcast",):
                return {"POST": _Call(BROADCAST, "@fleet/broadcast", self._broadcast)}
            case ("limits",):
                return {"GET": _Call(MANAGE, "@fleet/limits", self._tell_limits)}
            case ("connections",):
                return {"GET": _Call(LIST, "@fleet/connections", self._list)}
            case ("connections", connection_id, "groups"):
                what = f"@fleet/connections/{_ID}/groups"
                return {"GET": _Call(LIST, what, lambda _, found: self._groups.of(found.endpoint, connection_id))}
            case ("groups", group, *rest):
                return self._group_calls(group, rest)
            case _:
                return {}

    def _group_calls(self, group: str, rest: list[str]) -> dict[str, _Call]:
        """What the paths of one group take; a policy can name the group."""
        what = f"@fleet/groups/{group}"
        match rest:
            case []:
                count = partial(self._count, group=group)
                send = partial(self._broadcast, group=group)
                return {"GET": _Call(LIST, what, count), "POST": _Call(BROADCAST, what, send)}
            case ["connections"]:
                return {"GET": _Call(LIST, f"{what}/connections", partial(self._list, group=group))}
            case ["connections", connection_id]:
                what, calls = f"{what}/connections/{_ID}", self._groups
                return {
                    "PUT": _Call(
                        MANAGE_GROUPS, what, lambda _, found: calls.join(found.endpoint, group, connection_id)
                    ),
                    "DELETE": _Call(
                        MANAGE_GROUPS, what, lambda _, found: calls.leave(found.endpoint, group, connection_id)
                    ),
                }
            case _:
                return {}

    def _refusal(self, request: HttpRequest, found: FleetPath, call: _Call) -> HttpResponse | None:
        if self._guard is None:
            if not is_signed(request):
                return self._answers.error("MissingAuthenticationTokenException", "Missing Authentication Token")
        else:
            refusal = self._guard.refusal(request, found.endpoint, call.action, call.what)
            if refusal is not None:
                return self._answers.error(refusal.error_type, refusal.message, refusal.member)
        if not self._node.admits_call():
            return self._answers.error("LimitExceededException", "Too Many Requests")
        return None

    def _group_refusal(
        self, request: HttpRequest, found: FleetPath, action: str, audience: Audience, behind: str
    ) -> HttpResponse | None:
        """A group that is named in the query is judged by its own resource too: a policy that denies one path to it
        denies the other."""
        if self._guard is None or audience.group is None:
            return None
        what = f"@fleet/groups/{audience.group}{behind}"
        refusal = self._guard.refusal(request, found.endpoint, action, what)
        return None if refusal is None else self._answers.error(refusal.error_type, refusal.message, refusal.member)

    async def _tell_limits(self, request: HttpRequest, found: FleetPath) -> HttpResponse:
        del request, found  # all stages of a node have the same
        return self._answers.result(document(self._limits))

    async def _post(self, request: HttpRequest, found: FleetPath) -> HttpResponse:
        binary = is_binary(request, self._limits)
        post = read_post(request.body)
        if isinstance(post, str):
            return self._answers.error("BadRequestException", post)
        if len(post.data) > self._limits.max_message_bytes:
            return self._too_long()
        if isinstance(binary, str):
            return self._answers.error("BadRequestException", binary)
        return self._answers.result(await self._posts.send(found.endpoint.api.api_id, post, binary))

    async def _broadcast(self, request: HttpRequest, found: FleetPath, group: str | None = None) -> HttpResponse:
        if len(request.body) > self._limits.max_message_bytes:
            return self._too_long()
        binary = is_binary(request, self._limits)
        wanted = read_wanted(found.endpoint, request.query, self._limits.max_group_name_chars, group)
        if isinstance(wanted, str):
            return self._answers.error("BadRequestException", wanted)
        if isinstance(binary, str):
            return self._answers.error("BadRequestException", binary)
        refusal = self._group_refusal(request, found, BROADCAST, wanted.audience, "") if group is None else None
        if refusal is not None:
            return refusal
        told = await self._broadcasts.send(wanted, request.body, binary)
        if isinstance(told, Outcome):
            return self._answers.refused_by_all(told)
        return self._answers.result(told, 200 if wanted.waits else 202)

    def _too_long(self) -> HttpResponse:
        most = self._limits.max_message_bytes
        return self._answers.error("PayloadTooLargeException", f"the message is over {most} bytes")

    async def _list(self, request: HttpRequest, found: FleetPath, group: str | None = None) -> HttpResponse:
        page = read_page(found.endpoint, request.query, self._limits.max_group_name_chars, group)
        if isinstance(page, str):
            return self._answers.error("BadRequestException", page)
        refusal = self._group_refusal(request, found, LIST, page.audience, "/connections") if group is None else None
        return refusal or self._told(await self._lists.page(page))

    async def _count(self, request: HttpRequest, found: FleetPath, group: str) -> HttpResponse:
        values = read_query(request.query, FILTERS)
        audience = (
            values
            if isinstance(values, str)
            else read_audience(found.endpoint, values, self._limits.max_group_name_chars, group)
        )
        if isinstance(audience, str):
            return self._answers.error("BadRequestException", audience)
        return self._told(await self._lists.count(audience))

    def _told(self, document: dict[str, Any] | Outcome) -> HttpResponse:
        if isinstance(document, Outcome):
            return self._answers.refused_by_all(document)
        return self._answers.result(document)
