"""``supnorm budget``: how many weights and samples, and is a network the right tool."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.answer import answer, say, told_if_lost
from supnorm.cli.budget_progress import Progress
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
from supnorm.cli.options import DASK, JSON, QUIET, RESUME, SEED, TRUST, WORKERS, number_list

if TYPE_CHECKING:
    from supnorm.evaluation import EvaluationStore
    from supnorm.problem import Problem

PROBLEM = Annotated[
    Path | None, typer.Argument(metavar="[PROBLEM.toml]", help="The problem file; none for numbers alone.")
]
SIZES = "32,64,128,256,512,1024,2048"
STORE = "budget.sqlite"


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("budget")(command)


def command(
    problem: PROBLEM = None,
    inputs: Annotated[
        int | None, typer.Option("--inputs", min=1, max=1_000_000, help="Number of inputs.")
    ] = None,
    smoothness: Annotated[
        float | None, typer.Option("--smoothness", help="Derivatives that exist and are bounded.")
    ] = None,
    tolerance: Annotated[float | None, typer.Option("--tolerance", help="Largest error allowed.")] = None,
    norm: Annotated[str, typer.Option("--norm", help="sup, l1, l2 or a number p.")] = "sup",
    scales: Annotated[
        str | None,
        typer.Option(
            "--scales", metavar="L,L,...", help="Bounds on the derivatives, one or by order from 0."
        ),
    ] = None,
    rho: Annotated[
        str | None,
        typer.Option(
            "--rho", metavar="R,R,...", help="Bernstein parameters of an analytic function, by input."
        ),
    ] = None,
    noise: Annotated[
        float, typer.Option("--noise", min=0.0, help="Standard deviation of noise on the values.")
    ] = 0.0,
    fourier: Annotated[
        float | None, typer.Option("--fourier", help="Integral of |Fourier transform| (Barron).")
    ] = None,
    stability: Annotated[
        float | None, typer.Option("--stability", help="C in |error| <= C |residual| of an equation.")
    ] = None,
    composition: Annotated[
        str | None,
        typer.Option(
            "--composition",
            metavar="T:N,T:N,...",
            help="Inputs and derivatives of the parts, inner ones first.",
        ),
    ] = None,
    manifold: Annotated[
        float | None, typer.Option("--manifold", help="Dimension of the set that the inputs lie on.")
    ] = None,
    shape: Annotated[
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
    calls: Annotated[
        int | None,
        typer.Option("--calls", min=500, help="Evaluations for planning. [default: 40 s of the reference]"),
    ] = None,
    cost: Annotated[
        float | None,
        typer.Option(
            "--cost",
            metavar="SECONDS",
            help="What a call takes a point; decides how many are planned. [default: measured, and recorded]",
        ),
    ] = None,
    curve: Annotated[
        str | None,
        typer.Option(
            "--learning-curve",
            metavar="METHOD",
            help="Measure a learning curve of trainings: methods of fit, such as network,gaussian-process, or "
            "file.py:trainer.",
        ),
    ] = None,
    training_sizes: Annotated[
        str, typer.Option("--training-sizes", help="Training sizes in samples.")
    ] = SIZES,
    widths: Annotated[
        str, typer.Option("--widths", help="Network widths; three or more climb in width too.")
    ] = "24",
    trainings: Annotated[
        int, typer.Option("--trainings", min=1, help="Trainings for each training size.")
    ] = 4,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write JSON and page, keep runs here.")
    ] = None,
    resume: RESUME = False,
    as_json: JSON = False,
    seed: SEED = None,
    workers: WORKERS = None,
    dask: DASK = None,
    quiet: QUIET = False,
    trust: TRUST = False,
) -> int:
    """Say what a tolerance costs in samples and weights, which exceptions apply, and which tool to use."""
    from supnorm.cli.repeat import repeated
    from supnorm.pages import write_budget_page
    from supnorm.planning import budget
    from supnorm.results import BadInput
    from supnorm.results.encoding import dumps
    from supnorm.sources import open_problem

    if problem is None and inputs is None:
        raise BadInput("give a problem file, or numbers: --inputs 12 --smoothness 2 --tolerance 1e-3")
    if problem is None and curve is not None:
        raise BadInput("--learning-curve needs a function: give a problem file")
    if resume and out is None:
        raise BadInput("--resume needs --out DIR, the folder of the run to go on with")
    opened = None if problem is None else open_problem(problem, trust=trust)
    chosen, trainer = seed or 0, None if curve is None else _trainers(curve)
    asked = {"seed": float(chosen), "calls": calls, "sample-budget": float(sample_budget)}
    with _kept(opened, out, f"{curve or ''}-{chosen}-{output or 'any'}", resume, asked) as (store, runs):
        result = budget(
            opened,
            tolerance=tolerance,
            norm=_norm(norm),
            derivative_scales=number_list(scales, "--scales") or 1.0,
            rho=number_list(rho, "--rho"),
            noise=noise,
            fourier=fourier,
            stability=stability,
            composition=_parts(composition),
            manifold=manifold,
            shape=_shape(shape),
            inputs=inputs,
            smoothness=smoothness,
            output=output,
            data=None if opened is None else opened.data,
            sample_budget=sample_budget,
            calls=calls,
            cost=cost,
            trainer=trainer,
            samples=_numbers(training_sizes, "--training-sizes"),
            widths=_numbers(widths, "--widths"),
            seeds=trainings,
            curve_file=runs,
            seed=chosen,
            workers=workers or 1,
            executor=_dask(dask),
            store=store,
            observer=_silent if quiet or as_json else Progress(kept=out is not None),
        )

    options = {
        "inputs": inputs, "smoothness": smoothness, "tolerance": tolerance, "norm": norm, "scales": scales, "rho": rho,
        "noise": noise or None, "fourier": fourier, "stability": stability, "composition": composition,
        "manifold": manifold, "network": shape, "output": output, "sample-budget": sample_budget, "calls": calls,
        "cost": (result.cost or {}).get("seconds"), "learning-curve": curve,
        "training-sizes": training_sizes if curve else None,
        "widths": widths if curve else None, "trainings": trainings if curve else None, "out": out, "seed": chosen,
        "workers": workers, "dask": dask, "trust": trust,
    }  # fmt: skip
    result = replace(result, command=repeated("budget", problem, options))

    def tell() -> None:
        if as_json:
            answer(dumps(result.to_json()))
        elif not quiet:
            say(result.summary())

    if out is not None:
        with undisturbed(), told_if_lost(tell):
            result.save(out / "budget.json")
            write_budget_page(result, out / "budget.html")
    tell()
    if result.status.code == "interrupted":
        kept = (
            "nothing is kept without --out: with --out DIR evaluations and trainings are, and --resume goes on"
            if out is None
            else f"the report of what was measured, evaluations and trainings are kept in {out}: run the same command with "
            "--resume"
        )
        say(f"supnorm: interrupted; {kept}", err=True)
    return int(result.status.exit)


def _trainers(text: str) -> dict[str, Any]:
    """Strategies of `fit` by name, or the user's own functions; separated by commas."""
    from supnorm.cli.fit import METHODS, named
    from supnorm.planning.names import LEARNERS
    from supnorm.results import BadInput

    found: dict[str, Any] = {}
    for part in (word.strip() for word in text.split(",")):
        if ":" in part:
            _load(part, str(Path.cwd()))
            found[part] = partial(_own, part, str(Path.cwd()))
        elif part in METHODS:
            strategy = named(part)
            found[LEARNERS.get(type(strategy).__name__, part)] = strategy
        else:
            raise BadInput(
                f"--learning-curve {part!r} is not known; known are {', '.join(METHODS)} and file.py:trainer"
            )
    return found


def _load(text: str, folder: str) -> Any:
    from supnorm.sources.userfile import load_object

    return load_object(text, Path(folder), "--learning-curve")


def _own(text: str, folder: str, x: Any, y: Any, width: int, seed: int) -> Any:
    """The user's trainer, loaded from its file: so another process can do it too."""
    return _load(text, folder)(x, y, width, seed)


def _parts(text: str | None) -> list[tuple[float, float]]:
    from supnorm.results import BadInput

    try:
        pairs = [part.split(":") for part in (text or "").split(",") if part.strip()]
        return [(float(arity), float(order)) for arity, order in pairs]
    except ValueError:
        raise BadInput(f"--composition wants pairs such as 2:4,3:1, got {text!r}") from None


def _shape(text: str | None) -> Any:
    from supnorm.planning import NetworkClass
    from supnorm.results import BadInput

    numbers = number_list(text, "--network")
    if numbers is None:
        return None
    if len(numbers) != 3 or any(v != int(v) for v in numbers[:2]):
        raise BadInput(f"--network wants LAYERS,WIDTH,C such as 6,32,0.5, got {text!r}")
    return NetworkClass(int(numbers[0]), int(numbers[1]), numbers[2])


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
    from supnorm.results import BadInput, Interrupted

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
            raise Interrupted(
                "interrupted; nothing is kept without --out: with --out DIR evaluations and trainings are, and --resume "
                "goes on"
            ) from None
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
            raise Interrupted(
                f"interrupted; evaluations and trainings are kept in {out}: run the same command with --resume"
            ) from None
        except BadInput:
            if not resume and store.points <= FIRST_LOOK:
                put_back(out, store, made, moves)
            raise
        finally:
            store.close()


def _numbers(text: str, option: str) -> list[int]:
    from supnorm.results import BadInput

    try:
        found = [int(part) for part in text.replace(",", " ").split()]
    except ValueError:
        found = []
    if not found or min(found) < 1:
        raise BadInput(f"{option} {text!r}: give whole numbers such as 32,64,128")
    return found


def _norm(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _silent(event: Any) -> None:
    pass
