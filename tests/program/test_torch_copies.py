"""torch.export reads the module that runs and no copy, and leaves it as it was."""

from __future__ import annotations

import contextlib

import pytest
import torch

from supnorm.program import Unsupported
from supnorm.program import torch as reader
from supnorm.program.given import alike, given


class Rule:
    def __init__(self, at: float) -> None:
        self.at = torch.tensor(at, dtype=torch.float64)

    def __deepcopy__(self, memo):
        return Rule(5.0)


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.parts = torch.nn.Sequential(torch.nn.Linear(1, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
        self.rules = {"one": [(Rule(0.25),)]}  # deeper than a look at its attributes goes

    def forward(self, x):
        self.seen = len(x)
        return self.parts(x) + torch.exp(-(((x - self.rules["one"][0][0].at) * 100.0) ** 2)) + TABLE[self]


TABLE = {}


def test_the_module_that_runs_is_read_and_left_as_it_was():
    """Of a copy with other tensors `certify` proved a bound of 3e-20 for an error of 1."""
    torch.manual_seed(0)
    net = Net().double().eval()
    net.parts[1].train()
    TABLE[net] = torch.tensor(0.5, dtype=torch.float64)
    before = {name: dict(part.__dict__) for name, part in net.named_modules()}
    read = reader.lower_torch(net, 1)
    assert {name: dict(part.__dict__) for name, part in net.named_modules()} == before
    assert net.parts[1].training
    x = torch.tensor([[0.25], [0.9]], dtype=torch.float64)
    with torch.no_grad():
        assert read.value(x.numpy()) == pytest.approx(net(x).numpy(), abs=1e-12)


@pytest.mark.parametrize("kind", ["tensor", "module", "partial", "method"])
def test_other_tensors_are_seen_where_an_expression_gives_them(kind):
    """A table whose keys are weights gives others while the weights of the module stand for numbers."""
    from functools import partial

    def made(number):
        tensor = torch.full((1, 1), number)
        module = torch.nn.Linear(1, 1, bias=False)
        module.weight.data = tensor
        others = {"module": module, "partial": partial(torch.sub, other=tensor), "method": tensor.sub}
        return given(others.get(kind, tensor))

    assert alike(made(1.0), made(1.0))
    assert not alike(made(1.0), made(2.0))


@pytest.mark.parametrize(
    "row", [lambda p: torch.relu(p[:1]), torch.func.grad(lambda p: torch.relu(p[0] - 0.5))]
)
def test_torch_computes_as_before_where_a_transform_could_not_be_read(row):
    """The results of an exported `torch.func.vmap` are read inside of it; `torch.rand` raised an error for good then."""
    with contextlib.suppress(Unsupported):
        reader.lower_torch(torch.func.vmap(row), 1)
    assert torch.rand(2).shape == (2,)
    assert torch._C._functorch.get_dynamic_layer_stack_depth() == 0
