"""Problems go to other processes as pickles: what comes out there is the same problem, or one line says why it cannot go."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.evaluation.processes import Processes
from supnorm.problem import fingerprint
from supnorm.results import BadInput

FILE = """
import numpy as np
def model(x): return np.tanh(x[:, 0]) * x[:, 1]
def truth(x): return x[:, 0] * x[:, 1] ** 2
def lower(x): return x[:, 0] + x[:, 1] < 1.6
def corner(n, rng): return rng.random((n, 2)) * 0.5
"""
PROBLEM = """
[model]
python = "file.py:model"
[reference]
python = "file.py:truth"
output_units = ["K"]
[error]
tolerance = 0.1
[domain]
x = { low = 0.0, high = 1.0, unit = "m" }
y = { low = 0.1, high = 1.0, scale = "log" }
[constraints]
python = "file.py:lower"
[law]
python = "file.py:corner"
"""
SQUARE = sn.Domain(x=(0.0, 1.0), y=(0.0, 1.0))
POINTS = np.random.default_rng(0).random((50, 2))


def model(x: np.ndarray[Any, Any]) -> Any:
    return np.sin(x[:, 0]) + x[:, 1]


def truth(x: np.ndarray[Any, Any]) -> Any:
    return x.sum(axis=1)


@pytest.fixture
def opened(tmp_path: Path) -> sn.Problem:
    (tmp_path / "file.py").write_text(FILE)
    (tmp_path / "problem.toml").write_text(PROBLEM)
    return sn.open_problem(tmp_path / "problem.toml")


def _pair(name: str, opened: sn.Problem) -> sn.Problem:
    return {
        "file": lambda: opened,
        "file, other names": lambda: replace(
            opened, model=replace(opened.model, name="mine", notes=("a note",))
        ),
        "Python": lambda: sn.Problem(model, truth, SQUARE),
        "sample": lambda: sn.Problem(model, truth, SQUARE, law=sn.Law.from_samples(POINTS, SQUARE)),
        "cloud": lambda: sn.Problem(model, truth, sn.Domain.from_samples(POINTS)),
        "table": lambda: sn.Problem(model, sn.Function(table=(POINTS, truth(POINTS))), SQUARE),
        "declared": lambda: sn.Problem(model, sn.with_bound(truth, 3.0), SQUARE),
    }[name]()


@pytest.mark.parametrize(
    "name", ["file", "file, other names", "Python", "sample", "cloud", "table", "declared"]
)
def test_what_comes_out_is_the_same_problem(name: str, opened: sn.Problem) -> None:
    problem = _pair(name, opened)
    again = pickle.loads(pickle.dumps(problem))
    assert fingerprint(again) == fingerprint(problem)
    x = problem.law.draw(20, np.random.default_rng(1))
    assert np.array_equal(again.law.draw(20, np.random.default_rng(1)), x)
    assert np.array_equal(again.domain.contains(x), problem.domain.contains(x))
    for side in ("model", "reference"):
        one, two = getattr(problem, side), getattr(again, side)
        points = x if one.table is None else one.table[0]
        assert np.array_equal(one(points), two(points))
        for fact in (
            "inputs",
            "outputs",
            "output_units",
            "name",
            "notes",
            "precision",
            "parallel",
            "declared",
        ):
            assert getattr(one, fact) == getattr(two, fact)
    first, second = (sn.audit(p, evaluations=300).record.sup.lower for p in (problem, again))
    assert first == second


def test_the_precision_that_values_have_shown_goes_along() -> None:
    problem = sn.Problem(_narrow, truth, SQUARE)
    problem.model(POINTS)
    again = pickle.loads(pickle.dumps(problem))
    assert problem.model.precision == again.model.precision == "float32"


def _narrow(x: np.ndarray[Any, Any]) -> Any:
    return truth(x).astype(np.float32)


def test_a_copy_calls_the_same_functions(opened: sn.Problem) -> None:
    assert copy.deepcopy(opened).model is opened.model
    assert copy.copy(opened.model) is opened.model


def test_what_cannot_go_is_refused_in_one_line(tmp_path: Path) -> None:
    store = sn.EvaluationStore(tmp_path / "values.sqlite", "a problem")
    for thing in (store, sn.Calls(store=store)):
        with pytest.raises(BadInput, match=r"the store values\.sqlite belongs to this process") as refused:
            pickle.dumps(thing)
        assert "\n" not in str(refused.value)
    store.close()
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(sn.Problem(lambda x: x[:, 0], truth, SQUARE))


@pytest.mark.slow
def test_a_worker_audits_what_it_was_sent(opened: sn.Problem) -> None:
    here = sn.audit(opened, evaluations=400)
    pool = Processes(2)
    try:
        there = pool.submit(sn.audit, opened, evaluations=400).result()
        proof = pool.submit(
            sn.certify, sn.Problem(np.sin, np.tanh, sn.Domain(x=(0.0, 1.0))), None, 0.5
        ).result()
    finally:
        pool.shutdown(cancel_futures=True)
    assert there.record.sup == here.record.sup
    assert there.record.fingerprint == here.record.fingerprint
    assert proof.status.code == "within-tolerance"
    assert proof.upper is not None
    assert proof.upper <= 0.5


@pytest.mark.slow
@pytest.mark.xdist_group("dask")
def test_a_worker_of_dask_audits_what_it_was_sent(opened: sn.Problem) -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        there = client.submit(sn.audit, opened, evaluations=400).result(timeout=600)
    assert there.record.sup == sn.audit(opened, evaluations=400).record.sup
