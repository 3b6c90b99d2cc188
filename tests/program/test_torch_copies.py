"""torch.export reads a copy of a module: the copy has to be what runs."""

from __future__ import annotations

import copy

import pytest
import torch

from supnorm.program import Unsupported
from supnorm.program import torch as reader


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("slope", torch.tensor([[2.0]]))
        self.parts = torch.nn.Sequential(torch.nn.Linear(1, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
        self.names = ["a", {"b": 1}]

    def forward(self, x):
        return self.parts(x) + x @ self.slope


class Flat(Net):
    def __deepcopy__(self, memo):
        other = Net()
        other.slope.zero_()
        return other


class Emptied(Net):
    def __setstate__(self, state):
        super().__setstate__(state)
        self.slope = torch.zeros(1, 1)


class Rule:
    factor = 3.0

    def __deepcopy__(self, memo):
        return 0.0


def with_rule():
    net = Net()
    net.rule = {"one": Rule()}
    return net


def with_own_copy():
    net = Net()
    net.__deepcopy__ = lambda memo: Net()
    return net


@pytest.mark.parametrize("make", [Flat, Emptied, with_rule, with_own_copy])
def test_a_module_that_the_user_copies_is_refused(make):
    with pytest.raises(Unsupported, match=r"a torch module that holds a \w+ with a __\w+__ of its own"):
        reader.lower_torch(make().double(), 1)


def test_other_modules_are_read():
    assert "tanh" in reader.lower_torch(Net().double(), 1).operations
    attention = torch.nn.MultiheadAttention(2, 1)  # torch's own classes have a __setstate__
    assert type(reader._copied(attention)) is type(attention)


def test_without_the_rule_another_module_is_read(monkeypatch):
    monkeypatch.setattr(reader, "_copied", copy.deepcopy)
    monkeypatch.setattr(reader, "demand_each_alone", lambda one, read: None)  # the next copy is another one
    torch.manual_seed(0)
    net = Flat().double()
    read = reader.lower_torch(net, 1)
    x = torch.tensor([[0.5]], dtype=torch.float64)
    with torch.no_grad():
        assert abs(float(read.value(x.numpy())[0, 0]) - float(net(x))) > 0.1
