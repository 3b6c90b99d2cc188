"""The verb: the best approximator of a reference, network or not, until its audited error is small enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants import NotApplicable
from supnorm.evaluation import Finished, Started, silent
from supnorm.evaluation.caller import Caller
from supnorm.evaluation.calls import Calls
from supnorm.evaluation.executor import broken_workers_explained, with_executor
from supnorm.evaluation.intact import demanded_intact
from supnorm.evaluation.limit import Limit
from supnorm.evaluation.threads import one_thread
from supnorm.problem import Domain, ErrorMeasure, Function, Problem
from supnorm.results import BadInput
from supnorm.results.numbers import literal
from supnorm.results.option import Allowed, demand_allowed, demand_number, demand_seconds, demand_seed
from supnorm.training.active_fit import ActiveFit
from supnorm.training.assessment import Validation
from supnorm.training.breaks import Jump, find_jump
from supnorm.training.calls import FitCalls
from supnorm.training.certified_fit import certified_fit, provable
from supnorm.training.cost import cost_seen, take_over
from supnorm.training.events import CallsAhead
from supnorm.training.fit_data import fit_data
from supnorm.training.fit_result import FitResult
from supnorm.training.outcome import finish
from supnorm.training.reference_points import ReferencePoints
from supnorm.training.strategies import strategies

Array = NDArray[np.float64]
NORMS = ("sup", "l2")
EVALUATIONS = 100_000  # of a cheap reference (1 us a point): 0.1 s; users give another number
# Seconds for a point of the last audit of a cheap reference, and calls of the reference for it, fresh points included: an
# audit of 20,000 points took 0.6 s with networks of 1,000 weights and a reference of 1 us.
POINT, REPEATED = 3e-5, 2.0
LEAST = 50  # evaluations of a fit
# Shares of the time of a fit. Each was varied on `product` of benchmarks/same with 5 ms a call and 15 s; the worst errors at
# 100,000 points were:
# of the winner's audit, and of fresh points for all (0.1: 7.5e-6, 0.25: 5.0e-6, 0.4: 4.0e-5), at most;
LAST_AUDIT = 0.25
# to look for jumps (without it a reference that became slow took 60 s of a fit of 8 s: tests/training/test_breaks.py);
JUMP = 0.15
FITTING = (
    0.5  # of calls for fitting (0.3: 3.4e-3, 0.5: 5.0e-6, 0.7: 2.9e-6, but training needs time as well);
)
AUDIT = 0.3  # of these calls, of an audit (0.1: 5.6e-6, 0.3: 5.0e-6, 0.6: 1.2e-4).


@broken_workers_explained()
@one_thread()
@demanded_intact()
def fit(
    reference: Any,
    domain: Domain | None = None,
    *,
    tolerance: float | None = None,
    norm: str = "sup",
    seconds: float | None = None,
    max_evaluations: int | None = None,
    method: Any = "auto",
    certify: bool = False,
    error: ErrorMeasure | None = None,
    seed: int = 0,
    calls: Calls | None = None,
    observer: Callable[[Any], None] = silent,
) -> FitResult:
    """Fit a reference, or fixed samples ``(x, y)``, until the audited error meets the tolerance.

    Args:
        reference: a `Problem` (its model is not used), any callable ``(n, d) -> (n,)`` or ``(n, m)``, or a
            pair of arrays ``(x, y)``, or a problem whose reference is a table. For samples the largest
            error comes from the 35 % of them that no candidate was trained on, and the RMS from the 20 % that did not
            choose the winner either.
        domain: where to fit. A problem has its own; for samples it is by default the box of their ranges.
        tolerance: goal for the error in the problem's measure; without one the best candidate within the budget wins.
        norm: ``"sup"``: the tolerance is for the largest error; ``"l2"``: for the root mean square.
        seconds: wall-clock limit; the result then depends on the machine. Except for fixed samples, networks are trained
            until the time is over.
        max_evaluations: evaluations of the reference for fitting; 100,000 by default. Audits take further ones.
        method: ``"auto"``, a strategy (`ChebyshevTensor`, `NetworkFit`, ...) or its name on the command line, or an
            optimiser for networks.
        certify: prove the tolerance (norm "sup", a reference whose operations are known): fit, audit and
            certify in turn until a certificate holds; the result has it.
        error: another measure than the absolute error.
        seed: of everything random; without ``seconds`` and with the same cost of a call the same seed gives the same
            result.
        calls: how the reference is called: its cost, workers, store, and as `FitCalls` the evaluations of an audit.
        observer: gets `Started`, `CallsAhead` where calls are expensive, `Training` before each network, `Tried` after each
            candidate, and `Finished`; with ``certify`` also the events of `certify`.

    Raises:
        BadInput: for unusable arguments, a tolerance below the float64 floor, or a reference without values.

    >>> result = fit(lambda x: np.exp(x[:, 0]), Domain(x=(0.0, 1.0)), tolerance=1e-9)
    >>> result.status.code, result.winner.sup_lower < 1e-9
    ('nothing-found', True)
    """
    asked = FitCalls.of(calls)
    _check(norm, tolerance, seconds, max_evaluations)
    seed = demand_seed(seed)
    goal: float | tuple[float, ...] | None = tolerance
    table: Function | None = None
    title = ""
    if isinstance(reference, Problem) and reference.reference.table is not None:
        of = _problem(reference, domain, tolerance, error)
        goal, error, domain, table = of.tolerance, of.error, of.domain, of.reference
        title, reference = of.title, of.reference.table
    if isinstance(reference, tuple):
        if certify:
            raise BadInput("fixed samples cannot be certified: between them the reference is unknown")
        inputs = np.shape(reference[0])[1] if len(reference) and np.ndim(reference[0]) == 2 else 1
        chosen = strategies(method, inputs, fixed=True)
        try:
            fitted = fit_data(
                reference,
                domain,
                chosen,
                tolerance=goal,
                norm=norm,
                error=error,
                seed=seed,
                observer=observer,
                seconds=seconds,
                table=table,
            )
            return replace(fitted, title=title)
        except BadInput as why:
            name = table and (table.rows.name if table.rows is not None else table.name)
            raise BadInput(f"{name}: {why}") if name else why from None
    problem = _problem(reference, domain, tolerance, error)
    observer(Started(problem.title or "fit", problem.error.limit, seed, max_evaluations))

    callers: list[Caller] = []
    limit = Limit.of(seconds, max_evaluations or EVALUATIONS)
    with with_executor(problem, asked) as calling:

        def once(goal: Problem, methods: list[Any], limit: Limit) -> FitResult:
            begin = time.perf_counter()
            points = ReferencePoints(goal, seed, calling)
            if callers:  # a later round of a certified fit: no other timing decides
                take_over(points.caller, callers[0])
            callers.append(points.caller)
            first, chosen = len(callers) == 1, seconds is None and max_evaluations is None
            state, jump = _prepare(goal, points, norm, limit, seed, observer, first, chosen)
            state.run(methods)
            return finish(state, jump, begin)

        if certify:
            if norm != "sup":
                raise BadInput(
                    'certify proves the largest error and cannot be combined with norm "l2"; use norm "sup"'
                )
            automatically = isinstance(method, str) and method == "auto"
            methods = provable(problem.domain.d) if automatically else strategies(method, problem.domain.d)
            result = certified_fit(problem, methods, once, limit, observer)
        else:
            result = once(problem, strategies(method, problem.domain.d), limit)
    observer(Finished())
    return result


def _check(norm: str, tolerance: Any, seconds: Any, evaluations: Any) -> None:
    if norm not in NORMS:
        raise BadInput(f'norm must be "sup" or "l2", got {norm!r}')
    if tolerance is not None and (isinstance(tolerance, str) or np.ndim(tolerance) == 0):
        demand_allowed("tolerance", tolerance, Allowed(above=0))
    demand_seconds(seconds)
    demand_number("max_evaluations", evaluations, LEAST)


def _problem(
    reference: Any, domain: Domain | None, tolerance: float | None, error: ErrorMeasure | None
) -> Problem:
    if isinstance(reference, Problem):
        measure = error or reference.error
        goal = reference.tolerance if tolerance is None and error is None else tolerance
        function = _with_units(reference)
        if domain is None:
            return replace(reference, model=None, reference=function, error=measure, tolerance=goal)
        return Problem(None, function, domain, measure, goal, title=reference.title)
    if domain is None:
        raise BadInput("fit needs a domain: Domain(x=(low, high), ...)")
    return Problem(None, reference, domain, error or ErrorMeasure(), tolerance)


def _with_units(problem: Problem) -> Any:
    """The reference, in the units that only the model states: the two have the same outputs."""
    model, reference = problem.model, problem.reference
    if model is None or reference is None or reference.output_units:
        return reference
    return replace(reference, output_units=model.output_units)


def _prepare(
    problem: Problem,
    points: ReferencePoints,
    norm: str,
    whole: Limit,
    seed: int,
    observer: Callable[[Any], None],
    first: bool = False,
    chosen: bool = False,
) -> tuple[ActiveFit, Jump | None]:
    """Time one call, divide the budget, draw the validation points, search for jumps.

    Args:
        first: the first round; with expensive calls the observer is told what they take.
        chosen: nobody has given a number of evaluations or a time.
    """
    budget, reserved = whole.evaluations, 0.0
    rng = np.random.default_rng([seed, 1])
    problem.check_tolerances(points.design(8)[1].shape[1])
    x, _ = points.design(16)  # the first call includes imports; the second one shows the cost
    points.caller.decide(cost_seen(points.caller, x[:1]))
    whole = whole.at_least(0.5)
    points.limit, seconds = whole.timed(points.pace), whole.left
    audit_evaluations = points.calls.audit_evaluations
    if not whole.endless:
        affordable = FITTING * seconds / max(points.pace, 1e-9)
        budget = int(min(budget, max(affordable, 50)))
        audit_evaluations = int(min(audit_evaluations, max(AUDIT * affordable, 100)))
        reserved = LAST_AUDIT * seconds
        if not points.caller.expensive:  # its last audit takes no longer, however much time there is
            reserved = min(reserved, audit_evaluations * (POINT + REPEATED * points.pace))
    if points.caller.expensive:
        audit_evaluations = min(audit_evaluations, max(budget // 2, 100))
        if first:
            observer(CallsAhead(budget, points.caller.cost, budget * points.pace, chosen))
    validation = Validation.draw(points, int(min(4096, max(0.1 * budget, 16))), rng)
    if not len(validation.x):
        raise BadInput(f"the reference has no finite value at any of {points.spent} points of the domain")
    validation.demand("random points")
    _check_floor(problem, validation.y)
    jump = None
    if budget >= 10_000:
        clock = whole.within(JUMP)
        late = lambda: clock.over  # noqa: E731
        try:
            jump = (
                find_jump(points.value, problem.domain, rng, late=late) if _is_box(problem.domain) else None
            )
        except NotApplicable:  # the time was up
            jump = None
    state = ActiveFit(
        problem=problem,
        points=points,
        validation=validation,
        norm=norm,
        audit_evaluations=audit_evaluations,
        seed=seed,
        limit=whole.keeping(reserved).upto(budget),
        whole=whole,
        observer=observer,
        smooth=jump is None,
    )
    points.limit = state.limit.timed(points.pace)
    return state, jump


def _is_box(domain: Domain) -> bool:
    return not domain.constraints and domain.cloud is None and all(a.values is None for a in domain.axes)


def _check_floor(problem: Problem, y: Array) -> None:
    goal = problem.tolerance
    if goal is None or problem.error.kind not in ("absolute", "relative"):
        return
    size = np.abs(y).max(axis=0) if problem.error.kind == "absolute" else np.ones(y.shape[1])
    floors, goals = 4.0 * np.finfo(float).eps * size, np.broadcast_to(goal, size.shape)
    k = int(np.argmax(floors / goals))  # outputs have different values and may have different tolerances
    floor, asked = float(floors[k]), float(goals[k])
    if asked < floor:
        raise BadInput(
            f"tolerance {literal(asked)} is below the float64 floor of this reference, about {literal(floor, 2)}; "
            f"ask for {literal(10 * floor, 1)} or more"
        )
