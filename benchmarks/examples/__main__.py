"""``python -m benchmarks.examples NAME ...``: run the examples by their command lines and keep what they print.

seawater, steam, heston (needs ``pip install --no-deps calibration-nn==0.2.0`` and torch), conditional, demo. A run that is
kept and whose code is the same is not repeated; ``--again`` repeats it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from benchmarks.claims.code import ROOT
from benchmarks.claims.stored import claims, stamp

RESULTS = ROOT / "benchmarks" / "results" / "examples"
FRESH, USED = (7310, 7311, 7312), (7100, 7101, 7102)
# name: (file below examples/, options of audit) of each run
AUDITS: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
    "seawater": {
        str(seed): ("seawater/problem.toml", ("--no-power", "--evaluations", "20000", "--seed", str(seed)))
        for seed in (0, 7300, 7301, 7302)
    },
    "steam": {
        "0": ("steam/problem.toml", ("--no-power", "--seed", "0")),
        **{
            str(seed): ("steam/problem.toml", ("--no-power", "--evaluations", "100000", "--seed", str(seed)))
            for seed in range(7200, 7210)
        },
    },
    "heston": {
        **{
            f"{kind} {seed}": (f"heston/{kind}.toml", ("--no-power", "--seed", str(seed)))
            for kind, seeds in (("problem", FRESH + USED), ("declared", (7310, *USED)))
            for seed in seeds
        },
        "labels": ("heston/labels.toml", ("--no-power", "--seed", "0")),
    },
}


def main() -> None:
    """Run what was asked for, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.examples")
    parser.add_argument("names", nargs="+", choices=[*AUDITS, "conditional", "demo"])
    parser.add_argument("--again", action="store_true", help="also what is kept of the same code")
    args = parser.parse_args()
    for name in args.names:
        claim = claims()[name]
        path, fresh = ROOT / claim.result, bool(claim.stamps) and not claim.changed
        kept = json.loads(path.read_text()) if path.exists() and fresh and not args.again else {}
        runs = {"demo": _demo, "conditional": _conditional}.get(name, dict)()
        path.parent.mkdir(exist_ok=True)
        if name == "heston":
            prepare = ROOT / "examples" / "heston" / "prepare.py"
            subprocess.run([sys.executable, str(prepare)], check=True, cwd=prepare.parent)
        for key, (file, options) in AUDITS.get(name, {}).items():
            if key not in kept:
                runs[key] = kept[key] = _audit(file, options)
                print(name, key, json.dumps(runs[key]), flush=True)
                path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
                stamp(name)
        if runs:
            path.write_text(json.dumps({**kept, **runs}, indent=1) + "\n", encoding="utf-8")
            stamp(name)


def _supnorm(*arguments: str) -> subprocess.CompletedProcess[str]:
    paths = [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(
            [sys.executable, "-m", "supnorm", *arguments, "--out", folder],
            capture_output=True, text=True, env=env, cwd=ROOT / "examples", check=False,
        )  # fmt: skip


def _json(verb: str, file: str, *options: str) -> tuple[dict[str, Any], int]:
    done = _supnorm(verb, str(ROOT / "examples" / file), "--json", "--quiet", *options)
    if done.returncode in (2, 70) or not done.stdout.strip():
        raise SystemExit(f"supnorm {verb} examples/{file}: exit {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout), done.returncode


def _audit(file: str, options: tuple[str, ...]) -> dict[str, Any]:
    result, code = _json("audit", file, *options)
    place, plain = result["witness"], result["plain_sample"]
    return {
        "command": f"supnorm audit examples/{file} {' '.join(options)}",
        "exit": code,
        "worst": result["sup"]["lower"],
        "at": place.get("x"),
        "tags": place.get("tags"),
        "peaks": [
            {"error": p["error"], "x": p.get("x"), "recheck": p.get("recheck")} for p in result["peaks"]
        ],
        "rms": result["rms"]["value"],
        "rms at least": result["rms"]["at_least"],
        "random points": plain["n"],
        "worst random point": plain["worst"],
        "evaluations": result["evaluations"],
        "findings": [finding["text"] for finding in result["findings"]],
    }


def _conditional() -> dict[str, Any]:
    found = {}
    for name, options in (("1.1", ()), ("1.01", ("--ratio", "1.01"))):
        result, _ = _json("certify", "seawater/conditional.toml", *options)
        found[name] = {**result["sup"], "boxes": result["boxes"], "seconds": result["seconds"]}
    refused = _supnorm("certify", str(ROOT / "examples/seawater/problem.toml"))
    return {
        **found,
        "problem.toml": {"exit": refused.returncode, "said": refused.stderr.strip().splitlines()[-1]},
    }


def _demo() -> dict[str, Any]:
    done = _supnorm("demo")
    lines = [line for line in done.stdout.splitlines() if "   page: " not in line]
    return {"printed": lines[: lines.index("") + 5]}


if __name__ == "__main__":
    main()
