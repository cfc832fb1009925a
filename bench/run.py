"""The benchmark: every figure of ``docs/performance.md``, beside the peers, in one run.

    python bench/run.py [--quick] [--only NAME…] [--no-peers] [--json FILE] [--into FILE] [--write-docs] [--list]

Loopback only, bounded in counts and time: it stops by itself, and ends every process it started. Without --quick less
than 18 minutes, with it less than two.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NoReturn

import platformdirs

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench.harness.children import ChildFailed, Children, adopt_orphans  # noqa: E402
from bench.harness.figure import Figure, Verdict  # noqa: E402
from bench.harness.gateway import Gateways  # noqa: E402
from bench.harness.load import Loads, compiled, scripted  # noqa: E402
from bench.harness.machine import this_machine  # noqa: E402
from bench.harness.pacing import Pace  # noqa: E402
from bench.harness.pages import write_pages  # noqa: E402
from bench.harness.peers import PEERS  # noqa: E402
from bench.harness.peers.compare import scenario_of  # noqa: E402
from bench.harness.profile import UNREACHED, Profile, Profiler  # noqa: E402
from bench.harness.progress import Progress  # noqa: E402
from bench.harness.results import Results, document, merged, read  # noqa: E402
from bench.harness.scenario import FULL, QUICK, SMOKE, Bench, Measured, Scenario, Sizes, Unmeasured  # noqa: E402
from bench.harness.scenarios import SCENARIOS  # noqa: E402
from bench.harness.table import compared, padded, terminal  # noqa: E402

WITHIN_S: Final = (1_050.0, 112.0)  # full, quick: no scenario begins that would probably not end before
BUSY: Final = 0.4  # of the load average for each core, above which a measurement is told to be disturbed
SHORTEST_S: Final = 4.0  # of a scenario that does little
PROFILED: Final = 4_000  # operations
PROFILE_S: Final = 20.0
OVERRUN: Final = 3.0  # times its usual time, after which a scenario is ended
PEERS_BY_NAME: Final = {scenario_of(peer).name: scenario_of(peer) for peer in PEERS}
TITLES: Final = {peer.name: peer.title for peer in PEERS}


class OutOfTime(Exception):
    """A scenario took far longer than it usually does."""


def main() -> int:
    asked = arguments()
    everything = [*SCENARIOS, *PEERS_BY_NAME.values()]
    if asked.list:
        for scenario in everything:
            titles = [row.title for row in scenario.rows if row.goal or row is scenario.rows[0]]
            print(f"{scenario.name:<20} {'; '.join(titles)}")
        return 0
    if asked.from_json is not None:
        results = read(json.loads(asked.from_json.read_text(encoding="utf-8")))
    else:
        results = measured(
            chosen(everything, asked.only, asked.no_peers), SMOKE if asked.smoke else QUICK if asked.quick else FULL
        )
    is_whole = not (asked.only or asked.no_peers or results.is_quick)
    if asked.into is not None and not results.is_quick:
        names = [row.name for scenario in everything for row in scenario.rows]
        results = merged(read(json.loads(asked.into.read_text(encoding="utf-8"))), results, names)
        is_whole = not results.is_quick
    show(results)
    if asked.json is not None:
        asked.json.write_text(json.dumps(document(results), indent=1) + "\n", encoding="utf-8")
    if asked.write_docs:
        write_docs(results, everything, is_whole=is_whole)
    return 0


def write_docs(results: Results, everything: Sequence[Scenario], *, is_whole: bool) -> None:
    """Only from whole runs, that a look at one figure does not take the others from the page."""
    if not is_whole:
        print("docs/performance.md stays as it is: this was not a whole run", file=sys.stderr)
        return
    for path in write_pages(ROOT / "docs", results, everything, TITLES):
        print(f"written: {path.relative_to(ROOT)}", file=sys.stderr)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Every figure of docs/performance.md, beside the peers.")
    parser.add_argument("--quick", action="store_true", help="small counts, less than two minutes, installs nothing")
    parser.add_argument("--smoke", action="store_true", help="a handful of everything: whether it works, no figures")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="only these scenarios")
    parser.add_argument("--no-peers", action="store_true", help="without other gateways")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument(
        "--into", type=Path, metavar="FILE", help="with the other rows of this file, docs/plots/figures.json for one"
    )
    parser.add_argument("--write-docs", action="store_true", help="write docs/performance.md and docs/plots")
    parser.add_argument("--from-json", type=Path, metavar="FILE", help="measure nothing, take the results of this file")
    parser.add_argument("--list", action="store_true", help="what there is to measure")
    return parser.parse_args()


def chosen(everything: Sequence[Scenario], only: Sequence[str], no_peers: bool) -> list[Scenario]:
    """In the usual order. Ends the program for a name that there is not."""
    unknown = sorted(set(only) - {scenario.name for scenario in everything})
    if unknown:
        raise SystemExit(f"no such scenario: {', '.join(unknown)}; --list shows what there is")
    wanted = [scenario for scenario in everything if not only or scenario.name in only]
    return [scenario for scenario in wanted if not (no_peers and scenario.name in PEERS_BY_NAME)]


def measured(scenarios: Sequence[Scenario], sizes: Sizes) -> Results:
    """Everything that was chosen; whatever goes wrong with one becomes a line of the table."""
    began, quick = time.monotonic(), sizes is not FULL
    machine = this_machine(ROOT)
    cache = Path(platformdirs.user_cache_dir("wsfleet-bench"))
    generator = compiled(ROOT / "bench", cache)
    adopt_orphans()
    signal.signal(signal.SIGTERM, _ended)
    signal.signal(signal.SIGALRM, _out_of_time)
    figures: list[Figure] = []
    profiles: tuple[Profile, ...] = ()
    with tempfile.TemporaryDirectory(prefix="wsfleet-bench-") as name:
        folder = Path(name)
        children = Children(folder)
        bench = Bench(
            root=ROOT,
            folder=folder,
            cache=cache,
            sizes=sizes,
            is_quick=quick,
            may_install=not quick,
            until=began + WITHIN_S[sizes is QUICK],
            children=children,
            gateways=Gateways(ROOT, folder, children),
            loads=Loads(generator, scripted(ROOT / "bench"), children, folder),
            progress=Progress(len(scenarios)),
        )
        try:
            figures = all_of(bench, scenarios)
            if sizes is FULL:
                profiles = profiled(bench, figures)
        finally:
            signal.alarm(0)
            children.sweep()
    busy = f"the machine was busy before this began (load average {machine.load}): figures are too high, rates too low"
    notes = tuple(filter(None, (generator.note, busy if machine.load > machine.cores * BUSY else "")))
    return Results(machine, quick, time.monotonic() - began, tuple(figures), notes, profiles)


def all_of(bench: Bench, scenarios: Sequence[Scenario]) -> list[Figure]:
    """One after the other. A quick run does less of everything on a slow machine, and leaves nothing out."""
    figures: list[Figure] = []
    pace = Pace()
    for number, scenario in enumerate(scenarios):
        rest_s = sum(each.seconds[bench.is_quick] for each in scenarios[number:])
        part = pace.share(bench.left_s, rest_s) if bench.is_quick else 1.0
        usual_s = scenario.seconds[bench.is_quick]
        within_s = usual_s * OVERRUN + 30
        if bench.is_quick:  # one that takes far too long must not take everybody's time
            within_s = max(bench.left_s * usual_s / rest_s * OVERRUN, SHORTEST_S * OVERRUN)
        began = time.monotonic()
        less = replace(bench, sizes=bench.sizes.scaled(part)) if part < 1.0 else bench
        figures += one(less, scenario, min(bench.left_s, within_s))
        pace.took(usual_s * part, time.monotonic() - began)
    return figures


def profiled(bench: Bench, figures: Sequence[Figure]) -> tuple[Profile, ...]:
    """Of each operation of which a figure was not reached, as long as there is time."""
    missed = {figure.name for figure in figures if figure.verdict is Verdict.MISSED}
    profiler = Profiler(bench.root, bench.folder, bench.children, bench.loads)
    found: list[Profile] = []
    for what, names in UNREACHED.items():
        if missed.isdisjoint(names) or bench.left_s < PROFILE_S:
            continue
        print(f"a profile of: {what}", file=sys.stderr)
        signal.alarm(int(bench.left_s))
        try:
            found.append(profiler.profile(what, PROFILED)[0])
        except (ChildFailed, OutOfTime) as error:
            print(f"no profile of {what}: {error!r}", file=sys.stderr)
        finally:
            signal.alarm(0)
            bench.children.sweep()
    return tuple(found)


def one(bench: Bench, scenario: Scenario, within_s: float) -> list[Figure]:
    """The rows of one scenario, which is ended after ``within_s``; those that were not measured say why."""
    usual = scenario.seconds[bench.is_quick]
    bench.progress.begins(scenario.name)
    found: Mapping[str, Measured] = {}
    began, why = time.monotonic(), "not part of this run"
    if bench.left_s < (SHORTEST_S if bench.is_quick else usual):
        why = f"no time left: it takes about {usual:g} s"
    else:
        signal.alarm(max(int(within_s), 1))
        try:
            found = scenario.measure(bench)
        except (Unmeasured, ChildFailed) as error:
            why = " ".join(str(error).split())[-300:]
        except OutOfTime:
            why = f"ended after {time.monotonic() - began:.0f} s; it usually takes about {usual:g} s"
        except Exception as error:  # the edge: one scenario's mistake must not cost the others' figures
            why = f"the benchmark itself failed: {error!r}"
        finally:
            signal.alarm(0)
            bench.children.sweep()
    bench.progress.ends(f"{time.monotonic() - began:.0f} s" if found else why)
    shown = [row for row in scenario.rows if row.name in found or (not found and (row.goal or scenario.name in TITLES))]
    made = [found[row.name].as_figure(row) if row.name in found else row.unmeasured(why) for row in shown]
    return [replace(each, goal=None) for each in made] if bench.sizes.dormant == SMOKE.dormant else made


def show(results: Results) -> None:
    machine = results.machine
    own = [figure for figure in results.figures if figure.name.split(".")[0] not in TITLES]
    print(f"\nwsfleet {machine.commit}, {machine.date}")
    print(f"{machine.cores} x {machine.cpu}, {machine.memory_gib} GiB, {machine.system}")
    print(", ".join(f"{name} {version}" for name, version in machine.versions.items()))
    if results.is_quick:
        print("not a whole run: counts are small, and differences below a fifth mean nothing")
    for note in results.notes:
        print(note)
    for profile in results.profiles:
        rooms = (f"{room} {share * profile.cpu_us:.1f}" for room, share in profile.rooms.items() if share >= 0.01)
        print(f"\n{profile.what}, {profile.cpu_us:.1f} µs: {'; '.join(rooms)}")
    if own:
        print("\n" + terminal(own, shutil.get_terminal_size().columns))
    gateways = [name for name in TITLES if any(figure.name.startswith(f"{name}.") for figure in results.figures)]
    if gateways:
        print(
            "\n"
            + padded(("beside the peers", *(TITLES[each] for each in gateways)), compared(results.by_name, gateways))
        )
        for name in gateways:
            figure = results.by_name.get(f"{name}.rss")
            if figure is not None:
                print(f"  {TITLES[name]}: {'' if figure.spread else 'not measured: '}{figure.notes}")


def _ended(*_: object) -> NoReturn:
    raise SystemExit("ended by a signal")


def _out_of_time(*_: object) -> NoReturn:
    raise OutOfTime


if __name__ == "__main__":
    sys.exit(main())
