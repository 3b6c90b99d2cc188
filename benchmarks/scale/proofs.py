"""``python -m benchmarks.scale proofs``: seconds of `certify` and `check`, alone and with ``--workers 2``, in turn.

Each run is a command line in a fresh process. The certificates of all runs are compared byte by byte. Beside the seconds
stand processor seconds: of a run alone, of the process that shares the work out (the *driver*), and of the workers. They
are those that Linux counts, read ten times a second, so that little of the last tenth of a second is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.claims.stored import stamp
from benchmarks.scale.constants import spent_by

RESULTS = Path(__file__).parents[1] / "results" / "scale_proofs.json"
CODE = """
import numpy as np

def wave(x):
    return np.sin(9 * x[:, 0] * x[:, 1]) * np.exp(x[:, 2]) + np.cos(7 * x[:, 1] * x[:, 2])

def near_wave(x):
    return wave(x) + 9e-5 * np.sin(40 * x[:, 0] + 30 * x[:, 1]) * np.cos(35 * x[:, 2] * x[:, 0])
"""


@dataclass(frozen=True)
class Case:
    """A problem, and the ratios that its proof and the proof to be checked reach.

    Attributes:
        model, reference: names of functions in `CODE`.
        axes: names of the inputs, a letter each.
        low: each input goes from here to 1.
        proof, checked: upper / lower bound of `certify`, and of the certificate of `check`.
    """

    model: str
    reference: str
    axes: str
    low: float
    proof: float
    checked: float


# Each takes about a minute alone: shorter proofs are mostly start and reading, which workers do not share.
CASES = {"formula, 3 inputs": Case("near_wave", "wave", "abc", 0.0, 1.0008, 1.25)}
QUICK = {"formula, 3 inputs": Case("near_wave", "wave", "abc", 0.0, 20.0, 40.0)}
Row = dict[str, Any]


def write(case: Case, folder: Path) -> None:
    """The problem's files."""
    (folder / "code.py").write_text(CODE, encoding="utf-8")
    axes = "".join(f"{name} = [{case.low}, 1.0]\n" for name in case.axes)
    (folder / "problem.toml").write_text(
        f'[model]\npython = "code.py:{case.model}"\n[reference]\npython = "code.py:{case.reference}"\n[domain]\n{axes}',
        encoding="utf-8",
    )


def timed(words: Sequence[str], folder: Path) -> Row:
    """A command line: its seconds, and processor seconds of its driver and of the workers."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "supnorm", *words]
    begun = time.monotonic()
    with (folder / "messages.txt").open("w+", encoding="utf-8") as told:
        run = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=told, stderr=told, start_new_session=True
        )
        held: dict[
            int, tuple[int, float]
        ] = {}  # by process: the one that started it, and its processor seconds
        while run.poll() is None:
            held.update(_session(run.pid))
            time.sleep(0.1)
        seconds = time.monotonic() - begun
        told.seek(0)
        assert run.returncode == 0, (words, told.read())
    # The process that was started waits for one that works; the workers are children of that one.
    drivers = {pid for pid, (parent, _) in held.items() if pid == run.pid or parent == run.pid}
    return {
        "seconds": seconds,
        "driver": sum(spent for pid, (_, spent) in held.items() if pid in drivers),
        "workers": sum(spent for pid, (_, spent) in held.items() if pid not in drivers),
    }


def _session(leader: int) -> dict[int, tuple[int, float]]:
    """The processes of a session: who started each, and its processor seconds so far."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader:
                found[int(path.name)] = int(fields[1]), spent_by(int(path.name))
    return found


def measured(cases: Mapping[str, Case], runs: int) -> list[Row]:
    """Medians of each verb for each problem, alone and with two workers."""
    rows: list[Row] = []
    for name, case in cases.items():
        with tempfile.TemporaryDirectory() as home:
            folder = Path(home)
            write(case, folder)
            proof = ["certify", "problem.toml", "--seed", "0"]
            timed([*proof, "--ratio", str(case.checked), "--out", "checked"], folder)
            verbs = {
                "certify": [*proof, "--ratio", str(case.proof)],
                "check": ["check", "checked/certificate.json", "--problem", "problem.toml"],
            }
            for verb, words in verbs.items():
                taken: dict[int, list[Row]] = {1: [], 2: []}
                written = set()
                for number in range(runs):
                    for workers, some in taken.items():
                        out = ["--out", f"{workers}-{number}"] if verb == "certify" else []
                        some.append(
                            timed([*words, *out, *(["--workers", "2"] if workers == 2 else [])], folder)
                        )
                        if out:
                            written.add((folder / out[1] / "certificate.json").read_bytes())
                where = folder / ("1-0" if verb == "certify" else "checked")
                boxes = json.loads((where / "certify.json").read_text("utf-8"))["boxes"]
                rows.append(_row(name, verb, boxes, taken, len(written) <= 1))
                print(_line(rows[-1]), flush=True)
    return rows


def _row(name: str, verb: str, boxes: int, taken: Mapping[int, Sequence[Row]], same: bool) -> Row:
    middle = {
        (workers, key): round(statistics.median(row[key] for row in some), 2)
        for workers, some in taken.items()
        for key in ("seconds", "driver", "workers")
    }
    return {
        "problem": name, "verb": verb, "boxes": boxes, "runs": len(taken[1]), "same": same,
        "alone": middle[1, "seconds"], "two": middle[2, "seconds"], "alone_cpu": middle[1, "driver"],
        "driver_cpu": middle[2, "driver"], "workers_cpu": middle[2, "workers"],
    }  # fmt: skip


def faster(row: Row) -> float:
    """How many times as fast two workers were."""
    return float(row["alone"] / row["two"])


def possible(row: Row) -> float:
    """The same by processor seconds: as if the driver did nothing while workers compute, and these had a core each."""
    return float(row["alone_cpu"] / (row["driver_cpu"] + row["workers_cpu"] / 2.0))


def _line(row: Row) -> str:
    return (
        f"{row['problem']}, {row['verb']} of {row['boxes']:,} boxes: {row['alone']:.1f} s alone, {row['two']:.1f} s with 2, "
        f"{faster(row):.2f} times as fast; processor seconds {row['alone_cpu']:.1f} alone, {row['driver_cpu']:.1f} of the "
        f"driver and {row['workers_cpu']:.1f} of workers, {possible(row):.2f}; the same proof: {row['same']}"
    )


def said(result: Mapping[str, Any]) -> dict[str, str]:
    """For the pages."""
    lines = [
        "| problem | verb | boxes | alone | two workers | times as fast | driver's share |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    rows = result["rows"]
    lines += [
        f"| {r['problem']} | {r['verb']} | {r['boxes']:,} | {r['alone']:.1f} s | {r['two']:.1f} s | {faster(r):.2f} | "
        f"{100 * r['driver_cpu'] / (r['driver_cpu'] + r['workers_cpu']):.0f} % |"
        for r in rows
    ]
    speeds = [faster(row) for row in rows]
    return {
        "table": "\n".join(lines),
        "least": f"{min(speeds):.2f}",
        "most": f"{max(speeds):.2f}",
        "possible": f"{min(map(possible, rows)):.2f} to {max(map(possible, rows)):.2f}",
        "runs": f"{min(row['runs'] for row in rows)}",
        "cores": f"{result['cores']}",
        "load": f"{result['load']:.1f}",
        "same": f"{sum(row['same'] for row in rows if row['verb'] == 'certify')} of "
        f"{sum(row['verb'] == 'certify' for row in rows)}",
    }


def main(arguments: list[str] | None = None) -> int:
    """Print one line for each problem and verb; with ``--save`` store them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale proofs", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="of each command")
    parser.add_argument("--problems", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--quick", action="store_true", help="one problem of a second, to try the command")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    rows = measured(
        QUICK if options.quick else {name: CASES[name] for name in options.problems}, options.runs
    )
    if options.save:
        document = {"rows": rows, "load": load, "cores": os.cpu_count(), "processor": platform.machine()}
        RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        stamp("scale_proofs")
    return 0 if all(row["same"] for row in rows) else 1
