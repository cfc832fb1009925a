from __future__ import annotations

import asyncio
import os
import signal

import pytest

from gateway.signals import heard
from server_fakes import until


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_asks_to_stop(number: signal.Signals) -> None:
    stop = asyncio.Event()
    with heard(stop, lambda text: None):
        os.kill(os.getpid(), number)
        await until(stop.is_set)


async def test_where_there_is_something_to_read_again_sighup_stops_nothing() -> None:
    stop, reloads = asyncio.Event(), list[None]()
    with heard(stop, lambda text: None, lambda: reloads.append(None)):
        for times in (1, 2):
            os.kill(os.getpid(), signal.SIGHUP)
            await until(lambda: len(reloads) == times)  # noqa: B023
        assert not stop.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        await until(stop.is_set)
