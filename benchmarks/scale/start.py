"""``python -m benchmarks.scale start``: seconds from a command to its end, each time in a fresh process.

Small problems, whose own work takes little: what is left is the start of Python, the imports and the first compilation. The
first run of a command is not counted: it writes the bytecode and brings the files into memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.claims.stored import stamp

RESULTS = Path(__file__).parents[1] / "results" / "scale_start.json"
CODE = """
import numpy as np

def model(x):
    return np.tanh(1.2 * x[:, 0] + 0.3 * x[:, 1]) * x[:, 1]

def reference(x):
    return np.tanh(1.2 * x[:, 0] + 0.3 * x[:, 1]) * x[:, 1] + 1e-3 * np.sin(3.0 * x[:, 0])
"""
PROBLEM = """
[model]
python = "code.py:model"
[reference]
python = "code.py:reference"
[domain]
x = [-1.0, 1.0]
y = [-1.0, 1.0]
"""
COMMANDS = {
    "`import supnorm` in Python": ["-c", "import supnorm"],
    "`supnorm --help`": ["-m", "supnorm", "--help"],
    "`supnorm audit`, 20,000 evaluations": [
        "-m",
        "supnorm",
        "audit",
        "problem.toml",
        "--evaluations",
        "20000",
    ],
    "`supnorm certify`, four boxes": ["-m", "supnorm", "certify", "problem.toml"],
}


def once(arguments: list[str], folder: Path) -> tuple[float, float]:
    """Wall and processor seconds of a fresh Python."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, check=True, capture_output=True)
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, sum(after[:2]) - sum(before[:2])


def main(arguments: list[str] | None = None) -> int:
    """Medians of some runs of each command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale start", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each command; one more comes first")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args(arguments)
    load, rows = [os.getloadavg()[0]], []
    for name, command in COMMANDS.items():
        taken: list[tuple[float, float]] = []
        for _ in range(options.runs + 1):
            with tempfile.TemporaryDirectory() as room:
                for file, text in (("code.py", CODE), ("problem.toml", PROBLEM)):
                    (Path(room) / file).write_text(text, encoding="utf-8")
                taken.append(once(command, Path(room)))
        wall, cpu = (statistics.median(some) for some in zip(*taken[1:], strict=True))
        rows.append({"command": name, "wall": wall, "cpu": cpu, "runs": options.runs})
        print(f"{name}: {wall:.2f} s, {cpu:.2f} s of processor time", flush=True)
    load.append(os.getloadavg()[0])
    document: dict[str, Any] = {"rows": rows, "load": load, "processor": platform.machine()}
    if options.save:
        RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        stamp("scale_start")
    return 0
