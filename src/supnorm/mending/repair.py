"""The verb: mend a model where an audit found it wrong, and say whether something else broke."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import AuditReport, audit
from supnorm.certification.provable import demand_provable
from supnorm.evaluation import Calls, Finished, Started, silent
from supnorm.evaluation.executor import broken_workers_explained, with_executor
from supnorm.evaluation.guarded import values_of
from supnorm.evaluation.intact import demanded_intact
from supnorm.evaluation.limit import Limit
from supnorm.evaluation.threads import one_thread
from supnorm.interrupts import INTERRUPTS
from supnorm.mending.exchange import Exchange
from supnorm.mending.patch import Patch
from supnorm.mending.report_of import demand_report_of
from supnorm.mending.residual import Residual
from supnorm.mending.result import RepairResult
from supnorm.mending.rows import RowsTask, split, wrong_rows
from supnorm.mending.task import Task, Wrong
from supnorm.mending.torch_module import TunableModule, module_behind
from supnorm.mending.tunable import Tunable, TunableNetwork, is_graph_file, network_behind, network_of_file
from supnorm.mending.work import METHODS, Method, Work
from supnorm.problem import Problem
from supnorm.problem.masked import plain_numbers
from supnorm.results import BadInput, install
from supnorm.results.option import Allowed, demand_allowed, demand_number, demand_seed
from supnorm.training.calls import FitCalls
from supnorm.training.cost import cost_seen
from supnorm.training.reference_points import ReferencePoints
from supnorm.wording import fact
from supnorm.wording.repair import narrator

Array = NDArray[np.float64]
EVALUATIONS = 10_000  # calls of a cheap reference in all rounds
# Evaluations of the audit that judges, at least, where a call is cheap: with as many as the audit before, 500 or 2,000, nine
# of 117 accepted repairs of small problems did harm (`benchmarks.mending.attack`).
JUDGED = 10_000
LEAST = 500  # calls of the reference without which there is nothing to train on
# Of the time, for the first rounds; the rest is for the audit with a fresh seed, the search for harm and the proofs.
ROUNDS_TIME, BEFORE_PROOFS = 0.6, 0.4


@broken_workers_explained()
@one_thread()
@demanded_intact()
def repair(
    problem: Problem,
    report: AuditReport | None = None,
    *,
    data: tuple[Any, Any] | None = None,
    method: Method | str = "auto",
    evaluations: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    certify: bool = False,
    bound_change: bool = False,
    calls: Calls | None = None,
    observer: Callable[[Any], None] = silent,
) -> RepairResult:
    """Mend ``problem.model`` where it is wrong; the old model stays unless the mended one is better and harms nothing.

    Args:
        problem: its model must be a network of supnorm, a torch module, an ONNX or torch.export file with linear layers, or,
            for a patch or a residual, anything that can be called.
        report: an audit of the same model; by default `audit` makes one.
        data: the samples that the model was trained on, ``x (n, d)`` and ``y (n, m)``; without them the repair takes values
            of the reference, and of the old model where calls of the reference are too few.
        method: `Exchange`, `Patch` or `Residual`, or ``"exchange"``, ``"patch"`` or ``"residual"``; ``"auto"``: `Patch`
            where the model cannot be trained, else `Exchange`.
        evaluations: points at which the reference is called in all rounds, at most: 10,000 by default, and as many as the
            audit made where a call is expensive. Calls that repeat a point only to time it, or to compare two values of it,
            are not counted. The audit before and the verdict make calls of their own, which the record has.
        seconds: wall-clock limit; the result then depends on the machine.
        seed: of everything random.
        certify: prove the tolerance for the mended model. Where the proof does not reach it, its witness and the boxes with
            the largest bounds go back into the rounds, at most two times, with half as many calls each time.
        bound_change: prove how far the mended model differs from the old one.
        calls: how the reference is called: its cost, workers, store.
        observer: gets progress events.

    Raises:
        BadInput: for a model that cannot be trained, a report of another model, or numbers that cannot be used.

    >>> from supnorm.networks import Network, Scaling
    >>> from supnorm.problem import Domain
    >>> from supnorm.training import optimise
    >>> x = np.random.default_rng(0).uniform(-1, 1, (30, 1))
    >>> x, f = x[np.abs(x[:, 0] - 0.5) > 0.2], lambda x: np.exp(-30 * (x[:, 0] - 0.5) ** 2)  # a hole in the data
    >>> start = Network.init(np.random.default_rng(0), 1, 1, 8, 2, scaling=Scaling.of_data(x, f(x)[:, None]))
    >>> net = optimise(start, x, f(x), limit=Limit(evaluations=50)).network
    >>> mended = repair(Problem(net.as_function(), f, Domain(x=(-1.0, 1.0))), evaluations=2000)
    >>> mended.accepted, mended.verdict.worst < 0.05 * mended.worst_before
    (True, True)
    """
    start = time.perf_counter()
    model, chosen = demand_repair(
        problem, method=method, evaluations=evaluations, seconds=seconds, seed=seed, certify=certify
    )
    if isinstance(chosen, Residual):
        model = chosen.start(problem.model, problem.domain, _outputs(problem), seed)
    asked, whole = FitCalls.of(calls), Limit.of(seconds)
    observer(Started(problem.title or "repair", problem.error.limit, seed, evaluations))
    if problem.reference.table is not None:
        work = _of_table(problem, report, data, chosen, model, whole, seed, observer)
        result = work.run(False, bound_change)
        observer(Finished())
        return replace(result, seconds=time.perf_counter() - start)
    with with_executor(problem, asked) as calling:
        truth = ReferencePoints(problem, seed, calling)
        if report is None:
            share = whole.within(0.25).seconds
            with INTERRUPTS.handed_on():
                alike = replace(Calls.of(calls), budget_by_cost=False)  # of a repeat with the recorded cost
                report = audit(problem, seconds=share, seed=seed, calls=alike)
        else:
            demand_report_of(problem, report)
        x, _ = truth.design(16)
        truth.caller.decide(cost_seen(truth.caller, x[:1]))
        expensive = truth.caller.expensive
        audited = max(_audited(report), LEAST if expensive else JUDGED)
        budget = evaluations or (audited if expensive else EVALUATIONS)
        task = Task(
            problem=problem,
            truth=truth,
            wrong=Wrong.of_report(report, problem.domain.d),
            worst=report.record.sup.lower,
            rms=report.rms.value,
            data=samples_of(data, problem),
            limit=whole.within(BEFORE_PROOFS if certify else ROUNDS_TIME).upto(budget),
            whole=whole,
            seed=seed,
            observer=observer,
        )
        work = Work(task, model, chosen, report, audited, expensive)
        result = work.run(certify, bound_change)
    observer(Finished())
    return replace(result, seconds=time.perf_counter() - start)


def demand_repair(
    problem: Any, *, method: Any, evaluations: Any, seconds: Any, seed: Any, certify: bool
) -> tuple[Tunable | None, Method]:
    """Check the arguments of `repair`, which has to be done before an audit is paid for; the model as something that can be
    trained, and the method.

    Raises:
        BadInput: for what cannot be used, a model that cannot be trained, and a proof that cannot be made.
    """
    if not isinstance(problem, Problem):
        raise BadInput(f"repair takes a supnorm.Problem, got {problem!r}; supnorm.open_problem reads a file")
    if problem.model is None:
        raise BadInput("a repair needs a model beside the reference; give one as [model]")
    if problem.model.table is not None:
        raise BadInput("the model is a table: a repair changes models that can be called at new points")
    demand_number("evaluations", evaluations, LEAST)
    if seconds is not None:
        demand_allowed("seconds", seconds, Allowed(above=0))
    demand_seed(seed)
    if certify:
        _demand_provable(problem)
    model, why = _tunable(problem)
    return model, _method(method, model, problem.model.name, why, problem.reference.table is not None)


def _of_table(
    problem: Problem,
    report: AuditReport | None,
    data: Any,
    method: Method,
    model: Tunable | None,
    whole: Limit,
    seed: int,
    observer: Callable[[Any], None],
) -> Work:
    """The work where the reference is a table; the audits are of the rows that are held out."""
    if data is not None:
        raise BadInput("the reference is a table: its rows are the data; leave data out")
    if report is not None:
        demand_report_of(problem, report)
    rows = split(problem, seed)
    with INTERRUPTS.handed_on():
        before = audit(rows.judging, seed=seed)
    task = RowsTask(
        problem=problem,
        truth=ReferencePoints(problem, seed),
        wrong=wrong_rows(problem, problem.model, rows),
        worst=before.record.sup.lower,
        rms=before.rms.value,
        data=(rows.x, rows.y),
        limit=whole,
        whole=whole,
        seed=seed,
        observer=observer,
        split=rows,
    )
    work = Work(task, model, method, before, rows.held, False)
    words = fact("rows-only", trained=len(rows.x), held=rows.held)
    work.notes.append(narrator(work.measure, ()).text(words))
    return work


def _tunable(problem: Problem) -> tuple[Tunable | None, str]:
    """The model as something that can be trained; None where it cannot, with the reason if there is one."""
    if (network := network_behind(problem.model) or network_of_file(problem)) is not None:
        return TunableNetwork(network), ""
    if (module := module_behind(problem.model)) is not None:
        return TunableModule(module, problem.domain.d, problem.model.name), ""
    if not is_graph_file(problem):
        return None, ""
    try:
        from supnorm.mending.graph_file import tunable_file

        return tunable_file(problem), ""
    except BadInput as error:
        return None, str(error)
    except ImportError:
        return None, f"to train a file like {problem.model.name}, supnorm needs torch: {install('torch')}"


def _outputs(problem: Problem) -> int:
    assert problem.law is not None
    return int(values_of(problem.model, problem.law.draw(16, np.random.default_rng(0))).shape[1])


def _demand_provable(problem: Problem) -> None:
    """See that a proof can be asked for, before an audit is paid for."""
    if problem.error.limit is None:
        raise BadInput(
            "to certify a repair, give a tolerance: --tolerance, or that of the problem ([error] tolerance)"
        )
    demand_provable(problem)


def _method(method: Any, model: Tunable | None, name: str, why: str, table: bool) -> Method:
    """The method by its name.

    Raises:
        BadInput: for an unknown one, and where the model cannot be trained.
    """
    chosen = method
    if isinstance(method, str) and method in METHODS:
        chosen = METHODS[method]()
    elif method == "auto":
        chosen = Exchange() if model is not None else Residual() if table else Patch()
    if not isinstance(chosen, Method):
        raise BadInput(
            f"method must be auto, {', '.join(METHODS)}, Exchange(...), Patch(...) or Residual(...), got {method!r}"
        )
    if isinstance(chosen, Patch) and table:
        raise BadInput(
            "a patch needs values of the reference at new points, and it is a table: use the method exchange or residual"
        )
    if isinstance(chosen, Exchange) and model is None:
        raise BadInput(
            f"the model {name} is nothing that can be trained here{f': {why}' if why else ''}; give a network of supnorm "
            "(.npz), a torch module or an ONNX or .pt2 file with linear layers, or use the method patch or "
            "residual"
        )
    return chosen


def samples_of(data: Any, problem: Problem) -> tuple[Array, Array] | None:
    """The training data as arrays.

    Raises:
        BadInput: for shapes that do not fit the problem, or numbers that are not finite.
    """
    if data is None:
        return None
    try:
        x, y = (plain_numbers(part) for part in data)
    except (TypeError, ValueError):
        raise BadInput("data must be a pair (x, y) of arrays of numbers, shapes (n, d) and (n, m)") from None
    y = y[:, None] if y.ndim == 1 else y
    if x.ndim != 2 or x.shape[1] != problem.domain.d or y.ndim != 2 or len(x) != len(y) or not len(x):
        raise BadInput(
            f"data must have shapes (n, {problem.domain.d}) and (n, m), got {x.shape} and {y.shape}"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise BadInput("data must be finite; remove rows with NaN or infinity")
    return x, y


def _audited(report: AuditReport) -> int:
    record = report.record
    return int(record.evaluations.search + record.evaluations.statistics)
