"""``supnorm demo``: shows in a minute what an audit finds, on two networks that it trains.

1. One input: a ReLU network learns a curve from 41 samples. Its test error is small, but between two samples it misses a
   resonance, which the audit finds. The curve is made for this demonstration: its resonance is narrower than the spacing
   of the samples, and the 20 test points miss it.
2. Eight inputs: the borehole function (Harper and Gupta 1983), a standard of surrogate modelling. 20,000 random test
   points understate the worst error.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from supnorm.cli.answer import say
from supnorm.cli.folder import work_in
from supnorm.cli.options import QUIET
from supnorm.results.numbers import count, num, ratio

if TYPE_CHECKING:
    from supnorm.auditing import AuditReport
    from supnorm.problem import Problem

Array = NDArray[np.float64]
OUT = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder of the runs. [default: demo-run]")
]
BOREHOLE = {
    "rw": (0.05, 0.15, "m"),
    "r": (100.0, 50_000.0, "m"),
    "Tu": (63_070.0, 115_600.0, "m2/yr"),
    "Hu": (990.0, 1110.0, "m"),
    "Tl": (63.1, 116.0, "m2/yr"),
    "Hl": (700.0, 820.0, "m"),
    "L": (1120.0, 1680.0, "m"),
    "Kw": (9855.0, 12_045.0, "m/yr"),
}


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("demo")(command)


def resonance(x: Array) -> Array:
    """A smooth response with one narrow resonance at 0.712; ``x`` (n, 1), returns (n,)."""
    value: Array = np.sin(5 * x[:, 0]) + 0.8 * np.exp(-(((x[:, 0] - 0.712) / 0.005) ** 2))
    return value


def borehole(x: Any, xp: Any = np) -> Any:
    """Flow of water through a borehole in m3/yr; ``x`` (n, 8), returns (n,)."""
    rw, r, tu, hu, tl, hl, length, kw = x.T
    log_ratio = xp.log(r / rw)
    resistance = log_ratio * (1 + 2 * length * tu / (log_ratio * rw**2 * kw) + tu / tl)
    return 2 * np.pi * tu * (hu - hl) / resistance


def command(out: OUT = None, quiet: QUIET = False) -> int:
    """Train two networks, test them as usual, then audit them."""
    folder = out or Path("demo-run")
    with work_in(folder):
        _show(folder, quiet)
    return 0


def _show(folder: Path, quiet: bool) -> None:
    for text, make, name, evaluations in (
        (
            "1. One input. A ReLU network learns a curve from 41 samples.",
            one_input,
            "one-input",
            20_000,
        ),
        (
            "2. Eight inputs. A ReLU network learns the borehole function from 4,000 samples.",
            eight_inputs,
            "eight-inputs",
            100_000,
        ),
    ):
        problem, tested = make()
        _say(quiet, text, tested)
        report = _audited(problem, folder / name, evaluations, quiet)
        _say(quiet, *_verdict(report), f"   page: {folder / name / 'report.html'}", "")
    _say(
        quiet,
        "A page opens in any browser, offline. Next: write a problem.toml for your own model,",
        "see examples/seawater/problem.toml, and run: supnorm audit problem.toml",
    )


def one_input() -> tuple[Problem, str]:
    """The problem of the resonance with its network, and the result of an ordinary test."""
    from supnorm.problem import Domain, Function, Problem

    rng = np.random.default_rng(0)
    x = np.linspace(0, 1, 41)[:, None]
    network = _trained(x, resonance(x)[:, None], 300)
    test = rng.random((20, 1))
    error = network.value(test)[:, 0] - resonance(test)
    problem = Problem(
        replace(network, name="ReLU network, 2 x 64"),
        Function(lambda t: resonance(t)[:, None], name="the response curve", outputs=("y",)),
        Domain(x=(0.0, 1.0)),
        tolerance=0.3,
        title="A response curve learned from 41 samples",
        data=x,
    )
    rms = float(np.sqrt(np.mean(error**2)))
    return problem, f"   test on 20 random points: RMSE {num(rms)} of a range of about 2"


def eight_inputs() -> tuple[Problem, str]:
    """The problem of the borehole with its network, and the result of an ordinary test."""
    from supnorm.problem import Domain, Problem
    from supnorm.sources import from_jax

    rng = np.random.default_rng(0)
    low, high = (np.array([v[k] for v in BOREHOLE.values()]) for k in (0, 1))
    x = low + (high - low) * rng.random((4000, 8))
    network = _trained(x, borehole(x)[:, None], 400)
    test = low + (high - low) * rng.random((1000, 8))
    error = network.value(test)[:, 0] - borehole(test)

    def traced(t: Any) -> Any:
        import jax.numpy as jnp

        return borehole(t, jnp)

    problem = Problem(
        replace(network, name="ReLU network, 2 x 64"),
        replace(from_jax(traced), name="the borehole function", outputs=("flow",), output_units=("m3/yr",)),
        Domain.from_axes(dict(BOREHOLE)),
        tolerance=10.0,
        title="Flow through a borehole, 8 inputs",
    )
    rms = float(np.sqrt(np.mean(error**2)))
    return problem, f"   test on 1,000 random points: RMSE {num(rms)} m3/yr, the flow varies by about 45"


def _trained(x: Array, y: Array, iterations: int) -> Any:
    from supnorm.networks import Network, Scaling
    from supnorm.training import LBFGS, Limit, optimise

    rng = np.random.default_rng(1)
    start = Network.init(rng, x.shape[1], 1, 64, 2, "relu", scaling=Scaling.of_data(x, y))
    return optimise(start, x, y, LBFGS(), Limit(evaluations=iterations)).network.as_function()


def _audited(problem: Problem, folder: Path, evaluations: int, quiet: bool) -> AuditReport:
    from supnorm.auditing import audit
    from supnorm.pages import TerminalProgress, write_page

    report = audit(problem, evaluations=evaluations, observer=TerminalProgress(quiet=quiet))
    report = replace(report, record=report.record.changed(command="supnorm demo"))
    report.save(folder)
    write_page(report, folder / "report.html")
    return report


def _verdict(report: AuditReport) -> list[str]:
    record = report.record
    worst, rms, plain = record.sup.lower, record.rms.value, record.plain_sample
    return [
        f"   {count(plain.n)} random points: worst {num(plain.worst)}, RMS {num(rms)}",
        f"   the audit found {num(worst)}: {num(worst / rms)} times the RMS, "
        f"{ratio(worst / plain.worst)} times the worst of the random points",
    ]


def _say(quiet: bool, *lines: str) -> None:
    if not quiet:
        for line in lines:
            say(line)
