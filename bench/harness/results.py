"""What one benchmark found, as JSON and back: the document a comparison or the pages in ``docs`` are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from bench.harness.figure import Figure, Goal, Spread
from bench.harness.machine import Machine
from bench.harness.profile import Profile

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Results:
    """``figures`` in the order they are shown; ``notes`` are of the whole run; ``profiles`` of what was not reached."""

    machine: Machine
    is_quick: bool
    seconds: float
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()
    profiles: tuple[Profile, ...] = ()

    @property
    def by_name(self) -> Mapping[str, Figure]:
        return {figure.name: figure for figure in self.figures}


def merged(whole: Results, part: Results, names: Sequence[str]) -> Results:
    """The figures of ``whole`` with those of ``part`` in their place, which tell their commit; in the order of
    ``names``, and none that is not among them."""
    of_part = {figure.name: replace(figure, commit=part.machine.commit) for figure in part.figures}
    found = {**whole.by_name, **of_part}
    return replace(whole, figures=tuple(found[name] for name in names if name in found))


def document(results: Results) -> dict[str, Any]:
    """For ``json.dumps``."""
    return {
        "format": FORMAT,
        "quick": results.is_quick,
        "seconds": round(results.seconds, 1),
        "machine": results.machine.document(),
        "notes": list(results.notes),
        "profiles": [asdict(profile) for profile in results.profiles],
        "figures": [
            {
                **asdict(figure),
                "verdict": figure.verdict.value,
                "client_is_bottleneck": figure.is_clients,
            }
            for figure in results.figures
        ],
    }


def read(found: Mapping[str, Any]) -> Results:
    """The inverse. Raises ValueError for another format."""
    if found.get("format") != FORMAT:
        raise ValueError(f"format {found.get('format')} is not {FORMAT}")
    return Results(
        Machine(**found["machine"]),
        found["quick"],
        found["seconds"],
        tuple(map(_figure, found["figures"])),
        tuple(found["notes"]),
        tuple(Profile(**profile) for profile in found.get("profiles", ())),
    )


def _figure(found: Mapping[str, Any]) -> Figure:
    kept = {name: found[name] for name in ("name", "title", "unit", "note", "client", "details")}
    spread, goal, commit = found["spread"], found["goal"], found.get("commit", "")
    return Figure(spread=spread and Spread(**spread), goal=goal and Goal(**goal), commit=commit, **kept)
