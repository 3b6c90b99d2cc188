"""The page that answers: how many weights, how many samples, which training; and what makes the answers milder.

``supnorm reproduce all`` writes it from the results: ``questions.md`` and its curves in ``images/``. Every number of the
page is one of a claim of an experiment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reproduce.chart import chart
from reproduce.experiment import Experiment, Figure, Results
from supnorm.results import write_whole
from supnorm.results.reproduce import ClaimRecord, ReproduceRecord


@dataclass(frozen=True)
class Question:
    """A section of the page.

    Attributes:
        title: the question, or the exception.
        answer: what theory says, in a few sentences without measured numbers.
        claims: ``experiment/key`` of the claims that support or qualify it.
        figures: names of figures.
    """

    title: str
    answer: str
    claims: tuple[str, ...]
    figures: tuple[str, ...] = ()


QUESTIONS = (
    Question(
        "How many weights does an accuracy in the max norm need?",
        "For every function of d inputs with n derivatives, at most a constant times (1/eps)^(d/n) weights, "
        "times a logarithm, and at "
        "least (1/eps)^(d/2n). Networks that reach such rates can be written down.",
        ("expressivity/square", "expressivity/taylor", "precision-ml/simplex"),
        ("expressivity-square",),
    ),
    Question(
        "How many samples does it need?",
        "A method that knows values at m points cannot tell a network from another one that differs in between. "
        "What it can "
        "overlook falls like m^(-1/d) in the max norm, so that the samples grow like (1/eps)^d.",
        ("uniform-accuracy/rate", "uniform-accuracy/grid", "uniform-accuracy/glitch"),
        ("uniform-accuracy-hidden",),
    ),
    Question(
        "Which training reaches it?",
        "First-order training stalls long before the network's own limit; second-order methods and a second "
        "network on the "
        "residual go on, and make the mean smaller faster than the largest error.",
        (
            "precision-ml/teacher-bfgs",
            "precision-ml/teacher-boosted",
            "theory-practice-gap/smooth",
            "expressivity/trained",
            "cheap-learning/trained",
            "layer-wise/greedy",
            "layer-wise/max-norm",
        ),
        ("theory-practice-gap-profile",),
    ),
)
EXCEPTIONS = (
    Question(
        "Strong smoothness",
        "The exponent is d over the number of derivatives. For analytic functions of few inputs polynomials converge "
        "exponentially, and then a network is the wrong tool.",
        ("theory-practice-gap/smooth",),
    ),
    Question(
        "A composition of simpler functions",
        "If the function is made of functions of few inputs, their number of inputs counts, not d.",
        ("precision-ml/relu", "precision-ml/modular", "cheap-learning/shallow"),
        ("cheap-learning-gadget",),
    ),
    Question(
        "A low-dimensional manifold",
        "Where the inputs that occur fill a thin set, its dimension counts. The price: off the set nothing is known.",
        ("miniweather/box",),
        ("miniweather-rolled",),
    ),
    Question(
        "An average case that is far better than the worst",
        "The bounds are for the worst function of a class; the one at hand may be easy. Only an audit or a proof tells.",
        ("precision-ml/order", "expressivity/taylor"),
        ("precision-ml-scaling-max",),
    ),
    Question(
        "Other architectures and activations",
        "The lower bounds are for ReLU networks of bounded depth or for continuous choices of weights. Smooth "
        "activations do better "
        "on smooth functions; arithmetic sets a limit of its own.",
        ("expressivity/trained", "cheap-learning/gadget", "cheap-learning/arbitrary"),
    ),
    Question(
        "Modest accuracy",
        "The exponents hurt when eps is small. At a few per cent many functions are cheap.",
        ("precision-ml/sum-bfgs", "precision-ml/order"),
        ("precision-ml-scaling-rms",),
    ),
    Question(
        "The 2-norm instead of the max norm",
        "In the mean the same number of samples buys much more; a glitch hides in a small volume.",
        ("uniform-accuracy/rate", "uniform-accuracy/grid", "theory-practice-gap/jumps"),
    ),
    Question(
        "Physics-informed training",
        "The equation is known at every point, so no samples of the solution are needed, and a residual can be "
        "turned into a proved "
        "error of the solution. Whether that beats a solver is another question.",
        ("pinn-vs-solver/proof", "pinn-vs-solver/frequencies", "pinn-vs-solver/par"),
        ("pinn-vs-solver-modes",),
    ),
)


def text(record: ReproduceRecord, images: str = "images") -> str:
    """The page in Markdown; ``images`` is the folder of the figures as the page names it."""
    claims = {f"{paper.name}/{claim.key}": claim for paper in record.papers for claim in paper.claims}
    lines = [
        "# How many weights, how many samples, which training?",
        "",
        "Three questions and eight exceptions, each with experiments that were run for this page. "
        f"It is made by `{record.command}`; the papers and what was done otherwise are in "
        "[reproduce.md](reproduce.md) and on the page that the command writes.",
    ]
    for questions, head in ((QUESTIONS, ""), (EXCEPTIONS, "## What makes it milder")):
        lines += ["", head] if head else []
        for question in questions:
            lines += ["", f"{'###' if head else '##'} {question.title}", "", question.answer, ""]
            lines += [_line(claims[key]) for key in question.claims if key in claims]
            lines += (
                ["", *(f"![{name}]({images}/{name}.svg)" for name in question.figures)]
                if question.figures
                else []
            )
    return "\n".join(lines) + "\n"


def _line(claim: ClaimRecord) -> str:
    published = f" Published: {claim.published}." if claim.published not in ("", "not checked") else ""
    why = f" {claim.why}" if claim.why else ""
    return f"* **{claim.claim}** {_capital(claim.ours)} ({claim.verdict}).{published}{why}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def write(
    record: ReproduceRecord, experiments: Sequence[Experiment], results: Mapping[str, Results], folder: Path
) -> None:
    """Write the page and its figures into a folder."""
    wanted = {name for question in (*QUESTIONS, *EXCEPTIONS) for name in question.figures}
    figures: list[Figure] = [f for e in experiments for f in e.figures(results[e.name]) if f.name in wanted]
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for figure in figures:
        write_whole(folder / "images" / f"{figure.name}.svg", chart(figure) + "\n")
    write_whole(folder / "questions.md", text(record))
