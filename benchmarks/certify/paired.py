"""Is a row slower than it was? Two states of supnorm on the same row, in turn, each time in a fresh process.

    git worktree add --detach ../before 2e34a95
    python -m benchmarks.certify.paired ../before                     every row that took at most --most seconds
    python -m benchmarks.certify.paired ../before --only "ReLU" --pairs 5 --save

Rows are those of `benchmarks.certify` (targets, peers by our own strategies, kinks, fitted), problems and all as they are
here; only ``src`` is the other state's. Seconds are processor seconds (user and system) of the proof alone, after
the libraries have been loaded and have proved something small; training is left out, and networks are trained once, here.
What else runs on the machine only ever adds to them: a row's ratio is that of the smallest of each side, and the spread of
the ratios of its pairs is printed beside it. A row that a first round finds above `LIMIT`, but not above `CLEARLY`, gets
`MORE` pairs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.certify import records
from benchmarks.claims.stored import stamp

RESULTS = records.RESULTS.with_name("certify_paired.json")
ROOT = Path(__file__).parents[2]
LIMIT, MORE = 1.1, 6
CLEARLY = 1.3  # the ratios of the pairs of a row differ by less
SECONDS = 600.0  # a run that takes longer is given up


def names(most: float, only: str) -> list[str]:
    """Rows of the stored results that ended with a proof within ``most`` seconds."""
    held = records.load()
    return [
        f"{section} | {name}"
        for section in ("targets", "peers", "kinks", "fitted")
        for name, row in held.get(section, {}).items()
        if row["code"] == "proved" and row["seconds"] <= most and only in f"{section} | {name}"
        and (section != "peers" or "(ours)" in name)
    ]  # fmt: skip


def rows() -> Iterator[tuple[str, Callable[[], Any], float, Any]]:
    """Name, problem, ratio and strategy of every row."""
    from benchmarks.certify import fitted, kinks
    from benchmarks.certify.targets import COMPARED, TARGETS, own_methods, shifted

    for name, problem, ratio, _ in TARGETS:
        yield f"targets | {name}, ratio {ratio}", problem, ratio, None
    for name, d, width, depth, activation, size, ratio in COMPARED:
        for method, strategy in own_methods(activation).items():
            problem = partial(shifted, d, width, depth, activation, size)
            yield f"peers | {name} | {method}", problem, ratio, strategy
    for name, problem in kinks.PROBLEMS.items():
        for method, strategy in kinks.METHODS.items():
            yield f"kinks | {name} | {method}", problem, 1.01, strategy
    for name, problem, ratio, _ in fitted.rows():
        yield f"fitted | {name}", problem, ratio, None


def one(name: str, networks: Path) -> dict[str, Any]:
    """The row in this process, with the supnorm that it finds."""
    import supnorm
    from benchmarks.certify import fitted
    from benchmarks.certify.targets import measured, shifted

    fitted.KEPT[:] = [networks]
    problem, ratio, strategy = next((p(), r, s) for n, p, r, s in rows() if n == name)
    measured(shifted(1, 8, 1, "tanh", 1e-2), 1.1, 10.0)  # imports
    return measured(problem, ratio, SECONDS, strategy) | {"source": str(Path(supnorm.__file__).parents[1])}


def run(name: str, checkout: Path, networks: Path) -> dict[str, Any]:
    """The row in a fresh process, with the supnorm of a checkout.

    Raises:
        SystemExit: when it fails there, or finds another supnorm.
    """
    source = str((checkout / "src").resolve())
    environment = os.environ | {"PYTHONPATH": source, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.certify.paired", "--row", name, "--networks", str(networks)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} with {checkout}: {done.stderr.strip()[-2000:]}")
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if row["source"] != source:
        raise SystemExit(f"{name}: supnorm was read from {row['source']}, not from {source}")
    return row


def pairs(name: str, before: Path, networks: Path, count: int) -> dict[str, Any]:
    """The row ``count`` times with each; more often where the first pairs look slower than allowed."""
    seconds: dict[Path, list[float]] = {before: [], ROOT: []}
    last: dict[Path, dict[str, Any]] = {}
    i = 0
    while i < count or (i < MORE and LIMIT < _ratio(seconds[before], seconds[ROOT]) <= CLEARLY):
        # This state comes first: it trains the networks.
        for checkout in (ROOT, before) if i % 2 == 0 else (before, ROOT):
            last[checkout] = run(name, checkout, networks)
            seconds[checkout].append(last[checkout]["seconds"])
        i += 1
    return {
        "ratio": _ratio(seconds[before], seconds[ROOT]), "before": seconds[before], "now": seconds[ROOT],
        "boxes": [last[c]["boxes"] for c in (before, ROOT)], "code": [last[c]["code"] for c in (before, ROOT)],
    }  # fmt: skip


def _ratio(before: list[float], now: list[float]) -> float:
    return min(now) / min(before)


def words(row: dict[str, Any]) -> str:
    """One row in words."""
    each = [b / a for a, b in zip(row["before"], row["now"], strict=True)]
    same = "same boxes" if row["boxes"][0] == row["boxes"][1] else "boxes {:,} and {:,}".format(*row["boxes"])
    return (
        f"{row['ratio']:.3f} ({min(each):.2f} to {max(each):.2f}, {len(each)} pairs), "
        f"{min(row['before']):.2f} s and {min(row['now']):.2f} s, {same}"
    )


def main() -> None:
    """Pair the rows, or run one."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.certify.paired",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("before", nargs="?", type=Path, help="a checkout of the other state")
    parser.add_argument("--most", type=float, default=15.0, help="rows that took at most these seconds")
    parser.add_argument("--only", default="", help="rows with this in their name")
    parser.add_argument("--pairs", type=int, default=2, help="runs of each side, at least")
    parser.add_argument(
        "--save", action="store_true", help=f"into {RESULTS.name}, beside the rows that are there"
    )
    parser.add_argument("--row", help=argparse.SUPPRESS)
    parser.add_argument("--networks", type=Path, help="a folder for trained networks, which is read again")
    options = parser.parse_args()
    if options.row is not None:
        print(json.dumps(one(options.row, options.networks), default=float))
        return
    if options.before is None:
        parser.error("give a checkout of the other state")
    with tempfile.TemporaryDirectory() as folder:
        networks = options.networks or Path(folder)
        networks.mkdir(exist_ok=True, parents=True)
        for name in names(options.most, options.only):
            row = pairs(name, options.before.resolve(), networks, options.pairs)
            print(f"{name:70s} {words(row)}", flush=True)
            if options.save:
                _put(options.before, name, row)
    if options.save:
        stamp("paired", add=True)


def _put(before: Path, name: str, row: dict[str, Any]) -> None:
    held = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"rows": {}}
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=before, capture_output=True, text=True, check=True
    )
    held |= {"before": commit.stdout.strip(), "machine": records.machine()}
    held["rows"][name] = row
    RESULTS.write_text(json.dumps(held, indent=1) + "\n")


if __name__ == "__main__":
    main()
