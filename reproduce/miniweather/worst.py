"""The worst initial state near the training case: an audit of the roll-out's error over the parameters of the bubble."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import supnorm as sn
from reproduce.miniweather.equations import Array, Bubble
from reproduce.miniweather.run import stepper
from reproduce.miniweather.samples import grid_of
from reproduce.miniweather.surrogates import FluxStep

# The training case has 3 K at (10 km, 2 km).
DOMAIN = {"kelvin": (2.0, 4.0, "K"), "x": (9000.0, 11_000.0, "m"), "z": (1500.0, 2500.0, "m")}
STEPS = 75  # 100 s


def worst_start(model: Callable[[Array], Array], evaluations: int, steps: int = STEPS) -> dict[str, Any]:
    """Search the bubbles of the domain for the largest error of the potential temperature at a lead time.

    Args:
        model: of the flux.
        evaluations: roll-outs of each side.
        steps: the lead time.
    """
    grid, true = grid_of("thermal"), stepper()
    problem = sn.rollout_problem(
        FluxStep(grid, model),
        lambda state, number: true(grid, state, number),
        lambda p: grid.initial((Bubble(float(p[0]), x=float(p[1]), z=float(p[2])),)),
        sn.Domain(**DOMAIN),
        steps=steps,
        observe=lambda state: {"theta": grid.theta(state)},
        settings=sn.RolloutSettings(numbered=True, axes={"z": grid.z, "x": grid.x}),
    )
    report = sn.audit(problem, evaluations=evaluations, seed=4)
    training = np.array([[3.0, 10_000.0, 2000.0]])
    at_home = abs(problem.model.value(training) - problem.reference.value(training)).max()
    return {
        "steps": steps,
        "evaluations": evaluations,
        "worst": float(report.worst.error),
        "at": dict(zip(DOMAIN, map(float, report.worst.x), strict=True)),
        "typical": float(report.rms.value),
        "training_case": float(at_home),
    }
