"""Torch modules are mended as copies in their own precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.mending.cases import LINE, line, peak

import supnorm as sn

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


def test_a_module_without_parameters_is_refused() -> None:
    problem = sn.Problem(sn.from_torch(torch.nn.Tanh()), peak, LINE)
    with pytest.raises(sn.BadInput, match="no parameter of the module is trained"):
        sn.repair(problem, evaluations=1000, method="exchange")
