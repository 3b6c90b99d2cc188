"""The guarded model as an estimator of scikit-learn and as a torch module."""

from __future__ import annotations

import io
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from tests.mending.cases import line, line_guard, peak

import supnorm as sn
from supnorm.guarding.cells import ProvedCells
from supnorm.results import BadInput

pytestmark = pytest.mark.xdist_group("line guard")  # which is made once


@pytest.fixture(scope="module")
def safe() -> sn.Guard:
    return line_guard()


X = np.array([[0.0], [0.5], [np.nan], [7.0]])


def test_the_estimator_predicts_and_refuses(safe: sn.Guard) -> None:
    model = sn.GuardedRegressor(safe).fit(X)
    assert np.array_equal(model.predict(X), safe.predict(X), equal_nan=True)
    assert np.isnan(model.predict_or_refuse(X)).tolist() == [False, True, True, True]
    assert np.isnan(sn.GuardedRegressor(safe, fallback=False).predict(X)).tolist() == [
        False,
        True,
        True,
        True,
    ]
    assert model.n_features_in_ == 1


def test_the_estimator_is_one_of_scikit_learn(safe: sn.Guard) -> None:
    model = sn.GuardedRegressor(safe)
    assert model.get_params() == {"guard": safe, "fallback": True}
    copy = clone(model.set_params(fallback=False))
    assert copy.guard is safe
    assert copy.fallback is False
    x = np.linspace(-1.0, 1.0, 40)[:, None]
    piped = make_pipeline(FunctionTransformer(), clone(sn.GuardedRegressor(safe)))
    assert cross_val_score(piped, x, peak(x), cv=3).min() > 0.99
    with pytest.raises(BadInput, match=r"points of shape \(n, 1\), got \(2, 3\)"):
        model.fit(np.zeros((2, 3)))
    with pytest.raises(BadInput, match="needs a guard"):
        sn.GuardedRegressor().predict(X)


def test_a_guard_of_functions_that_can_be_pickled_can_be_pickled(safe: sn.Guard) -> None:
    """Workers of scikit-learn get the estimator so; calls that are given up on do not go with it."""
    again = (
        pickle.loads(pickle.dumps(safe.with_reference(sn.Function(columns)))) if _picklable(safe) else safe
    )
    assert np.array_equal(again.predict_or_refuse(X), safe.predict_or_refuse(X), equal_nan=True)


def columns(x: Any) -> Any:
    """The reference as a function of this module."""
    return peak(x)[:, None]


def _picklable(safe: sn.Guard) -> bool:
    try:
        pickle.dumps(safe.model)
    except Exception:
        return False
    return True


def demand_equal(safe: sn.Guard, module: Any, x: Any, near: float = 1e-12) -> None:
    torch = pytest.importorskip("torch")
    from supnorm.guarding.export import tied

    with torch.no_grad():
        y, accept = (part.numpy() for part in module(torch.from_numpy(x)))
    answer = safe(x, fallback=False)
    different = accept != (answer.flag == 0)
    assert not (different & ~tied(safe, x)).any()
    both = accept & ~different
    assert np.allclose(y[both], answer.y[both], rtol=near, atol=near)
    assert np.isnan(y[~accept]).all()
    assert 0.1 < accept.mean() < 1.0


def points(d: int = 1) -> Any:
    x = np.random.default_rng(0).uniform(-1.1, 1.1, (5000, d))
    x[0], x[1], x[2] = np.nan, np.inf, -np.inf
    return x


@pytest.mark.slow
def test_a_network_of_supnorm_becomes_a_torch_module(safe: sn.Guard) -> None:
    torch = pytest.importorskip("torch")
    module = sn.guarded_module(safe)
    demand_equal(safe, module, points())
    program = torch.export.export(
        module, (torch.zeros(3, 1, dtype=torch.float64),), dynamic_shapes=({0: torch.export.Dim("n")},)
    )
    demand_equal(safe, program.module(), points())
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    demand_equal(safe, torch.export.load(file).module(), points())


@pytest.mark.slow
def test_a_torch_module_stays_the_one_it_is() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    inner = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.GELU(), torch.nn.Linear(8, 1)).eval()
    problem = sn.Problem(sn.from_torch(inner), peak, sn.Domain(x=(-1.0, 1.0)))
    safe = sn.guard(problem, reject=0.2, evaluations=1000, calibration=300)
    module = sn.guarded_module(safe)
    assert module.module is inner
    demand_equal(safe, module, points(), 1e-6)
    x = torch.tensor([[0.1]], requires_grad=True)
    module(x)[0].sum().backward()
    assert x.grad is not None
    with pytest.raises(BadInput, match="one of another model"):
        sn.guarded_module(safe, torch.nn.Linear(1, 1))
    with pytest.raises(BadInput, match=r"was converted to torch\.float32"):
        sn.guarded_module(safe).float()(torch.zeros(1, 1))


def test_proved_cells_are_looked_up_in_torch_too(safe: sn.Guard) -> None:
    pytest.importorskip("torch")
    low, high = np.array([[0.0], [0.5], [0.75]]), np.array([[0.25], [0.625], [1.0]])
    for n in (1, 3):
        with_cells = replace(safe, cells=ProvedCells(low[:n], high[:n]))
        demand_equal(with_cells, sn.guarded_module(with_cells), points())


def test_what_a_module_cannot_hold_is_refused_by_name(safe: sn.Guard) -> None:
    pytest.importorskip("torch")

    def positive(x: Any) -> Any:
        return x[:, 0] > 0.0

    with pytest.raises(BadInput, match=r"constraints of the domain \(positive\)"):
        sn.guarded_module(replace(safe, domain=sn.Domain(positive, x=(-1.0, 1.0))))
    assert line()[0].d == 1
