"""A worker without a gateway in it: takes its settings, its port and its signals as a real one does.

Run as a program with a folder in which ``plan-{index}`` says how it misbehaves, if it does:

``exit N``   ends with this status before it serves
``die``      is killed before it serves
``slow``     goes on after the first SIGTERM, ends at the second
``deaf``     hears no SIGTERM
``leave``    ends with status 0 at SIGUSR1, as a node that an operator has drained

Each SIGHUP adds a byte to ``hungup-{pid}``.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from pathlib import Path
from types import FrameType
from typing import Any


def main(folder: Path) -> None:
    spec = json.loads(line())
    plan = folder / f"plan-{spec['index']}"
    words = plan.read_text(encoding="ascii").split() if plan.exists() else []
    (folder / f"spec-{spec['index']}.json").write_text(json.dumps(spec), encoding="utf-8")
    if words[:1] == ["exit"]:
        sys.exit(int(words[1]))
    if words == ["die"]:
        os.kill(os.getpid(), signal.SIGKILL)
    watch_signals(words, folder)
    listening = listen(spec["settings"]["port"])
    tell_ready(Path(spec["ready_file"]), spec["settings"])
    while select.select([0], [], [])[0]:
        if not os.read(0, 100):
            (folder / f"orphaned-{os.getpid()}").touch()
            listening.close()
            return


def line() -> bytes:
    read = b""
    while not read.endswith(b"\n"):
        data = os.read(0, 65_536)
        if not data:
            sys.exit(1)
        read += data
    return read


def watch_signals(words: list[str], folder: Path) -> None:
    heard: list[int] = []

    def terminated(number: int, _: FrameType | None) -> None:
        heard.append(number)
        (folder / f"terminated-{os.getpid()}").touch()
        if words != ["deaf"] and (words != ["slow"] or len(heard) > 1):
            os._exit(130 if len(heard) > 1 else 0)

    def hung_up(number: int, _: FrameType | None) -> None:
        with (folder / f"hungup-{os.getpid()}").open("a", encoding="ascii") as file:
            file.write("x")

    signal.signal(signal.SIGTERM, terminated)
    signal.signal(signal.SIGHUP, hung_up)
    if words == ["leave"]:
        signal.signal(signal.SIGUSR1, lambda *_: os._exit(0))


def listen(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", port))
    made.listen()
    return made


def tell_ready(path: Path, settings: dict[str, Any]) -> None:
    url = f"ws://localhost:{settings['port']}/dev"
    document = {"websocket_url": url, "region": settings["region"], "pid": os.getpid(), "node": os.getpid() + 1}
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(document), encoding="utf-8")
    draft.replace(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
