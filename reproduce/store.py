"""``python -m reproduce.store FOLDER``: what ``supnorm reproduce all --out FOLDER`` found becomes docs/questions.md.

Stores the record (benchmarks/results/papers.json) with its stamp, draws the figures into docs/images, and writes the
pages. An experiment of which a run is missing is left out, and the page says so.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.claims.code import ROOT
from benchmarks.claims.pages import write, written
from benchmarks.claims.stored import stamp

from reproduce import questions
from reproduce.catalogue import NAMES, experiment
from reproduce.report import report
from reproduce.runner import kept
from supnorm.results import write_whole

COMMAND = "supnorm reproduce all"


def main() -> None:
    """Do it."""
    parser = argparse.ArgumentParser(prog="python -m reproduce.store", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder / "usual"
    found = {e.name: results for e in map(experiment, NAMES) if (results := kept(e, folder, "usual"))}
    experiments = [experiment(name) for name in found]
    record = report(experiments, found, "usual", COMMAND)
    write_whole(ROOT / "benchmarks" / "results" / "papers.json", record.to_json() + "\n")
    questions.draw(experiments, found, ROOT / "docs" / "images")
    stamp("papers")
    write_whole(ROOT / "docs" / "questions.md", written(questions.text(record, marked=True)))
    print(f"stored: {', '.join(found)}; left out: {', '.join(set(NAMES) - set(found)) or 'nothing'}")
    print("written: " + ", ".join(write()))


if __name__ == "__main__":
    main()
