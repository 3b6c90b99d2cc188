"""The constants of the kind "solution", in balls, from what the file proves and not from its numbers.

Written from docs/certificate-format.md, "Solutions": |w| <= on_faces * (misfit on faces with given values) + inside *
(residual) + the sum over axes of flux * (misfit of the fluxes on the faces of this axis).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flint import arb

from supnorm.checker.rejected import Rejected, exact, whole
from supnorm.checker.statement_parts import Ball


@dataclass(frozen=True)
class Situation:
    """What the constants depend on; entries of tuples are for the axes of space, in order.

    Attributes:
        diffusivity, widths, time: D, lengths of the axes and of time (None for a steady equation).
        velocity: where it is a number, this number.
        moved: whether the velocity is the solution itself.
        speeds: upper bounds of the velocities; None where none is proved.
        ends: the coefficients of the fluxes at the low and the high end; None where the value is given.
        growth: mu; the reaction coefficient of the error's equation is at least -mu.
    """

    diffusivity: Ball
    widths: tuple[Ball, ...]
    time: Ball | None
    velocity: tuple[float | None, ...]
    moved: tuple[bool, ...]
    speeds: tuple[Ball | None, ...]
    ends: tuple[tuple[float | None, ...], ...]
    growth: Ball


@dataclass(frozen=True)
class Constants:
    """The maxima of the barriers; None where nothing follows. ``fluxes`` by position of the axis."""

    on_faces: Ball | None
    inside: Ball | None
    fluxes: Mapping[int, Ball | None] = field(default_factory=dict)


NOTHING = Constants(None, None)


def constants(s: Situation, barrier: Mapping[str, Any], fluxes: Mapping[int, str]) -> Constants:
    """The constants of a barrier, with those of its fluxes by kind.

    Raises:
        Rejected: for a barrier that does not exist here.
    """
    on_faces, inside = _of_kind(s, barrier)
    if on_faces is None or inside is None:
        return NOTHING
    return Constants(
        on_faces, inside, {i: _of_flux(s, i, kind, on_faces, inside) for i, kind in fluxes.items()}
    )


def _of_flux(s: Situation, i: int, kind: str, on_faces: Ball, inside: Ball) -> Ball | None:
    alphas = [arb(a) for a in s.ends[i] if a is not None]
    if kind == "robin":
        least = min(a for a in s.ends[i] if a is not None)
        if not least > 0.0:
            raise Rejected("the barrier of a flux by its coefficient needs one above 0 at each of its faces")
        return on_faces / arb(least)
    if kind != "quadratic" or not alphas:
        raise Rejected("malformed statement: a barrier of a flux that the format does not have")
    if s.moved[i]:
        raise Rejected("the quadratic barrier of a flux needs a bound of the velocity along its axis")
    speed, width = s.speeds[i], s.widths[i]
    if speed is None:
        return None
    outside = 2 * s.diffusivity / width + speed + s.growth.max(arb(0)) * width / 4
    return width / 4 + outside * inside


def _of_kind(s: Situation, barrier: Mapping[str, Any]) -> tuple[Ball | None, Ball | None]:
    kind, mu, one = barrier["kind"], s.growth, arb(1)
    if kind == "none":  # of work that ended before it was known: nothing follows
        return None, None
    if kind == "time":
        if s.time is None:
            raise Rejected("the barrier in time needs an axis of time")
        size = mu * s.time
        return size.exp() if mu > 0 else one, s.time if mu == 0 else size.expm1() / mu
    if kind == "reaction":
        if not mu < 0:
            raise Rejected("the barrier of a reaction needs a positive coefficient")
        return one, -1 / mu
    if kind == "axis":
        i = position(barrier, 0, len(s.widths))
        if s.moved[i]:
            raise Rejected("the barrier of an axis needs a bound of the velocity along it")
        height = _height(s, i)
        return (None, None) if height is None else _against_growth(mu, height)
    if kind == "transport":
        return _against_growth(mu, _crossing(s, position(barrier, 0, len(s.widths))))
    if any(b != 0.0 for b in s.velocity):
        raise Rejected("this barrier needs a velocity of zero")
    if kind == "pair":
        return _against_growth(mu, _pair_height(s, barrier) / s.diffusivity)
    if kind == "cosines":
        return _cosines(s, barrier)
    raise Rejected("malformed statement: a barrier that the format does not have")


def position(barrier: Mapping[str, Any], k: int, count: int) -> int:
    """The k-th axis of a barrier, a position among ``count`` axes of space."""
    i = whole(barrier["axes"][k])
    if not 0 <= i < count:
        raise Rejected("malformed statement: the axis of a barrier does not exist")
    return i


def _against_growth(mu: Ball, height: Ball) -> tuple[Ball, Ball]:
    share = mu.max(arb(0)) * height
    if not share < 1:
        raise Rejected("the barrier is too small for the growth")
    return 1 / (1 - share), height / (1 - share)


def _height(s: Situation, i: int) -> Ball | None:
    """The barrier of an axis at its largest; None where the velocity has no bound.

    With one end given the box is half of one of twice the width. With two fluxes the barrier is raised until its slope at
    the ends, p, is at most alpha times its height there.
    """
    speed, width = s.speeds[i], s.widths[i]
    alphas = [a for a in s.ends[i] if a is not None]
    if not alphas:
        return None if speed is None else _axis_height(s.diffusivity, width, speed)
    if len(alphas) == 1:
        return None if speed is None else _axis_height(s.diffusivity, 2 * width, speed)
    if max(alphas) == 0.0:
        raise Rejected("the barrier of an axis needs a value or a Robin condition at one of its ends")
    if speed is None:
        return None
    alpha = min(alphas)
    if alpha == 0.0:
        alpha, width = max(alphas), 2 * width
    drift = speed * width / (2 * s.diffusivity)
    tiny = drift < arb("1e-20")
    growth = 1 + drift / 2 + drift * drift * drift.exp() / 6 if tiny else drift.expm1() / drift
    slope = width / (2 * s.diffusivity) * growth
    return _axis_height(s.diffusivity, width, speed) + slope / arb(alpha)


def _axis_height(D: Ball, width: Ball, speed: Ball) -> Ball:
    """D/speed^2 (e^s - 1 - s); where s is tiny, a bound of its series."""
    s = speed * width / (2 * D)
    tiny = s < arb("1e-20")  # where e^s - 1 - s would have no digits
    share = arb(1) / 2 + s / 6 + s * s * s.exp() / 24 if tiny else (s.expm1() - s) / (s * s)
    return share * width * width / (4 * D)


def _crossing(s: Situation, i: int) -> Ball:
    """The time to cross the box along an axis; the face where it flows in must be given or have a Robin condition."""
    b = s.velocity[i]
    if b is None or b == 0.0:
        raise Rejected("the barrier of transport needs a constant velocity other than zero")
    speed, inflow = abs(arb(b)), s.ends[i][0 if b > 0.0 else 1]
    if inflow is None:
        return s.widths[i] / speed
    if not inflow > 0.0:
        raise Rejected("the barrier of transport needs a value or a Robin condition where it flows in")
    return s.widths[i] / speed + 1 / (speed * arb(inflow))


def _pair_height(s: Situation, barrier: Mapping[str, Any]) -> Ball:
    i, j = (position(barrier, k, len(s.widths)) for k in (0, 1))
    if any(a is not None for k in (i, j) for a in s.ends[k]):
        raise Rejected("the barrier of two axes needs given values on all of their faces")
    m, a = (arb(exact(v)) for v in barrier["numbers"])
    p, q = (s.widths[k] / 2 for k in (i, j))
    P, Q = p * p, q * q
    if i == j or not (m >= 0 and m <= 1 and a >= 0 and 6 * a * Q <= m and 6 * a * P <= 1 - m):
        raise Rejected("the numbers of a barrier of two axes do not satisfy its conditions")
    corner = m * P / 2 + (1 - m) * Q / 2 + a * (P * P - 6 * P * Q + Q * Q)
    return (m * P / 2 + a * P * P).max((1 - m) * Q / 2 + a * Q * Q).max(corner)


def _cosines(s: Situation, barrier: Mapping[str, Any]) -> tuple[Ball, Ball]:
    numbers = [arb(exact(v)) for v in barrier["numbers"]]
    squares, logs = arb(0), arb(0)
    for i, (k, width) in enumerate(zip(numbers, s.widths, strict=True)):
        fluxes = sum(a is not None for a in s.ends[i])
        if fluxes == 2 and not k == 0:
            raise Rejected("a barrier of cosines may not depend on an axis without given values")
        whole_wave = width * (1 + fluxes)  # with one end given the box is half of one of twice the width
        if not (k >= 0 and k * whole_wave < arb.pi()):
            raise Rejected("the numbers of a barrier of cosines do not satisfy its conditions")
        squares += k * k
        if fluxes < 2:
            logs -= (-((k * whole_wave / 2).sin() ** 2)).log1p() / 2
    if not (s.growth > 0 and s.diffusivity * squares >= s.growth):
        raise Rejected("the numbers of a barrier of cosines do not reach the growth")
    return logs.exp(), logs.expm1() / s.growth
