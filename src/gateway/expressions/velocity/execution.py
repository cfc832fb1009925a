"""One run of a template: its variables, its output, and the bounds that make every run end."""

from __future__ import annotations

from typing import Any, Final

from gateway.model.limits import MAX_TEMPLATE_OUTPUT_CHARS, MAX_TEMPLATE_STEPS

CHARS_PER_STEP: Final = 256  # work on long strings is counted by their length
MAX_DEPTH: Final = 20  # macros and #define within each other; Velocity's velocimacro.max.depth


class RunFailed(Exception):
    """The template asked for something that cannot be done. Its line is the frame's."""


class Stopped(Exception):
    """``#stop``, or ``#break`` outside of a loop."""


class LeftLoop(Exception):
    """``#break``."""


class Frame:
    """``line`` is the statement being run; ``steps`` and ``room`` are what is left of steps and output characters."""

    __slots__ = ("depth", "line", "macros", "out", "room", "steps", "variables")

    def __init__(self, variables: dict[str, Any]) -> None:
        self.variables = variables
        self.macros: dict[str, Any] = {}
        self.out: list[str] = []
        self.line = 1
        self.depth = 0
        self.steps = MAX_TEMPLATE_STEPS
        self.room = MAX_TEMPLATE_OUTPUT_CHARS

    def write(self, text: str) -> None:
        self.room -= len(text)
        if self.room < 0:
            raise RunFailed(f"the output is longer than {MAX_TEMPLATE_OUTPUT_CHARS} characters")
        self.out.append(text)

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise RunFailed(f"it takes more than {MAX_TEMPLATE_STEPS} steps")

    def spend_on(self, chars: int) -> None:
        """For work on that many characters."""
        self.spend(1 + chars // CHARS_PER_STEP)

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise RunFailed(f"macros within each other more than {MAX_DEPTH} deep")
