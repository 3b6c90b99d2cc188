"""The eight exceptions to "a network cannot promise this": the test that decides each, its outcome, its effect.

An exception that was not tested is *undecided* and changes nothing: the cautious default stays.
"""

from __future__ import annotations

import math

from supnorm.planning.learning_curve import MeasuredCurve
from supnorm.planning.profile.interactions import largest_clique
from supnorm.planning.profile.measured import Profile
from supnorm.planning.theory.statement import ClassBound
from supnorm.results.budget import CaveatRecord, ToleranceRecord
from supnorm.wording import Value, fact
from supnorm.wording.budget import caveat
from supnorm.wording.budget_record import functions_of


def caveats(
    profile: Profile | None,
    learning_curves: tuple[MeasuredCurve, ...],
    guarantee: list[ClassBound],
    eps: float,
    p: float,
    stability: float | None = None,
    table: tuple[ToleranceRecord, ...] = (),
) -> tuple[CaveatRecord, ...]:
    """All eight rows, in a fixed order.

    Args:
        profile: of the function; None for a class of functions.
        learning_curves: measured ones.
        guarantee: the lower bounds for the class.
        eps: absolute tolerance.
        p: the norm.
        stability: the constant of the equation, where it is known.
        table: the lines for several tolerances (`charts.tolerance_table`).
    """
    return (
        _smooth(profile),
        _composition(profile, eps),
        _manifold(profile),
        _average(learning_curves, table),
        _architecture(learning_curves),
        _low_accuracy(guarantee, learning_curves, eps),
        _mean_square(learning_curves, p),
        _equation(stability),
    )


def _smooth(profile: Profile | None) -> CaveatRecord:
    if profile is None:
        return caveat("smoothness", fact("no-function"), fact("stated-smoothness"))
    lines = len(profile.known_lines)
    if profile.jump is not None:
        return caveat("smoothness", fact("jumping", height=profile.jump.jump), fact("no-promise-at-all"))
    if profile.kind == "geometric":
        decaying = [r for r in profile.rho if r > 1.0]  # 1: an axis along which there is only noise
        outcome = fact("geometric", lines=lines, rho=min(decaying, default=1.0))
        return caveat("smoothness", outcome, fact("polynomial-counts"))
    if profile.kind == "algebraic":
        outcome = fact("algebraic", order=profile.order, lines=lines)
        return caveat("smoothness", outcome, fact("derivatives", order=profile.class_order()))
    return caveat("smoothness", fact("smoothness-open", kind=profile.kind), fact("lipschitz"))


def _composition(profile: Profile | None, eps: float) -> CaveatRecord:
    if profile is None or profile.interactions is None:
        return caveat("composition", fact("not-tested"), fact("all-interact"))
    acting, active, splits = profile.interactions, profile.active, dict[str, Value]()
    for name, blocks in (("sums", acting.blocks()), ("products", acting.factors())):
        if len(blocks) > 1:
            named = [[profile.names[i] for i in block] for block in blocks]
            splits[name] = functions_of(named, name == "products")
    if (
        active is not None
        and 0 < active.dimension < profile.d
        and active.residual * profile.half_range <= eps / 4
    ):
        splits["directions"] = active.dimension
    if profile.inner and not splits:
        splits["inner"] = " | ".join(
            "{" + ", ".join(profile.names[i] for i in one) + "}" for one in profile.inner
        )
    clique = largest_clique(
        acting.additive * profile.half_range > max(eps, acting.floor * profile.half_range)
    )
    at_most = max(clique, 1)
    if splits:
        return caveat("composition", fact("splits", **splits), fact("block-size", clique=at_most))
    return caveat("composition", fact("no-split"), fact("all-inputs", inputs=profile.d, clique=at_most))


def _manifold(profile: Profile | None) -> CaveatRecord:
    law = profile.dimension if profile is not None else None
    if law is None or profile is None:
        return caveat("manifold", fact("no-data"), fact("whole-box"))
    if not law.single:
        return caveat("manifold", fact("no-single-dimension"), fact("d-stays"))
    measured = {"lower": law.lower, "upper": law.upper, "inputs": profile.d, "linear": law.linear}
    if law.upper <= profile.d / 2:
        return caveat("manifold", fact("low-dimension", **measured), fact("dimension-used", upper=law.upper))
    return caveat("manifold", fact("full-dimension", **measured), fact("d-stays"))


def _average(learning_curves: tuple[MeasuredCurve, ...], table: tuple[ToleranceRecord, ...]) -> CaveatRecord:
    """Measured error at the largest size against what the class could be promised with as many samples."""
    measured = [curve for curve in learning_curves if curve.axis == "samples"]
    if not measured:
        return caveat("average", fact("no-curve"), fact("guarantee-only"))
    curve = min(measured, key=lambda one: float(one.by_size.mean[-1]))
    size, error = float(curve.by_size.size[-1]), math.exp(float(curve.by_size.mean[-1]))
    alpha, low, high = curve.exponent
    values: dict[str, Value] = {
        "size": size,
        "error": error,
        "alpha": alpha,
        "low": low,
        "high": high,
        "regime": curve.regime,
    }
    if curve.exact:
        return caveat("average", fact("curve-is-exact", size=size), fact("forecast-and-guarantee"))
    # Bounds fall as the tolerance grows: the first one below the error is the smallest that its promise needs.
    needs = [r.guarantee for r in table if r.guarantee is not None and r.tolerance >= error]
    if all(r.guarantee is None for r in table):
        outcome = fact("nothing-to-compare", **values)
    elif needs and max(needs) > math.log10(size):
        outcome = fact("easier", log10=max(needs), **values)
    else:
        outcome = fact("not-easier", **values)
    return caveat("average", outcome, fact("forecast-and-guarantee"))


def _architecture(learning_curves: tuple[MeasuredCurve, ...]) -> CaveatRecord:
    known = [curve for curve in learning_curves if curve.axis == "samples" and curve.name]
    sizes = {float(curve.by_size.size[-1]) for curve in known}
    if len(known) < 2 or len(sizes) > 1:
        return caveat("architecture", fact("one-curve"), fact("same-for-all"))
    best, second = sorted(known, key=lambda curve: float(curve.by_size.mean[-1]))[:2]
    gap = float(second.by_size.mean[-1]) - float(best.by_size.mean[-1])
    scatter = math.hypot(float(best.by_size.scatter[-1]), float(second.by_size.scatter[-1]))
    compared: dict[str, Value] = {
        "size": sizes.pop(),
        "best": best.name,
        "gain": math.exp(gap),
        "second": second.name,
    }
    if best.exact and not second.exact:
        exact = fact("only-exact", size=compared["size"], best=best.name, second=second.name)
        return caveat("architecture", exact, fact("same-for-all"))
    if gap <= scatter:
        return caveat("architecture", fact("within-scatter", **compared), fact("same-for-all"))
    return caveat("architecture", fact("better", **compared), fact("take-better", best=best.name))


def _low_accuracy(
    guarantee: list[ClassBound], learning_curves: tuple[MeasuredCurve, ...], eps: float
) -> CaveatRecord:
    numbers = [b for b in guarantee if b.log10 is not None]
    needs = [curve.need(eps) for curve in learning_curves]
    reached = [need.value for need in needs if need.reached == "measured" and need.value is not None]
    if reached:
        return caveat("low-accuracy", fact("size-reaches", size=min(reached)), fact("take-size"))
    if numbers and all(b.vacuous for b in numbers):
        return caveat("low-accuracy", fact("theory-silent"), fact("no-lower-bound"))
    if not numbers:
        return caveat("low-accuracy", fact("no-numeric-bound"), fact("no-lower-bound"))
    return caveat("low-accuracy", fact("lower-bound"), fact("bounds-stand"))


def _mean_square(learning_curves: tuple[MeasuredCurve, ...], p: float) -> CaveatRecord:
    ratio: dict[str, Value] = {}
    ratios = sorted(run.sup / run.rms for curve in learning_curves[:1] for run in curve.runs if run.rms > 0)
    if ratios:
        ratio = {"median": ratios[len(ratios) // 2], "most": ratios[-1]}
    if math.isinf(p):
        return caveat("mean-square", fact("sup-asked", **ratio), fact("sup-planned"))
    return caveat("mean-square", fact("mean-asked", p=p, **ratio), fact("mean-planned"))


def _equation(stability: float | None) -> CaveatRecord:
    if stability is None:
        return caveat("equation", fact("no-stability"), fact("would-bound"))
    return caveat("equation", fact("stability", constant=stability), fact("residual-bounds"))
