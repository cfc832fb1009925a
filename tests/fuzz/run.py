"""The coverage-guided run of the contracts, by atheris: bounded, and 1 as soon as one is broken.

    python tests/fuzz/run.py [--seconds 60] [--contract NAME] [--keep]

The seconds are shared by the contracts, each in a process of its own. An input that breaks one is left in the folder
that is named. ``--keep`` adds to the kept corpus what reached code that nothing in it did; commit what is worth a file.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
CORPUS: Final = Path(__file__).parent / "corpus"
NO_ATHERIS: Final = 3
NAMES: Final = tuple(sorted(path.name for path in CORPUS.iterdir()))

sys.path[:0] = [str(PROJECT / folder) for folder in ("src", "tests")]


def fuzz(name: str, arguments: list[str]) -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["gateway", "fuzz"]):
        from fuzz.contracts import CONTRACTS
    atheris.Setup([sys.argv[0], *arguments], CONTRACTS[name])
    atheris.Fuzz()


def child(name: str, *arguments: str) -> int:
    command = [sys.executable, __file__, "--within", name, "--", *arguments]
    return subprocess.run(command, check=False).returncode


def run(name: str, seconds: int, keep: bool) -> int:
    found = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    work, artifacts = found / "corpus", found / "broken"
    work.mkdir()
    artifacts.mkdir()
    print(f"{name}: {seconds} s", flush=True)
    limits = (
        f"-max_total_time={seconds}",
        "-max_len=4096",
        "-timeout=5",
        "-rss_limit_mb=1024",
        "-verbosity=0",
        "-print_final_stats=1",
    )
    ended = child(name, *limits, f"-artifact_prefix={artifacts}/", str(work), str(CORPUS / name))
    if ended:
        print(f"error: {name} is broken by an input in {artifacts}", file=sys.stderr)
        return 1
    if keep:
        child(name, "-merge=1", "-max_len=4096", str(CORPUS / name), str(work))
    shutil.rmtree(found)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="coverage-guided fuzzing of the parsers")
    parser.add_argument("--seconds", type=int, default=60, help="of all contracts together")
    parser.add_argument("--contract", choices=NAMES, help="only this one")
    parser.add_argument("--keep", action="store_true", help="add to the corpus what reached more")
    parser.add_argument("--within", choices=NAMES, help=argparse.SUPPRESS)
    parser.add_argument("libfuzzer", nargs="*", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    try:
        import atheris  # noqa: F401
    except ImportError:
        print(
            "error: atheris is not installed; pip install -e '.[fuzz]' does that where it has wheels", file=sys.stderr
        )
        return NO_ATHERIS
    if asked.within:
        fuzz(asked.within, asked.libfuzzer)
    names = [asked.contract] if asked.contract else NAMES
    return max(run(name, max(asked.seconds // len(names), 1), asked.keep) for name in names)


if __name__ == "__main__":
    sys.exit(main())
