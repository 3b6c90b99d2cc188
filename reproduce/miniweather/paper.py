"""R12 as one of the experiments: the published checks, and how a network for the fluxes errs at its worst."""

from __future__ import annotations

from typing import Any

import numpy as np

import supnorm as sn
from reproduce.experiment import OURS, Curve, Experiment, Figure, Results, Row, Run, verdict
from reproduce.miniweather.equations import CASES
from reproduce.miniweather.run import ENERGY, MASS, check, stepper
from reproduce.miniweather.samples import box_inputs, flux_samples, grid_of, ranges_of, true_fluxes
from reproduce.miniweather.surrogates import FluxStep, trained
from reproduce.published import Published

CELLS = {"test": (20, 10), "usual": (100, 50), "full": (400, 200)}
SECONDS = {"test": 10.0, "usual": 400.0, "full": 1000.0}
TRAINING = {"test": 300, "usual": 10_000, "full": 15_000}
ITERATIONS = {"test": 20, "usual": 1000, "full": 4000}
HELD_OUT = {"test": 500, "usual": 100_000, "full": 140_000}
AUDITED = {"test": 2000, "usual": 50_000, "full": 200_000}
SHOWN = (1, 10, 30, 100, 200, 300)


def totals(case: str, nx: int, nz: int, seconds: float) -> dict[str, Any]:
    """The change of mass and energy in a run of the equations."""
    found = check(case, nx, nz, seconds)
    return {"mass": found.mass, "energy": found.energy, "steps": found.steps}


def surrogate(
    seed: int, training: int, held_out: int, iterations: int, seconds: float, audited: int
) -> dict[str, Any]:
    """A network for the fluxes, trained along a rising thermal: errors on the run, in its box, and of roll-outs."""
    rng = np.random.default_rng(seed)
    every = flux_samples("thermal", seconds, training + held_out, rng)
    train = type(every)(every.x[:training], every.y[:training])
    x, y = every.x[training:], every.y[training:]
    scale = y.std(axis=0)
    model = trained(train, 48, scale, iterations, seed).model
    error = np.abs(model.value(x) - y) / scale
    ranges = ranges_of(train.x)

    def wrong(u: np.ndarray[Any, Any]) -> Any:
        inputs = box_inputs(u, ranges)
        return np.abs((model.value(inputs) - true_fluxes(inputs)) / scale).max(axis=1)

    box = sn.Domain(**{f"u{i}": (0.0, 1.0) for i in range(5)})
    worst = sn.audit(sn.against_zero(wrong, box), evaluations=audited, seed=seed).worst
    rolled = {}
    for case in ("thermal", "warm"):
        grid = grid_of(case)
        step, mine = stepper(), FluxStep(grid, model.value, None)
        a = b = grid.initial()
        errors = []
        for number in range(max(SHOWN)):
            a, made = step(grid, a, number), mine(b, number)
            b = made.state if isinstance(made, sn.Stepped) else made
            if number + 1 in SHOWN:
                errors.append(float(np.abs(a - b)[3].max()))
        rolled[case] = {"errors": errors, "mass": float((grid.mass(b) - grid.mass(a)) / grid.mass(a))}
    return {
        "rms": float(np.sqrt(np.mean(error**2))),
        "held_out": float(error.max()),
        "box": float(worst.error),
        "rolled": rolled,
    }


def runs(effort: str) -> list[Run]:
    """All runs of an effort."""
    nx, nz = CELLS[effort]
    made = [
        Run(
            f"totals-{case.replace('_', '-')}",
            totals,
            {"case": case, "nx": nx, "nz": nz, "seconds": SECONDS[effort]},
            3.0,
        )
        for case in CASES
    ]
    arguments = {"training": TRAINING[effort], "held_out": HELD_OUT[effort], "iterations": ITERATIONS[effort]}
    arguments |= {"seconds": min(SECONDS[effort], 200.0), "audited": AUDITED[effort], "seed": 0}
    return [*made, Run("surrogate", surrogate, arguments, 0.15 * ITERATIONS[effort] + 10.0)]


def rows(results: Results, published: Published) -> list[Row]:
    """The published checks, and three claims of ours on surrogates."""
    thermal, net = results["totals-thermal"], results["surrogate"]
    closed = [r for name, r in results.items() if name.startswith("totals-") and "injection" not in name]
    mass = max(abs(r["mass"]) for r in closed)
    warm = net["rolled"]["warm"]
    return [
        Row(
            "The port conserves mass to rounding.",
            f"thermal: {thermal['mass']:.1e}; largest over the four cases without inflow: {mass:.1e}",
            verdict(abs(thermal["mass"]) < MASS),
            key="mass",
        ),
        Row(
            "The port loses as little energy as the published code.",
            f"thermal: {thermal['energy']:.3e}",
            verdict(-ENERGY < thermal["energy"] < 0),
            key="energy",
        ),
        Row(
            "A network for the fluxes that is accurate on its run is not accurate in the box of its training ranges.",
            f"errors over the deviations of the fluxes: RMS {net['rms']:.1e}, largest at held-out points "
            f"{net['held_out']:.1e}, largest found in the box {net['box']:.1e}",
            OURS,
            "No surrogate of miniWeather has published errors.",
            key="box",
        ),
        Row(
            "A conserved total does not see the error of a surrogate.",
            f"after {max(SHOWN)} steps of another bubble the mass is wrong by {warm['mass']:.0e} of itself, (rho theta)' by "
            f"{warm['errors'][-1]:.1e} at its worst",
            OURS,
            "Mass is conserved by construction: both sides are differences of the same fluxes.",
            key="totals",
        ),
    ]


def figures(results: Results) -> list[Figure]:
    """Growth of the largest error in roll-outs."""
    rolled = results["surrogate"]["rolled"]
    names = {"thermal": "the training case", "warm": "another bubble"}
    curves = tuple(Curve(names[case], SHOWN, rolled[case]["errors"]) for case in names)
    return [
        Figure(
            "miniweather-rolled",
            "Roll-outs with a network for the fluxes: the largest error of (rho theta)' over the steps.",
            "steps",
            "largest error, kg K / m^3",
            curves,
        )
    ]


EXPERIMENT = Experiment(
    "miniweather",
    "A weather model in small, and a network in it",
    "M. Norman, miniWeather (repository mrnorman/miniWeather)",
    runs,
    rows,
    figures,
    (
        "docs/miniweather.md has the whole study: three kinds of surrogates, guards, repair, worst initial states.",
    ),
)
