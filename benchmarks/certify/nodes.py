"""The node rules of `nodes.json`: orbits chosen greedily, then moved until the Lebesgue constant stops falling.

The coordinates of the representatives that are neither 0 nor 1 are moved by an evolution strategy with one parent
and one child; the constant is taken on a grid of about 1.4 D Chebyshev nodes per axis. Nothing rests on this search: the
constant that certificates use is proved for the rule that it finds (`graded_rule.prove`).
"""

from __future__ import annotations

import itertools
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import supnorm.certification
from supnorm.certification.graded_rule import Known, choose, lebesgue, orbit, parities, project, prove

Array = NDArray[np.float64]
FILE = Path(supnorm.certification.__file__).parent / "nodes.json"
MENU = {3: (5, 7, 9, 11), 4: (4, 6, 7, 8, 9, 11), 5: (4, 6, 7, 8, 9), 6: (3, 5, 6, 7, 8, 9)}


def moved(d: int, D: int, seconds: float) -> list[list[float]]:
    """Representatives of a rule, after ``seconds`` of processor time."""
    blocks = parities(d, D)
    start = [np.sort(o[0])[::-1] for o in choose(d, D)]
    inner = [sorted({v for v in p.tolist() if 0.0 < v < 1.0}, reverse=True) for p in start]
    angles = np.arccos(list(itertools.chain(*inner)))

    def points(angles: Array) -> list[list[float]]:
        new = iter(np.round(np.cos(np.clip(angles, 0.01, np.pi / 2 - 0.01)), 6).tolist())
        names = [dict(zip(some, itertools.islice(new, len(some)), strict=True)) for some in inner]
        return [
            sorted((name.get(v, v) for v in p.tolist()), reverse=True)
            for p, name in zip(start, names, strict=True)
        ]

    def constant(angles: Array) -> float:
        nodes = np.concatenate([orbit(p) for p in points(angles)])
        parts = project(nodes, blocks) if len(set(map(tuple, nodes.tolist()))) == len(nodes) else None
        return np.inf if parts is None else lebesgue(nodes, parts, blocks, D, 1.4)

    best, step, rng, end = constant(angles), 0.04, np.random.default_rng(0), time.process_time() + seconds
    while time.process_time() < end and len(angles):
        which = rng.random(len(angles)) < max(0.2, 2.0 / len(angles))
        child = angles + step * which * rng.standard_normal(len(angles))
        found = constant(child)
        step *= 1.4 if found < best else 0.92
        if found < best:
            best, angles = found, child
        step = 0.02 if step < 5e-4 else min(step, 0.2)
    return points(angles)


def main(seconds: float, only: str) -> None:
    """Make the rules whose name contains ``only``; ``seconds`` for each."""
    for d, degrees in MENU.items():
        for D in degrees:
            name = f"{d} inputs, degree {D}"
            if only in name:
                rules = json.loads(FILE.read_text())
                rules[name] = proved(name, d, D, moved(d, D, seconds))
                write(rules)
                print(name, len(rules[name]["points"]), "orbits", flush=True)


def proved(name: str, d: int, D: int, points: list[list[float]]) -> dict[str, Any]:
    """The rule of these points as the table has it: with its Lebesgue constant, rounded up by 1e-8 or more, and its mark."""
    bound = prove(d, D, [orbit(point) for point in points]).lebesgue
    known = Known(points, math.ceil(bound * (1.0 + 1e-8) * 1e7) / 1e7)
    return {"lebesgue": known.lebesgue, "mark": known.made(name), "points": points}


def write(rules: dict[str, Any]) -> None:
    """One line for a rule."""
    lines = [f'  "{name}": {json.dumps(rules[name])}' for name in sorted(rules)]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
