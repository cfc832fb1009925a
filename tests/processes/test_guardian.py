from __future__ import annotations

import ast
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.processes import guardian
from gateway.processes.guardian import Frames, frame
from gateway.processes.link import SCRIPT
from process_watch import LINUX, Watch

texts = st.text(
    st.characters(exclude_categories=()), max_size=20
)  # lone surrogates too: undecodable bytes of os.environ


@given(st.lists(st.dictionaries(texts, texts, max_size=3), max_size=4), st.integers(1, 40))
def test_frames_round_trip_whatever_way_they_are_cut(messages: list[dict[str, str]], step: int) -> None:
    stream = b"".join(map(frame, messages))
    frames = Frames()
    seen = [message for i in range(0, len(stream), step) for message in frames.feed(stream[i : i + step])]
    assert seen == messages


def test_the_script_stands_alone() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert {str(module).split(".")[0] for module in modules} <= sys.stdlib_module_names


def test_it_leaves_when_the_one_who_started_it_is_not_its_parent() -> None:
    near, far = socket.socketpair()
    with near, far:
        argv = [sys.executable, "-I", "-S", str(SCRIPT), str(far.fileno()), "1"]
        assert os.getpid() != 1
        done = subprocess.run(argv, pass_fds=[far.fileno()], timeout=20, check=False)
        assert done.returncode == 0


WITHOUT_PRCTL = f"""
import runpy, sys
script = runpy.run_path({str(SCRIPT)!r})
script["main"].__globals__["prctl"] = lambda: None
script["main"](int(sys.argv[1]), int(sys.argv[2]))
"""


@pytest.mark.skipif(not LINUX, reason="watches by pidfd")
def test_without_the_ties_of_linux_process_groups_are_ended() -> None:
    near, far = socket.socketpair()
    with near:
        near.settimeout(20)
        argv = [sys.executable, "-I", "-S", "-c", WITHOUT_PRCTL, str(far.fileno()), str(os.getpid())]
        with far, subprocess.Popen(argv, pass_fds=[far.fileno()], start_new_session=True) as process:
            far.close()
            reading, writing = os.pipe()
            with open(reading, encoding="ascii") as output:
                request = {
                    "kind": "spawn",
                    "number": 1,
                    "env": {"PATH": os.environ["PATH"]},
                    "cwd": "/",
                    "descriptors": [],
                    "open_files": None,
                }
                request["argv"] = ["/bin/sh", "-c", "sh -c 'echo $$; exec sleep 600' & echo $$; exec sleep 600"]
                socket.send_fds(near, [frame(request)], [writing, writing])
                os.close(writing)
                with Watch(int(output.readline()) for _ in range(2)) as watch:
                    near.shutdown(socket.SHUT_WR)
                    assert not watch.left_after(20)
            assert process.wait(20) == 0
        reports = [message["kind"] for message in Frames().feed(near.recv(65536))]
        assert reports == ["started", "exited"]


@pytest.mark.skipif(sys.platform != "linux", reason="children are listed from /proc")
def test_children_lists_what_was_started_here() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert child.pid in guardian.children()
    finally:
        child.communicate()
    assert child.pid not in guardian.children()


SECLUDED = f"""
import json, os, runpy, sys
script = runpy.run_path({str(SCRIPT)!r})
script["prctl"]()(script["PR_SET_NO_NEW_PRIVS"], 1)
script["landlock"](int(sys.argv[1]))()

def outcome(work, *args):
    try:
        work(*args)
    except OSError as error:
        return type(error).__name__
    return "done"

for name in ("one", "other"):
    os.mkdir(name)
open("one/file", "w").close()
own = os.spawnvp(os.P_NOWAIT, "sleep", ["sleep", "60"])
print(json.dumps({{
    "look at another": outcome(os.readlink, f"/proc/{{os.getppid()}}/exe"),
    "look at its own child": outcome(os.readlink, f"/proc/{{own}}/exe"),
    "signal another": outcome(os.kill, os.getppid(), 0),
    "signal its own child": outcome(os.kill, own, 9),
    "move between folders": outcome(os.rename, "one/file", "other/file"),
}}))
"""


@pytest.mark.parametrize("version", [guardian.HAS_REFER, guardian.HAS_SCOPES])
def test_who_is_secluded_reaches_its_own_processes_and_every_file(version: int, tmp_path: Path) -> None:
    if guardian.landlock_version() < version:
        pytest.skip("the kernel's Landlock is older")
    argv = [sys.executable, "-I", "-S", "-c", SECLUDED, str(version)]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, timeout=20, check=True)
    assert json.loads(done.stdout) == {
        "look at another": "PermissionError",
        "look at its own child": "done",
        "signal another": "PermissionError" if version >= guardian.HAS_SCOPES else "done",
        "signal its own child": "done",
        "move between folders": "done",
    }


def test_without_landlock_nobody_is_secluded() -> None:
    assert guardian.landlock(0) is None
