"""Collects what is wrong with a template, each finding with its line and the logical ID its author wrote.

A path is the way to a node (``("Resources", "Ws", "Properties", "Name")``). The transform adds resources that have
no line of their own: those are shown under the resource they were made from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from gateway.model.problem import Problem

# What the transform puts behind the name of a layer; with nothing behind it, the resource is the author's own.
_LAYER_HASH: Final = re.compile(r"(?:[0-9a-f]{10})?")

Path = tuple[str | int, ...]


class Findings:
    """Problems and warnings of one template; ``lines`` maps the paths of the text as written to line numbers."""

    def __init__(self, file: str, lines: Mapping[Path, int]) -> None:
        self._file = file
        self._lines = lines
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def problem(self, message: str, at: Path = (), hint: str = "", *, line: int | None = None) -> None:
        """Add what stops the template, unless the same has been said already; ``line`` None: the node's."""
        self._add(self.problems, message, at, hint, line)

    def warning(self, message: str, at: Path = (), hint: str = "", *, line: int | None = None) -> None:
        """Add what a person should know but can live with; ``line`` None: the node's."""
        self._add(self.warnings, message, at, hint, line)

    def draft(self) -> Findings:
        """An empty collection for the same template, to be kept as problems or as mere warnings later."""
        return Findings(self._file, self._lines)

    def take(self, draft: Findings, *, instead_of_stopping: str | None = None) -> None:
        """Merge ``draft``; its problems become warnings when there is something to be done instead of stopping."""
        if instead_of_stopping is None:
            _extend(self.problems, draft.problems)
        else:
            _extend(self.warnings, [_demoted(problem, instead_of_stopping) for problem in draft.problems])
        _extend(self.warnings, draft.warnings)

    def line(self, at: Path) -> int | None:
        """The line of the node, or of the nearest one around it that was written."""
        place = self._written(at)
        while place:
            if place in self._lines:
                return self._lines[place]
            place = place[:-2] if place[-2:-1] == ("Properties",) else place[:-1]
        return None

    def origin(self, logical_id: str) -> str:
        """The resource as its author knows it: the one a generated resource was made from, or itself."""
        if ("Resources", logical_id) in self._lines:
            return logical_id
        written = (str(path[1]) for path in self._lines if len(path) == 2 and path[0] == "Resources")
        return max((name for name in written if logical_id.startswith(name)), key=len, default=logical_id)

    def _written(self, at: Path) -> Path:
        if len(at) > 1 and at[0] == "Resources":
            return ("Resources", self.origin(str(at[1])), *at[2:])
        return at

    def _add(self, where: list[Problem], message: str, at: Path, hint: str, line: int | None) -> None:
        logical_id = None
        if len(at) > 1:
            logical_id = str(self._written(at)[1])
            if not _LAYER_HASH.fullmatch(str(at[1]).removeprefix(logical_id)):
                message = f"{message} (in {at[1]})"
        _extend(where, [Problem(message, self._file, line or self.line(at), logical_id, hint)])


def in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """By line, those without a line last, otherwise as they were found."""
    return tuple(sorted(problems, key=lambda problem: (problem.line is None, problem.line or 0)))


def _demoted(problem: Problem, instead: str) -> Problem:
    return replace(problem, message=f"{problem.message}; {instead}")


def _extend(where: list[Problem], more: list[Problem]) -> None:
    where.extend(problem for problem in more if problem not in where)
