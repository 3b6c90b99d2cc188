"""``python -m benchmarks.claims``: which stored results the pages quote, and of which the code has changed since.

python -m benchmarks.claims                 the list: name, stamp, command
python -m benchmarks.claims write           the pages again, from the stored results (`make claims`)
python -m benchmarks.claims check           nothing is written; exit 1 where a page differs
python -m benchmarks.claims stamp NAME --commit C --date D     a result of long ago, by the code of that commit
"""

from __future__ import annotations

import argparse

from benchmarks.claims.code import ROOT
from benchmarks.claims.pages import PAGES, write, written
from benchmarks.claims.stored import claims, stamp


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.claims",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", nargs="?", default="list", choices=("list", "write", "check", "stamp"))
    parser.add_argument("name", nargs="?", choices=list(claims()))
    parser.add_argument("--commit")
    parser.add_argument("--date")
    parser.add_argument("--add", action="store_true", help="to the stamps that are there")
    args = parser.parse_args()
    if args.what == "stamp":
        stamp(args.name, args.add, args.commit, args.date)
    elif args.what == "write":
        print("written: " + (", ".join(write()) or "nothing, all pages are as the results say"))
    elif args.what == "check":
        if different := [
            name for name in PAGES if written((ROOT / name).read_text()) != (ROOT / name).read_text()
        ]:
            raise SystemExit(f"not as the stored results say: {', '.join(different)}; run make claims")
    else:
        for name, claim in claims().items():
            print(
                f"{'STALE' if claim.changed else 'ok':6s}{name:13s}{claim.words()}\n{'':19s}{claim.command}"
            )


if __name__ == "__main__":
    main()
