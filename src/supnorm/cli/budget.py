"""``supnorm budget``: how many weights and samples, and is a network the right tool."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.answer import answer, say, told_if_lost
from supnorm.cli.budget_progress import Progress
from supnorm.cli.fields import made, with_options_of, written
from supnorm.cli.folder import (
    FIRST_LOOK,
    Moves,
    alone_in,
    make_folder,
    put_back,
    same_run,
    set_aside,
    undisturbed,
)
from supnorm.cli.identity import identified
from supnorm.cli.options import DASK, JSON, QUIET, RESUME, SEED, TRUST, number_list
from supnorm.planning.requested import LearningCurve, PlanningCalls
from supnorm.planning.smooth_class import SmoothClass
from supnorm.results.status import BadInput, Interrupted

if TYPE_CHECKING:
    from supnorm.evaluation import EvaluationStore
    from supnorm.planning import NetworkClass
    from supnorm.problem import Problem

PROBLEM = Annotated[
    Path | None, typer.Argument(metavar="[PROBLEM.toml]", help="The problem file; none for numbers alone.")
]
STORE = "budget.sqlite"
NOT_KEPT = "nothing is kept without --out: with --out DIR evaluations and trainings are, and --resume goes on"


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("budget")(command)


@with_options_of(SmoothClass, LearningCurve, PlanningCalls)
def command(
    problem: PROBLEM = None,
    tolerance: Annotated[float | None, typer.Option("--tolerance", help="Largest error allowed.")] = None,
    norm: Annotated[str, typer.Option("--norm", help="sup, l1, l2 or a number p.")] = "sup",
    network: Annotated[
        str | None,
        typer.Option(
            "--network", metavar="LAYERS,WIDTH,C", help="Bounds for ReLU networks with weights of at most C."
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", metavar="NAME", help="Plan this output. [default: the hardest]")
    ] = None,
    sample_budget: Annotated[
        int, typer.Option("--sample-budget", min=10, help="Samples that may be spent on the surrogate.")
    ] = 100_000,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write JSON and page, keep runs here.")
    ] = None,
    resume: RESUME = False,
    as_json: JSON = False,
    seed: SEED = None,
    dask: DASK = None,
    quiet: QUIET = False,
    trust: TRUST = False,
    **given: Any,
) -> int:
    """Say what a tolerance costs in samples and weights, which exceptions apply, and which tool to use."""
    from supnorm.cli.repeat import repeated
    from supnorm.pages import budget_summary, write_budget_page
    from supnorm.planning import budget
    from supnorm.sources import open_problem

    of_class, of_curve = written(SmoothClass, given), written(LearningCurve, given)
    trained = given["trainers"] is not None
    if problem is None and given["inputs"] is None:
        raise BadInput("give a problem file, or numbers: --inputs 12 --smoothness 2 --tolerance 1e-3")
    if problem is None and trained:
        raise BadInput("--learning-curve needs a function: give a problem file")
    if problem is not None and of_class:
        raise BadInput(f"--{next(iter(of_class))} is for numbers alone; a function brings its own domain")
    if resume and out is None:
        raise BadInput("--resume needs --out DIR, the folder of the run to go on with")
    opened = None if problem is None else open_problem(problem, trust=trust)
    chosen = seed or 0
    plan: dict[str, Any] = {
        "tolerance": tolerance,
        "norm": _norm(norm),
        "network": _network(network),
        "sample_budget": sample_budget,
        "seed": chosen,
    }
    asked = {"seed": float(chosen), "calls": given["most"], "sample-budget": float(sample_budget)}
    name = f"{given['trainers'] or ''}-{chosen}-{output or 'any'}"
    with _kept(opened, out, name, resume, asked) as (store, runs):
        if opened is None:
            result = budget(made(SmoothClass, given), **plan)
        else:
            observer = Progress(kept=out is not None)
            more: dict[str, Any] = {} if quiet or as_json else {"observer": observer}
            curve = made(LearningCurve, given, trainers=_trainers, file=runs) if trained else None
            calls = made(PlanningCalls, given, executor=_dask(dask), store=store, **more)
            result = budget(opened, output=output, curve=curve, calls=calls, **plan)

    options = of_class | {
        "tolerance": tolerance,
        "norm": norm,
        "network": network,
        "output": output,
        "sample-budget": sample_budget,
        **written(PlanningCalls, given),
        "cost": None if result.cost is None else result.cost.seconds,
        **(of_curve if trained else {}),
        "out": out,
        "seed": chosen,
        "dask": dask,
        "trust": trust,
    }
    result = result.changed(command=repeated("budget", problem, options))

    def tell() -> None:
        if as_json:
            answer(result.to_json())
        elif not quiet:
            say(budget_summary(result))

    if out is not None:
        with undisturbed(), told_if_lost(tell):
            result.save(out / "budget.json")
            write_budget_page(result, out / "budget.html")
    tell()
    if result.status.code == "interrupted":
        kept = f"the report of what was measured, {_kept_in(out)}" if out is not None else NOT_KEPT
        say(f"supnorm: interrupted; {kept}", err=True)
    return int(result.status.exit)


def _kept_in(out: Path) -> str:
    return f"evaluations and trainings are kept in {out}: run the same command with --resume"


def _trainers(text: str, option: str) -> dict[str, Any]:
    """Strategies of `fit` by name, or the user's own functions; separated by commas."""
    from supnorm.planning.names import LEARNERS
    from supnorm.strategies import named

    trainers: dict[str, Any] = {}
    for part in (word.strip() for word in text.split(",")):
        if ":" in part:
            _load(part, str(Path.cwd()))
            trainers[part] = partial(_own, part, str(Path.cwd()))
        else:
            strategy = named(part, option, ("file.py:trainer",))
            trainers[LEARNERS.get(type(strategy).__name__, part)] = strategy
    return trainers


def _load(text: str, folder: str) -> Any:
    from supnorm.sources.userfile import load_object

    return load_object(text, Path(folder), "--learning-curve")


def _own(text: str, folder: str, x: Any, y: Any, width: int, seed: int) -> Any:
    """The user's trainer, loaded from its file: so another process can do it too."""
    return _load(text, folder)(x, y, width, seed)


def _network(text: str | None) -> NetworkClass | None:
    from supnorm.planning import NetworkClass

    numbers = number_list(text, "--network")
    if numbers is None:
        return None
    if len(numbers) != 3 or any(v != int(v) for v in numbers[:2]):
        raise BadInput(f"--network wants LAYERS,WIDTH,C such as 6,32,0.5, got {text!r}")
    return NetworkClass(int(numbers[0]), int(numbers[1]), numbers[2])


def _norm(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _dask(address: str | None) -> Any:
    from supnorm.cli.audit import dask_executor

    return None if address is None else dask_executor(address)


@contextmanager
def _kept(
    problem: Problem | None, out: Path | None, name: str, resume: bool, asked: dict[str, float | None]
) -> Iterator[tuple[EvaluationStore | None, Path | None]]:
    """The store of expensive evaluations and the file of trainings; without ``resume`` older ones are set aside."""
    from supnorm.evaluation import EvaluationStore
    from supnorm.problem import fingerprint

    made = out is not None and not out.exists()
    if out is not None:
        make_folder(out)
    if out is None or problem is None:
        try:
            yield None, None
        except BadInput:
            if out is not None:
                put_back(out, None, made, [])
            raise
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted; {NOT_KEPT}") from None
        return
    mark = fingerprint(problem)
    path, runs = out / STORE, out / f"learning-curve-{''.join(c if c.isalnum() else '-' for c in name)}.jsonl"
    held = EvaluationStore.fingerprint_of(path)
    if held not in (None, mark):
        raise BadInput(
            f"--out {out} holds the budget of another problem or version of it; choose another --out"
        )
    with alone_in(out):
        moves: Moves = []
        if not resume:
            for old in (
                path,
                runs,
                *out.glob(f"{runs.stem}-*{runs.suffix}"),
            ):  # several learning curves have a file each
                moves += set_aside(old)
        store = EvaluationStore(path, mark)
        try:
            same_run(store, asked, out)
            with identified(store, problem, out, resume):
                yield store, runs
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted; {_kept_in(out)}") from None
        except BadInput:
            if not resume and store.points <= FIRST_LOOK:
                put_back(out, store, made, moves)
            raise
        finally:
            store.close()
