from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest

from gateway.report.printer import Printer

DEADLINE_S = 10.0


class Stalled(io.StringIO):
    """A terminal stopped by Ctrl-S, until ``go_on``."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def write(self, text: str) -> int:
        self.reached.set()
        assert self.go_on.wait(DEADLINE_S)
        return super().write(text)


class Broken(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.tried = 0

    def write(self, text: str) -> int:
        self.tried += 1
        raise BrokenPipeError


@contextmanager
def pipe() -> Iterator[tuple[int, TextIO]]:
    reading, writing = os.pipe()
    try:
        with open(writing, "w", encoding="ascii") as stream:
            yield reading, stream
    finally:
        os.close(reading)


def test_lines_keep_their_order_across_both_streams() -> None:
    terminal = io.StringIO()
    with Printer(terminal, terminal) as printer:
        for number in range(100):
            print(number, file=printer.out if number % 2 else printer.err)
    assert terminal.getvalue() == "".join(f"{number}\n" for number in range(100))


def test_a_stalled_reader_makes_nobody_wait() -> None:
    terminal = Stalled()
    printer = Printer(terminal, terminal)
    printer.out.write("first\n")
    assert terminal.reached.wait(DEADLINE_S)
    printer.out.write("second\n")
    printer.err.write("third\n")
    assert terminal.getvalue() == ""
    terminal.go_on.set()
    printer.close(DEADLINE_S)
    assert terminal.getvalue() == "first\nsecond\nthird\n"


def test_what_does_not_fit_is_counted() -> None:
    terminal = Stalled()
    printer = Printer(terminal, None, max_pending_bytes=20)
    printer.out.write("being written\n")
    assert terminal.reached.wait(DEADLINE_S)
    for number in range(5):
        printer.out.write(f"line no {number}\n")
    terminal.go_on.set()
    printer.close(DEADLINE_S)
    first, *kept, notice = terminal.getvalue().splitlines()
    assert (first, kept) == ("being written", ["line no 0", "line no 1"])
    assert notice == "warning: 3 lines are missing here: they came faster than they were read"


def test_dropped_lines_can_be_told_otherwise() -> None:
    terminal = Stalled()
    printer = Printer(terminal, None, max_pending_bytes=14, lost=lambda count: f"{count} lost\n".encode())
    printer.out.write("being written\n")
    assert terminal.reached.wait(DEADLINE_S)
    printer.out.write("this does not fit\n")
    terminal.go_on.set()
    printer.close(DEADLINE_S)
    assert terminal.getvalue() == "being written\n1 lost\n"


def test_closing_does_not_wait_for_a_stalled_reader() -> None:
    terminal = Stalled()
    printer = Printer(terminal, terminal)
    printer.out.write("x\n")
    assert terminal.reached.wait(DEADLINE_S)
    printer.close(0.01)
    printer.out.write("too late\n")
    terminal.go_on.set()
    printer.close(DEADLINE_S)
    assert terminal.getvalue() == "x\n"


def test_a_reader_that_went_away_is_left_alone() -> None:
    gone, there = Broken(), io.StringIO()
    with Printer(gone, there) as printer:
        printer.out.write("x\n")
        printer.err.write("y\n")
        printer.close()
        printer.out.write("z\n")
    assert (gone.tried, there.getvalue()) == (1, "y\n")


def test_a_real_pipe_without_a_reader() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    told = io.StringIO()
    with open(writing, "w", encoding="utf-8") as stream, Printer(stream, told) as printer:
        printer.out.write("x\n")
        printer.out.write("y\n")
        printer.err.write("still here\n")
    assert told.getvalue() == "still here\n"


def test_what_the_encoding_lacks_is_escaped() -> None:
    with pipe() as (reading, stream):
        with Printer(stream, None) as printer:
            printer.out.write("caf\u00e9 \U0001f600\n")
        assert os.read(reading, 100) == b"caf\\xe9 \\U0001f600\n"


def test_a_non_blocking_pipe_gets_everything() -> None:
    line = "x" * 200_000 + "\n"  # more than a pipe holds
    with pipe() as (reading, stream):
        os.set_blocking(stream.fileno(), False)
        printer = Printer(stream, None)
        printer.out.write(line)
        got = b""
        while len(got) < len(line):
            got += os.read(reading, 65536)
        printer.close(DEADLINE_S)
    assert got == line.encode()


def test_what_was_buffered_before_comes_first() -> None:
    with pipe() as (reading, stream):
        stream.write("before\n")
        with Printer(stream, None) as printer:
            printer.out.write("after\n")
        assert os.read(reading, 100) == b"before\nafter\n"


@pytest.mark.parametrize("stream", ["out", "err"])
def test_a_stream_that_was_never_open_swallows(stream: str) -> None:
    with Printer(None, None) as printer:
        getattr(printer, stream).write("x\n")
        getattr(printer, stream).flush()
