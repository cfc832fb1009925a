"""What callers ask of one node: the calls of the API as the gateway makes them, each answer looked at when it comes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from answers import answered
from gateway.engine.broadcasting import Wanted
from gateway.engine.directory import Directory
from gateway.engine.endpoint import Endpoint
from gateway.engine.paging import Page
from gateway.engine.posting import Post
from gateway.extensions.answers import Answers
from gateway.extensions.batch import BatchPosts
from gateway.extensions.broadcasts import Broadcasts
from gateway.extensions.groups import GroupCalls
from gateway.extensions.lists import Lists
from gateway.management import IdCheck
from gateway.model.audience import Audience
from gateway.model.ids import owner_of
from gateway.model.limits import MAX_GROUP_NAME_CHARS
from gateway.model.peer import DeleteIt, GetGroups, GetInfo, GroupRequest, JoinGroup, Outcome, PeerAnswer, PostTo
from gateway.reach import ReachingAll
from node_doubles import KEY, CountingIds
from sample_definitions import directory, route
from simulation.book import Book
from simulation.mail import Mail, Mailing
from simulation.rolls import ELSEWHERE, STAGE, Rolls
from simulation.sight import CURRENT, Sight


@cache
def application() -> Directory:
    """What all nodes serve."""
    routes = route("$connect"), route("$disconnect"), route("$default", two_way=True)
    return directory(*routes, stages=(STAGE, ELSEWHERE))


@dataclass(frozen=True)
class Accounts:
    """What is written down of a run."""

    book: Book
    rolls: Rolls
    mail: Mail


class Desk:
    """``reach`` is that node's."""

    def __init__(self, accounts: Accounts, reach: ReachingAll) -> None:
        self._accounts = accounts
        self._reach = reach
        self._groups = GroupCalls(reach, IdCheck(KEY), Answers(CountingIds()), MAX_GROUP_NAME_CHARS)

    async def ask(self, request: PostTo | GetInfo | DeleteIt) -> PeerAnswer:
        """A management call."""
        owner = owner_of(request.connection_id, KEY)
        assert owner is not None
        story = self._accounts.book.stories[request.connection_id]
        was_there = story.is_open or story.ended is not None
        answer: PeerAnswer = await answered(self._reach.ask(owner, request))
        if was_there:  # its 101 may else have left between answer and now
            self._accounts.book.hears_an_answer(request, answer)
        return answer

    async def send(self, mailing: Mailing, audience: Audience) -> None:
        """A message for many; ``audience`` is a broadcast's."""
        CURRENT.set(mailing.sight)
        mail = self._accounts.mail
        if mailing.targets is not None:
            post = Post(mailing.targets, mailing.data)
            told = await BatchPosts(self._reach, IdCheck(KEY)).send(audience.api_id, post, binary=False)
            mail.answered(mailing, told)
            return
        answer = await Broadcasts(self._reach).send(Wanted(audience, mailing.waits), mailing.data, binary=False)
        if isinstance(answer, Outcome):
            mail.refused(mailing, answer)
        else:
            mail.answered(mailing, answer)

    async def change(self, request: GroupRequest) -> int:
        """A connection joins a group or leaves it, or is asked for its groups; the status."""
        accounts = self._accounts
        story, since = accounts.book.stories[request.connection_id], accounts.book.world.turns
        was_there = story.is_open or story.ended is not None
        endpoint = _endpoint(request.stage)
        if isinstance(request, GetGroups):
            response = await self._groups.of(endpoint, request.connection_id)
        else:
            call = self._groups.join if isinstance(request, JoinGroup) else self._groups.leave
            response = await call(endpoint, request.group, request.connection_id)
        if response.status == 200:
            accounts.rolls.told_names(story, json.loads(response.body)["groups"], since)
        else:
            accounts.rolls.told(request, response.status, since, was_there=was_there)
        return response.status

    async def page(self, page: Page, sight: Sight) -> dict[str, Any] | Outcome:
        """One page of a list."""
        CURRENT.set(sight)
        return await Lists(self._reach).page(page)


def _endpoint(stage: str) -> Endpoint:
    return next(each.endpoint for each in application().deployments if each.endpoint.stage.stage_name == stage)
