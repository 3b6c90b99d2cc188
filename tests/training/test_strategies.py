"""One table of names: Python, the command line and learning curves take the same ones."""

from __future__ import annotations

import numpy as np
import pytest

import supnorm as sn
from supnorm.planning.learning_curve.fit_trainer import as_trainer
from supnorm.results import BadInput
from supnorm.strategies import STRATEGIES, named
from supnorm.training.strategies import automatic, strategies

LINE = sn.Domain(x=(0.0, 1.0))


@pytest.mark.slow
def test_python_takes_the_names_of_the_command_line():
    result = sn.fit(lambda x: np.exp(x[:, 0]), LINE, tolerance=1e-9, method="chebyshev")
    assert [c.method for c in result.candidates] == ["chebyshev"]


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_is_reachable_from_supnorm_and_by_name(name):
    kind = getattr(sn, STRATEGIES[name].partition(":")[2])
    assert named(name) == kind()
    assert strategies(name, 2) == [kind()]


@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_what_is_tried_automatically_has_a_name(d):
    assert {type(strategy) for strategy in automatic(d)} <= {type(named(name)) for name in STRATEGIES}


def test_learning_curves_take_the_names():
    assert as_trainer("gaussian-process").strategy == sn.GaussianProcess()
    with pytest.raises(BadInput, match="chooses its own samples"):
        as_trainer("chebyshev")
    with pytest.raises(BadInput, match="learning curve 'magic' is not known; known are chebyshev"):
        as_trainer("magic")


def test_a_name_is_refused_where_samples_are_fixed():
    x = np.linspace(0.0, 1.0, 40)[:, None]
    with pytest.raises(BadInput, match="ChebyshevTensor chooses its own points"):
        sn.fit((x, x[:, 0]), method="chebyshev")
