"""A `Function` of the user's own may give one number for each point, as plain code may: every verb takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.auditing.plants import _raised
from supnorm.networks import Network
from supnorm.networks.patched import PatchedModel
from supnorm.networks.summed import SummedModel

LINE = sn.Domain(x=(-1.0, 1.0))
GIVEN = {
    "flat": lambda x: np.sin(x[:, 0]),
    "list": lambda x: [float(v) for v in np.sin(x[:, 0])],
    "columns": lambda x: np.sin(x),
}
TAKERS: dict[str, Callable[[sn.Function], Any]] = {
    "call": lambda f: f([[0.5]]),
    "error at a point": lambda f: sn.Problem(f, f, LINE).error_at([[0.5]]).columns,
    "patches": lambda f: PatchedModel(f, (Network.init(np.random.default_rng(0), 1, 1, 3, 1),)).value(
        np.array([[0.5]])
    ),
    "residuals": lambda f: SummedModel(f, (Network.init(np.random.default_rng(0), 1, 1, 3, 1),)).value(
        np.array([[0.5]])
    ),
    "planted errors": lambda f: _raised(f, 0, lambda x: np.ones(len(x))).value(np.array([[0.5]])),
    "against zero": lambda f: sn.against_zero(f, LINE).reference(0.5),
}


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("taker", TAKERS)
def test_one_number_for_each_point_is_one_output(given: str, taker: str) -> None:
    take, wanted = TAKERS[taker], TAKERS[taker](sn.Function(GIVEN["columns"]))
    got = take(sn.Function(GIVEN[given]))
    assert np.array_equal(got, wanted)


@pytest.mark.slow
def test_a_guard_and_a_repair_take_it() -> None:
    model = sn.Function(lambda x: np.sin(x[:, 0]) + 0.1 * np.exp(-(((x[:, 0] - 0.3) / 0.05) ** 2)))
    problem = sn.Problem(model, sn.Function(GIVEN["flat"]), LINE)
    report = sn.audit(problem, evaluations=600)
    safe = sn.guard(problem, report, evaluations=600, calibration=200)
    assert safe(np.array([[0.3], [-0.9]]))[1].tolist() == [1, 0]
    mended = sn.repair(problem, report, method="patch", evaluations=800)
    assert mended.accepted
