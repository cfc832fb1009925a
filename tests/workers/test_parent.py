"""Real processes: a parent, and workers that have no gateway in them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.model.errors import UserError
from gateway.server.listener import bind
from gateway.settings import HostPort, ServeSettings, document_of
from gateway.workers.ready_files import read_ready
from gateway_process import GONE_S, STOP_S, Transcript, until
from process_watch import LINUX, Watch, children_of

TESTS = Path(__file__).parent.parent
PROGRAM = TESTS / "workers_program.py"
pytestmark = pytest.mark.skipif(not LINUX, reason="children are listed by Linux's /proc")


class Parent:
    """``serve --workers`` as a process, and what its workers leave in ``folder``."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.ready_file = folder / "ready.json"
        asked = ServeSettings(
            **{"port": 0, "workers": 2, "ready_file": self.ready_file, "host": "127.0.0.1", **settings}
        )
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), json.dumps(document_of(asked)), str(folder)],
            env={**os.environ, "PYTHONPATH": str(TESTS.parent / "src")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self.output = Transcript(self._process.stdout)

    @property
    def pid(self) -> int:
        return self._process.pid

    def serves(self, told: Callable[[Mapping[str, Any]], bool] = lambda _: True) -> Mapping[str, Any]:
        """The ready file, once it says so."""
        found: list[Mapping[str, Any]] = []

        def is_told() -> bool:
            assert self._process.poll() is None, self.output.text
            document = read_ready(self.ready_file)
            found.extend([] if document is None else [document])
            return document is not None and told(document)

        until(is_told, f"a ready file as expected; what came was:\n{self.output.text}")
        return found[-1]

    def pids(self) -> list[int]:
        return [each["pid"] for each in self.serves()["workers"]]

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(number)

    def ends(self) -> int:
        status = self._process.wait(STOP_S)
        self.output.close()
        return status

    def kill(self) -> None:
        self._process.kill()
        self.ends()

    def close(self) -> None:
        if self._process.poll() is None:
            children = children_of(self.pid)
            self._process.kill()
            self._process.wait(STOP_S)
            with Watch(children) as watch:
                assert not watch.left_after(GONE_S)
        self.output.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Parent]]:
    """Starts a parent; ``plans`` says for workers by index how they misbehave."""
    started: list[Parent] = []

    def starting(plans: Mapping[int, str] | None = None, **settings: Any) -> Parent:
        for index, plan in (plans or {}).items():
            (tmp_path / f"plan-{index}").write_text(plan, encoding="ascii")
        started.append(Parent(tmp_path, **settings))
        return started[-1]

    yield starting
    for each in started:
        each.close()


@contextmanager
def gone_afterwards(pids: list[int]) -> Iterator[None]:
    with Watch(pids) as watch:
        yield
        assert not watch.left_after(GONE_S)


def specs(folder: Path, count: int) -> list[dict[str, Any]]:
    return [json.loads((folder / f"spec-{index}.json").read_text(encoding="utf-8")) for index in range(count)]


def test_every_worker_serves_on_one_port(start: Callable[..., Parent]) -> None:
    parent = start(workers=3)
    ready = parent.serves()
    assert (ready["pid"], ready["region"]) == (parent.pid, "us-east-1")
    assert sorted(parent.pids()) == sorted(children_of(parent.pid))
    assert [each["node"] for each in ready["workers"]] == [pid + 1 for pid in parent.pids()]
    port = int(ready["websocket_url"].removesuffix("/dev").rpartition(":")[2])
    assert {spec["settings"]["port"] for spec in specs(parent.folder, 3)} == {port}
    with socket.create_connection(("127.0.0.1", port)):
        pass


def test_what_a_worker_is_told(start: Callable[..., Parent]) -> None:
    parent = start(
        advertise=HostPort("10.0.0.7", 7000), parameter_overrides={"Password": "hunter2"}, tls_port=0, lease_seconds=4.5
    )
    pids = parent.pids()
    found = specs(parent.folder, 2)
    assert [spec["index"] for spec in found] == [0, 1]
    for spec, pid in zip(found, pids, strict=True):
        settings = spec["settings"]
        assert (settings["workers"], settings["lease_seconds"], settings["advertise"]) == (2, 4.5, "10.0.0.7:7000")
        assert settings["tls_port"] not in (0, None, settings["port"])
        assert settings["parameter_overrides"] == {"Password": "hunter2"}
        assert b"hunter2" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert len({spec["ready_file"] for spec in found} | {str(parent.ready_file)}) == 3


async def test_a_second_program_is_told_that_the_port_is_in_use(start: Callable[..., Parent], tmp_path: Path) -> None:
    first = start()
    port = int(first.serves()["websocket_url"].removesuffix("/dev").rpartition(":")[2])
    with pytest.raises(UserError, match=f"port {port} of 127.0.0.1 is in use"):
        await bind("127.0.0.1", port)
    second = Parent(tmp_path, port=port, ready_file=None)
    assert second.ends() == 2
    assert f"port {port} of 127.0.0.1 is in use" in second.output.text


def test_a_worker_that_was_killed_is_replaced(start: Callable[..., Parent]) -> None:
    parent = start()
    stays, goes = parent.pids()
    os.kill(goes, signal.SIGKILL)
    ready = parent.serves(lambda found: len(found["workers"]) == 2 and found["workers"][1]["pid"] != goes)
    assert ready["workers"][0]["pid"] == stays
    told = json.loads(parent.output.shows(r'^.*"worker_ended".*$').group())
    assert (told["level"], told["worker"], told["worker_pid"], told["status"]) == ("warning", 1, goes, -9)
    assert "another is started in 0.01 s" in told["message"]


def test_one_that_dies_again_and_again_is_waited_for_longer(start: Callable[..., Parent]) -> None:
    parent = start({1: "exit 3"})
    found = parent.output.shows_all(r"died: exit status 3; another is started in ([\d.]+) s", 4)
    assert [each.group(1) for each in found[:4]] == ["0.01", "0.02", "0.04", "0.04"]
    assert not parent.ready_file.exists()  # it is for all of them
    (parent.folder / "plan-1").unlink()
    assert len(parent.serves()["workers"]) == 2


def test_a_signal_lets_every_worker_leave(start: Callable[..., Parent]) -> None:
    parent = start()
    pids = parent.pids()
    with gone_afterwards(pids):
        parent.signal()
        assert parent.ends() == 0
    assert all((parent.folder / f"terminated-{pid}").exists() for pid in pids)


def test_ctrl_c_reaches_each_worker_once(start: Callable[..., Parent]) -> None:
    parent = start({0: "slow", 1: "slow"})
    pids = parent.pids()
    os.killpg(parent.pid, signal.SIGINT)  # as a terminal does it
    parent.output.shows("every worker drains and leaves")
    until(lambda: all((parent.folder / f"terminated-{pid}").exists() for pid in pids), "all were asked")
    assert sorted(children_of(parent.pid)) == sorted(pids)
    with gone_afterwards(pids):
        parent.signal(signal.SIGINT)
        assert parent.ends() == 130


def test_sighup_ends_workers_that_have_nothing_to_read_again(start: Callable[..., Parent]) -> None:
    parent = start()
    with gone_afterwards(parent.pids()):
        parent.signal(signal.SIGHUP)
        assert parent.ends() == 0


def test_sighup_reaches_every_worker_that_has_something_to_read_again(start: Callable[..., Parent]) -> None:
    parent = start(tls_port=0, tls_cert_dir=Path("certificates"))
    pids = parent.pids()
    for times in (1, 2):
        parent.signal(signal.SIGHUP)
        hungup = [parent.folder / f"hungup-{pid}" for pid in pids]
        until(lambda: all(one.exists() and one.stat().st_size == times for one in hungup), "all were asked")  # noqa: B023
    assert parent.pids() == pids
    with gone_afterwards(pids):
        parent.signal()
        assert parent.ends() == 0


def test_the_second_signal_ends_also_those_who_do_not_listen(start: Callable[..., Parent]) -> None:
    parent = start({1: "deaf"})
    pids = parent.pids()
    with gone_afterwards(pids):
        parent.signal()
        until(lambda: children_of(parent.pid) == [pids[1]], "the others left")
        parent.signal()
        assert parent.ends() == 130


def test_a_worker_that_left_on_purpose_is_not_replaced(start: Callable[..., Parent]) -> None:
    parent = start({0: "leave", 1: "leave"})
    first, second = parent.pids()
    os.kill(first, signal.SIGUSR1)
    ready = parent.serves(lambda found: len(found["workers"]) == 1)
    assert ready["workers"][0]["pid"] == second
    os.kill(second, signal.SIGUSR1)
    assert parent.ends() == 0
    assert parent.output.text.count('"worker_started"') == 2


def test_what_is_wrong_is_told_by_the_first_alone(start: Callable[..., Parent], tmp_path: Path) -> None:
    parent = start({0: "exit 2"})
    assert parent.ends() == 2
    assert parent.output.text.count('"worker_started"') == 1
    assert not (tmp_path / "spec-1.json").exists()


@pytest.mark.parametrize(("plan", "status"), [("exit 0", 0), ("die", 1)])
def test_a_first_one_that_ends_before_it_serves_ends_everything(
    start: Callable[..., Parent], plan: str, status: int
) -> None:
    assert start({0: plan}).ends() == status


def test_without_their_parent_workers_leave_by_themselves(start: Callable[..., Parent]) -> None:
    parent = start()
    pids = parent.pids()
    with gone_afterwards(pids):
        parent.kill()
    assert all((parent.folder / f"orphaned-{pid}").exists() for pid in pids)


def test_an_earlier_ready_file_is_not_mistaken(start: Callable[..., Parent], tmp_path: Path) -> None:
    (tmp_path / "ready.json").write_text('{"workers": []}', encoding="utf-8")
    parent = start({0: "exit 2"})
    assert parent.ends() == 2
    assert not parent.ready_file.exists()


def test_a_worker_that_serves_under_another_number_is_told(start: Callable[..., Parent]) -> None:
    parent = start()
    parent.serves()
    own = Path(specs(parent.folder, 2)[1]["ready_file"])
    own.write_text(json.dumps({**json.loads(own.read_text(encoding="utf-8")), "node": 4711}), encoding="utf-8")
    assert parent.serves(lambda found: found["workers"][1]["node"] == 4711)
