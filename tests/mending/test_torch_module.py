"""Torch modules are mended as copies in their own precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.mending.cases import LINE, line, peak

import supnorm as sn
from supnorm.evaluation.limit import Limit
from supnorm.mending.torch_batches import trained_on_batches

torch = pytest.importorskip("torch")


def module(dtype: str) -> Any:
    """The network of one input as a plain torch module."""
    network = line()[0]
    layers: list[Any] = []
    for w, b in network.parts[0].layers:
        linear = torch.nn.Linear(w.shape[1], w.shape[0])
        linear.weight.data, linear.bias.data = torch.tensor(w), torch.tensor(b)
        layers += [linear, torch.nn.Tanh()]
    s = network.scaling
    first, last = layers[0], layers[-2]
    first.bias.data = first.bias.data - first.weight.data @ torch.tensor(s.input_shift / s.input_scale)
    first.weight.data = first.weight.data / torch.tensor(s.input_scale)
    last.bias.data = last.bias.data * torch.tensor(s.output_scale) + torch.tensor(s.output_shift)
    last.weight.data = last.weight.data * torch.tensor(s.output_scale)[:, None]
    return torch.nn.Sequential(*layers[:-1]).to(getattr(torch, dtype)).eval()


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_module_is_mended_in_its_own_precision_and_stays_as_it_is(dtype: str, tmp_path: Path) -> None:
    given = module(dtype)
    before = {name: value.clone() for name, value in given.state_dict().items()}
    problem = sn.Problem(sn.from_torch(given), peak, LINE)
    mended = sn.repair(problem, sn.audit(problem, evaluations=2000), evaluations=2000)
    assert mended.accepted, mended.status
    assert all(torch.equal(before[name], value) for name, value in given.state_dict().items())
    assert mended.model.precision == dtype
    grid = np.linspace(-1.0, 1.0, 5001)[:, None]
    assert mended.verdict is not None
    worst = float(np.abs(mended.model.value(grid)[:, 0] - peak(grid)).max())
    assert worst <= 1.05 * mended.verdict.worst < 0.2 * mended.worst_before
    files = mended.save(tmp_path).files
    fresh = module(dtype)
    fresh.load_state_dict(torch.load(tmp_path / files[0], weights_only=True))
    assert np.array_equal(sn.from_torch(fresh).value(grid), mended.model.value(grid))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_batches_train_a_copy_and_come_to_the_same_weights_again(dtype: str) -> None:
    given = module(dtype)
    before = {name: value.clone() for name, value in given.state_dict().items()}
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (5000, 1))
    y = peak(x)[:, None]
    first, again = (trained_on_batches(given, x, y, Limit(evaluations=300)) for _ in range(2))
    assert all(torch.equal(before[name], value) for name, value in given.state_dict().items())
    for one, other in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
        assert one.dtype == (torch.float64 if dtype == "float64" else torch.float32)

    def loss(of: Any) -> float:
        return float(np.mean((sn.from_torch(of).value(x) - y) ** 2))

    assert loss(first) < 0.8 * loss(given)
    assert loss(trained_on_batches(given, x, y, Limit.of(0.0, 300))) == pytest.approx(loss(given), rel=1e-3)


@pytest.mark.slow
def test_a_large_module_is_trained_on_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of 97 weights that counts as large: the steps of batches, not those of all samples, make it better."""
    monkeypatch.setattr("supnorm.mending.torch_module.MANY", 10)
    steps: list[int] = []

    def counted(given: Any, x: Any, y: Any, limit: Limit) -> Any:
        steps.append(limit.evaluations)
        return trained_on_batches(given, x, y, limit)

    monkeypatch.setattr("supnorm.mending.torch_module.trained_on_batches", counted)
    problem = sn.Problem(sn.from_torch(module("float32")), peak, LINE)
    method = sn.Exchange(rounds=3, iterations=500)
    mended = sn.repair(problem, sn.audit(problem, evaluations=2000), evaluations=4000, method=method)
    assert steps == [2000] * len(mended.record.rounds)
    assert mended.verdict is not None
    # With so few weights too large elsewhere to be accepted.
    assert mended.verdict.worst < 0.7 * mended.worst_before
    assert mended.candidate is not None
    assert mended.candidate.function.precision == "float32"


@pytest.mark.slow
def test_a_module_without_parameters_is_refused() -> None:
    problem = sn.Problem(sn.from_torch(torch.nn.Tanh()), peak, LINE)
    with pytest.raises(sn.BadInput, match="no parameter of the module is trained"):
        sn.repair(problem, evaluations=1000, method="exchange")
