"""The eight exceptions to "a network cannot promise this": the test that decides each, its outcome, its
effect.

A caveat that was not tested is *undecided* and changes nothing: the cautious default stays.
"""

from __future__ import annotations

import math

from supnorm.planning.learning_curve import MeasuredCurve
from supnorm.planning.profile.interactions import largest_clique
from supnorm.planning.profile.measured import Profile
from supnorm.planning.theory.statement import ClassBound
from supnorm.results.budget import CaveatRecord, ToleranceRecord


def _caveat(name: str, test: str, outcome: str, effect: str) -> CaveatRecord:
    return CaveatRecord(name=name, test=test, outcome=outcome, effect=effect)


def caveats(
    profile: Profile | None,
    learning_curves: tuple[MeasuredCurve, ...],
    guarantee: list[ClassBound],
    eps: float,
    p: float,
    stability: float | None = None,
    table: tuple[ToleranceRecord, ...] = (),
) -> tuple[CaveatRecord, ...]:
    """All eight rows, in a fixed order; ``stability`` is the constant of the equation, where it
    is known, ``table`` the lines for several tolerances (`charts.tolerance_table`).
    """
    return (
        _smooth(profile),
        _composition(profile, eps),
        _manifold(profile),
        _average(learning_curves, table),
        _architecture(learning_curves),
        _low_accuracy(guarantee, learning_curves, eps),
        _mean_square(learning_curves, p),
        _pinn(stability),
    )


def _smooth(profile: Profile | None) -> CaveatRecord:
    name, test = "strong smoothness", "Chebyshev decay on all axes and on oblique lines"
    if profile is None:
        return _caveat(
            name, test, "undecided: no function was given", "the smoothness that was stated is used"
        )
    lines = f"{len(profile.known_lines)} lines"
    if profile.jump is not None:
        jump = profile.jump.jump
        return _caveat(
            name, test, f"does not hold: a jump of height {jump:.3g}", "no sup-norm promise at all"
        )
    if profile.kind == "geometric":
        decaying = [r for r in profile.rho if r > 1.0]  # 1: an axis along which there is only noise
        rho = min(decaying, default=1.0)
        outcome = f"holds: geometric decay on {lines}, smallest rho {digits_beyond_one(rho)}"
        return _caveat(name, test, outcome, "polynomial counts, log(1/eps)^d in place of eps^(-d/n)")
    if profile.kind == "algebraic":
        effect = f"n = {profile.class_order()} in eps^(-d/n)"
        return _caveat(
            name, test, f"does not hold: order {profile.order:.2f} is the lowest of {lines}", effect
        )
    return _caveat(name, test, f"undecided: {profile.kind}", "n = 1 (Lipschitz) is used")


def digits_beyond_one(rho: float) -> str:
    """A Bernstein parameter in four digits, or in as many as distinguish it from 1, where nothing would decay.

    >>> digits_beyond_one(1.5), digits_beyond_one(1.0000123), digits_beyond_one(1.0)
    ('1.5', '1.00001', '1')
    """
    for digits in range(4, 17):
        shown = f"{rho:.{digits}g}"
        if float(shown) != 1.0:
            return shown
    return "1"


def _composition(profile: Profile | None, eps: float) -> CaveatRecord:
    name, test = (
        "composition of simpler functions",
        "mixed differences in sup, products, ridges, inner functions",
    )
    if profile is None or profile.interactions is None:
        return _caveat(name, test, "undecided: not tested", "all inputs are taken to interact")
    acting = profile.interactions
    splits = []
    if len(acting.blocks()) > 1:
        splits.append(f"sum of blocks {_named(acting.blocks(), profile.names)}")
    if len(acting.factors()) > 1:
        splits.append(f"product of blocks {_named(acting.factors(), profile.names)}")
    active = profile.active
    if (
        active is not None
        and 0 < active.dimension < profile.d
        and active.residual * profile.half_range <= eps / 4
    ):
        splits.append(f"{active.dimension} active direction(s)")
    if profile.inner and not splits:
        splits.append(f"enter through one number: {_named(profile.inner, profile.names)}")
    at_eps = largest_clique(
        acting.additive * profile.half_range > max(eps, acting.floor * profile.half_range)
    )
    clique = f"at most {max(at_eps, 1)} inputs interact at the size of the tolerance"
    if splits:
        return _caveat(name, test, "holds: " + "; ".join(splits), f"d becomes the largest block; {clique}")
    return _caveat(name, test, "does not hold: no split was found", f"d stays {profile.d}; {clique}")


def _named(blocks: object, names: tuple[str, ...]) -> str:
    groups = [[names[i] for i in block] for block in blocks]  # type: ignore[attr-defined]
    return " | ".join("{" + ", ".join(group) + "}" for group in groups)


def _manifold(profile: Profile | None) -> CaveatRecord:
    name, test = "inputs on a low-dimensional set", "TwoNN and MLE at three scales, corrected for bias"
    law = profile.dimension if profile is not None else None
    if law is None or profile is None:
        return _caveat(name, test, "undecided: no data of the inputs' law", "all of the box is meant")
    if not law.single:
        return _caveat(name, test, "does not hold: no single dimension over the scales", "d stays")
    seen = f"dimension {law.lower:.1f} to {law.upper:.1f} of {profile.d} (linear span {law.linear})"
    if law.upper <= profile.d / 2:
        effect = f"d becomes {law.upper:.1f} for inputs of this law only; other queries need a guard"
        return _caveat(name, test, f"holds: {seen}", effect)
    return _caveat(name, test, f"does not hold: {seen}", "d stays")


def _average(learning_curves: tuple[MeasuredCurve, ...], table: tuple[ToleranceRecord, ...]) -> CaveatRecord:
    """Measured error at the largest size against what the class could be promised with as many samples."""
    name, test = (
        "this function is easier than the worst of its class",
        "measured learning curve against the guarantee line",
    )
    effect = "the forecast line is for this function; the guarantee line stays printed beside it"
    measured = [curve for curve in learning_curves if curve.axis == "samples"]
    if not measured:
        return _caveat(
            name, test, "undecided: no learning curve was measured", "only the guarantee line speaks"
        )
    curve = min(measured, key=lambda one: float(one.by_size.mean[-1]))
    size, error = float(curve.by_size.size[-1]), math.exp(float(curve.by_size.mean[-1]))
    alpha, low, high = curve.exponent
    seen = (
        f"{size:g} samples leave {error:.2g} (exponent {alpha:.2f} [{low:.2f}, {high:.2f}], {curve.regime})"
    )
    # Bounds fall as the tolerance grows: the first one below the error is the smallest that its promise needs.
    needs = [r.guarantee for r in table if r.guarantee is not None and r.tolerance >= error]
    if all(r.guarantee is None for r in table):
        return _caveat(name, test, f"undecided: no number to compare with; {seen}", effect)
    if needs and max(needs) > math.log10(size):
        promise = f"to promise that to the class takes at least 10^{max(needs):.1f}"
        return _caveat(name, test, f"holds: {seen}; {promise}", effect)
    return _caveat(name, test, f"does not hold so far: {seen}, no less than the class allows", effect)


def _architecture(learning_curves: tuple[MeasuredCurve, ...]) -> CaveatRecord:
    name, test = (
        "another architecture or activation",
        "learning curves of several trainers with equal training sizes",
    )
    effect = (
        "sample bounds hold for any method; the weight bound by VC dimension halves its exponent for tanh"
    )
    known = [curve for curve in learning_curves if curve.axis == "samples" and curve.name]
    sizes = {float(curve.by_size.size[-1]) for curve in known}
    if len(known) < 2 or len(sizes) > 1:
        return _caveat(
            name, test, "undecided: measure one learning curve for each, with equal training sizes", effect
        )
    top = sorted(((float(curve.by_size.mean[-1]), curve) for curve in known), key=lambda pair: pair[0])
    best, second = top[0][1], top[1][1]
    gain, apart = math.exp(top[1][0] - top[0][0]), top[1][0] - top[0][0]
    scatter = math.hypot(float(best.by_size.scatter[-1]), float(second.by_size.scatter[-1]))
    seen = f"at {sizes.pop():g} samples {best.name} is {gain:.3g} times as good as {second.name}"
    if apart <= scatter:
        return _caveat(name, test, f"does not hold: {seen}, within the scatter of single trainings", effect)
    return _caveat(name, test, f"holds: {seen}", f"take {best.name}; {effect}")


def _low_accuracy(
    guarantee: list[ClassBound], learning_curves: tuple[MeasuredCurve, ...], eps: float
) -> CaveatRecord:
    name, test = (
        "low accuracy is enough",
        "is every lower bound vacuous; is a measured training size already there",
    )
    numbers = [b for b in guarantee if b.log10 is not None]
    reached = [curve.need(eps) for curve in learning_curves]
    if any(need.reached == "measured" for need in reached):
        size = min(n.size for n in reached if n.reached == "measured" and n.size is not None)
        return _caveat(name, test, f"holds: the training size {size:g} reaches it", "take that size, audited")
    if numbers and all(b.vacuous for b in numbers):
        return _caveat(
            name, test, "holds: the theory says nothing at this tolerance", "no lower bound is printed"
        )
    if not numbers:
        return _caveat(name, test, "undecided: no numeric bound applies", "no lower bound is printed")
    return _caveat(name, test, "does not hold: a lower bound says something here", "the lower bounds stand")


def _mean_square(learning_curves: tuple[MeasuredCurve, ...], p: float) -> CaveatRecord:
    name, test = "the mean square is enough", "the stated norm; sup over rms of the learning curve"
    ratio = ""
    if learning_curves:
        runs = learning_curves[0].runs
        values = sorted(run.sup / run.rms for run in runs)
        ratio = f"; sup/rms is {values[len(values) // 2]:.1f} in the median, up to {values[-1]:.0f}"
    if math.isinf(p):
        return _caveat(
            name, test, f"does not hold: the sup norm was asked for{ratio}", "the sup norm is planned"
        )
    effect = "network classes gain (exponent d/(1+d/p)); smoothness classes keep eps^(-d/n)"
    return _caveat(name, test, f"holds if the use is an average: L^{p:g} was asked for{ratio}", effect)


def _pinn(stability: float | None) -> CaveatRecord:
    name, test = "physics-informed training", "is the equation known, and its stability constant"
    if stability is None:
        return _caveat(
            name,
            test,
            "undecided: no stability constant was given",
            "with one, no labelled samples: collocation points, and C_pde * residual as a bound",
        )
    return _caveat(
        name,
        test,
        f"holds: |error| <= {stability:g} |residual|, as was stated",
        "no labelled samples: collocation points; a bound on the residual bounds the error",
    )
