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
8. Without one: at most 500 samples and 10 inputs, a Gaussian process; 10,000 samples or more, a relative tolerance of
   1e-3 or more, and pilot fits that all fail, a network, audited and guarded; one input, no pilot fit, or otherwise:
   undecided, measure a learning curve.
9. More inputs, or a tighter tolerance, without structure: unsuitable for a guarantee.

With fewer than two tests run the word is "undecided". The sizes in the rules are judgement, not theorems;
benchmarks/budget prints how often they pick the best tool and what a wrong pick costs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from supnorm.planning.constructions import KINK, total_degree
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
from supnorm.results.budget import TrialRecord, VerdictRecord
from supnorm.wording import Fact, fact
from supnorm.wording.budget import BUDGET

GUARDED, CLASSICAL = "suitable with guard", "classical better"
UNSUITABLE, UNDECIDED = "unsuitable", "undecided"
# The numbers below were set on the 55 functions of the bank `design`; the table of verdicts in benchmarks/budget shows what
# they do on the 24 of the bank `unseen`.
LARGEST_GRID = 7.0  # log10 of points: beyond it no grid is recommended, whatever the sample budget
SPARE = 1.5  # of the sample budget: finding the degrees costs samples too
ROOMY = 4.0  # a grid this many times below the sample budget is taken without a trial of others

Pilot = Callable[[], tuple[TrialRecord, ...]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the rules look at: eps is the absolute tolerance, the sample budget the samples that may be spent."""

    profile: Profile
    rows: dict[str, ClassBound]
    learning_curves: tuple[MeasuredCurve, ...]
    eps: float
    p: float
    sample_budget: int
    pilot: Pilot

    @cached_property
    def trials(self) -> tuple[TrialRecord, ...]:
        """Pilot fits, made when a rule asks for them first."""
        return self.pilot()

    @property
    def relative(self) -> float:
        """The tolerance over half the range of the function."""
        return self.eps / self.profile.half_range


def decided(word: str, tool: str, *evidence: Fact) -> VerdictRecord:
    """A verdict on a network, the tool to use, and the facts that decided."""
    return VerdictRecord(word=word, tool=tool, evidence=tuple(map(BUDGET.say, evidence)))


def verdict(
    profile: Profile | None,
    rows: list[ClassBound],
    learning_curves: tuple[MeasuredCurve, ...],
    eps: float,
    p: float,
    sample_budget: int,
    pilot: Pilot = tuple,
) -> tuple[VerdictRecord, tuple[TrialRecord, ...]]:
    """Apply the rules.

    Args:
        profile: None when only numbers were given: then the word is "undecided".
        rows: the constructions for this function.
        learning_curves: measured learning curves; those in samples count.
        eps: absolute tolerance.
        p: the norm.
        sample_budget: samples that may be spent.
        pilot: makes the pilot fits, seconds of work: called only if no rule before them decides.

    Returns:
        the verdict, and the pilot fits, best expectation first; without any where none were needed or possible.
    """
    if profile is None:
        return decided(UNDECIDED, "none", fact("class-only")), ()
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
    answers = (answer for rule in RULES if (answer := rule(case)) is not None)
    answer = next(answers, None) or decided(UNDECIDED, "none", fact("no-rule"))
    return answer, tuple(made)


def _hopeless(case: Case) -> VerdictRecord | None:
    hazards = case.profile.hazards
    if not hazards.hopeless or math.isfinite(case.p):
        return None
    at = {} if hazards.blow_up is None else {"at": case.profile.in_units(hazards.blow_up)}
    grown = fact("unbounded", growth=hazards.growth, largest=hazards.largest, **at)
    return decided(UNSUITABLE, "none", grown, fact("no-sup-budget"))


def _broken(case: Case) -> VerdictRecord | None:
    profile = case.profile
    if math.isfinite(case.p):
        return None
    if profile.jump is not None and profile.jump.jump > 2 * case.eps:
        at = {} if profile.jump.jump_at is None else {"at": profile.in_units(profile.jump.jump_at)}
        jump = fact("jump", height=profile.jump.jump, **at)
        return decided(UNSUITABLE, SPLIT, jump, fact("split-or-leave-out"))
    if profile.kind == "unresolved":
        return decided(UNDECIDED, SPLIT, fact("unresolved"), fact("more-calls-or-split"))
    return None


def _few_tests(case: Case) -> VerdictRecord | None:
    profile = case.profile
    tests = [bool(profile.known_lines), profile.interactions is not None, profile.dimension is not None]
    tests.append(bool(case.learning_curves))
    return None if sum(tests) >= 2 else decided(UNDECIDED, "none", fact("few-tests"), *profile.left_out)


def _single(case: Case) -> VerdictRecord | None:
    """One input: what the piecewise polynomial did on half of the sample budget."""
    if case.profile.d > 1 or not case.trials:
        return None
    best = case.trials[0]
    if best.expected > case.eps:
        return None
    tool = TENSOR if case.profile.kind == "geometric" else PIECEWISE
    one = fact("one-input", kind=case.profile.kind)
    return decided(CLASSICAL, tool, one, _trial(best, case), *_bisected(case))


def _bisected(case: Case) -> tuple[Fact, ...]:
    return () if case.profile.jump is None else (fact("bisected"),)


def _grid(case: Case) -> VerdictRecord | None:
    if case.profile.d > 3:
        return None
    if case.profile.d == 1 and case.profile.kind == "algebraic" and case.profile.order > KINK:
        kinks = fact("one-input-kinks", order=case.profile.order)
        return decided(CLASSICAL, PIECEWISE, kinks, fact("cost-of-breaks"))
    roomy = _classical(case, (TENSOR, PIECEWISE), ROOMY)
    return roomy if roomy or case.trials else _classical(case, (TENSOR, PIECEWISE), SPARE)


def _piloted(case: Case) -> VerdictRecord | None:
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
    return decided(CLASSICAL, best.tool, *(_trial(t, case) for t in case.trials[:3]))


def _trial(trial: TrialRecord, case: Case) -> Fact:
    code = "trial-at-rounding" if trial.expected >= trial.error else "trial"
    return fact(
        code,
        tool=trial.tool,
        error=trial.error,
        samples=trial.samples,
        expected=trial.expected,
        budget=case.sample_budget,
    )


def _structure(case: Case) -> VerdictRecord | None:
    profile, names = case.profile, []
    acting = profile.interactions
    if acting is not None and max(map(len, acting.blocks())) <= 3:
        names.append(BLOCKS)
    if acting is not None and max(map(len, acting.factors())) <= 3:
        names.append(FACTORS)
    if profile.active is not None and profile.active.dimension <= 3:
        names.append(RIDGE)
    return _classical(case, tuple(names), SPARE)


def _classical(case: Case, names: tuple[str, ...], spare: float) -> VerdictRecord | None:
    """The cheapest of these constructions, if it fits the sample budget ``spare`` times."""
    largest = min(LARGEST_GRID, math.log10(case.sample_budget / spare))
    known = [(row.log10, row) for n in names if (row := case.rows.get(n)) and row.log10 is not None]
    fitting = [pair for pair in known if pair[0] <= largest]
    if not fitting:
        return None
    log10, best = min(fitting, key=lambda pair: pair[0])
    measured = fact("measured-class", function_class=best.class_)
    needed = fact("samples-of-tool", tool=best.name, log10=log10, source=best.source)
    return decided(CLASSICAL, best.name, measured, needed, *_bisected(case))


def _polynomial(case: Case) -> VerdictRecord | None:
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
    analytic = fact("analytic", lines=len(profile.known_lines), degree=degree, log10=terms)
    return decided(CLASSICAL, SPARSE_POLYNOMIAL, analytic, fact("twice-the-terms", budget=case.sample_budget))


def _train(case: Case) -> VerdictRecord | None:
    row = case.rows.get(TRAIN)
    if row is None or row.log10 is None or row.log10 > math.log10(case.sample_budget):
        return None
    measured = fact("measured-class", function_class=row.class_)
    return decided(CLASSICAL, TRAIN, measured, fact("samples-needed", log10=row.log10))


def _learning_curve(case: Case) -> VerdictRecord | None:
    measured = [curve for curve in case.learning_curves if curve.axis == "samples"]
    needs = [curve.need(case.eps) for curve in measured]
    if not needs:
        return None
    reached = [(n.value, curve.name or NETWORK) for n, curve in zip(needs, measured, strict=True) if n.value]
    if reached and min(reached)[0] <= case.sample_budget:
        size, tool = min(reached)
        word = CLASSICAL if tool in CLASSICAL_LEARNERS else GUARDED
        return decided(
            word, tool, fact("curve-reaches", tool=tool, size=math.ceil(size)), fact("audit-and-guard")
        )
    best = min(measured, key=lambda curve: float(curve.by_size.mean[-1])).name or NETWORK
    if any(n.reached == "floor" for n in needs):
        return decided(UNDECIDED, best, fact("curve-floor"), fact("other-lever"))
    if any(_middle_reaches(curve, case) for curve in case.learning_curves):
        return decided(UNDECIDED, best, fact("curve-middle"), fact("narrow-curve"))
    return decided(UNSUITABLE, "none", fact("curve-short", budget=case.sample_budget), fact("loosen"))


def _middle_reaches(curve: MeasuredCurve, case: Case) -> bool:
    within = [f for f in curve.ahead if f.size <= case.sample_budget] if curve.axis == "samples" else []
    return any(f.value <= case.eps for f in within)


def _unmeasured(case: Case) -> VerdictRecord | None:
    question = _question(case)
    if case.sample_budget <= 500 and case.profile.d <= 10:
        return decided(CLASSICAL, GAUSSIAN_PROCESS, question, fact("gaussian-process"))
    if case.relative < 1e-3 * (1 - 1e-9) or case.profile.d > 20:
        return None
    if case.profile.d == 1:  # samples of one input are dense: what needs a network there was not seen
        return decided(UNDECIDED, PIECEWISE, question, fact("one-input-untried"))
    if not case.trials:  # a table, few calls, points without a value: a network would be a guess
        return decided(UNDECIDED, "none", question, fact("no-fit"), fact("measure-both"))
    if case.sample_budget < 10_000:
        return decided(UNDECIDED, "none", question, fact("measure-both"))
    return decided(GUARDED, NETWORK, question, fact("measure-first"))


def _question(case: Case) -> Fact:
    return fact("no-structure", inputs=case.profile.d, relative=case.relative, budget=case.sample_budget)


def _last(case: Case) -> VerdictRecord | None:
    profile, facts = case.profile, [_question(case)]
    known = [(row.log10, row.name) for row in case.rows.values() if row.log10 is not None]
    if known:
        log10, name = min(known, key=lambda pair: pair[0])
        facts.append(fact("cheapest", tool=name, log10=log10))
    if profile.kind == "algebraic" and profile.order < 2:
        facts.append(fact("rough", order=profile.order))
    return decided(UNSUITABLE, "none", *facts, fact("other-ways"))


RULES: tuple[Callable[[Case], VerdictRecord | None], ...] = (
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
