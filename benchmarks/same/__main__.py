"""Whether a change of the code left every number of every result as it was, bit for bit.

    python -m benchmarks.same run BEFORE            # on the old code: one JSON file a case
    python -m benchmarks.same run AFTER             # on the new code
    python -m benchmarks.same compare BEFORE AFTER  # exit 1 and the paths that differ

`run` takes cases by name after the folder (`audit/bumped`, or `audit` for all of a verb). Keys that were renamed
or added stand in `renamed.toml`. Times, versions, paths and sentences are not compared; numbers, codes and null are, and a
key that is new or gone is told.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# What depends on the clock, the machine or the checkout, by key.
UNCOMPARED = frozenset(
    {"seconds", "started", "finished", "version", "versions", "environment", "command", "fingerprint", "out", "files",
     "file", "path", "paths", "supnorm", "elapsed", "seconds_a_call", "cost_seconds", "memory", "repeat", "speed",
     "seconds_per_point", "trail", "overhead", "date", "hash", "sha256"}
)  # fmt: skip


def cases() -> dict[str, list[str]]:
    """The arguments of each case, by `verb/name`."""
    table = tomllib.loads((HERE / "cases.toml").read_text())
    return {
        f"{verb}/{name}": [verb, *arguments]
        for verb, rows in table.items()
        for name, arguments in rows.items()
    }


def run(folder: Path, only: list[str]) -> int:
    """Run the cases and keep what each prints; 1 if one prints no JSON, of which only exit code and last line are kept."""
    refused = 0
    for name, (verb, *arguments) in cases().items():
        if only and name not in only and verb not in only:
            continue
        target = folder / f"{name}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as out:
            command = [
                sys.executable,
                "-m",
                "supnorm",
                verb,
                *map(_placed, arguments),
                "--json",
                "--out",
                f"{out}/run",
            ]
            environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
            done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=out)
        try:
            said: Any = json.loads(done.stdout)
        except ValueError:
            said = {"said": done.stderr.strip().splitlines()[-1:]}
            refused += 1
            print(f"{name}: no result: {said['said']}")
        target.write_text(json.dumps({"exit": done.returncode, "result": said}, indent=1))
        print(f"{name}: exit {done.returncode}", flush=True)
    return int(refused > 0)


def compare(before: Path, after: Path) -> int:
    """Print where two folders of results differ; 1 where they do.

    Raises:
        SystemExit: where a folder holds no results.
    """
    renamed = tomllib.loads((HERE / "renamed.toml").read_text())
    names = [name for name in cases() if (after / f"{name}.json").exists()]
    if not names:
        raise SystemExit(f"no results in {after}")
    differing = 0
    for name in names:
        if not (before / f"{name}.json").exists():
            print(f"{name}: new")
            continue
        old = dict(_leaves(json.loads((before / f"{name}.json").read_text()), renamed))
        new = dict(_leaves(json.loads((after / f"{name}.json").read_text()), {"keys": {}, "values": {}}))
        lines = [
            f"  {path}: {old[path]!r} -> {new[path]!r}"
            for path in old.keys() & new.keys()
            if old[path] != new[path]
        ]
        lines += [f"  {path}: gone (was {old[path]!r})" for path in old.keys() - new.keys()]
        lines += [
            f"  {path}: new ({new[path]!r})"
            for path in new.keys() - old.keys()
            if not any(fnmatch(path, pattern) for pattern in renamed["added"]["paths"])
        ]
        differing += bool(lines)
        print(f"{name}: {len(new)} values, {len(lines)} differ", *sorted(lines)[:20], sep="\n")
    print(f"{differing} of {len(names)} cases differ; {len(cases()) - len(names)} were not run")
    return int(differing > 0)


def _placed(argument: str) -> str:
    if not argument.endswith(".toml"):
        return argument
    return str(ROOT / argument if "/" in argument else HERE / "problems" / argument)


def _leaves(value: Any, renamed: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every number, code and null below a JSON value with its path, under the new names."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in UNCOMPARED and not key.endswith(("_seconds", "_ms")):
                yield from _leaves(item, renamed, f"{path}/{renamed['keys'].get(key, key)}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _leaves(item, renamed, f"{path}/{i}")
    elif isinstance(value, str):
        if " " not in value and "/" not in value:
            yield path, renamed["values"].get(value, value)
    else:
        yield path, value if value == value else "nan"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["run", folder, *only]:
            sys.exit(run(Path(folder).resolve(), only))
        case ["compare", before, after]:
            sys.exit(compare(Path(before), Path(after)))
        case _:
            sys.exit(__doc__)
