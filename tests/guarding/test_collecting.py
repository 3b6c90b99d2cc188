"""The points that a guard learns from."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

import supnorm as sn
from supnorm.guarding.collecting import collect


def test_a_request_while_points_are_collected_is_heard() -> None:
    """The search took it in and ended, and a guard of fewer points was made, with a verdict."""
    called = [0]

    def truth(x: np.ndarray) -> np.ndarray:
        called[0] += len(x)
        if 700 < called[0] < 10**6:
            called[0] = 10**6
            os.kill(os.getpid(), signal.SIGINT)
        return np.sin(x[:, 0])

    problem = sn.Problem(lambda x: np.sin(x[:, 0]) + 1e-3, truth, sn.Domain(x=(0.0, 2.0)))
    with pytest.raises(KeyboardInterrupt):
        collect(problem, 3000, None, 0, sn.Calls(cost="cheap"))
    assert called[0] >= 10**6
