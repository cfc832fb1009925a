from __future__ import annotations

import asyncio
import logging

import pytest

from gateway.surprises import told
from server_fakes import Reports, until

FORGED = "first\r\nsecond\x85third\u2028fourth"


class Heard(Reports):
    def __init__(self) -> None:
        super().__init__()
        self.warnings: list[str] = []

    def warned(self, text: str) -> None:
        self.warnings.append(text)


async def test_what_nobody_caught_is_one_line() -> None:
    heard = Heard()
    with told(heard):
        asyncio.get_running_loop().call_soon(_raise)
        await until(lambda: heard.failures)
    (line,) = heard.failures
    assert "ValueError: first second third fourth (" in line
    assert line.endswith(")")
    assert len(line.splitlines()) == 1


def _raise() -> None:
    raise ValueError(FORGED)


@pytest.mark.parametrize("argument", [FORGED, b"x", 7])
async def test_what_libraries_complain_of_is_one_line(argument: object) -> None:
    heard, logger = Heard(), logging.getLogger("library")
    with told(heard):
        logger.warning("odd: %s\n", argument)
        mistaken = logging.LogRecord("library", logging.WARNING, "", 0, "%d of %d", (argument,), None)
        logging.getLogger().handlers[-1].handle(mistaken)
        logger.info("not this")
        try:
            _raise()
        except ValueError:
            logger.exception("failed")
    logger.warning("too late")
    assert [line.partition(" ")[0] for line in heard.warnings] == ["library:"] * 3
    assert all(len(line.splitlines()) == 1 for line in heard.warnings)
    assert "ValueError: first second third fourth" in heard.warnings[2]
