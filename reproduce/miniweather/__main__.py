"""``python -m reproduce.miniweather check``: the five cases and the published checks."""

from __future__ import annotations

import argparse

from reproduce.miniweather.equations import CASES
from reproduce.miniweather.run import Check, check


def main() -> int:
    """Print what was asked for; 1 if a published check fails."""
    parser = argparse.ArgumentParser(prog="python -m reproduce.miniweather")
    verbs = parser.add_subparsers(dest="verb", required=True)
    totals = verbs.add_parser("check", help="run cases and compare their totals with the published checks")
    totals.add_argument("cases", nargs="*", metavar="CASE", help=f"some of {', '.join(CASES)}; all")
    totals.add_argument("--cells", default="100x50", help="of the grid")
    totals.add_argument("--seconds", type=float, default=400.0, help="of each run")
    totals.add_argument("--numpy", action="store_true", help="without Numba")
    args = parser.parse_args()
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


if __name__ == "__main__":
    raise SystemExit(main())
