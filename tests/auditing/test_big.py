"""Many inputs and many outputs: within a limit of memory, without overflow."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import supnorm
from supnorm.auditing.ball import ball_radius, ball_volume
from supnorm.auditing.pair_maps import PairMaps
from supnorm.auditing.thinning import linkage_radius

CODE = """
import resource
import numpy as np
import supnorm as sn
from supnorm.auditing import audit
d, m = {d}, {m}
w = np.linspace(0.5, 1.5, m)
def truth(x): return np.sin(x[:, :1]) * w
def model(x): return truth(x) + 1e-3 * x[:, :1] * x[:, -1:]
box = sn.Domain(**{{f"x{{i}}": (0.0, 1.0) for i in range(d)}})
report = audit(sn.Problem(model, truth, box, tolerance=1.0), evaluations=2000, power=None)
assert abs(report.document["sup"]["lower"] - 1e-3) < 1e-9, report.document["sup"]
print(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("d", [1, 2, 3, 170, 350, 1000, 5000])
def test_balls_of_many_inputs(d: int) -> None:
    for volume in (1.0, 1e-3, 1e-300):
        radius = ball_radius(volume, d)
        assert 0 < radius < math.inf
        np.testing.assert_allclose(ball_volume(d, radius), volume, rtol=1e-9 * d)
    assert 0 < linkage_radius(2000, d) < math.inf
    if d < 300:
        np.testing.assert_allclose(ball_volume(d), math.pi ** (d / 2) / math.gamma(1 + d / 2), rtol=1e-12)


def test_maps_of_pairs_stay_small() -> None:
    assert len(PairMaps(1000, 16).pairs) == 999
    assert sum(table.nbytes for table in PairMaps(2000, 16)._tables) < 50e6


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
@pytest.mark.parametrize(("d", "m"), [(1000, 1), (2, 20_000)])
def test_an_audit_stays_within_two_gigabytes(d: int, m: int) -> None:
    source = str(Path(supnorm.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(d=d, m=m)],
        env={"PYTHONPATH": source, "PATH": "", "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2e9
