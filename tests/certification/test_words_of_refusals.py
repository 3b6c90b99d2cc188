"""A refusal of ordinary code names the form that certify reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from supnorm import from_torch
from supnorm.certification import certify, instructions
from supnorm.problem import Domain, Problem
from supnorm.results import BadInput

torch = pytest.importorskip("torch")
DOMAIN = Domain(x=(-1.0, 1.0))
NET = torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double().eval()
ITSELF = "the torch module itself in place of a function"


def reference(x: Any) -> Any:
    return np.sin(x[:, 0])


def of_arrays(x: Any) -> Any:
    with torch.no_grad():
        return NET(torch.as_tensor(x)).numpy()


@dataclass
class Line:
    w: float


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (of_arrays, ITSELF),
        (from_torch(lambda x: torch.as_tensor(NET(x).numpy())), ITSELF),
    ],
)
def test_a_refusal_names_what_is_read(model: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        certify(Problem(model, reference, DOMAIN), ratio=2.0, seconds=5)


def test_methods_that_a_dataclass_makes_are_told() -> None:
    assert "@dataclass(repr=False, eq=False), or a method __eq__ of" in instructions._instead(
        Line.__eq__.__code__
    )
    assert instructions._instead(reference.__code__) == "write it into a file"
