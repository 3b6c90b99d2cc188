"""The profile of one function: every test of this folder in order, within a number of calls.

Order: non-finite and blow-up search, noise floor, smoothness along axes and oblique lines, interactions,
active subspace, inner functions, sensitivity. A test whose share of the calls is too small is left out;
`left_out` names it. The shares were set on the design bank of benchmarks/budget; the first table of *Verdicts* there
shows what 500 to 200,000 calls are enough for. Cost: about ``calls`` evaluations.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.profile.active import ActiveSubspace, active_subspace
from supnorm.planning.profile.composition import inner_functions
from supnorm.planning.profile.dimension import IntrinsicDimension, intrinsic_dimension
from supnorm.planning.profile.hazards import follow_largest, hazards, scan_points
from supnorm.planning.profile.interactions import Interactions, interactions
from supnorm.planning.profile.lines import Line, segments, through, walk
from supnorm.planning.profile.measured import Profile
from supnorm.planning.profile.noise import noise_floor
from supnorm.planning.profile.sensitivity import Sensitivity, sensitivity
from supnorm.planning.profile.separation import Separation, separation
from supnorm.planning.profile.target import Target
from supnorm.wording import Fact, fact

Array = NDArray[np.float64]
EXTREMES = 2000  # calls, about, of the ascents to the largest and the smallest value: 2 * 24 * 40
# Calls from which on the test of an active subspace, 1024 calls, takes no more than half of them.
ACTIVE = 2000


def profile(
    target: Target, rng: np.random.Generator, calls: int = 200_000, data: Array | None = None
) -> Profile:
    """Run the tests on one output of a function.

    Args:
        target: the function on the unit cube.
        rng: draws every point.
        calls: evaluations to spend.
        data: inputs of the user's law in the unit cube, shape ``(N, d)``, for the intrinsic dimension.

    >>> from supnorm.evaluation.caller import Caller
    >>> from supnorm.problem import Domain, as_function
    >>> f = as_function(lambda x: np.exp(x[:, 0]) + np.abs(x[:, 1]), "f")
    >>> target = Target(Caller(f, "f"), Domain(a=(-1.0, 1.0), b=(-1.0, 1.0)))
    >>> measured = profile(target, np.random.default_rng(0), calls=20_000)
    >>> measured.kind, measured.interactions.blocks()
    ('algebraic', [[0], [1]])
    """
    d, left_out = target.d, list[Fact]()
    x = scan_points(d, int(np.clip(calls / 16, 64, 4096)), rng)
    values = target(x)
    inside = target.domain.contains(target.domain.from_unit(x))
    seen = hazards(target, x, values, inside, rng, int(np.clip(calls / 15_000, 0, 4)))
    noise = noise_floor(target, d, rng)
    continuous = np.array([axis.values is None for axis in target.domain.axes])
    lines = _lines(target, calls, continuous, lambda: _extremes(target, x, values, rng), rng)
    pairs = d * (d - 1) // 2
    pair_samples = int(min(800, 0.25 * calls / (4 * max(pairs, 1))))
    acting = None
    if d == 1 or pair_samples >= 8:
        acting = interactions(target, d, pair_samples, target.half_range, noise, rng)
    else:
        left_out.append(fact("no-interactions", pairs=pairs, calls=32 * pairs * 4))
    slopes = int(min(500, 0.1 * calls / (2 * d)))
    roomy = slopes >= d + 5 and calls >= ACTIVE
    active = active_subspace(target, d, slopes, target.half_range, rng) if roomy else None
    if active is None:
        left_out.append(fact("no-active-subspace", calls=max(20 * d * (d + 5), ACTIVE)))
    inner = _inner(target, acting, noise, calls, rng, left_out)
    indices = _sensitivity(target, calls, rng, left_out)
    dimension = _dimension(data, rng, left_out)
    ranks = _separation(target, calls, rng, left_out)
    return Profile(
        d=d,
        names=target.domain.names,
        half_range=target.half_range,
        noise=noise,
        hazards=seen,
        lines=lines,
        interactions=acting,
        active=active,
        sensitivity=indices,
        inner=inner,
        separation=ranks,
        ridge=_ridge(target, active, calls),
        dimension=dimension,
        calls=target.calls,
        left_out=tuple(left_out),
        domain=target.domain,
    )


def _extremes(target: Target, x: Array, values: Array, rng: np.random.Generator) -> list[Array]:
    """The points where f is largest and smallest: cones and cusps are there, and no random line meets a point."""
    if not np.isfinite(values).any():
        return []
    extremes = []
    for sign in (1.0, -1.0):
        size = np.where(np.isfinite(values), sign * values, -np.inf)
        extremes.append(follow_largest(_signed(target, sign), x, size, rng, 1)[1])
    return extremes


def _signed(target: Target, sign: float) -> Callable[[Array], Array]:
    return lambda u: sign * target(u)


def _lines(
    target: Target,
    calls: int,
    continuous: NDArray[np.bool_],
    extremes: Callable[[], list[Array]],
    rng: np.random.Generator,
) -> tuple[Line, ...]:
    """Lines within 0.4 of the calls; ``extremes`` costs `EXTREMES` more, and is called only if there is room."""
    share = 0.4 * calls
    d = target.d
    wanted = 2 * d + (20 if d > 1 else 0)
    samples = next((k for k in (512, 256, 128, 64) if share >= k * (d + 4)), 32)
    count = int(np.clip(share / (1.3 * samples), d, wanted))
    per_axis = 2 if count >= 2 * d else 1
    tips = extremes() if count == wanted and share >= EXTREMES else []
    drawn = segments(d, per_axis, max(count - per_axis * d, 0), rng)
    drawn += [segment for tip in tips for segment in through(tip, 2, rng)]
    most = int(min(max(share / max(count, 1), 2.0 * samples) * 4, 20_000))
    walked = []
    for axis, start, end in drawn:
        if axis is not None and not continuous[axis]:
            continue
        end = np.where(continuous, end, start)
        if np.linalg.norm(end - start) > 0:
            walked.append(walk(target, (axis, start, end), samples, most))
    return tuple(walked)


def _inner(
    target: Target,
    acting: Interactions | None,
    noise: float,
    calls: int,
    rng: np.random.Generator,
    left_out: list[Fact],
) -> tuple[tuple[int, ...], ...]:
    if acting is None or target.d < 3:
        return ()
    blocks = [b for b in acting.blocks() if len(b) > 2]
    sets = sum(2 ** len(b) if len(b) <= 6 else len(b) ** 2 // 2 for b in blocks)
    if noise > 1e-9 * target.half_range or sets * 4 * 3 * 40 > 0.2 * calls:
        noisy = sets * 480 <= 0.2 * calls
        left_out.append(fact("noisy-inner-functions" if noisy else "many-inner-functions"))
        return ()
    return tuple(map(tuple, inner_functions(target, target.d, blocks, rng)))


def _sensitivity(
    target: Target, calls: int, rng: np.random.Generator, left_out: list[Fact]
) -> Sensitivity | None:
    power = int(math.log2(max(0.15 * calls / (target.d + 2), 1)))
    if power < 6:
        left_out.append(fact("no-sensitivity", calls=int(64 * (target.d + 2) / 0.15)))
        return None
    return sensitivity(target, target.d, 2 ** min(power, 12), rng)


def _dimension(
    data: Array | None, rng: np.random.Generator, left_out: list[Fact]
) -> IntrinsicDimension | None:
    if data is None or len(np.unique(data, axis=0)) < 100:
        left_out.append(fact("no-dimension"))
        return None
    return intrinsic_dimension(data, rng)


def _separation(
    target: Target, calls: int, rng: np.random.Generator, left_out: list[Fact]
) -> Separation | None:
    if target.d == 1:
        return None
    points = int(min(64, math.sqrt(0.15 * calls / (target.d - 1))))
    if points < 12:
        left_out.append(fact("no-ranks", calls=int(144 * (target.d - 1) / 0.15)))
        return None
    return separation(target, target.d, points, rng)


def _ridge(target: Target, active: ActiveSubspace | None, calls: int) -> Line | None:
    if active is None or active.dimension != 1 or target.d == 1:
        return None
    direction = active.directions[0]
    ends = (direction < 0).astype(float), (direction > 0).astype(float)
    return walk(target, (None, *ends), 256, max(calls // 20, 512))
