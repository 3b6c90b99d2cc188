"""Whether the reference counts as expensive does not hang on one timing: another process may have held up that call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.clocks import Ticking
from tests.mending.cases import LINE, line, peak

import supnorm as sn

Array = NDArray[np.float64]


@pytest.mark.slow
def test_one_call_that_was_held_up_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last call that is timed took 10 ms a point; the same point again takes 1 us."""
    network = line()[0].as_function()
    report = sn.audit(sn.Problem(network, peak, LINE), evaluations=500, calls=sn.Calls(cost="cheap"))
    calls = 0

    def reference(x: Array) -> Any:
        nonlocal calls
        calls += 1
        clock.seconds = 1e-2 if calls == 3 else 1e-6
        return clock.reference(x)

    clock = Ticking(1e-6, peak, monkeypatch)
    problem = sn.Problem(network, reference, LINE)
    assert sn.repair(problem, report, method="patch", evaluations=500).record.cost.class_ == "cheap"
