"""The problem bank: errors whose worst value is known, as plain objects, and two predicates over reports.

Every instance is a `Problem` with hand-written derivatives, the true worst error, and how well it is known.
All are deterministic by seed. `assert_honest` is what no report may break; `assert_found` is success.

The planted error is a nested mixture e = (1 - w1) E + w1 H, E = (1 - w2) E' + w2 h2, ... with weights w in
[0, 1] that are 1 at the centre of their bump: wherever bumps overlap it stays a convex combination of
heights, so its maximum is exactly H, at the centre of the first bump.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import AuditReport
from supnorm.problem import Domain, ErrorMeasure, Function, Law, Problem

Array = NDArray[np.float64]
Valued = Callable[[Array], tuple[Array, Array]]  # unit-box points (n, d) to values (n,) and gradients (n, d)
FOUND = 0.99


@dataclass(frozen=True)
class Instance:
    """A problem and what is known about its worst error.

    Attributes:
        sup: the worst error; ``inf`` at a pole.
        slack: relative uncertainty of ``sup`` (rounding, or how close it can be approached).
        known: whether ``sup`` is exact; otherwise it is the best known: no upper limit for a report.
        p: share of the domain where the planted error exceeds half of its height; None where not planted.
        at: where it is attained, in the inputs' own units; None where unknown or not unique.
    """

    name: str
    problem: Problem
    sup: float
    slack: float = 1e-9
    known: bool = True
    p: float | None = None
    at: Array | None = None


class Searched(Instance):
    """One whose worst error an independent search finds when it is asked for: each process of the suite makes the bank."""

    def __init__(self, name: str, problem: Problem, search: Callable[[], float]) -> None:
        vars(self).update(name=name, problem=problem, slack=1e-9, known=False, p=None, at=None, search=search)

    @cached_property
    def sup(self) -> float:  # type: ignore[override]
        return float(vars(self)["search"]())


# -- predicates -------------------------------------------------------------------------------------------


def assert_honest(report: AuditReport, instance: Instance) -> None:
    """What every report must keep: no witness above the truth, none without its point, no false bound."""
    problem, document = instance.problem, report.document
    lower = report.worst.error if report.worst is not None else -math.inf
    assert float(document["sup"]["lower"]) == lower
    if instance.known and math.isfinite(instance.sup):
        assert lower <= instance.sup * (1 + instance.slack) + 1e-12, (lower, instance.sup)
    if report.upper is not None and instance.known:
        assert report.upper.value >= instance.sup * (1 - instance.slack)
    for place in report.peaks:
        assert problem.domain.contains(place.x[None])[0]
        model, reference = problem.model(place.x), problem.reference(place.x)
        error, output = problem.error(model, reference, place.x[None])
        np.testing.assert_allclose(error[0], place.error, rtol=1e-9, atol=1e-12)
        assert output[0] == place.output
    ceiling = lower + 1e-9 * abs(lower) + 1e-12 if math.isfinite(lower) else math.inf
    assert all(e <= ceiling for e in reported_errors(report)), (max(reported_errors(report)), lower)


def assert_found(report: AuditReport, instance: Instance, share: float = FOUND) -> None:
    """The search found at least 99 % of the worst error."""
    assert found(report, instance, share), f"{instance.name}: {report.document['sup']} of {instance.sup}"


def found(report: AuditReport, instance: Instance, share: float = FOUND) -> bool:
    """Whether it did; at a pole that the reference itself cannot evaluate, 50 times the RMS counts."""
    if report.worst is None:
        return False
    if instance.sup == math.inf and report.worst.error < math.inf:
        return report.worst.error >= 50 * report.rms.value
    return report.worst.error >= share * instance.sup


def reported_errors(report: AuditReport) -> list[float]:
    """Every error that the report shows anywhere: places, statistics, table, maps, cuts."""
    document, charts = report.document, report.document["charts"]
    errors: list[Any] = [p["error"] for p in document["peaks"]]
    errors += [document["rms"]["value"], document["plain_sample"]["worst"], *document["quantiles"].values()]
    if len(report.points.rows):
        errors += report.points.rows[:, -1].tolist()
    for cut in charts["cuts"]:
        errors += [*cut["whole"]["error"], *cut["close"]["error"]]
    whole = charts["map"] or {"kind": "none"}
    panels = {"line": [[whole.get("error", [])]], "grid": [whole.get("values", [])]}.get(
        whole["kind"], [panel["values"] for panel in whole.get("panels", [])]
    )
    errors += [e for rows in panels for row in rows for e in row]
    errors += [e for t in charts["thumbnails"] if t is not None for row in t["values"] for e in row]
    numbers = [math.nan if e is None else float(e) for e in errors]
    return [e for e in numbers if not math.isnan(e)]


@dataclass
class Watch:
    """Keeps every value that either side ever returned, so that a test can recompute every error.

    >>> watch = Watch(Problem(lambda x: x[:, 0], lambda x: 0 * x[:, 0], Domain(x=(0.0, 1.0))))
    >>> _ = watch.problem.model(np.array([[0.5]])), watch.problem.reference(np.array([[0.5]]))
    >>> watch.errors()
    array([0.5])
    """

    problem: Problem
    seen: dict[str, dict[bytes, Array]] = field(default_factory=lambda: {"model": {}, "reference": {}})
    calls: dict[str, int] = field(default_factory=lambda: {"model": 0, "reference": 0})

    def __post_init__(self) -> None:
        plain = self.problem
        self.problem = replace(
            plain,
            model=self._watched(plain.model, "model"),
            reference=self._watched(plain.reference, "reference"),
        )

    def _watched(self, function: Function, side: str) -> Function:
        def keep(x: Array, y: Array) -> None:
            self.calls[side] += len(x)
            for point, values in zip(x, y, strict=True):
                self.seen[side][point.tobytes()] = values

        def value(x: Array) -> Array:
            y = function.value(x)
            keep(x, y)
            return y

        def vjp(x: Array) -> Any:
            assert function.vjp is not None
            y, pull = function.vjp(x)
            keep(x, y)
            return y, pull

        return replace(function, value=value, vjp=vjp if function.vjp is not None else None)

    def errors(self) -> Array:
        """The error at every point where both sides were ever evaluated, shape ``(n,)``."""
        both = [key for key in self.seen["model"] if key in self.seen["reference"]]
        x = np.stack([np.frombuffer(key) for key in both])
        model, reference = (np.stack([self.seen[s][key] for key in both]) for s in ("model", "reference"))
        return np.asarray(self.problem.error(model, reference, x)[0])


# -- building blocks --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RandomNet:
    """A random tanh or ReLU network of the unit box, one output, with its derivative.

    Weights are N(0, gain^2 / fan-in), biases N(0, 0.25).
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    activation: str = "tanh"

    @classmethod
    def draw(
        cls, d: int, seed: int, width: int = 32, depth: int = 2, gain: float = 1.5, activation: str = "tanh"
    ) -> RandomNet:
        """A network with ``depth`` hidden layers."""
        rng = np.random.default_rng(seed)
        sizes = [d, *[width] * depth, 1]
        pairs = list(itertools.pairwise(sizes))
        weights = tuple(rng.normal(0, gain / math.sqrt(a), (b, a)) for a, b in pairs)
        return cls(weights, tuple(rng.normal(0, 0.5, b) for _, b in pairs), activation)

    def __call__(self, u: Array) -> tuple[Array, Array]:
        """Values ``(n,)`` and gradients ``(n, d)``."""
        h, slopes = 2 * u - 1, []
        for w, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
            z = h @ w.T + b
            h = np.tanh(z) if self.activation == "tanh" else np.maximum(z, 0.0)
            slopes.append(1 - h**2 if self.activation == "tanh" else (z > 0).astype(float))
        value = (h @ self.weights[-1].T + self.biases[-1])[:, 0]
        back = np.broadcast_to(self.weights[-1], (len(u), self.weights[-1].shape[1]))
        for w, slope in zip(self.weights[-2::-1], slopes[::-1], strict=True):
            back = (back * slope) @ w
        return value, 2 * back


def bounded(net: RandomNet, size: float) -> Valued:
    """The network squashed into (-size, size)."""

    def valued(u: Array) -> tuple[Array, Array]:
        y, slope = net(u)
        t = np.tanh(y)
        return size * t, size * (1 - t**2)[:, None] * slope

    return valued


@dataclass(frozen=True)
class Bump:
    """A weight in [0, 1], 1 at the centre and 1/2 at distance ``radius`` in the unit box.

    ``"smooth"``: 2^(-(r / radius)^2). ``"hat"``: max(0, 1 - r / (2 radius)).
    """

    centre: Array
    radius: float
    height: float
    shape: str

    def weight(self, u: Array) -> tuple[Array, Array]:
        """Weights ``(n,)`` and gradients ``(n, d)``."""
        gap = u - self.centre
        r = np.linalg.norm(gap, axis=1)
        if self.shape == "smooth":
            w = np.exp2(-((r / self.radius) ** 2))
            return w, (-2 * math.log(2) / self.radius**2 * w)[:, None] * gap
        w = np.maximum(1 - r / (2 * self.radius), 0.0)
        inner = (w > 0) & (r > 0)
        scale = np.where(inner, -1 / (2 * self.radius * np.maximum(r, 1e-300)), 0.0)
        return w, scale[:, None] * gap


def mixed(background: Valued, bumps: tuple[Bump, ...]) -> Valued:
    """Background and bumps, nested; the first bump is the outermost and reaches its height exactly."""

    def valued(u: Array) -> tuple[Array, Array]:
        e, slope = background(u)
        for bump in bumps[::-1]:
            w, dw = bump.weight(u)
            slope = (1 - w)[:, None] * slope + (bump.height - e)[:, None] * dw
            e = (1 - w) * e + w * bump.height
        return e, slope

    return valued


def ball_radius(volume: float, d: int) -> float:
    """Radius of the d-ball of this volume."""
    return float((volume * math.gamma(1 + d / 2)) ** (1 / d) / math.sqrt(math.pi))


def function_of(domain: Domain, parts: tuple[Valued, ...], gradients: bool, **known: Any) -> Function:
    """The sum of the parts as a `Function` of the domain's own units."""

    def total(x: Array) -> tuple[Array, Array]:
        u = domain.to_unit(x)
        y, slope = parts[0](u)
        for part in parts[1:]:
            more, steeper = part(u)
            y, slope = y + more, slope + steeper
        return y, slope / domain.slope(x)

    def vjp(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        y, slope = total(x)
        return y[:, None], lambda weights: weights * slope

    return Function(lambda x: total(x)[0][:, None], vjp=vjp if gradients else None, **known)


def problem_of(
    domain: Domain, reference: Valued, error: Valued, gradients: bool = True, **asked: Any
) -> Problem:
    """Model = reference + error."""
    return Problem(
        function_of(domain, (reference, error), gradients, name="network"),
        function_of(domain, (reference,), gradients, name="truth"),
        domain,
        **asked,
    )


def box(d: int, seed: int = 0) -> Domain:
    """``d`` linear axes with ranges that are not the unit interval."""
    rng = np.random.default_rng([seed, 7])
    low, width = rng.uniform(-3, 3, d), 10 ** rng.uniform(-1, 2, d)
    return Domain(**{f"x{i + 1}": (float(low[i]), float(low[i] + width[i])) for i in range(d)})


# -- instances --------------------------------------------------------------------------------------------


def planted_bump(
    d: int, p: float, seed: int, shape: str = "smooth", gradients: bool = True, height: float = 1.0
) -> Instance:
    """A bump on a share ``p`` of the box, two wider decoys of 30-60 % of its height, a smooth background."""
    radius = ball_radius(p, d)
    if radius >= 0.5:
        raise ValueError(f"a ball of volume {p} in {d} dimensions does not fit into the unit box")
    rng = np.random.default_rng([seed, d, round(-10 * math.log10(p))])
    inside: Callable[[float], Array] = lambda r: rng.uniform(min(r, 0.5), 1 - min(r, 0.5), d)  # noqa: E731
    main = Bump(inside(radius), radius, height, shape)
    decoys = []
    while len(decoys) < 2:
        wide = min(radius * rng.uniform(2, 3), 0.4 * math.sqrt(d))
        centre = rng.random(d)
        # On top of the main bump a decoy would be its foothill, not a decoy.
        if d > 2 or np.linalg.norm(centre - main.centre) > min(3 * wide, 0.5):
            sign = rng.choice([-1.0, 1.0])
            decoys.append(Bump(centre, wide, float(sign * height * rng.uniform(0.3, 0.6)), shape))
    background = bounded(RandomNet.draw(d, seed + 1000), 0.05 * height)
    domain = box(d, seed)
    problem = problem_of(
        domain, RandomNet.draw(d, seed + 2000), mixed(background, (main, *decoys)), gradients
    )
    kind = "with" if gradients else "without"
    name = f"{shape} bump, d = {d}, p = {p:g}, {kind} gradients, seed {seed}"
    return Instance(name, problem, height, p=p, at=domain.from_unit(main.centre[None])[0])


def genuine_net(d: int, seed: int, activation: str = "tanh", starts: int = 2048) -> Instance:
    """Two random networks against each other; the best known error is that of `climb_from_everywhere`."""
    model = RandomNet.draw(d, seed, activation=activation)
    reference = RandomNet.draw(d, seed + 500)
    domain = box(d, seed)
    problem = Problem(
        function_of(domain, (model,), True, name="network"),
        function_of(domain, (reference,), True, name="truth"),
        domain,
    )
    search = partial(climb_from_everywhere, partial(_difference, model, reference), d, seed, starts)
    return Searched(f"{activation} nets, d = {d}, seed {seed}", problem, search)


def _difference(a: Valued, b: Valued, u: Array) -> tuple[Array, Array]:
    (y, dy), (f, df) = a(u), b(u)
    sign = np.sign(y - f)
    return np.abs(y - f), sign[:, None] * (dy - df)


def climb_from_everywhere(error: Valued, d: int, seed: int, starts: int, steps: int = 150) -> float:
    """An independent search: normalised ascent with decaying steps from random points and corners."""
    rng = np.random.default_rng([seed, 99])
    u = rng.random((starts, d))
    corners = starts // 2
    u[:corners] = np.where(rng.random((corners, d)) < 0.7, np.round(u[:corners]), u[:corners])
    best = -math.inf
    for step in np.geomspace(0.2, 1e-5, steps):
        value, slope = error(u)
        best = max(best, float(value.max()))
        free = np.where(((u <= 0) & (slope < 0)) | ((u >= 1) & (slope > 0)), 0.0, slope)
        u = np.clip(u + step * free / np.maximum(np.linalg.norm(free, axis=1, keepdims=True), 1e-300), 0, 1)
    return best


def corner_pole(d: int, seed: int, side: str = "model") -> Instance:
    """0.01 |u - corner|^(-1/4): no worst error, a tame RMS. ``side``: which of the two has the pole."""
    corner = np.random.default_rng(seed).integers(2, size=d).astype(float)

    def pole(u: Array) -> tuple[Array, Array]:
        gap = u - corner
        r = np.linalg.norm(gap, axis=1)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return 0.01 * r**-0.25, (-0.0025 * r**-2.25)[:, None] * gap

    domain, net = box(d, seed), RandomNet.draw(d, seed + 2000)
    plain = function_of(domain, (net,), True)
    poled = function_of(domain, (net, pole), True)
    model, reference = (poled, plain) if side == "model" else (plain, poled)
    return Instance(f"pole of the {side}, d = {d}", Problem(model, reference, domain), math.inf)


def kink(d: int, seed: int) -> Instance:
    """1 - max_i |A (u - c)|_i with a random rotation A: an oblique pyramid, sharp at every ridge."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    centre = rng.uniform(0.2, 0.8, d)

    def pyramid(u: Array) -> tuple[Array, Array]:
        z = (u - centre) @ turn.T
        i = np.argmax(np.abs(z), axis=1)
        top = z[np.arange(len(u)), i]
        return 1 - np.abs(top) / (2 * math.sqrt(d)), -np.sign(top)[:, None] * turn[i] / (2 * math.sqrt(d))

    domain = box(d, seed)
    problem = problem_of(domain, RandomNet.draw(d, seed + 2000), pyramid)
    return Instance(f"kink, d = {d}", problem, 1.0, at=domain.from_unit(centre[None])[0])


def _oblique(d: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """A point well inside the box and a unit normal that is no axis."""
    normal = rng.normal(size=d)
    normal = np.where(np.abs(normal) < 0.3, np.sign(normal) * 0.3, normal)
    return rng.uniform(0.3, 0.7, d), normal / np.linalg.norm(normal)


def jump(d: int, seed: int) -> Instance:
    """The model steps by up to 1 at an oblique plane where the reference is smooth; largest at one point."""
    rng = np.random.default_rng(seed)
    centre, normal = _oblique(d, rng)

    def step(u: Array) -> tuple[Array, Array]:
        gap = u - centre
        s = gap @ normal
        on = s >= 0
        size = np.exp(-3 * (gap**2).sum(axis=1))
        return np.where(on, size, 0.0), np.where(on, -6 * size, 0.0)[:, None] * gap

    problem = problem_of(box(d, seed), RandomNet.draw(d, seed + 2000), step)
    return Instance(f"jump, d = {d}, seed {seed}", problem, 1.0, slack=1e-9)


def thin_sheet(d: int, displaced: float, seed: int, gradients: bool = False) -> Instance:
    """Both sides step at oblique planes ``displaced`` apart (unit box): a huge error on a sheet between them.

    The step is 1 - |u - c|^2 / (2 d) high with c on the model's plane, so the worst error is 1, at c.
    """
    rng = np.random.default_rng([seed, d])
    centre, normal = _oblique(d, rng)

    def stepping(offset: float) -> Valued:
        def valued(u: Array) -> tuple[Array, Array]:
            gap = u - centre
            on = gap @ normal >= offset
            size = 1 - (gap**2).sum(axis=1) / (2 * d)
            return np.where(on, size, 0.0), np.where(on, -1 / d, 0.0)[:, None] * gap

        return valued

    domain = Domain(**{f"x{i + 1}": (0.0, 1.0) for i in range(d)})
    smooth = bounded(RandomNet.draw(d, seed + 2000), 1.0)
    tame = bounded(RandomNet.draw(d, seed + 3000), 1e-3)
    model = function_of(domain, (smooth, tame, stepping(0.0)), gradients)
    reference = function_of(domain, (smooth, stepping(displaced)), gradients)
    name = f"sheet {displaced:g}, d = {d}, seed {seed}"
    # The tame part of the error adds up to 1e-3.
    return Instance(name, Problem(model, reference, domain), 1.0, slack=1.1e-3, p=displaced)


def data_manifold(seed: int, points: int = 5000, gradients: bool = True) -> Instance:
    """A 2-D manifold in 16-D; the worst error on it is 1, a decoy of 2.5 sits far from all data."""
    rng = np.random.default_rng(seed)
    frequency, phase = rng.normal(0, 1.5, (2, 16)), rng.uniform(0, 2 * math.pi, 16)
    data = np.sin(rng.random((points, 2)) @ frequency + phase)
    domain = Domain.from_samples(data)
    assert domain.cloud is not None
    unit, r95 = domain.cloud.points, domain.cloud.radius
    away = rng.random((4000, 16))
    far = away[np.argmax(domain.cloud.tree.query(away)[0])]
    gap = float(domain.cloud.tree.query(far)[0])
    main = Bump(unit[rng.integers(len(unit))], 3 * r95, 1.0, "smooth")
    decoy = Bump(far, gap / 4, 2.5, "smooth")  # below 2.5 * 2^-9 wherever there are data
    background = bounded(RandomNet.draw(16, seed + 1000), 0.05)
    error = mixed(mixed(background, (decoy,)), (main,))
    problem = problem_of(domain, RandomNet.draw(16, seed + 2000), error, gradients)
    return Instance(f"data manifold, seed {seed}", problem, 1.0, at=domain.from_unit(main.centre[None])[0])


def relative_on_log_axes(seed: int) -> Instance:
    """A relative error on two log axes: 0.2 at its bump, 5 % elsewhere at most."""
    from supnorm.problem import Axis

    domain = Domain(p=Axis(1e3, 1e5, "Pa", scale="log"), n=Axis(1e-4, 1e-2, "mol", scale="log"))
    rng = np.random.default_rng(seed)
    bump = Bump(rng.uniform(0.2, 0.8, 2), 0.03, 0.2, "smooth")
    share = mixed(bounded(RandomNet.draw(2, seed + 1000), 0.05), (bump,))

    def truth(x: Array) -> Array:
        return x[:, 0] * x[:, 1]

    model = Function(lambda x: (truth(x) * (1 + share(domain.to_unit(x))[0]))[:, None])
    reference = Function(lambda x: truth(x)[:, None])
    error = ErrorMeasure("relative", floor=0.0)
    problem = Problem(model, reference, domain, error=error, law=Law.uniform(domain))
    return Instance("relative, log axes", problem, 0.2, slack=1e-6, at=domain.from_unit(bump.centre[None])[0])


def small_bank() -> list[Instance]:
    """One of each kind that 20,000 evaluations are enough for."""
    return [
        planted_bump(1, 1e-3, 0),
        planted_bump(2, 1e-3, 1, "hat"),
        planted_bump(3, 1e-3, 2, gradients=False),
        planted_bump(4, 1e-3, 3),
        planted_bump(6, 1e-2, 4, "hat"),
        planted_bump(10, 1e-4, 5),
        genuine_net(2, 0),
        genuine_net(8, 1),
        genuine_net(4, 2, "relu"),
        corner_pole(2, 0),
        corner_pole(3, 1, "reference"),
        kink(3, 0),
        jump(2, 0),
        thin_sheet(2, 1e-4, 0),
        relative_on_log_axes(0),
    ]
