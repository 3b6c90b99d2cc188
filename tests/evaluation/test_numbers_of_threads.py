"""One audit in two processes, with one thread of linear algebra and with two: all that is no time is the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import ThreadpoolController

import supnorm

# The second layer has other last digits with two threads, where supnorm does not limit them to one.
CODE = """
import hashlib
import numpy as np
import supnorm as sn

rng = np.random.default_rng(0)
first, shift, last = rng.normal(size=(2, 300)), rng.normal(size=300), rng.normal(size=(300, 1)) / 300
inner = rng.normal(size=(300, 300)) / 17.0

def model(x):
    return np.tanh(np.tanh(x @ first + shift) @ inner) @ last

def reference(x):
    return 0.1 * np.sin(3.0 * x[:, :1] + x[:, 1:])

print(hashlib.sha256(model(rng.random((512, 2))).tobytes()).hexdigest())
report = sn.audit(sn.Problem(model, reference, sn.Domain(a=(-1.0, 1.0), b=(-1.0, 1.0))), evaluations=2000)
print(report.to_json())
"""


def printed(threads: int) -> tuple[str, Any]:
    """The values of the model outside of supnorm, and the report without its times."""
    source = str(Path(supnorm.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "PYTHONPATH": source, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    values, _, report = done.stdout.partition("\n")
    return values, without_times(json.loads(report))


def without_times(v: Any) -> Any:
    """The same without seconds and dates."""
    if isinstance(v, list):
        return [without_times(w) for w in v]
    if not isinstance(v, dict):
        return v
    return {
        k: without_times(w)
        for k, w in v.items()
        if "seconds" not in k and not k.endswith("_ms") and k != "finished"
    }


def test_an_audit_has_one_result_for_all_numbers_of_threads() -> None:
    if not any(lib.user_api == "blas" for lib in ThreadpoolController().lib_controllers):
        pytest.skip("no library of linear algebra is known here")
    (one_alone, one), (two_alone, two) = printed(1), printed(2)
    if one_alone == two_alone:
        pytest.skip("this library gives the same digits with one thread and with two")
    assert one == two
