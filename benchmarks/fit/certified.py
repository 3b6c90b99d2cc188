"""Surrogates with their proof, by one command each: fit a tanh network, audit it, certify it; then check the proof.

The commands are ``supnorm fit examples/surrogate/NAME.toml --method network --certify`` and ``supnorm check``, as
programs of their own; seconds are processor time of each, start of Python included.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.fit.compare import Wanted

EXAMPLES = Path(__file__).parents[2] / "examples" / "surrogate"


def certified(seeds: list[int], wanted: Wanted) -> Iterator[dict[str, Any]]:
    """One row for each example and seed."""
    for seed in seeds:
        for name in ("gaussian", "mass"):
            if not wanted(name, "", seed):
                continue
            with tempfile.TemporaryDirectory() as folder:
                problem = str(EXAMPLES / f"{name}.toml")
                options = [
                    "--method",
                    "network",
                    "--certify",
                    "--seed",
                    str(seed),
                    "--out",
                    folder,
                    "--json",
                    "--quiet",
                ]
                said, _, seconds = supnorm("fit", problem, *options)
                files = [f"{folder}/certificate.json", "--problem", f"{folder}/problem.toml"]
                _, code, checking = supnorm("check", *files)
            found = json.loads(said)
            winner = found["winner"]
            yield {
                "task": name, "method": "", "seed": seed, "tolerance": found["tolerance"], "network": winner["method"],
                "status": found["status"]["code"], "parameters": winner["parameters"], "samples": winner["samples"],
                "sup": winner["sup"], "accepted": code == 0, "cpu_seconds": seconds, "check_cpu_seconds": checking,
            }  # fmt: skip


def supnorm(*arguments: str) -> tuple[str, int, float]:
    """Output, exit code and processor seconds of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = "from supnorm.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return ended.stdout, ended.returncode, seconds


def lines(row: dict[str, Any]) -> list[str]:
    """What is printed while it runs."""
    return ["  ".join(_cells(row))]


def body(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Rows of the table."""
    return [_cells(row) for row in sorted(rows, key=lambda r: (r["task"], r["seed"]))]


def _cells(row: dict[str, Any]) -> list[str]:
    upper = row["sup"]["upper"]
    proved = "not proved" if upper is None else f"{upper:.2e}"
    accepted = "accepted" if row["accepted"] else "rejected"
    return [
        f"{row['task']}.toml", str(row["seed"]), f"{row['tolerance']:.0e}", f"{row['network']}, {row['parameters']}",
        f"{row['sup']['lower']:.2e}", proved, f"{row['cpu_seconds']:.1f}",
        f"{accepted}, {row['check_cpu_seconds']:.1f}",
    ]  # fmt: skip
