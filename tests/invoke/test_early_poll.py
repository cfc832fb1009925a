"""A runtime that asks for its first event before its owner is told that it runs, as it does on a busy machine."""

from __future__ import annotations

import array
import asyncio
import fcntl
import json
import os
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.invoke.functions import LocalFunctions
from gateway.invoke.launch import RuntimeClient
from gateway.invoke.runtime_channel import ANSWERS_VARIABLE
from gateway.invoke.surroundings import Surroundings
from gateway.model.invocation import Returned
from gateway.ports import NO_DESCRIPTORS, Process
from gateway.processes.supervisor import ProcessSupervisor
from process_watch import LINUX
from real_functions import FolderLaunches, write
from runtime_double import DEADLINE_S, NAME, RandomIds, RecordingLog, SystemClock, call, function

APP = "def handler(event, context):\n    return event\n"


def waiting_bytes(descriptor: int) -> int:
    """How much of a pipe nobody has read."""
    found = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, found)
    return found[0]


def has_spoken(descriptor: int) -> None:
    """Wait until there is something in a pipe that nobody reads, or somebody has read it: looked at in a thread."""
    deadline = time.monotonic() + DEADLINE_S
    while not waiting_bytes(descriptor) and time.monotonic() < deadline:
        os.sched_yield()


class LateNews(ProcessSupervisor):
    """Tells of a process only once it has spoken."""

    async def start(self, *args: Any, descriptors: Mapping[str, int] = NO_DESCRIPTORS, **more: Any) -> Process:
        process = await super().start(*args, descriptors=descriptors, **more)
        await asyncio.to_thread(has_spoken, descriptors[ANSWERS_VARIABLE])
        for _ in range(10):
            await asyncio.sleep(0)  # the loop would have read it by now
        return process


@pytest.mark.skipif(not LINUX, reason="asks a pipe as only Linux can be asked")
async def test_what_it_says_waits_for_its_owner(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": APP})
    processes, log = LateNews(), RecordingLog()
    launches = FolderLaunches(RuntimeClient.OWN)
    functions = LocalFunctions(Surroundings(launches, processes, log, SystemClock(), RandomIds()))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    await functions.replace({NAME: function(runtime=version, folder=str(tmp_path))})
    try:
        result = await functions.invoke(call(b'{"a": 1}'))
        assert isinstance(result, Returned), result
        assert json.loads(result.payload) == {"a": 1}
        assert log.failures == []
    finally:
        await functions.close()
        await processes.close()
