"""The tables: errors of one step on several sets, roll-outs, guards, repair, and what a disturbed reference does."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import supnorm as sn
from reproduce.miniweather import guards
from reproduce.miniweather.equations import CASES, Array, Grid
from reproduce.miniweather.run import check, stepper
from reproduce.miniweather.samples import (
    CELLS,
    SECONDS,
    Samples,
    box_inputs,
    direct_samples,
    directional_samples,
    flux_samples,
    grid_of,
    ranges_of,
    true_fluxes,
)
from reproduce.miniweather.surrogates import DirectionalStep, DirectStep, FluxStep, trained
from supnorm.approximants import load_function

TRAINING, HELD_OUT = 30_000, 140_000  # samples
NETWORKS = (
    "flux",
    "flux, other seed",
    "flux, repaired",
    "direct x",
    "direct z",
    "directional x",
    "directional z",
)
SHOWN = (1, 10, 100, 300)
OTHERS = {  # seconds of other cases that the one-step errors are taken from
    "warm": 400.0,
    "collision": 100.0,
    "collision, 400 s": 400.0,
    "density_current": 300.0,
    "gravity_waves": 400.0,
    "injection": 400.0,
}
BOX = 1.5  # of the boxes that a repair takes points from, beside the training ranges


@dataclass(frozen=True)
class Effort:
    """How much is done: all, or a hundredth of it to try the way."""

    iterations: int = 500
    training: int = TRAINING
    held_out: int = HELD_OUT
    audit: int = 65_536
    seconds: float = SECONDS


QUICK = Effort(15, 2000, 3000, 2000, 40.0)


def samples_of(name: str, effort: Effort) -> tuple[Samples, Samples]:
    """Training and held-out samples of a network, all of the one training run."""
    rng, n = np.random.default_rng(1), effort.training + effort.held_out
    kind, _, direction = name.partition(" ")
    if kind == "direct":
        every = direct_samples("thermal", effort.seconds, n, direction, rng)
    elif kind == "directional":
        every = directional_samples("thermal", effort.seconds, n, direction, rng)
    else:
        every = flux_samples("thermal", effort.seconds, n, rng)
    return every.part(slice(0, effort.training)), every.part(slice(effort.training, None))


def in_a_box(train: Samples, n: int, factor: float, rng: np.random.Generator) -> Samples:
    """Points of the box of the training ranges, widened."""
    x = box_inputs(rng.random((n, 5)), ranges_of(train.x, factor))
    return Samples(x, true_fluxes(x))


def train(name: str, folder: Path, effort: Effort) -> tuple[str, float]:
    """Train a network and write it; returns its name and the processor seconds."""
    begun = time.process_time()
    train, held = samples_of(name, effort)
    scale = held.y.std(0)
    if name == "flux, repaired":
        half = effort.training // 2
        box = in_a_box(train, half, BOX, np.random.default_rng(7))
        both = train.part(slice(0, half)).with_others(box)
        train = both.part(np.random.default_rng(8).permutation(len(both)))
    width = 48 if name.startswith("flux") else 64
    made = trained(train, width, scale, effort.iterations, seed=1 if "seed" in name else 0)
    made.save(folder / name)
    return name, time.process_time() - begun


@dataclass
class Networks:
    """All that was trained, and what it was trained on."""

    models: dict[str, Callable[[Array], Array]]
    train: Samples
    held: Samples
    scale: Array
    effort: Effort
    seconds: dict[str, float]


def networks(folder: Path, effort: Effort, workers: int = 2) -> Networks:
    """Train all networks, several at once; those that the folder has are taken from it."""
    todo = [name for name in NETWORKS if not (folder / name / "model.npz").exists()]
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        seconds = dict(pool.map(train, todo, [folder] * len(todo), [effort] * len(todo)))
    models = {name: load_function(folder / name / "model.npz").value for name in NETWORKS}
    trained_on, held = samples_of("flux", effort)
    return Networks(models, trained_on, held, held.y.std(0), effort, seconds)


def sizes(error: Array) -> dict[str, float]:
    """RMS, a high quantile and the largest of errors in units of each output's size."""
    rms = float(np.sqrt(np.mean(error**2)))
    return {
        "n": len(error),
        "rms": rms,
        "q999": float(np.quantile(error, 0.999)),
        "max": float(error.max()),
        "max_over_rms": float(error.max()) / rms,
    }


def one_step(made: Networks) -> list[dict[str, Any]]:
    """Errors of the fluxes on each set of points; those of the boxes by `supnorm.audit`."""
    rows: list[dict[str, Any]] = []
    for name in ("flux", "flux, repaired"):
        model = made.models[name]
        error = lambda s, model=model: np.abs(model(s.x) - s.y) / made.scale  # noqa: E731
        sets = {"training": made.train, "held out": made.held}
        for case, seconds in OTHERS.items():
            rng = np.random.default_rng(2)
            least = min(seconds, made.effort.seconds)
            sets[case] = flux_samples(case.partition(",")[0], least, made.effort.held_out // 3, rng)
        rows += [{"network": name, "points": points, **sizes(error(s))} for points, s in sets.items()]
        for factor in (1.0, 3.0):
            rows.append({"network": name, "points": f"box x {factor:g}", **audited(made, model, factor)})
    return rows


def audited(made: Networks, model: Callable[[Array], Array], factor: float) -> dict[str, float]:
    """The box of the training ranges by an audit in five dimensions: four values and the height."""
    report = sn.audit(box_problem(made, model, factor), evaluations=made.effort.audit, seed=3)
    worst, rms = float(report.worst.error), float(report.rms.value)
    return {"n": made.effort.audit, "rms": rms, "max": worst, "max_over_rms": worst / rms}


def box_problem(made: Networks, model: Callable[[Array], Array], factor: float) -> sn.Problem:
    """Flux of a network against that of the equations, in a box."""
    ranges = ranges_of(made.train.x, factor)
    names = ("density", "normal", "tangential", "density_theta")
    axes = {name: (float(low), float(high)) for name, (low, high) in zip(names, ranges, strict=True)}
    low, span = np.append(ranges[:, 0], 0.0), np.append(ranges[:, 1] - ranges[:, 0], 1.0)
    error = sn.ErrorMeasure("scaled", scale=tuple(map(float, made.scale)))
    inputs = lambda p: box_inputs((p - low) / span, ranges)  # noqa: E731
    return sn.Problem(
        lambda p: model(inputs(p)),
        lambda p: true_fluxes(inputs(p)),
        sn.Domain(**axes, height=(0.0, 1.0)),
        error=error,
    )


def others_one_step(made: Networks) -> list[dict[str, Any]]:
    """Errors of the direct and directional networks."""
    rows = []
    for name in NETWORKS[3:]:
        kind, _, direction = name.partition(" ")
        draw = direct_samples if kind == "direct" else directional_samples
        _, held = samples_of(name, made.effort)
        sets = {"held out": held}
        for case, seconds in (("warm", 400.0), ("collision", 100.0)):
            rng = np.random.default_rng(2)
            sets[case] = draw(
                case, min(seconds, made.effort.seconds), made.effort.held_out // 3, direction, rng
            )
        scale = held.y.std(0)
        for points, s in sets.items():
            rows.append(
                {"network": name, "points": points, **sizes(np.abs(made.models[name](s.x) - s.y) / scale)}
            )
    return rows


def rolled(step: Any, grid: Grid, seconds: float) -> sn.RolloutResult:
    """A roll-out against the equations; the error is that of the potential temperature in K."""
    true = stepper()
    with np.errstate(all="ignore"):
        return sn.audit_rollout(
            step,
            lambda state, number: true(grid, state, number),
            [grid.initial()],
            steps=round(seconds / grid.dt),
            observe=lambda state: {"theta": grid.theta(state)},
            totals={"mass": grid.mass, "energy": grid.energy},
            settings=sn.RolloutSettings(numbered=True, axes={"z": grid.z, "x": grid.x}, periodic=("x",)),
        )


def row_of(name: str, case: str, result: sn.RolloutResult) -> dict[str, Any]:
    """A roll-out in a row; it survives while no error is above the range of the reference."""
    record = result.record
    first = {one.kind: one.peak.step for one in record.first}
    ended = min((first[kind] for kind in ("signal", "not-finite", "failed") if kind in first), default=None)
    rows = [row for row in record.by_step if row.step in (*SHOWN, record.done)]
    mass, energy = record.totals
    return {
        "network": name,
        "case": case,
        "steps": record.done,
        "errors": [{"step": r.step, "rms": _finite(r.rms), "max": _finite(r.sup)} for r in rows],
        "range": rows[-1].high - rows[-1].low,
        "d_mass": _finite(mass.model),
        "d_te": _finite(energy.model),
        "d_te_true": energy.reference,
        "above_the_signal": ended,
        "flagged": record.guard.flagged if record.guard else None,
        "milliseconds": record.milliseconds["model"],
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def roll_outs(made: Networks) -> list[dict[str, Any]]:
    """Each kind of network on each case, without a guard."""
    rows = []
    for case in ("thermal", "warm", "collision", "gravity_waves"):
        grid = grid_of(case)
        steps = {
            "flux": FluxStep(grid, made.models["flux"]),
            "flux, repaired": FluxStep(grid, made.models["flux, repaired"]),
            "direct": DirectStep(grid, {k: made.models[f"direct {k}"] for k in "xz"}),
            "directional": DirectionalStep(grid, {k: made.models[f"directional {k}"] for k in "xz"}),
        }
        rows += [row_of(name, case, rolled(step, grid, made.effort.seconds)) for name, step in steps.items()]
    fine = Grid(100, 50, CASES["thermal"])
    finer = rolled(FluxStep(fine, made.models["flux"]), fine, min(100.0, made.effort.seconds))
    return [*rows, row_of("flux", "thermal, 100 x 50", finer)]


def disturbed(effort: Effort) -> list[dict[str, Any]]:
    """The equations against themselves from a disturbed state: growth that no network is to blame for."""
    rows, true = [], stepper()
    for case in ("thermal", "warm", "collision"):
        grid = grid_of(case)
        density = grid.cells[0][2:-2, None]
        for kelvin in (0.001, 0.1):
            noise = np.random.default_rng(5).standard_normal((grid.nz, grid.nx))
            start = grid.initial()
            start[3] += density * kelvin * noise
            other, first = grid.initial(), start
            begun = grid.theta(first) - grid.theta(other)
            most = 0.0
            for number in range(round(effort.seconds / grid.dt)):
                first, other = true(grid, first, number), true(grid, other, number)
                most = max(most, float(np.abs(grid.theta(first) - grid.theta(other)).max()))
            ended = grid.theta(first) - grid.theta(other)
            rows.append(
                {
                    "case": case,
                    "kelvin": kelvin,
                    "rms_ratio": float(np.sqrt(np.mean(ended**2) / np.mean(begun**2))),
                    "max_ratio": most / float(np.abs(begun).max()),
                }
            )
    return rows


def guarded(made: Networks) -> list[dict[str, Any]]:
    """Each guard: worst error of a step that it accepts, and roll-outs of the two other cases."""
    model, rng = made.models["flux"], np.random.default_rng(11)
    learned = guards.error_samples(made.train, model, made.scale, made.effort.training, rng)
    log_error = trained(learned, 32, learned.y.std(0), made.effort.iterations, seed=2).model.value
    differ = guards.disagreement(made.train, model, made.models["flux, other seed"], made.scale)
    box = guards.in_ranges(made.train)
    flags: dict[str, Callable[[], guards.Flag | None]] = {
        "none": lambda: None,
        "random 5.5 %": lambda: guards.random(0.055),
        "random 30 %": lambda: guards.random(0.3),
        "training ranges": lambda: box,
        "Mahalanobis": lambda: guards.mahalanobis(made.train),
        "nearest of 5,000": lambda: guards.nearest(made.train),
        "error model > 0.1": lambda: guards.expected(log_error, 0.1),
        "error model > 0.03": lambda: guards.expected(log_error, 0.03),
        "two networks": lambda: differ,
        "ranges or two networks": lambda: guards.either(box, differ),
        "error model > 0.1 or two networks": lambda: guards.either(guards.expected(log_error, 0.1), differ),
        "supnorm.guard": lambda: guards.by_supnorm(model, made.scale, made.train, 0.02),
    }
    sets = {"held out": made.held.part(slice(0, 20_000))}
    for case, seconds in (("warm", 400.0), ("collision", 100.0)):
        sets[case] = flux_samples(case, min(seconds, made.effort.seconds), 20_000, np.random.default_rng(2))
    rows = []
    for name, make in flags.items():
        flag = make()
        row: dict[str, Any] = {"guard": name}
        for points, s in sets.items():
            where = np.zeros(len(s), bool) if flag is None else flag(s.x)
            error = np.max(np.abs(model(s.x) - s.y) / made.scale, axis=1)
            row[points] = {"flagged": float(where.mean()), "max": float(error[~where].max(initial=0.0))}
        for case in ("warm", "collision"):
            grid = grid_of(case)
            result = rolled(FluxStep(grid, model, flag), grid, made.effort.seconds)
            row[f"{case} roll-out"] = row_of("flux", case, result)
        rows.append(row)
    return rows


def everything(folder: Path, effort: Effort, say: Callable[[str], None], workers: int = 2) -> dict[str, Any]:
    """All tables, as plain data.

    Args:
        folder: of the networks; those that it has are not trained again.
        effort: how much is done.
        say: gets a line for each table.
        workers: processes that train.
    """
    begun, spent = time.perf_counter(), _processor()
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        made = work()
        seconds[name] = round(time.perf_counter() - start, 1)
        say(f"{name}: {seconds[name]:g} s")
        return made

    size = (100, 50, 400.0) if effort.seconds == SECONDS else (20, 10, 20.0)
    document = {
        "checks": timed("checks", lambda: [asdict(check(case, *size)) for case in CASES]),
        "disturbed": timed("disturbed", lambda: disturbed(effort)),
    }
    made = timed("training", lambda: networks(folder, effort, workers))
    document |= {
        "cells": list(CELLS),
        "training_seconds": {k: round(v, 1) for k, v in made.seconds.items()},
        "one_step": timed("one step", lambda: one_step(made)),
        "others_one_step": timed("one step of the others", lambda: others_one_step(made)),
        "roll_outs": timed("roll-outs", lambda: roll_outs(made)),
        "guards": timed("guards", lambda: guarded(made)),
    }
    seconds["all"] = round(time.perf_counter() - begun, 1)
    return document | {"wall_seconds": seconds, "processor_seconds": round(_processor() - spent, 1)}


def _processor() -> float:
    """Processor seconds of this process and of those that it started and that have ended."""
    mine, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime
