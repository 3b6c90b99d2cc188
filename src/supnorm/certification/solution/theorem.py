"""Constants of the error of an approximate solution, each with its barrier and its source.

w = u - v satisfies  w_t - D laplace w + b . grad w + c w = -r  in the box (without w_t if steady), and |w| <= B on the
faces with prescribed values. Let |r| <= R and c >= -mu. If psi_0 and psi_1 are smooth, are >= 1 and >= 0 on those faces,
and the operator maps them to functions >= 0 and >= 1, then

    |w| <= B psi_0 + R psi_1 <= B max psi_0 + R max psi_1.

For c >= 0 and for time-dependent equations this is the comparison principle (Gilbarg & Trudinger, Elliptic Partial
Differential Equations of Second Order, theorems 3.3 and 3.7; Protter & Weinberger, Maximum Principles in Differential
Equations, chapter 3, theorem 7 and its remarks; Evans, Partial Differential Equations, section 7.1.4). For a steady
equation with c < 0 it holds because psi_0 is a positive supersolution (Protter & Weinberger, chapter 2, theorem 10). The
barriers, with L the width of an axis, z its coordinate from the middle, T the length of time:

* time: psi_0 = e^(max(mu, 0) t), psi_1 = (e^(mu t) - 1)/mu, or t if mu = 0. b has no effect.
* reaction, mu < 0: psi_0 = 1, psi_1 = 1/(-mu).
* axis, |b_i| <= beta: psi_0 = 1, psi_1 with psi_1(+-L/2) = 0 and -D psi_1'' - beta |psi_1'| = 1, a function of z_i only. Its
  maximum is D/beta^2 (e^s - 1 - s), s = beta L/(2 D); L^2/(8 D) if beta = 0. This and the next two are for mu <= 0. If
  mu > 0 and C = max psi_1 < 1/mu, then 1 + mu psi_1/(1 - mu C) and psi_1/(1 - mu C) are barriers: both maxima grow by
  1/(1 - mu C).
* transport, b_i a constant other than 0: psi_1 = (z_i +- L/2)/b_i, at most L/|b_i|.
* pair, b = 0: psi_1 = (C - m z_i^2/2 - (1 - m) z_j^2/2 - a (z_i^4 - 6 z_i^2 z_j^2 + z_j^4))/D, a, m, 1 - m >= 0. Its last
  part is harmonic. On a face it is concave in the square of the other coordinate, so it is >= 0 where it is at the ends:
  C >= m p^2/2 + a p^4, C >= (1 - m) q^2/2 + a q^4, C >= m p^2/2 + (1 - m) q^2/2 + a (p^4 - 6 p^2 q^2 + q^4), p and q the
  half-widths. It is at most C/D because 6 a q^2 <= m and 6 a p^2 <= 1 - m.
* cosines, mu > 0, b = 0: psi_0 = prod cos(k_i z_i)/cos(k_i L_i/2) with k_i L_i < pi and D sum k_i^2 >= mu, psi_1 =
  (psi_0 - 1)/mu. Such k_i exist if and only if mu/D is below the first eigenvalue of -laplace on the box.

Faces with a flux. On some faces dw/dn + alpha w is known instead of w, at most G in size, n the outward normal, alpha >= 0.
If in addition d psi_0/dn + alpha psi_0 >= alpha and d psi_1/dn + alpha psi_1 >= 0 there, and psi_2 has d psi_2/dn + alpha
psi_2 >= 1 on these faces, is >= 0 on the others with dpsi_2/dn + alpha psi_2 >= 0 on other faces with a flux, and is mapped
to a function >= 0 by the operator, then |w| <= B psi_0 + R psi_1 + G psi_2, with one psi_2 for each axis that has such
faces. Proof (as Protter & Weinberger, chapter 2, theorem 10, and chapter 3, section 3, without Hopf's lemma): let Psi be
the right side plus epsilon (psi_0 + psi_1 + sum psi_2) > 0, for which every inequality is strict, and t the largest value
of |w|/Psi. If t > 1, then t Psi - w (or + w) is >= 0 and zero at a point. There w is not given. At a point inside, or at the
end of time, the operator maps it to a value <= 0, but it maps t Psi to more than R. On a face with a flux its normal
derivative is <= 0, but t (dPsi/dn + alpha Psi) is above G. This needs w to have continuous first derivatives up to these
faces, and nothing at edges: each condition there is that of one face. The barriers then are:

* time, reaction: as above; they do not depend on the place, so dpsi/dn = 0.
* axis: with both ends given as above; faces of other axes have dpsi/dn = 0. With one end given, psi_1 of the width 2 L, of
  which the box is the half from the middle (dpsi/dn = 0 at the end with a flux). With two fluxes, both alpha > 0: psi_1 + k,
  k = p(L)/alpha, where p(L) = (e^s - 1)/beta, or L/(2 D) if beta = 0, is the slope of psi_1 at the ends, and alpha the
  smaller one; one alpha = 0: psi_1 of the width 2 L, plus p(2 L)/alpha.
* transport: the face where it flows in must be given, or alpha > 0 there, and then psi_1 + 1/(|b_i| alpha).
* pair: all faces of both axes are given.
* cosines: with L replaced by 2 L where one end is given, and k_i = 0 where none is.
* psi_2 of axis i: psi_0/alpha with the smaller alpha > 0 of its fluxes ("robin"), or z_i^2/L_i + K psi_1, K = 2 D/L_i +
  beta_i + max(mu, 0) L_i/4 ("quadratic"), at most L_i/4 + K max psi_1.

Periodic axes. Along them u and its first derivatives are the same at both ends, and u has continuous derivatives of the
equation's order up to these faces. v is made so, exactly (`programs.with_equal_ends`): then w is, too. If psi_0 and psi_1
do not depend on these axes, then |w| <= B psi_0 + R psi_1 with no further term. Proof: as above, let t Psi - w be >= 0 and
zero at a point of such a face. It is zero at the point opposite as well, and its derivative along the axis, the same at
both, is >= 0 at the low end and <= 0 at the high one, so it is 0. Hence the second derivative there is >= 0, those along
the face are as at a point inside, and so the operator maps t Psi - w to a value <= 0; the equation holds there by
continuity, and with it the contradiction. The barriers are those of two fluxes with alpha = 0, which do not depend on the
axis: time, reaction, those of other axes, and cosines with k_i = 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Final

from supnorm.results import BadInput
from supnorm.results.numbers import num

# Above the errors of the few operations of a constant, each within some units in the last place. The checker proves the
# constants again in ball arithmetic.
UP = 1e-13
NO_FLUX: Final[Mapping[int, float]] = {}
Pair = tuple[float | None, float | None]


@dataclass(frozen=True, kw_only=True)
class Barrier:
    """A barrier: |u - v| <= on_faces * (largest error on the faces) + inside * (largest residual).

    Attributes:
        kind: time, reaction, axis, transport, pair or cosines.
        on_faces, inside: the maxima of psi_0 and psi_1, rounded up.
        axes: positions among the axes of space that it depends on.
        numbers: m and a of a pair; k_i of cosines.
        fluxes: for axes of space with fluxes, by position: the kind of psi_2 and its maximum, rounded up.
    """

    kind: str
    on_faces: float
    inside: float
    axes: tuple[int, ...] = ()
    numbers: tuple[float, ...] = field(default=())
    fluxes: Mapping[int, tuple[str, float]] = field(default_factory=dict)

    def bound(self, faces: float, residual: float, fluxes: Mapping[int, float] = NO_FLUX) -> float:
        """The bound of |u - v|, rounded up; ``fluxes`` by position of the axis."""
        sizes = [(self.on_faces, faces), (self.inside, residual)]
        sizes += [(self.fluxes[i][1], size) for i, size in fluxes.items()]
        parts = [a * b if b else 0.0 for a, b in sizes]
        return sum(parts) * (1.0 + 1e-14)

    def speeds(self) -> set[int]:
        """The positions of the axes whose velocity has to be bounded."""
        of_fluxes = {i for i, (kind, _) in self.fluxes.items() if kind == "quadratic"}
        return of_fluxes | (set(self.axes) if self.kind == "axis" else set())


# Constants that bound nothing: of work that ended before its barrier was known.
NONE: Final = Barrier(kind="none", on_faces=math.inf, inside=math.inf)


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What the constants depend on.

    Attributes:
        diffusivity: D.
        widths: of the axes of space.
        speeds: for each axis of space an upper bound of |b_i|; None if there is none.
        fixed: whether b_i is a constant.
        growth: mu.
        time: length of time; None for a steady equation.
        ends: for each axis of space what is known at its low and its high end: None for the value, else alpha of the flux.
        signs: of the velocities that are constants.
        periodic: positions of the periodic axes; their ``ends`` are (0, 0), because no barrier may depend on them.
    """

    diffusivity: float
    widths: tuple[float, ...]
    speeds: tuple[float | None, ...]
    fixed: tuple[bool, ...]
    growth: float
    time: float | None
    ends: tuple[Pair, ...] = ()
    signs: tuple[float, ...] = ()
    periodic: tuple[int, ...] = ()

    def at(self, i: int) -> Pair:
        """What is known at the ends of the i-th axis of space."""
        return self.ends[i] if self.ends else (None, None)


def best(
    situation: Situation, faces: float, residual: float, fluxes: Mapping[int, float] = NO_FLUX
) -> Barrier:
    """The barrier with the smallest bound.

    Raises:
        BadInput: when no barrier exists, because the equation may have an eigenvalue on the box.
    """
    known = list(barriers(situation))
    if not known:
        raise BadInput(_none(situation))
    return min(known, key=lambda one: (one.bound(faces, residual, fluxes), one.inside, one.on_faces))


def _none(s: Situation) -> str:
    if any(end is not None for pair in s.ends for end in pair):
        return (
            "no constant is known for these boundaries: a steady equation needs an axis with a given value or a Robin "
            "condition at one end at least (or a positive reaction), and a Neumann face needs a velocity along its axis "
            "that is a number or a formula; along a periodic axis nothing is given"
        )
    if any(v != 0.0 for v in s.speeds):
        return (
            f"the reaction coefficient falls to {num(-s.growth, 4)}, below zero, in a steady equation with a velocity; "
            "there is no constant for this case"
        )
    first = sum((math.pi / w) ** 2 for w in s.widths)
    return (
        f"-laplace u - {num(s.growth / s.diffusivity, 6)} u has no proved constant on this box: the first eigenvalue of "
        f"-laplace is {num(first, 6)}, which must be larger; take a smaller box or a smaller k"
    )


def barriers(s: Situation) -> Iterator[Barrier]:
    """All barriers that exist, with psi_2 of the axes that have fluxes."""
    for one in _barriers(s):
        with_fluxes = _with_fluxes(s, one)
        if with_fluxes is not None:
            yield with_fluxes


def _with_fluxes(s: Situation, one: Barrier) -> Barrier | None:
    """The barrier with psi_2 of each axis that has fluxes; None where there is none."""
    made = {}
    for i, pair in enumerate(s.ends):
        alphas, speed, width = [a for a in pair if a is not None], s.speeds[i], s.widths[i]
        if not alphas or i in s.periodic:
            continue
        known = []
        if min(alphas) > 0.0:
            known.append(("robin", _up(one.on_faces / min(alphas))))
        if speed is not None:
            K = 2.0 * s.diffusivity / width + speed + max(s.growth, 0.0) * width / 4.0
            known.append(("quadratic", _up(width / 4.0 + K * one.inside)))
        if not known:
            return None
        made[i] = min(known, key=lambda kind: kind[1])
    return replace(one, fluxes=made) if made else one


def _height(s: Situation, i: int) -> float | None:
    """The maximum of psi_1 of an axis, by what is known at its ends; None where there is no such barrier."""
    D, width, speed, pair = s.diffusivity, s.widths[i], s.speeds[i], s.at(i)
    assert speed is not None
    alphas = [a for a in pair if a is not None]
    if len(alphas) < 2:
        return _axis(D, width * (1.0 + len(alphas)), speed)
    if not max(alphas) > 0.0:
        return None
    if not min(alphas) > 0.0:
        width = 2.0 * width
    drift = speed * width / (2.0 * D)
    if drift > 700.0:
        return math.inf
    slope = width / (2.0 * D) * (math.expm1(drift) / drift if drift > 0.0 else 1.0)
    alpha = min(alphas) if min(alphas) > 0.0 else max(alphas)
    return _up(_axis(D, width, speed) + slope / alpha, 8.0 * drift)


def _crossing(s: Situation, i: int) -> float | None:
    """The maximum of psi_1 of transport along an axis with a constant velocity; ``fixed`` has its sign."""
    speed, sign = s.speeds[i], s.signs[i] if s.signs else 1.0
    assert speed is not None
    inflow = s.at(i)[0 if sign > 0.0 else 1]
    if inflow is None:
        return _up(s.widths[i] / speed)
    return _up(s.widths[i] / speed + 1.0 / (speed * inflow)) if inflow > 0.0 else None


def _barriers(s: Situation) -> Iterator[Barrier]:
    mu, D = s.growth, s.diffusivity
    if s.time is not None:
        yield _time(mu, s.time)
    if any(v is None for v in s.speeds):
        return
    still = all(v == 0.0 for v in s.speeds)
    if mu < 0.0:
        yield Barrier(kind="reaction", on_faces=1.0, inside=_up(-1.0 / mu))
    for i, speed in enumerate(s.speeds):
        assert speed is not None
        height = _height(s, i)
        if height is not None:
            yield from _against_growth(mu, Barrier(kind="axis", on_faces=1.0, inside=height, axes=(i,)))
        crossing = _crossing(s, i) if s.fixed[i] and speed > 0.0 else None
        if crossing is not None:
            yield from _against_growth(
                mu, Barrier(kind="transport", on_faces=1.0, inside=crossing, axes=(i,))
            )
    given = [i for i in range(len(s.widths)) if s.at(i) == (None, None)]
    for i, j in combinations(given, 2) if still else ():
        yield from _against_growth(mu, _pair(D, s.widths, i, j))
    if mu > 0.0 and still:
        yield from _cosines(D, s, mu)


def _against_growth(mu: float, barrier: Barrier) -> Iterator[Barrier]:
    """The barrier for a reaction coefficient that may fall to -mu, if it is large enough."""
    share = max(mu, 0.0) * barrier.inside
    if share < 0.999:
        scale = _up(1.0 / (1.0 - share), 1.0 / (1.0 - share)) if share > 0.0 else 1.0
        yield replace(barrier, on_faces=scale, inside=barrier.inside * scale * (1.0 + UP))


def _up(value: float, condition: float = 0.0) -> float:
    return value * (1.0 + UP * (1.0 + condition))


def _time(mu: float, time: float) -> Barrier:
    try:
        size = mu * time
        inside = _up(time) if mu == 0.0 else _up(math.expm1(size) / mu, abs(size))
        return Barrier(
            kind="time", on_faces=_up(math.exp(max(size, 0.0)), abs(size)) if mu > 0.0 else 1.0, inside=inside
        )
    except OverflowError:
        return Barrier(kind="time", on_faces=math.inf, inside=math.inf)


def _axis(D: float, width: float, speed: float) -> float:
    """The maximum of psi_1; (e^s - 1 - s)/s^2 by its series for small s."""
    s = speed * width / (2.0 * D)
    if s > 700.0:
        return math.inf
    share = sum(s**k / math.factorial(k + 2) for k in range(25)) if s < 1.0 else (math.expm1(s) - s) / (s * s)
    return _up(share * width * width / (4.0 * D), 8.0 * s)


def _pair(D: float, widths: tuple[float, ...], i: int, j: int) -> Barrier:
    from scipy.optimize import linprog

    p, q = widths[i] / 2.0, widths[j] / 2.0
    scale = min(p, q)
    P, Q = (p / scale) ** 2, (q / scale) ** 2
    # m P/2 + a P^2 <= C and so on, in the unknowns m, a, C; lengths in units of the smaller half-width
    rows = [
        [P / 2.0, P * P, -1.0],
        [-Q / 2.0, Q * Q, -1.0],
        [(P - Q) / 2.0, P * P - 6.0 * P * Q + Q * Q, -1.0],
        [-1.0, 6.0 * Q, 0.0],
        [1.0, 6.0 * P, 0.0],
    ]
    ends = [0.0, -Q / 2.0, -Q / 2.0, 0.0, 1.0]
    known = linprog([0.0, 0.0, 1.0], A_ub=rows, b_ub=ends, bounds=[(0.0, 1.0), (0.0, None), (0.0, None)])
    m, a = (float(known.x[0]), float(known.x[1])) if known.success else (1.0, 0.0)
    m = min(max(m, 0.0), 1.0)
    a = max(0.0, min(a, m / (6.0 * Q), (1.0 - m) / (6.0 * P))) * (1.0 - 1e-9) / scale**2
    return Barrier(
        kind="pair", on_faces=1.0, inside=_up(pair_height(m, a, p, q) / D), axes=(i, j), numbers=(m, a)
    )


def pair_height(m: float, a: float, p: float, q: float) -> float:
    """C for given m and a."""
    P, Q = p * p, q * q
    corner = m * P / 2.0 + (1.0 - m) * Q / 2.0 + a * (P * P - 6.0 * P * Q + Q * Q)
    return max(m * P / 2.0 + a * P * P, (1.0 - m) * Q / 2.0 + a * Q * Q, corner)


def _cosines(D: float, s: Situation, mu: float) -> Iterator[Barrier]:
    """The k_i with the smallest product, where the derivatives of the logarithm by the k_i^2 are equal."""
    fluxes = [sum(a is not None for a in s.at(i)) for i in range(len(s.widths))]
    used = [i for i, n in enumerate(fluxes) if n < 2]
    widths = tuple(s.widths[i] * (1.0 + fluxes[i]) for i in used)
    if not widths:
        return
    target = mu / D * (1.0 + 1e-12)
    if target >= sum((math.pi / w) ** 2 for w in widths) * (1.0 - 1e-9):
        return
    # Of the multiplier: all angles are 0, or near pi/2.
    low, high = 1e-3 * min(widths) ** 2, 1e18 * max(widths) ** 2
    for _ in range(200):
        middle = math.sqrt(low * high)
        angles = [_angle(8.0 * middle / w**2) for w in widths]
        enough = sum((2.0 * t / w) ** 2 for t, w in zip(angles, widths, strict=True)) >= target
        low, high = (low, middle) if enough else (middle, high)
    angles = [_angle(8.0 * high / w**2) for w in widths]
    reached = sum((2.0 * t / w) ** 2 for t, w in zip(angles, widths, strict=True))
    angles = [t * math.sqrt(min(target / reached, 1.0)) for t in angles]  # small angles are not known well
    if not all(t < math.pi / 2.0 * (1.0 - 1e-12) for t in angles):
        return
    logs = [-0.5 * math.log1p(-(math.sin(t) ** 2)) for t in angles]
    condition = sum(t * math.tan(t) for t in angles)
    total = sum(logs)
    if not total < 700.0:
        return
    yield Barrier(
        kind="cosines",
        on_faces=_up(math.exp(total), 10.0 * condition + total),
        inside=_up(math.expm1(total) / mu, 10.0 * condition + total),
        axes=tuple(range(len(s.widths))),
        numbers=tuple(
            2.0 * angles[used.index(i)] / widths[used.index(i)] if i in used else 0.0
            for i in range(len(s.widths))
        ),
    )


def _angle(ratio: float) -> float:
    """t in [0, pi/2) with tan(t)/t = ratio; 0 if the ratio is at most 1."""
    if ratio <= 1.0:
        return 0.0
    low, high = 0.0, math.pi / 2.0
    for _ in range(80):
        t = 0.5 * (low + high)
        low, high = (t, high) if math.tan(t) < ratio * t else (low, t)
    return low
