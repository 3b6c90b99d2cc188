"""dReal on `dynamics`: for each output, is there a point of the box at which the error is at least the tolerance?

As in "Certified Neural Approximations of Nonlinear Dynamics" and "Neural Abstractions": one formula for each output, ReLU
by `Max`, precision 1e-4. "unsat" is a proof. "delta-sat" is none and no refutation: somewhere the formula holds up to 1e-4.
"""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.certify.dynamics import SYSTEMS, trained

PRECISION = 1e-4


def by_dreal(name: str, seconds: float) -> dict[str, Any]:
    """The formulas one after the other; the process is ended from outside when its time is over."""
    import dreal

    system, layers = SYSTEMS[name], trained(name)
    x = [dreal.Variable(f"x{j}") for j in range(len(system.box))]
    names = SimpleNamespace(
        sin=dreal.sin, cos=dreal.cos, exp=dreal.exp, sqrt=dreal.sqrt, cbrt=lambda z: dreal.pow(z, 1.0 / 3.0)
    )
    box = dreal.And(
        *(side for v, (low, high) in zip(x, system.box, strict=True) for side in (v >= low, v <= high))
    )
    begun, wall = time.process_time(), time.perf_counter()
    features: Any = np.array(x, dtype=object)
    for weight, bias in layers[:-1]:
        features = np.array([dreal.Max(z, 0) for z in weight @ features + bias], dtype=object)
    values = layers[-1][0] @ features + layers[-1][1]
    outcome = "proved"
    for exact, value in zip(system.outputs(x, names), values, strict=True):
        formula = dreal.And(box, abs(exact - value) >= system.tolerance)
        if dreal.CheckSatisfiability(formula, PRECISION) is not None:
            outcome = "not decided"
            break
    return {
        "outcome": outcome,
        "seconds": time.process_time() - begun,
        "wall": time.perf_counter() - wall,
        "words": "delta-sat" if outcome != "proved" else "unsat",
    }
