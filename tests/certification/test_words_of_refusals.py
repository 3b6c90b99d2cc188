"""A refusal of ordinary code names the form that certify reads."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from supnorm import from_torch
from supnorm.certification import certify, instructions
from supnorm.problem import Domain, Problem
from supnorm.results import BadInput

torch, pandas = pytest.importorskip("torch"), pytest.importorskip("pandas")
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


def test_a_refusal_names_the_line_of_the_users_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also where a package, or JAX below another reader, raises the error: the line that called it."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "lines_of_a_model.py").write_text(
        "import numpy as np\n"
        "from sklearn.utils import check_array\n"
        "def rounds(x):\n"
        "    y = np.floor(x[:, 0])\n"
        "    return y\n"
        "def each(v):\n"
        "    return 1.0 if v > 0.5 else 2.0\n"
        "def branches(x):\n"
        "    return np.array([each(v) for v in x[:, 0]])\n"
        "def of_a_package(x):\n"
        "    return check_array(x)[:, 0]\n"
    )
    module = importlib.import_module("lines_of_a_model")
    for model, line in ((module.rounds, 4), (module.branches, 7), (module.of_a_package, 11)):
        with pytest.raises(BadInput, match=rf"cannot read the model \(lines_of_a_model\.py line {line}\): "):
            certify(Problem(model, reference, DOMAIN), ratio=2.0, seconds=5)


def test_an_estimator_of_a_package_is_refused_as_one_and_one_of_the_user_is_read() -> None:
    """The refusal named what scikit-learn does with values (np.isfinite, np.errstate), which is no code of the user."""
    x = np.linspace(-1.0, 1.0, 50)[:, None]
    of_arrays, of_frame = (
        LinearRegression().fit(x, x),
        LinearRegression().fit(pandas.DataFrame(x, columns=["x"]), x),
    )
    for model in (of_arrays, of_frame):
        with pytest.raises(
            BadInput, match="it is a LinearRegression of sklearn, whose operations are not known"
        ):
            certify(Problem(model, reference, DOMAIN), ratio=2.0, seconds=5)
    assert certify(Problem(Slope(0.9), reference, DOMAIN), ratio=2.0, seconds=5).status.code == "proved"


class Slope:
    """An object with predict whose code is here."""

    def __init__(self, slope: float) -> None:
        self.slope = slope

    def predict(self, x: Any) -> Any:
        return self.slope * x[:, 0]
