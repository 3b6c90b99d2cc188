"""Runs that are disturbed at random moments, as `benchmarks.scale chaos` makes a hundred of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import supnorm

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("dask"),
    pytest.mark.skipif(sys.platform != "linux", reason="it finds processes in /proc"),
]


def test_what_was_disturbed_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    source = str(Path(supnorm.__file__).parent.parent)
    words = ["chaos", "--seed", "11", "--count", "1", "--only", "audit processes", "--folder", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", *words],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": source}, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r" resumed \d+ lost \d+ repeated \d+ ok", done.stdout)) == 1


def test_the_simulator_knows_the_ideal_and_the_bottlenecks() -> None:
    from benchmarks.scale.simulator import Batch, Costs, simulate

    ideal = simulate([Batch(200, 1.0)] * 3, 2, Costs(piece=0.5))
    assert ideal.seconds == pytest.approx(3 * (1.0 + 50.0))
    assert ideal.search == pytest.approx(3.0 / ideal.seconds)
    one_by_one, large = (
        simulate([Batch(n)], 1000, Costs(0.1, send=1e-4, take=1e-4, schedule=1e-3, together=False))
        for n in (8192, 10**6)
    )
    assert one_by_one.bottleneck == large.bottleneck == "scheduler"
    assert large.seconds == pytest.approx(1e-3 * 10**6, rel=0.01)
    # No more than it asks for.
    assert simulate([Batch(64)], 1000, Costs(1.0)).workers == pytest.approx(64 / 1000)
