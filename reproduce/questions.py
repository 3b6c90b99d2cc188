"""The page that answers: how many weights, how many samples, which training; and what makes the answers milder.

``supnorm reproduce all`` writes it from the results: ``questions.md`` and its curves in ``images/``. Every number of the
page is one of a claim of an experiment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reproduce.chart import chart
from reproduce.experiment import NOT_REPRODUCED, OURS, QUALIFIED, REPRODUCED, Experiment, Figure, Results
from reproduce.report import table
from supnorm.results import write_whole
from supnorm.results.reproduce import ClaimRecord, ReproduceRecord


@dataclass(frozen=True)
class Question:
    """A section of the page.

    Attributes:
        key: names the section in the marks of the page.
        title: the question, or the exception.
        answer: what theory says, in a few sentences without measured numbers.
        claims: ``experiment/key`` of the claims that support or qualify it.
        figures: names of figures.
    """

    key: str
    title: str
    answer: str
    claims: tuple[str, ...]
    figures: tuple[str, ...] = ()


QUESTIONS = (
    Question(
        "weights",
        "How many weights does an accuracy in the max norm need?",
        "Let a class of functions have d inputs and n bounded derivatives. Networks with a constant times "
        "(1/eps)^(d/n) weights, times a logarithm, approximate every function of the class to eps in the max norm, and no "
        "network does it for all of them with fewer than a constant times (1/eps)^(d/2n) weights. Networks of this size can "
        "be written down; the first two experiments build them. Interpolation on a grid of simplices has the same rate.",
        ("expressivity/square", "expressivity/taylor", "expressivity/taylor-plane", "precision-ml/simplex"),
        ("expressivity-square",),
    ),
    Question(
        "samples",
        "How many samples does it need?",
        "A method that knows the values at m points cannot tell a network from another one that is the same there and "
        "differs in between. In the max norm this difference falls only like m^(-1/d), so the number of samples grows like "
        "(1/eps)^d.",
        ("uniform-accuracy/rate", "uniform-accuracy/grid", "uniform-accuracy/glitch"),
        ("uniform-accuracy-hidden",),
    ),
    Question(
        "training",
        "Which training reaches it?",
        "First-order training such as Adam stops improving long before the network's own limit. Second-order methods, and a "
        "second network that is fitted to the error of the first one, go on by many decades in few inputs. They lower the "
        "mean more than the largest error. Samples where the error is largest help against that. On smooth functions of "
        "few inputs a polynomial is still ahead.",
        (
            "precision-ml/teacher-bfgs",
            "precision-ml/teacher-boosted",
            "precision-ml/same-time",
            "hiprenets/aimed",
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
        "smoothness",
        "Strong smoothness",
        "The exponent is d over the number of derivatives. For analytic functions of few inputs polynomials converge "
        "exponentially, and a network is the wrong tool.",
        ("theory-practice-gap/smooth",),
    ),
    Question(
        "composition",
        "A composition of simpler functions",
        "If the function is made of functions of few inputs, then their number of inputs counts, not d.",
        ("precision-ml/relu", "precision-ml/modular", "cheap-learning/shallow"),
        ("cheap-learning-gadget",),
    ),
    Question(
        "manifold",
        "A low-dimensional manifold",
        "Where the inputs that occur fill a thin set, the dimension of this set counts. The price: nothing is known off "
        "the set, and the error there can be anything.",
        ("miniweather/box",),
        ("miniweather-rolled",),
    ),
    Question(
        "average",
        "An average case that is far better than the worst",
        "The bounds are for the worst function of a class. The function at hand may be easy, and only an audit or a proof "
        "tells.",
        ("precision-ml/order", "expressivity/taylor"),
        ("precision-ml-scaling-max",),
    ),
    Question(
        "activations",
        "Other architectures and activations",
        "The lower bounds are for ReLU networks of bounded depth or for weights that depend continuously on the function. "
        "Smooth activations do better on smooth functions. Floating-point arithmetic sets a limit of its own.",
        ("expressivity/trained", "cheap-learning/gadget", "cheap-learning/arbitrary"),
    ),
    Question(
        "modest",
        "Modest accuracy",
        "The exponents hurt when eps is small. At a few per cent many functions are cheap, also in six inputs.",
        ("precision-ml/sum-bfgs", "hiprenets/formulas", "precision-ml/order"),
        ("precision-ml-scaling-rms",),
    ),
    Question(
        "mean",
        "The 2-norm instead of the max norm",
        "In the mean the same number of samples buys much more, because a glitch has a small volume. Whoever reports only "
        "the mean does not see it.",
        ("uniform-accuracy/rate", "uniform-accuracy/grid", "hiprenets/stages", "theory-practice-gap/jumps"),
    ),
    Question(
        "physics",
        "Physics-informed training",
        "The equation is known at every point, so no samples of the solution are needed, and a bound of the residual "
        "becomes a proved error of the solution. Whether that beats a solver is another question.",
        (
            "pinn-vs-solver/proof",
            "pinn-vs-solver/frequencies",
            "pinn-vs-solver/transfer",
            "pinn-vs-solver/hybrid",
            "pinn-vs-solver/par",
        ),
        ("pinn-vs-solver-modes",),
    ),
)
SECTIONS = (*QUESTIONS, *EXCEPTIONS)
MARKS = "papers"  # name of the marks in docs/questions.md (benchmarks/claims.toml)


def text(record: ReproduceRecord, images: str = "images", marked: bool = False) -> str:
    """The page in Markdown.

    Args:
        images: folder of the figures as the page names it.
        marked: the numbers stand between marks, as in the project's own documentation.
    """
    lines = said(record)

    def mark(key: str) -> str:
        block = f"\n{lines[key]}\n" if "\n" in lines[key] else lines[key]
        return f"<!-- {MARKS}.{key} -->{block}<!-- / -->" if marked else lines[key]

    page = [HEAD.format(counts=mark("counts"), when=f"; <!-- {MARKS}.stamp --><!-- / -->" if marked else "")]
    for questions, head in ((QUESTIONS, ""), (EXCEPTIONS, EXCEPTED)):
        page += [head] if head else []
        for question in questions:
            page += [f"{'###' if head else '##'} {question.title}", question.answer, mark(question.key)]
            page += [
                f"![{captions()[name]}]({images}/{name}.svg)"
                for name in question.figures
                if any(name.startswith(f"{paper.name}-") for paper in record.papers)
            ]
    return "\n\n".join(page) + "\n"


HEAD = """# How many weights, how many samples, which training?

Someone who replaces a slow code by a network wants to know three things before the work begins. Theory answers all three,
and in many inputs the answers sound hopeless. Eight exceptions make them milder. This page puts experiments beside each:
what is claimed, what came out here, and whether it agrees with what is published. Most papers give the error in the mean
only; here the largest error stands beside it.

`supnorm reproduce all` runs every experiment and makes this page. {counts}{when}. [reproduce.md](reproduce.md) names the
papers, says what counts as published, and has the whole table."""
EXCEPTED = """## What makes the answers milder

Each of the eight is a reason why a task can be easier than the bounds above say."""


def captions() -> dict[str, str]:
    """Captions of the figures of the page, in a few words."""
    scaling = "error of interpolation and of trained networks against their parameters, by number of inputs"
    return {
        "expressivity-square": "Largest error of networks for x^2 against their parameters: built and trained",
        "uniform-accuracy-hidden": "What a network can hide between m samples, in the max norm and in L2",
        "theory-practice-gap-profile": "Share of the interval with an error above a level, by method",
        "cheap-learning-gadget": "Error of neurons that multiply, against the scale of their inputs",
        "miniweather-rolled": "Largest error over the steps of a roll-out, for two starts",
        "precision-ml-scaling-max": f"Largest {scaling}",
        "precision-ml-scaling-rms": f"RMS {scaling}",
        "pinn-vs-solver-modes": "Error of each mode of the solution over the steps of physics-informed training",
    }


def said(record: ReproduceRecord) -> dict[str, str]:
    """What the marks of the documentation say: the evidence of each section, a table of each paper, the verdicts counted."""
    claims = {f"{paper.name}/{claim.key}": claim for paper in record.papers for claim in paper.claims}
    found = {
        question.key: "\n".join(
            _line(claims[key]) if key in claims else f"* `{key}` was not run for this page."
            for key in question.claims
        )
        for question in SECTIONS
    }
    return {
        **{key: block if "\n" in block else f"{block}\n" for key, block in found.items()},
        "counts": _counts(record),
        "table": "\n\n".join(f"{p.paper} (`{p.name}`):\n\n{table(p)}" for p in record.papers),
    }


def from_json(content: dict[str, Any]) -> dict[str, str]:
    """`said` of the JSON of a record."""
    return said(ReproduceRecord.from_dict(content))


def _counts(record: ReproduceRecord) -> str:
    verdicts = [claim.verdict for paper in record.papers for claim in paper.claims]
    counted = ", ".join(f"{verdicts.count(v)} {v}" for v in (REPRODUCED, QUALIFIED, NOT_REPRODUCED))
    seconds = sum(paper.seconds for paper in record.papers)
    return (
        f"Of {len(verdicts)} claims {verdicts.count(OURS)} have no published number; of the others {counted}. "
        f"It took {seconds / 60:.0f} minutes of processor time"
    )


def _line(claim: ClaimRecord) -> str:
    checked = claim.published not in ("", "not checked")
    published = f" Published: {claim.published}." if checked else ""
    why = f" {claim.why}" if claim.verdict in (QUALIFIED, NOT_REPRODUCED) and claim.why else ""
    shown = "" if claim.verdict == OURS else f" *{_capital(claim.verdict)}.*"
    return f"* **{claim.claim}** {_capital(claim.short)}.{shown}{published}{why}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:] if words[1:2].isalpha() else words


def write(
    record: ReproduceRecord, experiments: Sequence[Experiment], results: Mapping[str, Results], folder: Path
) -> None:
    """Write the page and its figures into a folder."""
    draw(experiments, results, folder / "images")
    write_whole(folder / "questions.md", text(record))


def draw(experiments: Sequence[Experiment], results: Mapping[str, Results], folder: Path) -> None:
    """Write the figures of the page, each as an SVG file of its own."""
    wanted = {name for question in SECTIONS for name in question.figures}
    figures: list[Figure] = [f for e in experiments for f in e.figures(results[e.name]) if f.name in wanted]
    folder.mkdir(parents=True, exist_ok=True)
    for figure in figures:
        write_whole(folder / f"{figure.name}.svg", chart(figure) + "\n")
