"""Many inputs and many outputs: within a limit of memory, without overflow."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import supnorm
from supnorm.auditing.audit import audit
from supnorm.auditing.ball import ball_radius, ball_volume
from supnorm.auditing.pair_maps import PairMaps
from supnorm.auditing.thinning import linkage_radius
from supnorm.auditing.worst_rows import KEPT, WorstRows
from supnorm.evaluation import Calls, EvaluationStore
from supnorm.evaluation.caller import Caller
from supnorm.pages.svg import Bands
from supnorm.problem import Domain, Function, Problem
from supnorm.results import BadInput

CODE = """
import tempfile
import numpy as np
import supnorm as sn
from supnorm.auditing import audit
from supnorm.pages import write_page
d, m = {d}, {m}
w = np.linspace(0.5, 1.5, m)
def truth(x): return np.sin(x[:, :1]) * w
def model(x): return truth(x) + 1e-3 * x[:, :1] * x[:, -1:]
box = sn.Domain(**{{f"x{{i}}": (0.0, 1.0) for i in range(d)}})
report = audit(sn.Problem(model, truth, box, tolerance=1.0), **{given})
assert abs(report.document["sup"]["lower"] - 1e-3) < 1e-9, report.document["sup"]
with tempfile.TemporaryDirectory() as home:
    report.save(home)
    write_page(report, home + "/index.html")
# Of this program alone: `ru_maxrss` would start with what the process that started it had.
print(1024 * int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]))
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
def test_rows_of_many_outputs_are_few() -> None:
    rng = np.random.default_rng(0)
    worst, width = WorstRows(2), 100_000
    values = rng.random((10, width))
    for i in range(20):
        u = rng.random((10, 2))
        worst.add(u, rng.random(10) + i, np.arange(10), [values])
        assert sum(part[2].size for part in worst._kept) <= 3 * KEPT
    assert 20 <= len(worst.rows()[0]) <= KEPT // width


def wide(m: int) -> Problem:
    """A pair of ``m`` outputs."""
    model, reference = (Function(lambda x, f=f: f * np.repeat(x, m, axis=1)) for f in (1.01, 1.0))
    return Problem(model, reference, Domain(x=(0.0, 1.0)))


def test_values_that_are_stored_more_slowly_than_called_are_not_stored() -> None:
    few, many = (
        Caller(Function(lambda x, m=m: np.repeat(x, m, axis=1)), "reference") for m in (100, 100_000)
    )
    for caller in (few, many):
        caller.values(np.zeros((1, 1)), "probe")
        caller.decide(3e-3)
    assert (few.expensive, many.expensive) == (True, False)


def test_values_of_an_expensive_function_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supnorm.evaluation.caller.NUMBERS", 5000)
    caller = Caller(Function(lambda x: np.repeat(x, 100, axis=1)), "reference")
    caller.declare(expensive=True)
    x = np.random.default_rng(0).random((200, 1))
    for i in range(0, 200, 20):
        np.testing.assert_array_equal(caller.values(x[i : i + 20], "search")[0][:, 7], x[i : i + 20, 0])
    assert len(caller.known) == 40
    np.testing.assert_array_equal(caller.values(x, "search")[0][:, 7], x[:, 0])


def test_a_store_that_could_not_be_read_again_is_refused_at_once(tmp_path: Path) -> None:
    store = EvaluationStore(tmp_path / "evaluations.sqlite", "f")
    problem = wide(100_000)
    with pytest.raises(
        BadInput, match=r"^the reference has 100,000 outputs: storing the [0-9,]+ calls that are planned"
    ):
        audit(problem, evaluations=20_000, calls=Calls(cost="expensive", store=store))
    assert store.points <= 8


def test_bands_find_the_nearest_of_many_values() -> None:
    values = tuple(float(v) for v in np.unique(np.random.default_rng(0).integers(0, 99, 30)))
    bands = Bands(values[0], values[-1], 0, 100, values=values)
    for v in np.linspace(-5, 105, 221):
        nearest = min(range(len(values)), key=lambda i: abs(values[i] - v))
        assert bands(float(v)) == (nearest + 0.5) / len(values) * 100
    many = Bands(1, 500_000, 0, 100, values=tuple(range(1, 500_001)))
    begun = time.process_time()
    for v in range(1, 500_001, 500):
        many(v)
    assert time.process_time() - begun < 5  # 0.01 s; looking at every value takes over a minute


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize(
    ("d", "m", "planted"),
    [(10_000, 1, False), (2, 100_000, True)],
)
def test_an_audit_stays_within_two_gigabytes(d: int, m: int, planted: bool) -> None:
    given = {"evaluations": 300} if planted else {"evaluations": 2000, "power": None}
    source = str(Path(supnorm.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(d=d, m=m, given=given)],
        env={"PYTHONPATH": source, "PATH": "", "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2e9
