"""``docs/performance.md`` and its plots, written from the results of one run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.harness import svg
from bench.harness.borrowed import IN_C
from bench.harness.figure import Figure, number
from bench.harness.profile import Profile
from bench.harness.results import Results, document
from bench.harness.scenario import Scenario
from bench.harness.table import HEADINGS, compared, markdown, row_of

BEGINS: Final = "<!-- measured: written by make bench, not by hand -->"
ENDS: Final = "<!-- end of what is measured -->"
FIGURES: Final = "figures.json"
_MEASURED: Final = re.compile(f"{re.escape(BEGINS)}.*{re.escape(ENDS)}", re.S)
_BY_COUNT: Final = re.compile(r"(dormant\.bytes|dormant\.cpu|broadcast\.cpu)\.(\d+)")


def write_pages(docs: Path, results: Results, scenarios: Sequence[Scenario], gateways: Mapping[str, str]) -> list[Path]:
    """Replaces what is measured in ``performance.md``, whose other words stay, all plots, and the results beside them;
    the paths written.

    ``gateways`` are titles by name, the product first. Raises ValueError where the page has no place for it.
    """
    plots = docs / "plots"
    plots.mkdir(exist_ok=True)
    drawn = plots_of(results.by_name, gateways)
    for name, text in drawn.items():
        (plots / name).write_text(text, encoding="utf-8")
    page = docs / "performance.md"
    before = page.read_text(encoding="utf-8")
    if not _MEASURED.search(before):
        raise ValueError(f"{page} has no place for what is measured")
    text = measured_part(results, scenarios, gateways, drawn)
    page.write_text(_MEASURED.sub(lambda _: text, before), encoding="utf-8")
    figures = plots / FIGURES
    figures.write_text(json.dumps(document(results), indent=1) + "\n", encoding="utf-8")
    return [page, figures, *(plots / name for name in drawn)]


def measured_part(
    results: Results, scenarios: Sequence[Scenario], gateways: Mapping[str, str], drawn: Mapping[str, str]
) -> str:
    """The Markdown between the two marks, with them."""
    named = results.by_name
    own = [figure for figure in results.figures if figure.name.split(".")[0] not in gateways]
    table = markdown(HEADINGS, [row_of(figure) for figure in own])
    peers = markdown(("figure", *gateways.values()), compared(named, tuple(gateways)))
    parts = [BEGINS, _about(results), "### Figures", table, *_unreached(results)]
    parts += ["### Beside the peers", peers, _peer_notes(named, gateways)]
    parts += [f"![{_title(text)}](plots/{name})" for name, text in drawn.items()]
    parts += ["### What each figure includes", *(f"* **{each.name}**: {each.includes}" for each in scenarios), ENDS]
    return "\n\n".join(filter(None, parts))


def plots_of(figures: Mapping[str, Figure], gateways: Mapping[str, str]) -> dict[str, str]:
    """SVG texts by file name; a plot without any figure is left out."""
    found: dict[str, str] = {}
    for kind, title, unit, file in (
        ("dormant.bytes", "User-space bytes per dormant connection", "bytes", "bytes-by-sockets.svg"),
        ("dormant.cpu", "CPU per connect while so many are opened", "µs", "connect-by-sockets.svg"),
        ("broadcast.cpu", "CPU per message of a broadcast to so many", "µs", "broadcast-by-sockets.svg"),
    ):
        points = _by_count(figures, kind)
        drawn = [svg.Line("wsfleet", points), svg.Line(IN_C, _by_count(figures, kind, IN_C))]
        if points:
            found[file] = svg.lines(title, [line for line in drawn if line.points], "sockets", unit)
    for kind, title, unit, file in (
        ("message.rate", "Messages per second through a trivial handler", "/s", "messages.svg"),
        ("post.rate", "Posts per second", "/s", "posts.svg"),
        ("bytes", "User-space bytes per idle connection", "B", "idle.svg"),
    ):
        bars = [_bar(figures.get(f"{name}.{kind}"), shown) for name, shown in gateways.items()]
        if any(bar.value is not None for bar in bars):
            found[file] = svg.bars(title, bars, unit)
    return found


def _by_count(figures: Mapping[str, Figure], kind: str, detail: str | None = None) -> list[tuple[float, float]]:
    """Points of a line, or of one that the figures tell beside themselves."""
    found = []
    for name, figure in figures.items():
        match = _BY_COUNT.fullmatch(name)
        if match and match[1] == kind and figure.spread is not None:
            value = figure.spread.median if detail is None else figure.details.get(detail)
            if value is not None:
                found.append((float(match[2]), value))
    return sorted(found)


def _bar(figure: Figure | None, title: str) -> svg.Bar:
    if figure is None or figure.spread is None:
        return svg.Bar(title, None, "not measured")
    return svg.Bar(title, figure.spread.median)


def _about(results: Results) -> str:
    machine = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    quick = " A quick run: its counts are too small for goals." if results.is_quick else ""
    told = [
        f"Measured {machine.date} at commit `{machine.commit}`, in {number(round(results.seconds))} s.{quick}",
        f"{machine.cores} cores of {machine.cpu}, {machine.memory_gib} GiB, {machine.system}, at most "
        f"{machine.descriptors:,} descriptors a process; load average before: {machine.load}.",
        f"{versions}.",
        *results.notes,
    ]
    return "\n".join(told)


def _unreached(results: Results) -> list[str]:
    """The profiles that show why a figure was not reached."""
    if not results.profiles:
        return []
    told = (
        "### Where the time goes of what was not reached\n\nMicroseconds of one operation by the room of the code that "
        "spends them ([architecture](architecture.md)), what libraries do for a room with it: cProfile's proportions "
        "of the loop's thread, over the CPU of all threads without the profiler. Beside them the functions that take "
        "most themselves."
    )
    return [told, *map(_profile, results.profiles)]


def _profile(profile: Profile) -> str:
    rooms = [(name, f"{share * profile.cpu_us:.1f}", f"{share:.0%}") for name, share in profile.rooms.items()]
    functions = [(f"`{name}`", f"{share:.0%}") for name, share in profile.functions.items()]
    shown = [row for row in rooms if row[2] != "0%"]
    size = max(len(shown), len(functions))
    padded_rooms = [*shown, *[("", "", "")] * (size - len(shown))]
    padded_functions = [*functions, *[("", "")] * (size - len(functions))]
    rows = [(*room, *function) for room, function in zip(padded_rooms, padded_functions, strict=True)]
    whole = f"a {profile.what}: {profile.cpu_us:.0f} µs, {profile.kernel_us:.0f} of them in the kernel"
    headings = (whole, "µs", "share", "functions", "share")
    return markdown(headings, rows)


def _peer_notes(figures: Mapping[str, Figure], gateways: Mapping[str, str]) -> str:
    """What each gateway is, or why there are no figures of it."""
    told = []
    for name, title in gateways.items():
        figure = figures.get(f"{name}.rss")
        if figure is not None and figure.notes:
            told.append(f"* {title}: {'' if figure.spread else 'not measured: '}{figure.notes}")
    return "\n".join(told)


def _title(text: str) -> str:
    match = re.search(r"<title>(.*?)</title>", text)
    return match[1] if match else ""
