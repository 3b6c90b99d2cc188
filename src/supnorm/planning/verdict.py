"""Is a network the right tool, and if not, which is? Rules; the first that matches wins, with its evidence.

1. Values grow without bound: no sup-norm budget exists.
2. A sum, product or few directions whose parts have at most 3 inputs each: fits of those, when they fit the
   sample budget with a third to spare. Jumps and kinks of single inputs and along a single direction are found by
   bisection; the error is then stated off the break. One input: a piecewise polynomial, tried (`pilot`).
3. Any other jump, or a layer thinner than the samples: split the domain; no promise for any global method.
4. At most 3 inputs, resolved: a Chebyshev or piecewise polynomial grid, when it fits the sample budget four times.
5. The pilot fits decide: the tool with the smallest error expected for the sample budget, if that meets the tolerance.
   A tensor train whose ranks say that it fits is taken where the pilot was too small for it and no other tool
   is a hundred times better than asked.
6. Without a pilot: a grid that fits; a sparse polynomial, when twice its terms fit and f is analytic along
   every line; a tensor train.
7. A measured learning curve of networks decides: it reaches the tolerance within the sample budget, or not.
8. Without one: at most 500 samples and 10 inputs, a Gaussian process; 10,000 samples or more and a relative
   tolerance of 1e-3 or more, a network, audited and guarded; otherwise undecided: measure a learning curve.
9. More inputs, or a tighter tolerance, without structure: unsuitable for a guarantee.

With fewer than two tests run the word is "undecided". The sizes in the rules are judgement, not theorems;
benchmarks/budget prints how often they pick the best tool and what a wrong pick costs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from supnorm.planning.constructions import total_degree
from supnorm.planning.learning_curve import MeasuredCurve
from supnorm.planning.names import (
    BLOCKS,
    CLASSICAL_LEARNERS,
    FACTORS,
    GAUSSIAN_PROCESS,
    NETWORK,
    PIECEWISE,
    RIDGE,
    SPARSE_POLYNOMIAL,
    SPLIT,
    TENSOR,
    TRAIN,
)
from supnorm.planning.profile.measured import Profile
from supnorm.planning.theory.polynomials import log10_total_degree
from supnorm.planning.theory.statement import ClassBound
from supnorm.results.budget import TrialRecord

GUARDED, CLASSICAL = "suitable with guard", "classical better"
UNSUITABLE, UNDECIDED = "unsuitable", "undecided"
LARGEST_GRID = 7.0  # log10 of points
BISECTED = (
    "the jump is bisected to rounding: the error is stated off that interval, no promise holds inside it"
)
SPARE = 1.5  # finding the degrees costs samples too
ROOMY = 4.0  # a grid this many times below the sample budget is taken without a trial of others


@dataclass(frozen=True)
class Verdict:
    """The answer.

    Attributes:
        word: ``"suitable with guard"``, ``"classical better"``, ``"unsuitable"`` or ``"undecided"``, said of a network.
        tool: what to use.
        evidence: one line for each fact that decided.
        trials: pilot fits of the classical tools, best expectation first; empty where none were needed or
            possible.
    """

    word: str
    tool: str
    evidence: tuple[str, ...]
    trials: tuple[TrialRecord, ...] = ()


def _no_pilot() -> tuple[TrialRecord, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the rules look at: eps is absolute, sample budget the samples that may be spent."""

    profile: Profile
    rows: dict[str, ClassBound]
    learning_curves: tuple[MeasuredCurve, ...]
    eps: float
    p: float
    sample_budget: int
    pilot: Callable[[], tuple[TrialRecord, ...]]

    @cached_property
    def trials(self) -> tuple[TrialRecord, ...]:
        """Pilot fits, made when a rule asks for them first."""
        return self.pilot()


def verdict(
    profile: Profile | None,
    rows: list[ClassBound],
    learning_curves: tuple[MeasuredCurve, ...],
    eps: float,
    p: float,
    sample_budget: int,
    pilot: Callable[[], tuple[TrialRecord, ...]] = _no_pilot,
) -> Verdict:
    """Apply the rules.

    Args:
        profile: None when only numbers were given: then the word is "undecided".
        rows: the constructions for this function.
        learning_curves: measured learning curves; the first in samples counts.
        eps: absolute tolerance.
        p: the norm.
        sample_budget: samples that may be spent.
        pilot: makes the pilot fits, seconds of work: called only if no rule before them decides.
    """
    if profile is None:
        return Verdict(UNDECIDED, "none", ("only numbers were given: nothing is known about the function",))
    made: list[TrialRecord] = []

    def trials() -> tuple[TrialRecord, ...]:
        made.extend(pilot())
        return tuple(made)

    case = Case(
        profile=profile,
        rows={row.name: row for row in rows},
        learning_curves=learning_curves,
        eps=eps,
        p=p,
        sample_budget=sample_budget,
        pilot=trials,
    )
    decided = (answer for rule in RULES if (answer := rule(case)) is not None)
    answer = next(decided, Verdict(UNDECIDED, "none", ("no rule applies; measure a learning curve",)))
    return replace(answer, trials=tuple(made))


def _hopeless(case: Case) -> Verdict | None:
    hazards = case.profile.hazards
    if not hazards.hopeless or math.isfinite(case.p):
        return None
    grown = f"the largest |f| grew {hazards.growth:.3g} times as its box shrank, to {hazards.largest:.3g}"
    if hazards.blow_up is not None:
        grown += f", near ({case.profile.in_units(hazards.blow_up)})"
    return Verdict(UNSUITABLE, "none", (grown, "no sup-norm budget exists; cut that point out of the domain"))


def _broken(case: Case) -> Verdict | None:
    profile = case.profile
    if math.isfinite(case.p):
        return None
    if profile.jump is not None and profile.jump.jump > 2 * case.eps:
        at = profile.jump.jump_at
        near = "" if at is None else f" near ({profile.in_units(at)})"
        seen = f"a jump of height {profile.jump.jump:.3g}{near}, more than twice the tolerance"
        return Verdict(
            UNSUITABLE, SPLIT, (seen, "state the error off a named neighbourhood, or split the domain")
        )
    if profile.kind == "unresolved":
        seen = "a layer or oscillation that the samples along a line do not resolve"
        return Verdict(UNDECIDED, SPLIT, (seen, "give more calls, or split the domain at the layer"))
    return None


def _few_tests(case: Case) -> Verdict | None:
    profile = case.profile
    tests = [bool(profile.known_lines), profile.interactions is not None, profile.dimension is not None]
    tests.append(bool(case.learning_curves))
    if sum(tests) >= 2:
        return None
    return Verdict(
        UNDECIDED, "none", ("fewer than two tests could run: " + "; ".join(case.profile.left_out),)
    )


def _single(case: Case) -> Verdict | None:
    """One input: what the piecewise polynomial did on half of the sample budget."""
    if case.profile.d > 1 or not case.trials:
        return None
    best = case.trials[0]
    if best.expected > case.eps:
        return None
    seen = f"one input, {case.profile.kind}: {_tried(best, case.sample_budget)}"
    facts = (seen,) if case.profile.jump is None else (seen, BISECTED)
    return Verdict(CLASSICAL, TENSOR if case.profile.kind == "geometric" else PIECEWISE, facts)


def _grid(case: Case) -> Verdict | None:
    if case.profile.d > 3:
        return None
    if case.profile.d == 1 and case.profile.kind == "algebraic" and case.profile.order > 0.8:
        seen = f"one input, kinks of order {case.profile.order:.2f}"
        return Verdict(CLASSICAL, PIECEWISE, (seen, "breaks found by bisection cost about 50 samples each"))
    roomy = _classical(case, (TENSOR, PIECEWISE), ROOMY)
    return roomy if roomy or case.trials else _classical(case, (TENSOR, PIECEWISE), SPARE)


def _piloted(case: Case) -> Verdict | None:
    """The best of the tools that were tried, when it is expected to reach the tolerance."""
    if not case.trials:
        return None
    best, row = case.trials[0], case.rows.get(TRAIN)
    fits = row is not None and row.log10 is not None and row.log10 <= math.log10(case.sample_budget)
    # Cross approximation works from one number of samples on, which half of the sample budget may not show: then there
    # is no trial of it with a quarter.
    tried = any(t.tool == TRAIN and math.isfinite(t.smaller) for t in case.trials)
    if fits and not tried and best.tool != TRAIN and not best.expected <= 0.01 * case.eps:
        return _train(case)
    if best.expected > case.eps:
        return None
    return Verdict(CLASSICAL, best.tool, tuple(_tried(t, case.sample_budget) for t in case.trials[:3]))


def _tried(trial: TrialRecord, sample_budget: int) -> str:
    seen = f"{trial.tool}: largest error {trial.error:.2g} with {trial.samples:,} samples"
    if trial.expected >= trial.error:  # at the level of rounding
        return f"{seen}, and no less expected with {sample_budget:,}"
    return f"{seen}, about {trial.expected:.1g} expected with {sample_budget:,}"


def _structure(case: Case) -> Verdict | None:
    profile, names = case.profile, []
    acting = profile.interactions
    if acting is not None and max(map(len, acting.blocks())) <= 3:
        names.append(BLOCKS)
    if acting is not None and max(map(len, acting.factors())) <= 3:
        names.append(FACTORS)
    if profile.active is not None and profile.active.dimension <= 3:
        names.append(RIDGE)
    return _classical(case, tuple(names), SPARE)


def _classical(case: Case, names: tuple[str, ...], spare: float) -> Verdict | None:
    """The cheapest of these constructions, if it fits the sample budget ``spare`` times."""
    largest = min(LARGEST_GRID, math.log10(case.sample_budget / spare))
    rows = [case.rows[n] for n in names if n in case.rows]
    rows = [row for row in rows if row.log10 is not None and row.log10 <= largest]
    if not rows:
        return None
    best = min(rows, key=lambda row: row.log10 or 0.0)
    count = f"{best.name}: about {10 ** (best.log10 or 0.0):,.0f} samples ({best.source})"
    facts = (
        (best.function_class, count) if case.profile.jump is None else (best.function_class, count, BISECTED)
    )
    return Verdict(CLASSICAL, best.name, facts)


def _polynomial(case: Case) -> Verdict | None:
    profile = case.profile
    if case.trials:
        return None
    # Lines show the degree needed at least; a hundredth of the tolerance leaves room for what they miss.
    degree = total_degree(profile, 0.01 * case.eps)
    if degree is None or not 1 < profile.d <= 20:
        return None
    terms = log10_total_degree(degree, profile.d)
    # Twice as many samples as terms is common practice; the proven count is in the construction line.
    if terms + math.log10(2.0) > math.log10(case.sample_budget):
        return None
    seen = f"analytic on {len(profile.known_lines)} lines; total degree {degree} has {10**terms:,.0f} terms"
    return Verdict(
        CLASSICAL,
        SPARSE_POLYNOMIAL,
        (seen, f"twice as many samples fit the sample budget of {case.sample_budget:,}"),
    )


def _train(case: Case) -> Verdict | None:
    row = case.rows.get(TRAIN)
    if row is None or row.log10 is None or row.log10 > math.log10(case.sample_budget):
        return None
    return Verdict(CLASSICAL, TRAIN, (row.function_class, f"about {10**row.log10:,.0f} samples"))


def _learning_curve(case: Case) -> Verdict | None:
    measured = [curve for curve in case.learning_curves if curve.axis == "samples"]
    needs = [curve.need(case.eps) for curve in measured]
    if not needs:
        return None
    reached = [(n.size, curve.name or NETWORK) for n, curve in zip(needs, measured, strict=True) if n.size]
    if reached and min(reached)[0] <= case.sample_budget:
        size, tool = min(reached)
        seen = f"the learning curve reaches the tolerance at {size:,.0f} samples (upper end of its interval)"
        word = CLASSICAL if tool in CLASSICAL_LEARNERS else GUARDED
        return Verdict(word, tool, (f"{tool}: {seen}", "audit it, and guard queries outside the data"))
    best = min(measured, key=lambda curve: float(curve.by_size.mean[-1])).name or NETWORK
    if any(n.reached == "floor" for n in needs):
        seen = "the learning curve is floor-limited above the tolerance: more samples do not help"
        return Verdict(UNDECIDED, best, (seen, "pull another lever: width, iterations, optimizer, float64"))
    if any(_middle_reaches(curve, case) for curve in case.learning_curves):
        seen = "the middle of the forecast reaches the tolerance within the sample budget, its upper end does not"
        return Verdict(UNDECIDED, best, (seen, "add a training size or seeds: the interval will narrow"))
    seen = f"the learning curve does not reach the tolerance with {case.sample_budget:,} samples (upper end of its interval)"
    return Verdict(UNSUITABLE, "none", (seen, "loosen the tolerance, or spend more samples"))


def _middle_reaches(curve: MeasuredCurve, case: Case) -> bool:
    within = [f for f in curve.ahead if f.size <= case.sample_budget] if curve.axis == "samples" else []
    return any(f.value <= case.eps for f in within)


def _unmeasured(case: Case) -> Verdict | None:
    profile, relative = case.profile, case.eps / case.profile.half_range
    seen = f"{case.sample_budget:,} samples, relative tolerance {relative:.2g}, {profile.d} inputs, no structure that fits"
    if case.sample_budget <= 500 and profile.d <= 10:
        return Verdict(CLASSICAL, GAUSSIAN_PROCESS, (seen, "affordable, and it has error bars"))
    if relative < 1e-3 * (1 - 1e-9) or profile.d > 20:
        return None
    if case.sample_budget < 10_000:
        return Verdict(
            UNDECIDED, "none", (seen, "measure learning curves of a network and of a Gaussian process")
        )
    return Verdict(GUARDED, NETWORK, (seen, "not measured yet: measure a learning curve before you commit"))


def _last(case: Case) -> Verdict | None:
    profile, relative = case.profile, case.eps / case.profile.half_range
    facts = [f"{profile.d} inputs, relative tolerance {relative:.2g}, {case.sample_budget:,} samples"]
    known = [row for row in case.rows.values() if row.log10 is not None]
    if known:
        best = min(known, key=lambda row: row.log10 or 0.0)
        facts.append(f"the cheapest construction, {best.name}, needs about 10^{best.log10:.1f} samples")
    if profile.kind == "algebraic" and profile.order < 2:
        facts.append(
            f"f is rough along lines (order {profile.order:.2f}): where kinks are known, split the domain there; "
            "smooth pieces need far less"
        )
    facts.append("offer the 2-norm, a smaller domain, or the reference as a fallback at run time")
    return Verdict(UNSUITABLE, "none", tuple(facts))


RULES: tuple[Callable[[Case], Verdict | None], ...] = (
    _hopeless,
    _single,
    _few_tests,
    _structure,
    _broken,
    _grid,
    _piloted,
    _polynomial,
    _train,
    _learning_curve,
    _unmeasured,
    _last,
)
