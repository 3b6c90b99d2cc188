"""The tables: errors of one step on several sets, roll-outs, guards, repair, and what a disturbed reference does."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import repeat
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
from reproduce.miniweather.worst import worst_start
from supnorm.approximants import load_function

TRAINING, HELD_OUT = 15_000, 140_000  # samples
ERRORS = "error model"
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

    iterations: int = 300
    training: int = TRAINING
    held_out: int = HELD_OUT
    audit: int = 16_384
    seconds: float = SECONDS
    starts: int = 100  # roll-outs in the search for the worst initial state
    lead: int = 75  # their steps


QUICK = Effort(5, 1000, 2000, 1000, 6.0, 100, 2)


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


def loaded(folder: Path, name: str) -> Callable[[Array], Array]:
    """A network that `train` has written."""
    value: Callable[[Array], Array] = load_function(folder / name / "model.npz").value
    return value


def all_loaded(folder: Path, effort: Effort) -> Networks:
    """The networks of fluxes, and that of their errors."""
    trained_on, held = samples_of("flux", effort)
    models = {name: loaded(folder, name) for name in (*NETWORKS[:3], ERRORS)}
    return Networks(models, trained_on, held, held.y.std(0), effort)


def train_all(folder: Path, effort: Effort, pool: ProcessPoolExecutor) -> dict[str, float]:
    """Train all networks that the folder does not have; returns the processor seconds of each."""
    missing = lambda name: not (folder / name / "model.npz").exists()  # noqa: E731
    todo = [*filter(missing, NETWORKS)]
    seconds = dict(pool.map(train, todo, repeat(folder), repeat(effort)))
    if missing(ERRORS):  # it learns from the errors of another one
        begun = time.process_time()
        samples, held = samples_of("flux", effort)
        rng = np.random.default_rng(11)
        learned = guards.error_samples(samples, loaded(folder, "flux"), held.y.std(0), effort.training, rng)
        trained(learned, 32, learned.y.std(0), effort.iterations, seed=2).save(folder / ERRORS)
        seconds[ERRORS] = time.process_time() - begun
    return seconds


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


def one_step(folder: Path, effort: Effort, name: str, points: str) -> dict[str, Any]:
    """Errors of the fluxes on a set of points; those of the boxes by `supnorm.audit`."""
    train, held = samples_of("flux", effort)
    model, scale = loaded(folder, name), held.y.std(0)
    row = {"network": name, "points": points}
    if points.startswith("box"):
        return row | audited(train, scale, model, float(points.rpartition(" ")[2]), effort.audit)
    if points in OTHERS:
        seconds, rng = min(OTHERS[points], effort.seconds), np.random.default_rng(2)
        held = flux_samples(points.partition(",")[0], seconds, effort.held_out // 3, rng)
    elif points == "training":
        held = train
    return row | sizes(np.abs(model(held.x) - held.y) / scale)


def audited(
    train: Samples, scale: Array, model: Callable[[Array], Array], factor: float, evaluations: int
) -> dict[str, float]:
    """The box of the training ranges by an audit in five dimensions: four values and the height."""
    ranges = ranges_of(train.x, factor)
    names = ("density", "normal", "tangential", "density_theta")
    axes = {name: (float(low), float(high)) for name, (low, high) in zip(names, ranges, strict=True)}
    low, span = np.append(ranges[:, 0], 0.0), np.append(ranges[:, 1] - ranges[:, 0], 1.0)
    inputs = lambda p: box_inputs((p - low) / span, ranges)  # noqa: E731
    problem = sn.Problem(
        lambda p: model(inputs(p)),
        lambda p: true_fluxes(inputs(p)),
        sn.Domain(**axes, height=(0.0, 1.0)),
        error=sn.ErrorMeasure("scaled", scale=tuple(map(float, scale))),
    )
    report = sn.audit(problem, evaluations=evaluations, seed=3)
    worst, rms = float(report.worst.error), float(report.rms.value)
    return {"n": evaluations, "rms": rms, "max": worst, "max_over_rms": worst / rms}


def other_one_step(folder: Path, effort: Effort, name: str, points: str) -> dict[str, Any]:
    """Errors of the direct and directional networks."""
    kind, _, direction = name.partition(" ")
    draw = direct_samples if kind == "direct" else directional_samples
    _, held = samples_of(name, effort)
    scale = held.y.std(0)
    if points != "held out":
        seconds, rng = min(OTHERS[points], effort.seconds), np.random.default_rng(2)
        held = draw(points, seconds, effort.held_out // 3, direction, rng)
    return {"network": name, "points": points, **sizes(np.abs(loaded(folder, name)(held.x) - held.y) / scale)}


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


CASES_ROLLED = ("thermal", "warm", "collision", "gravity_waves")
KINDS = ("flux", "flux, repaired", "direct", "directional")


def roll_out(folder: Path, effort: Effort, case: str, name: str) -> dict[str, Any]:
    """One kind of network on one case, without a guard."""
    if case == "thermal, 100 x 50":
        grid, seconds = Grid(100, 50, CASES["thermal"]), min(100.0, effort.seconds)
    else:
        grid, seconds = grid_of(case), effort.seconds
    if name.startswith("flux"):
        step: Any = FluxStep(grid, loaded(folder, name))
    else:
        both = {direction: loaded(folder, f"{name} {direction}") for direction in "xz"}
        step = (DirectStep if name == "direct" else DirectionalStep)(grid, both)
    return row_of(name, case, rolled(step, grid, seconds))


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


def flag_of(name: str, made: Networks) -> guards.Flag | None:
    """The guard of this name."""
    model, train, scale = made.models["flux"], made.train, made.scale
    two = lambda: guards.disagreement(train, model, made.models["flux, other seed"], scale)  # noqa: E731
    learned = lambda cut: guards.expected(made.models["error model"], cut)  # noqa: E731
    flags: dict[str, Callable[[], guards.Flag | None]] = {
        "none": lambda: None,
        "random 5.5 %": lambda: guards.random(0.055),
        "random 30 %": lambda: guards.random(0.3),
        "training ranges": lambda: guards.in_ranges(train),
        "Mahalanobis": lambda: guards.mahalanobis(train),
        "nearest of 5,000": lambda: guards.nearest(train),
        "error model > 0.1": lambda: learned(0.1),
        "error model > 0.03": lambda: learned(0.03),
        "two networks": two,
        "ranges or two networks": lambda: guards.either(guards.in_ranges(train), two()),
        "error model > 0.1 or two networks": lambda: guards.either(learned(0.1), two()),
        "supnorm.guard": lambda: guards.by_supnorm(model, scale, train, 0.02, min(8000, made.effort.audit)),
    }
    return flags[name]()


GUARDS = (
    "none",
    "random 5.5 %",
    "random 30 %",
    "training ranges",
    "Mahalanobis",
    "nearest of 5,000",
    "error model > 0.1",
    "error model > 0.03",
    "two networks",
    "ranges or two networks",
    "error model > 0.1 or two networks",
    "supnorm.guard",
)


def guarded(folder: Path, effort: Effort, name: str) -> dict[str, Any]:
    """A guard: worst error of a step that it accepts, and roll-outs of the two other cases."""
    made = all_loaded(folder, effort)
    model, flag = made.models["flux"], flag_of(name, made)
    row: dict[str, Any] = {"guard": name}
    count = min(20_000, effort.held_out)
    sets = {"held out": made.held.part(slice(0, count))}
    for case, seconds in (("warm", 400.0), ("collision", 100.0)):
        sets[case] = flux_samples(case, min(seconds, effort.seconds), count, np.random.default_rng(2))
    for points, s in sets.items():
        where = np.zeros(len(s), bool) if flag is None else flag(s.x)
        error = np.max(np.abs(model(s.x) - s.y) / made.scale, axis=1)
        row[points] = {"flagged": float(where.mean()), "max": float(error[~where].max(initial=0.0))}
    for case in ("warm", "collision"):
        grid = grid_of(case)
        row[f"{case} roll-out"] = row_of(
            "flux", case, rolled(FluxStep(grid, model, flag), grid, effort.seconds)
        )
    return row


def everything(folder: Path, effort: Effort, say: Callable[[str], None], workers: int = 2) -> dict[str, Any]:
    """All tables, as plain data.

    Args:
        folder: of the networks and of finished tables; what it has is not made again.
        effort: how much is done.
        say: gets a line for each table.
        workers: processes that train and roll out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {"cells": list(CELLS), "wall_seconds": {}, "processor_seconds": {}}
    size = (100, 50, 400.0) if effort.seconds == SECONDS else (20, 10, 20.0)
    each = (repeat(folder), repeat(effort))
    rolls = [(case, name) for case in CASES_ROLLED for name in KINDS] + [("thermal, 100 x 50", "flux")]
    steps = [
        (name, points) for name in KINDS[:2] for points in ("training", "held out", *OTHERS, "box 1", "box 3")
    ]
    others = [(name, points) for name in NETWORKS[3:] for points in ("held out", "warm", "collision")]
    work: dict[str, Callable[[ProcessPoolExecutor], Any]] = {
        "checks": lambda pool: [asdict(check(case, *size)) for case in CASES],
        "disturbed": lambda pool: disturbed(effort),
        "training_seconds": lambda pool: train_all(folder, effort, pool),
        "roll_outs": lambda pool: list(pool.map(roll_out, *each, *zip(*rolls, strict=True))),
        "guards": lambda pool: list(pool.map(guarded, *each, GUARDS)),
        "one_step": lambda pool: list(pool.map(one_step, *each, *zip(*steps, strict=True))),
        "others_one_step": lambda pool: list(pool.map(other_one_step, *each, *zip(*others, strict=True))),
        "worst_start": lambda pool: worst_start(loaded(folder, "flux"), effort.starts, effort.lead),
    }
    for name, make in work.items():
        file = folder / f"{name}.json"
        if not file.exists():
            begun, spent = time.perf_counter(), _processor()
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                made = make(pool)
            used = {"wall": time.perf_counter() - begun, "processor": _processor() - spent}
            file.write_text(json.dumps({"made": made, **used}), encoding="utf-8")
        held = json.loads(file.read_text(encoding="utf-8"))
        document[name] = held["made"]
        for clock in ("wall", "processor"):
            document[f"{clock}_seconds"][name] = round(held[clock], 1)
        say(f"{name}: {held['wall']:.1f} s, {held['processor']:.1f} s of processors")
    return document


def _processor() -> float:
    """Processor seconds of this process and of those that it started and that have ended."""
    mine, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime
