"""A network that is added to a model: values, derivative, program, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.mending.cases import LINE, line, square

import supnorm as sn
from supnorm.checker.check import check
from supnorm.networks import Network, Scaling
from supnorm.networks.summed import SummedModel, with_residuals
from supnorm.program import program_of
from supnorm.results import BadInput

GRID = np.linspace(-1.0, 1.0, 4001)[:, None]


def added(seed: int, d: int = 2, m: int = 1) -> Network:
    scaling = Scaling(np.zeros(d), np.ones(d), np.zeros(m), np.ones(m))
    return Network.init(np.random.default_rng(seed), d, m, 6, 2, scaling=scaling)


def test_values_derivative_and_program_of_a_sum() -> None:
    model = SummedModel(square().as_function(), (added(1), added(2)))
    function = model.as_function()
    x, h = np.random.default_rng(4).uniform(-1.0, 1.0, (200, 2)), 1e-6
    expected = square().value(x) + added(1).value(x) + added(2).value(x)
    assert np.array_equal(function.value(x), expected)
    assert np.allclose(program_of(function, 2).value(x), expected, atol=1e-12)
    y, pull = model.vjp(x)
    assert np.array_equal(y, expected)
    slope = pull(np.ones((len(x), 1)))
    for k in range(2):
        step = h * np.eye(2)[k]
        difference = (model.value(x + step) - model.value(x - step))[:, 0] / (2 * h)
        assert np.allclose(slope[:, k], difference, atol=1e-6 * max(1.0, np.abs(slope).max()))


def test_a_residual_of_another_number_of_outputs_is_refused() -> None:
    with pytest.raises(BadInput, match="corrects 2 outputs, the model has 1"):
        with_residuals(square().as_function(), [added(1, m=2)]).value(np.zeros((2, 2)))


@pytest.mark.slow
def test_a_model_that_cannot_be_trained_gets_a_residual_with_a_bound_of_the_change(tmp_path: Path) -> None:
    """The error is spread over the domain: no case for patches."""

    def model(x: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> object:
        return np.sin(2.0 * x[:, 0]) + 0.1 * np.cos(5.0 * x[:, 0])

    problem = sn.Problem(model, lambda x: np.sin(2.0 * x[:, 0]), LINE)
    mended = sn.repair(problem, method="residual", evaluations=2500, bound_change=True)
    assert mended.record.method == "residual"
    assert mended.record.parameters == 20 + 20 + 400 + 20 + 20 + 1
    assert mended.accepted
    assert mended.verdict is not None
    assert (
        np.abs(mended.model.value(GRID)[:, 0] - np.sin(2.0 * GRID[:, 0])).max()
        <= 1.01 * mended.verdict.worst
        < 1e-3
    )
    assert mended.change is not None
    seen = np.abs(mended.model.value(GRID)[:, 0] - model(GRID)).max()
    assert seen <= mended.change.upper <= 1.2 * seen
    assert mended.save(tmp_path).files == ("residual-1.npz",)
    assert check(tmp_path / "change.json").accepted


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["onnx", "pt2"])
def test_a_file_gets_a_residual_and_one_file_of_its_kind_with_both(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("torch")
    from tests.mending.test_graph_file import write_problem, written

    problem = write_problem(tmp_path, written(tmp_path, kind))
    mended = sn.repair(
        problem, sn.audit(problem, evaluations=1000), method=sn.Residual(rounds=2), evaluations=1500
    )
    assert mended.accepted
    assert mended.save(tmp_path).files == ("residual-1.npz", f"model.{kind}")
    both = write_problem(tmp_path, f"net.{kind}", more='residuals = ["residual-1.npz"]\n')
    assert np.array_equal(both.model.value(GRID), mended.model.value(GRID))
    assert (tmp_path / "residual-1.npz").resolve() in both.files
    one = write_problem(tmp_path, f"model.{kind}")
    assert np.allclose(one.model.value(GRID), mended.model.value(GRID), atol=1e-12)


def test_a_residual_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    from tests.mending.test_graph_file import write_problem

    from supnorm.networks import save

    save(line()[0], tmp_path / "net.npz")
    save(added(1), tmp_path / "two.npz")
    with pytest.raises(BadInput, match=r'residuals: "two\.npz" has 2 inputs, the domain has 1 axes'):
        write_problem(tmp_path, "net.npz", more='residuals = ["two.npz"]\n')
