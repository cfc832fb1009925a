from __future__ import annotations

import asyncio

from gateway.model.http import HttpRequest, HttpResponse
from gateway.server.desk import INTERNAL_SERVER_ERROR, Desk
from server_fakes import RealClock, Reports, Service, until

ASKED = HttpRequest("POST", "/a", "", (), b"", "127.0.0.1", "h")


class Told:
    """A desk, and what it was asked for and has answered later."""

    def __init__(self) -> None:
        self.service, self.reports = Service(), Reports()
        self.desk = Desk(self.service, RealClock(), self.reports)
        self.now: list[HttpResponse | None] = []
        self.later: list[HttpResponse] = []

    async def ask(self) -> None:
        asyncio.get_running_loop().call_soon(lambda: self.now.append(self.desk.ask(ASKED, self.later.append)))
        await until(lambda: self.now)


async def test_an_answer_that_is_there_is_given_at_once() -> None:
    told = Told()
    await told.ask()
    assert (told.now, told.later) == ([told.service.answer], [])


async def test_an_answer_that_takes_its_time_comes_later() -> None:
    told = Told()
    told.service.release = asyncio.Event()
    await told.ask()
    assert (told.now, told.later) == ([None], [])
    told.service.release.set()
    await until(lambda: told.later)
    assert told.later == [told.service.answer]


async def test_a_service_that_fails_is_told_once_whenever_it_does() -> None:
    told = Told()
    told.service.error = ValueError("at once")
    await told.ask()
    told.service.release = asyncio.Event()
    told.now.clear()
    await told.ask()
    told.service.release.set()
    await until(lambda: told.later)
    assert (told.now, told.later) == ([None], [INTERNAL_SERVER_ERROR])
    assert await told.desk.handle(ASKED) == INTERNAL_SERVER_ERROR
    assert len(told.reports.failures) == 3
    assert all(report.startswith("POST /a failed in Service: ValueError: at once") for report in told.reports.failures)


async def test_closing_waits_for_answers_no_longer_than_told() -> None:
    told = Told()
    told.service.release = asyncio.Event()
    await told.ask()
    closing = asyncio.create_task(told.desk.close(10))
    await asyncio.sleep(0)
    told.service.release.set()
    await closing
    await until(lambda: told.later)
    told.service.release.clear()
    told.now.clear()
    await told.ask()
    await told.desk.close(0.01)
    assert len(told.later) == 1
    assert told.reports.failures == []
