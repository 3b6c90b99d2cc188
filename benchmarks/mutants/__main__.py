"""``python -m benchmarks.mutants`` (``make mutants``): a random sample of mutants of each room, and how many the tests kill.

    --each 4 --seed 1            so many of each room
    --room auditing              one room only
    --save                       into results/mutants.json, after each; what is there of the same seed is not run again

Of each mutant first the test files run that name its module, then the rest of the room's tests (no slow ones, no
browser). A mutant is *killed* when a test fails that passes without it, or when the tests do not end in time that do without
it; *survived* when all pass. Mutants that change
nothing that a test could see, or only speed, are listed with the reason in ``equivalent.toml`` and counted apart. The
project is copied; nothing here is touched.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

from benchmarks.claims.code import ROOT
from benchmarks.claims.stored import stamp
from benchmarks.mutants.operators import Mutant, count, mutant

RESULTS = ROOT / "benchmarks" / "results" / "mutants.json"
EQUIVALENT = Path(__file__).parent / "equivalent.toml"
ROOMS = (
    "approximants", "auditing", "certification", "checker", "cli", "evaluation", "networks", "pages", "planning",
    "problem", "program", "results", "sources", "training",
)  # fmt: skip
TESTED_BY = {
    "program": ("program", "certification"),
    "networks": ("networks", "training"),
    "results": ("results", "problem"),
}
TIME = "time"  # in place of a test's name: the tests did not end
COPIED = ("src", "tests", "benchmarks", "examples", "docs", "pyproject.toml", "README.md", "Makefile")


def main() -> None:
    """Draw, run, print, keep."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants")
    parser.add_argument("--each", type=int, default=4, help="mutants of each room")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--room", choices=ROOMS)
    parser.add_argument("--seconds", type=float, default=600.0, help="of the tests of a mutant")
    parser.add_argument("--save", action="store_true", help=f"into {RESULTS.name}")
    args = parser.parse_args()
    kept: list[dict[str, Any]] = (
        json.loads(RESULTS.read_text())["rows"] if args.save and RESULTS.exists() else []
    )
    done = {(r["file"], r["line"], r["before"], r["after"]) for r in kept}
    stamped = False
    with tempfile.TemporaryDirectory() as folder:
        place = copied(Path(folder))
        # In turn through the rooms: stopped early, each has as many, give or take one.
        drawn = {
            room: drawn_of(room, args.each, args.seed)
            for room in (ROOMS if args.room is None else (args.room,))
        }
        for i in range(args.each):
            for room, some in drawn.items():
                if i >= len(some):
                    continue
                file, change = some[i]
                if (file, change.line, change.before, change.after) in done:
                    continue
                row = {
                    "room": room,
                    "file": file,
                    "line": change.line,
                    "before": change.before,
                    "after": change.after,
                }
                start = time.monotonic()
                row["by"] = killed_by(place, room, file, change, args.seconds)
                if row["by"] is None:
                    print(
                        f"left out {file}:{change.line}: the test that fails does so without the mutant, too"
                    )
                    continue
                row["seconds"] = round(time.monotonic() - start, 1)
                kept.append(row)
                print(f"{'killed  ' if row['by'] else 'SURVIVED'} {file}:{change.line}  {change.before}  ->  {change.after}"
                      f"  {row['by'] or ''}", flush=True)  # fmt: skip
                if args.save:
                    RESULTS.write_text(
                        json.dumps({"seed": args.seed, "rows": kept}, indent=1) + "\n", encoding="utf-8"
                    )
                    if not stamped:
                        stamp("mutants", add=True)  # the code is that of the copy, made when the run began
                        stamped = True


def drawn_of(room: str, each: int, seed: int) -> list[tuple[str, Mutant]]:
    """Random mutants of a room: every place where a file can be mutated is as likely as any other."""
    rng = random.Random(f"{seed} {room}")
    every = [
        (path, index)
        for path in sorted((ROOT / "src" / "supnorm" / room).rglob("*.py"))
        for index in range(count(path.read_text("utf-8")))
    ]
    return [
        (path.relative_to(ROOT).as_posix(), mutant(path.read_text("utf-8"), index))
        for path, index in rng.sample(every, min(each, len(every)))
    ]


def copied(folder: Path) -> Path:
    """The project in another place."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy(source, folder / name)
    return folder


def killed_by(place: Path, room: str, file: str, change: Mutant, seconds: float) -> str | None:
    """The first test that fails, "time" where none ended in time; empty for a survivor.

    None where the test fails without the mutant, too.
    """
    path = place / file
    before = path.read_text("utf-8")
    path.write_text(change.source, encoding="utf-8")
    try:
        first = naming(place, file)
        rooms = [
            f"tests/{name}" for name in TESTED_BY.get(room, (room,)) if (place / "tests" / name).exists()
        ]
        for tests in (first, [*rooms, *(f"--ignore={name}" for name in first)]):
            if not tests or not (by := _failing(place, tests, seconds)):
                continue
            path.write_text(before, encoding="utf-8")
            if not _failing(place, tests if by == TIME else [by.partition("[")[0]], seconds):
                return by
            return None  # the machine is busy, or the test rests on time
        return ""
    finally:
        path.write_text(before, encoding="utf-8")


def naming(place: Path, file: str) -> list[str]:
    """Test files that import from the module, the shortest first."""
    module = file.removeprefix("src/").removesuffix(".py").replace("/", ".")
    names = [module, f"from {module.rpartition('.')[0]} import"] if module.endswith("__init__") else [module]
    found = [p for p in (place / "tests").rglob("test_*.py") if any(n in p.read_text("utf-8") for n in names)]
    return [p.relative_to(place).as_posix() for p in sorted(found, key=lambda p: p.stat().st_size)]


def _failing(place: Path, tests: list[str], seconds: float) -> str:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-m",
        "not slow and not browser",
        "--no-header",
        *tests,
    ]
    # Other failures than those of the mutant must not count: a process of its own, without what the caller has set.
    env = {
        **os.environ,
        "PYTHONPATH": str(place / "src"),
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        done = subprocess.run(
            command, cwd=place, env=env, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return TIME
    if done.returncode in (0, 5):  # all passed, or nothing was collected
        return ""
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].split(" - ")[0].partition(" ")[2] if failed else f"exit {done.returncode}"


def equivalent() -> dict[str, str]:
    """Reasons of the mutants that no test can kill, by ``file: before -> after``."""
    return dict(tomllib.loads(EQUIVALENT.read_text("utf-8")))


if __name__ == "__main__":
    main()
