"""Certificates as files for Coq: bytes, leaves and seconds of `coqc`, with coq-interval.

    python -m benchmarks.certify.coq [--only TEXT]

Each row is certified, checked, exported and given to `coqc`; its seconds include what loading Coq's libraries takes,
and listing the axioms at the end of the file (about 5 s together).
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax.numpy as jnp

from benchmarks.certify import formulas, records
from benchmarks.certify.targets import shifted
from benchmarks.claims.stored import stamp
from supnorm.certification import certify
from supnorm.checker import check
from supnorm.checker.coq_export import export
from supnorm.problem import Domain, Problem

RESULTS = records.RESULTS.with_name("certify_checked.json")


def _series() -> Problem:
    return Problem(lambda x: x[:, 0] - x[:, 0] ** 3 / 6, lambda x: jnp.sin(x[:, 0]), Domain(x=(0.0, 1.0)))


ROWS: dict[str, tuple[Callable[[], Any], float]] = {
    "1-D sine: x - x^3/6": (_series, 1.05),
    "1-D sine: Bhaskara": (partial(formulas.problem, "1-D sine: Bhaskara"), 1.1),
    "1-D vapour: Magnus, Goff-Gratch": (partial(formulas.problem, "1-D vapour: Magnus, Goff-Gratch"), 1.1),
    "1-D 1x8 tanh": (partial(shifted, 1, 8, 1, "tanh", 1e-2), 1.1),
    "2-D activity: Debye-Hueckel, Davies": (
        partial(formulas.problem, "2-D activity: Debye-Hueckel, Davies"), 1.1
    ),
    "2-D 1x6 tanh": (partial(shifted, 2, 6, 1, "tanh", 1e-1), 1.5),
    "2-D pipe: Haaland, Swamee-Jain": (partial(formulas.problem, "2-D pipe: Haaland, Swamee-Jain"), 1.1),
}  # fmt: skip


def measured(problem: Any, ratio: float, folder: Path, seconds: float) -> dict[str, Any]:
    """The export of one certificate, and what Coq says.

    Raises:
        SystemExit: when the checker does not accept the certificate.
    """
    path = folder / "certificate.json"
    result = certify(problem, ratio)
    result.certificate.save(path)
    if not (found := check(path)).accepted:
        raise SystemExit(found.reason)
    text, cost = export(path)
    (folder / "proof.v").write_text(text)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    try:
        ended = subprocess.run(
            ["coqc", "proof.v"], cwd=folder, capture_output=True, text=True, timeout=seconds
        )
        verdict = "accepted" if ended.returncode == 0 else ended.stderr.strip().splitlines()[-1]
    except subprocess.TimeoutExpired:
        verdict = f"not ended in {seconds:.0f} s"
    taken = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    return {
        "upper": result.upper, "leaves": cost.leaves, "operations": cost.operations, "bytes": len(text),
        "forecast": cost.seconds, "seconds": taken, "verdict": verdict,
    }  # fmt: skip


def main() -> None:
    """Save a row for each case."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.certify.coq", description=__doc__)
    parser.add_argument("--only", default="", help="rows whose name contains this text")
    parser.add_argument("--seconds", type=float, default=1200.0, help="wall clock of one coqc")
    given = parser.parse_args()
    records.RESULTS = RESULTS
    for name, (make, ratio) in ROWS.items():
        if given.only in name:
            with tempfile.TemporaryDirectory() as folder:
                row = measured(make(), ratio, Path(folder), given.seconds)
            records.put("coq", name, row)
            print(f"{name:36s} {row}", flush=True)
    stamp("certify_checked", add=True)


if __name__ == "__main__":
    main()
