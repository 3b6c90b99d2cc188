"""``supnorm budget``: how many weights and samples are needed, and whether a network is the right tool."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.answer import say
from supnorm.cli.fields import made, with_options_of, written
from supnorm.cli.options import SEED, TRUST
from supnorm.cli.run import RunContext, with_run
from supnorm.planning.requested import LearningCurve, PlanningCalls
from supnorm.planning.smooth_class import SmoothClass
from supnorm.results.option import number_list, option
from supnorm.results.status import BadInput

if TYPE_CHECKING:
    from supnorm.evaluation import EvaluationStore
    from supnorm.planning import NetworkClass
    from supnorm.problem import Problem

PROBLEM = Annotated[
    Path | None,
    typer.Argument(metavar="[PROBLEM.toml]", help="The problem file; leave it out for numbers alone."),
]
STORE = "budget.sqlite"


def _norm(text: str, option: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _network(text: str, option: str) -> NetworkClass:
    from supnorm.planning import NetworkClass

    numbers = number_list(text, option)
    if len(numbers) != 3 or any(v != int(v) for v in numbers[:2]):
        raise BadInput(f"{option} must be LAYERS,WIDTH,C such as 6,32,0.5, got {text!r}")
    return NetworkClass(int(numbers[0]), int(numbers[1]), numbers[2])


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The question, about a smoothness class or about a function."""

    tolerance: float | None = option(
        "--tolerance", "Largest error allowed.", default=None, kind=float, above=0
    )
    norm: str | float = option("--norm", "sup, l1, l2 or a number p.", default="sup", read=_norm)
    network: NetworkClass | None = option(
        "--network",
        "Bounds for ReLU networks with weights of at most C.",
        default=None,
        metavar="LAYERS,WIDTH,C",
        read=_network,
    )
    sample_budget: int = option(
        "--sample-budget", "Samples that may be spent on the surrogate.", default=100_000, kind=int, low=10
    )


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("budget")(command)


@with_run(lambda problem: None, "Folder for JSON, page and the store of the run.")
@with_options_of(Asked, SmoothClass, LearningCurve, PlanningCalls)
def command(
    problem: PROBLEM = None,
    *,
    run: RunContext,
    output: Annotated[
        str | None, typer.Option("--output", metavar="NAME", help="Plan this output. [default: the hardest]")
    ] = None,
    seed: SEED = None,
    trust: TRUST = False,
    **given: Any,
) -> int:
    """Tell what a tolerance costs in samples and weights, which exceptions apply, and which tool to use."""
    from supnorm.cli.repeat import repeated
    from supnorm.pages import write_budget_page
    from supnorm.planning import budget
    from supnorm.sources import open_problem

    of_class, of_curve = written(SmoothClass, given), written(LearningCurve, given)
    trained = given["trainers"] is not None
    if problem is None and given["inputs"] is None:
        raise BadInput("give a problem file, or numbers: --inputs 12 --smoothness 2 --tolerance 1e-3")
    if problem is None and trained:
        raise BadInput("--learning-curve needs a function: give a problem file")
    if problem is not None and of_class:
        raise BadInput(f"--{next(iter(of_class))} is for numbers alone; a function has its own domain")
    opened = None if problem is None else open_problem(problem, trust=trust)
    chosen = seed or 0
    plan: dict[str, Any] = {**vars(made(Asked, given)), "seed": chosen}
    asked = {"seed": float(chosen), "calls": given["most"], "sample-budget": float(plan["sample_budget"])}
    name = f"{given['trainers'] or ''}-{chosen}-{output or 'any'}{_contents(given['trainers'] or '')}"
    with _storage(run, opened, name, asked) as (store, runs):
        if opened is None:
            result = budget(made(SmoothClass, given), **plan)
        else:
            resumable = (
                "Ctrl-C stops and keeps them, --resume goes on" if run.folder else "--out DIR would keep them"
            )
            curve = made(LearningCurve, given, trainers=_trainers, file=runs) if trained else None
            calls = made(PlanningCalls, given, store=store, observer=run.observer(f"; {resumable}"))
            result = budget(opened, output=output, curve=curve, calls=calls, **plan)

    options = {
        **of_class,
        **written(Asked, given),
        "output": output,
        **written(PlanningCalls, given),
        "cost": None if result.cost is None else result.cost.seconds,
        **(of_curve if trained else {}),
        "out": run.folder,
        "seed": chosen,
        "trust": trust,
    }
    result = result.changed(command=repeated("budget", problem, options))

    def tell() -> None:
        run.tell(result.to_json, lambda: [result.summary()])

    if run.folder is not None:
        with run.writing(tell):
            result.save(run.directory / "budget.json")
            write_budget_page(result, run.directory / "budget.html")
    tell()
    if run.folder is not None:
        run.tell_more(f"saved in {run.folder}; open {run.folder / 'budget.html'}")
    if result.status.code == "interrupted":
        measured = "" if run.folder is None else "the report of the measurements is written, "
        say(f"supnorm: interrupted; {measured}{_where_stored(run.folder)}", err=True)
    return int(result.status.exit)


def _where_stored(folder: Path | None) -> str:
    if folder is None:
        return "without --out nothing is kept; --out DIR keeps evaluations and trainings, and --resume goes on with them"
    return f"evaluations and trainings are kept in {folder}: run the same command with --resume"


def _trainers(text: str, option: str) -> dict[str, Any]:
    """Strategies of `fit` by name, or functions of the user, separated by commas."""
    from supnorm.planning.names import LEARNERS
    from supnorm.strategies import named

    trainers: dict[str, Any] = {}
    for part in (word.strip() for word in text.split(",")):
        if ":" in part:
            _load(part, str(Path.cwd()))
            trainers[part] = partial(_user_trainer, part, str(Path.cwd()))
        else:
            strategy = named(part, option, ("file.py:trainer",))
            trainers[LEARNERS.get(type(strategy).__name__, part)] = strategy
    return trainers


def _contents(trainers: str) -> str:
    """Of the files with a user's trainers, a part of the name of the file of trainings: an edited trainer is another one."""
    from supnorm.problem.fingerprint import content_of

    files = [part.strip().rpartition(":")[0] for part in trainers.split(",") if ":" in part]
    return "".join(f"-{content_of(Path(file))[:8]}" for file in files)


def _load(text: str, folder: str) -> Any:
    from supnorm.sources.userfile import load_object

    return load_object(text, Path(folder), "--learning-curve")


def _user_trainer(text: str, folder: str, x: Any, y: Any, width: int, seed: int) -> Any:
    """The user's trainer, loaded from its file, so that another process can call it too."""
    return _load(text, folder)(x, y, width, seed)


@contextmanager
def _storage(
    run: RunContext, problem: Problem | None, name: str, asked: dict[str, float | None]
) -> Iterator[tuple[EvaluationStore | None, Path | None]]:
    """The store of expensive evaluations and the file of trainings, if they are kept."""
    from supnorm.cli.folder import work_in

    left = f"; {_where_stored(run.folder if problem is not None else None)}"
    if run.folder is None or problem is None:
        with nullcontext() if run.folder is None else work_in(run.directory), run.interruptible(left):
            yield None, None
        return
    stem = f"learning-curve-{''.join(c if c.isalnum() else '-' for c in name)}"
    # If there are several learning curves, each has a file.
    older = (f"{stem}.jsonl", f"{stem}-*.jsonl")
    # Until the store is there, nothing is kept, and the line of an interrupt must not say so.
    with run.store(problem, asked, STORE, older) as store, run.interruptible(left):
        yield store, run.directory / f"{stem}.jsonl"
