"""The process that starts every other one, so that none outlives the gateway, not even its ``kill -9``.

A script of its own (``python -I -S guardian.py FD GATEWAY_PID``): standard library only, one thread, no import of this
package. It serves spawn and signal requests that come over the socket ``FD`` and reports starts and exits back.
When that socket or the gateway ends it kills everything below itself and leaves.

On Linux three things make that complete. Every child is killed by the kernel when the guardian dies; every child
adopts what its descendants leave behind, the guardian adopts what a dead child leaves behind (sub-reapers), so a
daemon cannot slip out; and a *warden*, the guardian's parent, does the same for a guardian that was killed.
Elsewhere there are process groups only.

Nothing started here gains rights by a set-user-ID program or leaves a core dump. What has a limit of ``open_files``
runs the application's code, and is *confined*: its files are this user's alone, it goes first when the machine is out
of memory, and by Landlock (Linux 5.19 and later) it cannot look into processes that are not its own, nor, from Linux
6.12 on, signal them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import selectors
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

Message = dict[str, Any]

READ_BYTES: Final = 64 * 1024
MAX_FDS: Final = 64  # file descriptors taken from the socket in one read; two and its own belong to each spawn request
PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
PR_SET_CHILD_SUBREAPER: Final = 36  # linux/prctl.h
PR_SET_NO_NEW_PRIVS: Final = 38  # linux/prctl.h
PR_CAPBSET_DROP: Final = 24  # linux/prctl.h
# What root's handlers keep: to reach files as root does, and low ports (CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER,
# FSETID, NET_BIND_SERVICE; linux/capability.h). Whoever has less than its gateway cannot look into it.
KEPT_CAPABILITIES: Final = frozenset((0, 1, 2, 3, 4, 10))
CAPABILITIES: Final = 64  # as many as there is room for; 41 are there
PRIVATE_UMASK: Final = 0o077
FIRST_TO_GO: Final = 500  # oom_score_adj, of 1,000: long before a gateway that holds everybody's sockets
_LENGTH: Final = struct.Struct("!I")


def frame(message: Message) -> bytes:
    """One message as it goes over the socket: length, then JSON."""
    body = json.dumps(message).encode("ascii")
    return _LENGTH.pack(len(body)) + body


class Frames:
    """Cuts the byte stream of the socket back into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield json.loads(body)


def prctl() -> Callable[[int, int], bool] | None:
    """The system call that ties processes together, or None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        import ctypes

        call = ctypes.CDLL(None, use_errno=True).prctl
    except (ImportError, OSError, AttributeError):
        return None
    return lambda option, value: call(option, value, 0, 0, 0) == 0


CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls; their numbers are the same everywhere
ONLY_ASK_VERSION: Final = 1  # this and the following: linux/landlock.h
RULE_PATH_BENEATH: Final = 1
ACCESS_FS_REFER: Final = 1 << 13
SCOPE_ABSTRACT_UNIX_SOCKET_AND_SIGNAL: Final = 3
HAS_REFER, HAS_SCOPES = 2, 6  # versions of the interface


def _landlock_call() -> Callable[..., int] | None:
    """The C library's ``syscall``, where there may be Landlock."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        import ctypes

        call: Callable[..., int] = ctypes.CDLL(None, use_errno=True).syscall
    except (ImportError, OSError, AttributeError):
        return None
    return call


def landlock_version() -> int:
    """Of the kernel's interface; 0 without it."""
    call = _landlock_call()
    return 0 if call is None else max(0, call(CREATE_RULESET, None, 0, ONLY_ASK_VERSION))


def landlock(version: int) -> Callable[[], None] | None:
    """Puts the calling process into a domain of its own, out of which it cannot look; None where the kernel has none.

    No file is taken from it: before there were scopes a domain had to rule on files, so it allows what is allowed
    anyway.
    """
    call = _landlock_call()
    if call is None or version < HAS_REFER:
        return None
    ruleset = _scopes(call) if version >= HAS_SCOPES else _what_is_allowed_anyway(call)
    if ruleset < 0:
        return None

    def seclude() -> None:
        call(RESTRICT_SELF, ruleset, 0)

    return seclude


def _scopes(call: Callable[..., int]) -> int:
    rules = struct.pack("QQQ", 0, 0, SCOPE_ABSTRACT_UNIX_SOCKET_AND_SIGNAL)
    return call(CREATE_RULESET, rules, len(rules), 0)


def _what_is_allowed_anyway(call: Callable[..., int]) -> int:
    rules = struct.pack("Q", ACCESS_FS_REFER)
    ruleset = call(CREATE_RULESET, rules, len(rules), 0)
    root = os.open("/", os.O_PATH)
    call(ADD_RULE, ruleset, RULE_PATH_BENEATH, struct.pack("=Qi", ACCESS_FS_REFER, root), 0)
    os.close(root)
    return ruleset


def children() -> list[int]:
    """The process ids of this process's children, adopted ones included; empty where they cannot be listed."""
    me = os.getpid()
    try:
        with open(f"/proc/{me}/task/{me}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return [pid for pid in _all_processes() if _parent(pid) == me]


def _all_processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _parent(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return None


def kill_everything() -> None:
    """Kill and reap until no child is left; what a dead child leaves behind becomes ours and goes the same way."""
    while True:
        for pid in children():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


class Guardian:
    """Serves one gateway until its socket ends."""

    def __init__(self, link: socket.socket, gateway: int, tie: Callable[[int, int], bool] | None) -> None:
        self._link = link
        self._tie = tie
        self._seclude = landlock(landlock_version())
        self._frames = Frames()
        self._fds: list[int] = []
        self._running: dict[int, tuple[int, subprocess.Popen[bytes]]] = {}  # by pid; the gateway's number for it
        self._ending = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(link, selectors.EVENT_READ, self._requests)
        self._watch_signals()
        self._watch_gateway(gateway)

    def serve(self) -> None:
        while not self._ending:
            for key, _ in self._selector.select():
                key.data()
        for pid in self._running:
            self._signal_group(pid, signal.SIGKILL)
        while self._running:
            self._reap(block=True)
        kill_everything()

    def _watch_signals(self) -> None:
        self._wakeup, far = socket.socketpair()
        self._wakeup.setblocking(False)
        far.setblocking(False)
        self._far = far
        signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._end())
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._signalled)

    def _watch_gateway(self, pid: int) -> None:
        """A second sign of the gateway's end, for a socket that a fork of the gateway still holds open."""
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                self._selector.register(os.pidfd_open(pid), selectors.EVENT_READ, self._end)

    def _end(self) -> None:
        self._ending = True

    def _signalled(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wakeup.recv(READ_BYTES)
        self._reap(block=False)

    def _requests(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self._link, READ_BYTES, MAX_FDS)
        except OSError:
            data, fds = b"", []
        self._fds += fds
        if not data:
            self._end()
        for message in self._frames.feed(data):
            if message["kind"] == "spawn":
                self._spawn(message)
            else:
                self._signal(message["number"], message["signal"])

    def _spawn(self, message: Message) -> None:
        number, names, open_files = message["number"], message["descriptors"], message["open_files"]
        fds = self._fds[: 2 + len(names)]
        del self._fds[: len(fds)]
        stdout, stderr, *inherited = fds
        try:
            process = subprocess.Popen(
                message["argv"],
                env={**message["env"], **{name: str(fd) for name, fd in zip(names, inherited, strict=True)}},
                cwd=message["cwd"],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                pass_fds=inherited,
                start_new_session=True,
                umask=-1 if open_files is None else PRIVATE_UMASK,
                preexec_fn=self._before_exec(os.getpid(), open_files),
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self._report({"kind": "failed", "number": number, "errno": _errno(error), "text": _text(error)})
        else:
            self._running[process.pid] = (number, process)
            self._report({"kind": "started", "number": number, "pid": process.pid})
        finally:
            for fd in fds:
                os.close(fd)

    def _before_exec(self, guardian: int, open_files: int | None) -> Callable[[], None]:
        """What the child does; this process has one thread, so it may do anything."""
        tie = self._tie

        def before_exec() -> None:
            if tie is not None:
                tie(PR_SET_PDEATHSIG, signal.SIGKILL)
                tie(PR_SET_CHILD_SUBREAPER, 1)
                if os.getppid() != guardian:  # it died before the kernel knew of the tie
                    os._exit(1)
            if open_files is not None:
                self._confine(open_files)

        return before_exec

    def _confine(self, open_files: int) -> None:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        most = open_files if hard == resource.RLIM_INFINITY else min(open_files, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "wb", buffering=0) as file:
            file.write(b"%d" % FIRST_TO_GO)
        if self._tie is not None and os.geteuid() == 0:
            for capability in range(CAPABILITIES):
                if capability not in KEPT_CAPABILITIES:
                    self._tie(PR_CAPBSET_DROP, capability)  # holds from the program on that is about to be begun
        if self._seclude is not None:
            self._seclude()

    def _signal(self, number: int, signal_number: int) -> None:
        for pid, (known, _) in self._running.items():
            if known == number:
                self._signal_group(pid, signal_number)

    def _signal_group(self, pid: int, number: int) -> None:
        with contextlib.suppress(OSError):
            os.killpg(pid, number)

    def _reap(self, block: bool) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, 0 if block else os.WNOHANG)
            except ChildProcessError:
                self._running.clear()
                return
            if pid == 0:
                break
            if pid in self._running:
                self._ended(pid, os.waitstatus_to_exitcode(status))
            block = False
        self._kill_strays()

    def _ended(self, pid: int, returncode: int) -> None:
        number, process = self._running.pop(pid)
        process.returncode = returncode
        self._signal_group(pid, signal.SIGKILL)
        self._report({"kind": "exited", "number": number, "returncode": returncode})

    def _kill_strays(self) -> None:
        """Whoever is our child without having been started here was left behind by a child that has ended."""
        for pid in children():
            if pid not in self._running:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)

    def _report(self, message: Message) -> None:
        try:
            self._link.sendall(frame(message))
        except OSError:
            self._end()


def _errno(error: Exception) -> int:
    return error.errno or errno.EIO if isinstance(error, OSError) else errno.EINVAL


def _text(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)


def _watch(guardian: int) -> None:
    """The warden: wait for the guardian, then take care of what it may have left."""
    while os.wait()[0] != guardian:
        pass
    kill_everything()


def main(fd: int, gateway: int) -> None:
    if os.getppid() != gateway:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    tie = prctl()
    if tie is not None:
        tie(PR_SET_NO_NEW_PRIVS, 1)
        tie(PR_SET_CHILD_SUBREAPER, 1)
        warden = os.getpid()
        guardian = os.fork()
        if guardian:
            os.close(fd)
            _watch(guardian)
            return
        tie(PR_SET_CHILD_SUBREAPER, 1)
        tie(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != warden:
            return
    Guardian(socket.socket(fileno=fd), gateway, tie).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
