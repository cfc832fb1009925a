"""Where the gateway's time goes: the profile that belongs beside a figure that was not reached.

    python bench/hot_spots.py connect|post|message [--count N] [--lines N]

One `wsfleet serve` as the benchmark starts it, under cProfile while so many operations are made. Prints CPU per
operation with the profiler off, the rooms it is spent in, and then the functions that take longest; the profiler
doubles their cost, so only their proportions count.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Final

import platformdirs

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench.harness.children import Children, adopt_orphans  # noqa: E402
from bench.harness.load import Loads, compiled, scripted  # noqa: E402
from bench.harness.profile import Profiler  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description="where the gateway's time goes")
    parser.add_argument("what", choices=("connect", "post", "message"))
    parser.add_argument("--count", type=int, default=2_000, help="operations (2000)")
    parser.add_argument("--lines", type=int, default=40, help="functions to show (40)")
    asked = parser.parse_args()
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="wsfleet-bench-") as name:
        children = Children(Path(name))
        generator = compiled(ROOT / "bench", Path(platformdirs.user_cache_dir("wsfleet-bench")))
        loads = Loads(generator, scripted(ROOT / "bench"), children, Path(name))
        try:
            found, stats = Profiler(ROOT, Path(name), children, loads).profile(asked.what, asked.count)
        finally:
            children.sweep()
    print(f"CPU us per {asked.what}: {found.cpu_us:.1f}, {found.kernel_us:.1f} of them in the kernel; by room")
    for room, share in found.rooms.items():
        print(f"  {share * found.cpu_us:6.1f}  {share:4.0%}  {room}")
    stats.sort_stats("tottime").print_stats(asked.lines)


if __name__ == "__main__":
    main()
