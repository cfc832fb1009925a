"""The README's first screen, done as it says: from `make run` to a connection posted to, read and deleted."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from gateway_process import GONE_S, START_S, command_of, environment, mentioning
from process_watch import Watch
from readme_blocks import README, blocks, dialogue
from terminal import Terminal, terminal

PROJECT = README.parent
# Free ports, and the environment that these tests run in as it is: a run must not rebuild it under them.
ON_THIS_MACHINE = "ARGS='--port 0 --tls-port 0' --old-file=.venv/.ready"
SERVED = re.compile(r"ws://localhost:(\d+)/dev\b")
EXAMPLE_ID = "hK3nTc7vdQAYKEjVWA=="
CONNECTION_ID = re.compile(r"connect +([\w-]{18}==)")


async def converse(client: Terminal, lines: tuple[tuple[str, str], ...]) -> None:
    for prompt, text in lines:
        if prompt == ">":
            await client.type(text)
        else:
            await client.shows(f"< {text}")


async def backend(script: str, env: Mapping[str, str]) -> str:
    """Run a Python block with the interpreter that the README names."""
    async with terminal(f".venv/bin/python -c {shlex.quote(script)}", PROJECT, env) as python:
        status = await python.ends()
        assert status == 0, python.text
        return python.text


async def test_the_first_screen(tmp_path: Path) -> None:
    make_run, validate = (block.strip() for block in blocks("sh"))
    ada_says, bob_says = (dialogue(block) for block in blocks("console"))
    (script,) = blocks("python")
    env = environment(tmp_path / "state")

    async with terminal(f"{make_run} {ON_THIS_MACHINE}", PROJECT, env) as gateway:
        await gateway.shows("Try it in another terminal", START_S)
        (port,) = SERVED.findall(gateway.text)[:1]
        async with terminal(ada_says.command.replace("8080", port), PROJECT, env) as ada:
            await converse(ada, ada_says.lines)
            async with terminal(bob_says.command.replace("8080", port), PROJECT, env) as bob:
                await converse(bob, bob_says.lines)
                await ada.shows(bob_says.lines[-1][1])
                ada_id = CONNECTION_ID.findall(gateway.text)[0]
                printed = await backend(script.replace("8080", port).replace(EXAMPLE_ID, ada_id), env)
                assert "127.0.0.1" in printed
                await ada.shows("< hello from a backend")
                await ada.shows("Connection closed: 1000")
                await bob.shows('< {"event": "left", "room": "tea", "name": "ada"}')
        await gateway.interrupt()
    with Watch(mentioning(str(tmp_path))) as watch:
        assert list(map(command_of, watch.left_after(GONE_S))) == []

    async with terminal(validate, PROJECT, env) as validation:
        assert await validation.ends() == 0, validation.text
        for route in ("$connect", "join", "send", "$default", "$disconnect"):
            assert route in validation.text
