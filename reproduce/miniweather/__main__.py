"""``python -m reproduce.miniweather``: the published checks, the tables and the picture of docs/miniweather.md."""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path

from reproduce.miniweather.equations import CASES
from reproduce.miniweather.run import Check, check

HERE = Path(__file__).parent
RESULTS = HERE.parents[1] / "benchmarks" / "results" / "miniweather.json"
PICTURE = HERE.parents[1] / "docs" / "images" / "miniweather.png"


def main() -> int:
    """Do what was asked for; 1 if a published check fails."""
    parser = argparse.ArgumentParser(prog="python -m reproduce.miniweather")
    verbs = parser.add_subparsers(dest="verb", required=True)
    totals = verbs.add_parser("check", help="run cases and compare their totals with the published checks")
    totals.add_argument("cases", nargs="*", metavar="CASE", help=f"some of {', '.join(CASES)}; all")
    totals.add_argument("--cells", default="100x50", help="of the grid")
    totals.add_argument("--seconds", type=float, default=400.0, help="of each run")
    totals.add_argument("--numpy", action="store_true", help="without Numba")
    tables = verbs.add_parser("tables", help="train the networks and print all tables")
    tables.add_argument("--out", type=Path, default=Path("miniweather-run"), help="folder of the networks")
    tables.add_argument("--workers", type=int, default=2, help="processes that train and roll out")
    tables.add_argument("--quick", action="store_true", help="a hundredth of it, to try the way")
    tables.add_argument(
        "--save", action="store_true", help="write the results and the picture, and stamp them"
    )
    args = parser.parse_args()
    if args.verb == "tables":
        return everything(args.out, args.workers, args.quick, args.save)
    nx, _, nz = args.cells.partition("x")
    failed = False
    for case in args.cases or CASES:
        if case not in CASES:
            parser.error(f"there is no case {case!r}; give some of {', '.join(CASES)}")
        one = check(case, int(nx), int(nz), args.seconds, False if args.numpy else None)
        print(line(one), flush=True)
        failed |= case == "thermal" and not one.passes
    return int(failed)


def line(one: Check) -> str:
    """A run as text."""
    said = ("passes" if one.passes else "fails") if one.case == "thermal" else "no published check"
    return (
        f"{one.case:16} {one.nx}x{one.nz} {one.seconds:g} s  {one.steps} steps  {one.milliseconds:.2f} ms/step  "
        f"d_mass {one.mass:.2e}  d_te {one.energy:.4e}  {said}"
    )


def everything(folder: Path, workers: int, quick: bool, save: bool) -> int:
    """Train, measure and print."""
    from reproduce.miniweather.figures import draw
    from reproduce.miniweather.said import said
    from reproduce.miniweather.tables import QUICK, Effort, all_loaded
    from reproduce.miniweather.tables import everything as all_tables
    from supnorm.results.versions import versions

    effort = QUICK if quick else Effort()
    content = all_tables(folder, effort, lambda words: print(words, flush=True), workers)
    content |= {"machine": platform.machine(), "versions": versions()}
    for key, words in said(content).items():
        print(f"\n{key}\n{words}" if "\n" in words else f"{key}: {words}")
    draw(all_loaded(folder, effort), PICTURE if save else folder / "fields.png")
    if save:
        from benchmarks.claims.stored import stamp

        RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        stamp("miniweather")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
