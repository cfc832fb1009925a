"""What the functions made of a schema share: how they say what is wrong, and how much they may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.model.json_text import Json


class Exhausted(Exception):
    """The document asks for more steps than one may take."""


class Budget:
    """Steps left for the document being validated: one for each schema held against each value."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left: float = 0

    def spend(self, steps: float) -> None:
        self.left -= steps
        if self.left < 0:
            raise Exhausted


@dataclass(slots=True)
class Wrong:
    """A keyword that does not hold; ``path`` leads there from the inside out."""

    keyword: str
    rule: Any
    path: list[str | int] = field(default_factory=list)


Check = Callable[[Json], Wrong | None]
