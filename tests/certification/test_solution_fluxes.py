"""Constants for Neumann and Robin faces: never below a solution of the error's equation, and half of them would be.

Solutions by finite differences with random data of every sign; a rule that is weakened by a factor of two fails.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.linalg import solve_banded

from supnorm.certification.solution.theorem import Barrier, Situation, barriers, best
from supnorm.results import BadInput

CASES = 200
ROOM = 1.0 + 2e-3  # the finite differences' own error


def bands(D: float, L: float, b: Any, c: float, ends: Any, n: int) -> tuple[Any, Any, float]:
    """The operator -D w'' + b w' + c w on n points as bands; rows of ends with a flux by a point outside."""
    h = L / (n - 1)
    low, high = -D / h**2 - b / (2.0 * h), -D / h**2 + b / (2.0 * h)  # of the point before and after
    middle = np.full(n, 2.0 * D / h**2 + c)
    for at, (one, other) in enumerate(((low, high), (high, low))):
        i = -at  # first, last
        if ends[at] is None:
            middle[i], one[i], other[i] = 1.0, 0.0, 0.0
        else:  # w outside = w inside + 2 h (flux - alpha w)
            middle[i] -= 2.0 * h * ends[at] * one[i]
            other[i] += one[i]
    matrix = np.zeros((3, n))
    matrix[0, 1:], matrix[1], matrix[2, :-1] = high[:-1], middle, low[1:]
    return matrix, (low, high), h


def solved(D: float, L: float, b: Any, c: float, ends: Any, faces: Any, source: float) -> float:
    """The largest size of the solution; ``faces`` has a value or a flux for each end."""
    n = len(b)
    outside = [
        -D / (L / (n - 1)) ** 2 - b[0] / (2.0 * L / (n - 1)),
        -D / (L / (n - 1)) ** 2 + b[-1] / (2.0 * L / (n - 1)),
    ]
    matrix, _, h = bands(D, L, b, c, ends, n)
    right = np.full(n, source)
    for at in (0, 1):
        i = -at
        right[i] = faces[at] if ends[at] is None else source - outside[at] * 2.0 * h * faces[at]
    return float(np.max(np.abs(solve_banded((1, 1), matrix, right))))


def situations(seed: int) -> Iterator[tuple[Situation, Any, float]]:
    """Random steady equations in one input, with a velocity and a reaction for each."""
    rng = np.random.default_rng(seed)
    for _ in range(CASES):
        D, L = float(10.0 ** rng.uniform(-1.0, 1.0)), float(rng.uniform(0.3, 3.0))
        ends = tuple(rng.choice([None, 0.0, float(10.0 ** rng.uniform(-1, 1))]) for _ in range(2))
        x = np.linspace(-0.5, 0.5, 1001)
        peclet = float(rng.choice([0.0, rng.uniform(0.0, 6.0)]))
        speed = peclet * D / L
        kind = rng.integers(0, 3)
        fixed = bool(kind == 0)
        sign = float(rng.choice([-1.0, 1.0]))
        b = (
            np.full(len(x), sign * speed)
            if fixed
            else speed * np.tanh(200.0 * (x - (kind - 1) * rng.uniform(-0.5, 0.5)))
        )
        mu = float(rng.choice([0.0, -rng.uniform(0.1, 30.0), rng.uniform(0.0, 0.9) * D / L**2]))
        yield (
            Situation(
                diffusivity=D,
                widths=(L,),
                speeds=(speed,),
                fixed=(fixed,),
                growth=mu,
                time=None,
                ends=(ends,),
                signs=(sign * speed if fixed else 0.0,),
            ),
            b,
            -mu,
        )


@pytest.mark.slow
def test_no_constant_of_a_steady_equation_is_below_a_solution_and_half_of_each_would_be() -> None:
    closest: dict[str, float] = defaultdict(float)
    seen: dict[str, int] = defaultdict(int)
    for seed in range(3):
        for about, b, c in situations(seed):
            ends = about.ends[0]
            for one in barriers(about):
                letters = sorted("v" if e is None else "n" if e == 0.0 else "r" for e in ends)
                label = f"{one.kind} {'-'.join(letters)}"
                seen[label] += 1
                for B, R, G in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.3, 0.7, 0.5)):
                    given = [B if e is None else G for e in ends]
                    size = solved(about.diffusivity, about.widths[0], b.copy(), c, ends, given, R)
                    fluxes = {0: G} if any(e is not None for e in ends) else {}
                    bound = one.bound(B if None in ends else 0.0, R, fluxes)
                    assert size <= bound * ROOM, (label, about, one, B, R, G, size, bound)
                    if bound > 0.0 and (R == 1.0 or G == 1.0):
                        which = "inside" if R == 1.0 else one.fluxes[0][0] if one.fluxes else "inside"
                        closest[f"{label} {which}"] = max(closest[f"{label} {which}"], size / bound)
    assert sum(seen.values()) >= 600
    assert {label.split(" ")[0] for label in seen} >= {"axis", "transport", "reaction", "cosines"}
    for label in (
        "axis n-v inside",
        "axis r-r inside",
        "axis n-r inside",
        "transport r-v inside",
        "axis r-r robin",
    ):
        assert closest[label] > 0.5, (label, closest)
    assert max(v for label, v in closest.items() if "quadratic" in label) > 0.5, closest


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.0, 0.3, 5.0])
def test_no_constant_of_time_is_below_a_solution_and_half_of_each_would_be(alpha: float) -> None:
    rng = np.random.default_rng(7)
    closest = {"robin": 0.0, "quadratic": 0.0}
    for number in range(CASES // 3 + 1):
        D, L, T = (
            float(10.0 ** rng.uniform(-1, 1)),
            float(rng.uniform(0.3, 2.0)),
            float(10.0 ** rng.uniform(-1, 1)),
        )
        mu = float(rng.choice([0.0, rng.uniform(-2.0, 1.0) / T]))
        speed = float(rng.choice([0.0, rng.uniform(0.0, 3.0)])) * D / L
        ends = (alpha, alpha) if number % 2 else (alpha, None)
        about = Situation(
            diffusivity=D,
            widths=(L,),
            speeds=(speed,),
            fixed=(True,),
            growth=mu,
            time=T,
            ends=(ends,),
            signs=(speed,),
        )
        n, steps = 121, 160
        b, h, dt = np.full(n, speed), L / (n - 1), T / steps
        matrix, _, _ = bands(D, L, b.copy(), -mu, ends, n)
        outside = [-D / h**2 - speed / (2.0 * h), -D / h**2 + speed / (2.0 * h)]
        implicit = matrix * dt
        implicit[1] += 1.0
        right_of = np.zeros(n)
        for at in (0, 1):
            if ends[at] is None:
                implicit[1, -at] = 1.0
            else:
                right_of[-at] = -outside[at] * 2.0 * h  # for a flux of 1
        for B, R, G in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.4, 0.5, 0.6)):
            w, largest = np.full(n, B), B
            for _ in range(steps):
                right = w + dt * (R + G * right_of)
                if ends[1] is None:
                    right[-1] = B
                w = solve_banded((1, 1), implicit, right)
                largest = max(largest, float(np.max(np.abs(w))))
            for one in barriers(about):
                bound = one.bound(B, R, {0: G})
                assert largest <= bound * (1.0 + 2e-2), (about, one, B, R, G, largest, bound)
                if G == 1.0:
                    kind = one.fluxes[0][0]
                    closest[kind] = max(closest[kind], largest / bound)
    assert closest["quadratic"] > 0.5 or alpha > 0.0
    assert closest["robin"] > 0.5 or alpha < 1.0


def test_what_no_theorem_covers_is_refused_by_name() -> None:
    closed = {"diffusivity": 1.0, "widths": (1.0,), "fixed": (True,), "growth": 0.0}
    with pytest.raises(BadInput, match="no constant is known for these boundaries"):
        best(Situation(**closed, speeds=(0.0,), time=None, ends=((0.0, 0.0),)), 0.0, 1.0, {0: 1.0})
    unknown = {**closed, "fixed": (False,), "speeds": (None,), "time": 1.0}
    with pytest.raises(BadInput, match="Neumann face needs a velocity"):
        best(Situation(**unknown, ends=((0.0, None),)), 1.0, 1.0, {0: 1.0})
    assert best(Situation(**unknown, ends=((2.0, None),)), 1.0, 1.0, {0: 1.0}).fluxes[0][0] == "robin"


def test_cosines_know_half_boxes() -> None:
    """-w'' - mu w = 1, w = 0 at one end and w' = 0 at the other: as the symmetric problem on twice the width."""
    mu, L = 1.2, 1.0
    half = Situation(
        diffusivity=1.0,
        widths=(L,),
        speeds=(0.0,),
        fixed=(True,),
        growth=mu,
        time=None,
        ends=((None, 0.0),),
        signs=(0.0,),
    )
    whole = Situation(
        diffusivity=1.0,
        widths=(2.0 * L,),
        speeds=(0.0,),
        fixed=(True,),
        growth=mu,
        time=None,
        ends=((None, None),),
        signs=(0.0,),
    )

    def cosine(s: Situation) -> Barrier:
        return next(one for one in barriers(s) if one.kind == "cosines")

    assert cosine(half).inside == pytest.approx(cosine(whole).inside, rel=1e-9)
    with pytest.raises(BadInput):
        best(Situation(**{**half.__dict__, "growth": (math.pi / 2.0) ** 2 * 1.01}), 1.0, 1.0, {0: 1.0})
