"""The clock of the optimisers' benchmark: nobody pays for being watched."""

from __future__ import annotations

import time

import numpy as np
import pytest
from benchmarks.fit.recorder import OutOfTime, Recorder


def busy(seconds: float) -> np.ndarray:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return np.array([1.0])


@pytest.mark.slow
def test_the_clock_stands_still_while_parameters_are_collected() -> None:
    recorder = Recorder((0.5,))
    recorder.start()
    for loss in (3.0, 2.0, 1.0):
        recorder.see(lambda: busy(0.2), loss)  # 0.6 s, more than a method has
    assert recorder.spent < 0.1
    assert recorder.loss == 1.0


def test_the_clock_runs_while_a_method_works() -> None:
    recorder = Recorder((0.05, 0.1))
    recorder.start()
    recorder.see(np.array([5.0]), 2.0)
    busy(0.12)
    with pytest.raises(OutOfTime):
        recorder.see(np.array([7.0]), 1.0)
    # What was best when each time was over: the evaluation that came later counts for neither.
    assert [s.tolist() for s in recorder.at_times()] == [[5.0], [5.0]]


def test_parameters_that_are_no_better_are_not_collected() -> None:
    recorder = Recorder((10.0,))
    recorder.see(np.array([1.0]), 1.0)
    recorder.see(lambda: pytest.fail("collected for nothing"), 2.0)
    assert recorder.best.tolist() == [1.0]


@pytest.mark.slow
def test_each_optimiser_with_our_loss_goes_down() -> None:
    from benchmarks.fit.compare import start
    from benchmarks.fit.methods import _our_gradients as ours
    from benchmarks.fit.methods import minpack, scipy_bfgs, torch_lbfgs_with_ours
    from benchmarks.fit.tasks import I_6_2

    network, x, y = start(I_6_2, 0)
    for method in (scipy_bfgs(ours), minpack, torch_lbfgs_with_ours(50)):
        recorder = Recorder((0.4,))
        method(network, x[:400], y[:400], recorder)
        assert recorder.loss < 0.05, method
