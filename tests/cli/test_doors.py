"""A seeded part of the attack with broken and hostile input; the whole: ``python -m benchmarks.soundness doors``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import supnorm

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
ROOT = Path(supnorm.__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="cases run in forked processes")
def test_broken_input_is_bad_input() -> None:
    """No exit 70, no signal, no second line, no escape; times are left to the benchmark, which has a quiet machine."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.soundness", "doors", "--no-hostile", "--seed", "2000", "--count", "20"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    wrong = [line for line in done.stdout.splitlines() if line.startswith("WRONG")]
    assert not [line for line in wrong if any(w in line for w in ("exit ", "not one line", "escape", " GB"))]
    assert done.stdout.splitlines()[-1].startswith("20 cases, ")
