"""The page that answers: how many weights, how many samples, which training; and what makes the answers milder.

``supnorm reproduce all`` writes it from the results: ``questions.md`` and its curves in ``images/``. Every number of the
page is one of a claim of an experiment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reproduce.catalogue import NAMES
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
        "Take all functions of d inputs whose first n derivatives are bounded, and let eps be the accuracy that you "
        "need. For every such function there is a ReLU network whose largest error is eps and whose number of weights "
        "is about (1/eps)^(d/n), up to a constant and a logarithm. With fewer than about (1/eps)^(d/2n) weights no "
        "architecture of ReLU units is enough for all of these functions. The first experiments build such networks. "
        "Interpolation on a grid of simplices has the same rate.",
        ("expressivity/square", "expressivity/taylor", "expressivity/taylor-plane", "precision-ml/simplex"),
        ("expressivity-square",),
    ),
    Question(
        "samples",
        "How many samples does it need?",
        "Two networks can have the same values at m samples and differ between them. A method that knows only the "
        "samples cannot tell which of the two is right. The largest difference of two such networks falls only like "
        "m^(-1/d), so an accuracy of eps takes about (1/eps)^d samples.",
        ("uniform-accuracy/rate", "uniform-accuracy/grid", "uniform-accuracy/glitch"),
        ("uniform-accuracy-hidden",),
    ),
    Question(
        "training",
        "Which training reaches it?",
        "Training by first-order methods such as Adam stops improving long before the network reaches the accuracy "
        "that its size allows. With few inputs, second-order methods go on to errors that are many powers of ten "
        "smaller, and so does a second network that is fitted to the error of the first one. Both lower the mean "
        "error more than the largest one; further samples where the error is largest lower that one too. On smooth "
        "functions of few inputs a polynomial is still more accurate.",
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
        "The exponent above is d divided by the number of bounded derivatives, so more derivatives make it smaller. "
        "For analytic functions of few inputs polynomials converge exponentially, and a network is the wrong tool.",
        ("theory-practice-gap/smooth",),
    ),
    Question(
        "composition",
        "A composition of simpler functions",
        "If the function is composed of functions of few inputs, their number of inputs takes the place of d.",
        ("precision-ml/relu", "precision-ml/modular", "cheap-learning/shallow"),
        ("cheap-learning-gadget",),
    ),
    Question(
        "manifold",
        "A low-dimensional manifold",
        "If the inputs that occur lie on a set of low dimension, such as a curve or a surface, its dimension takes "
        "the place of d. The price: off this set there are no samples, and the error there can be anything.",
        ("miniweather/box",),
        ("miniweather-rolled",),
    ),
    Question(
        "average",
        "An average case that is far better than the worst",
        "The bounds are for the worst function of a class. Your function may be easier; an audit or a proof shows "
        "whether it is.",
        ("precision-ml/order", "expressivity/taylor"),
        ("precision-ml-scaling-max",),
    ),
    Question(
        "activations",
        "Other architectures and activations",
        "The lower bounds are for ReLU networks of bounded depth, or for weights that depend continuously on the "
        "function. Networks with smooth activations do better on smooth functions. Rounding in floating-point "
        "arithmetic limits the accuracy of each network.",
        ("expressivity/trained", "cheap-learning/gadget", "cheap-learning/arbitrary"),
    ),
    Question(
        "modest",
        "Modest accuracy",
        "The exponents matter when eps is small. For an accuracy of a few per cent a small network is enough for many "
        "functions, also in six inputs.",
        ("precision-ml/sum-bfgs", "hiprenets/formulas", "precision-ml/order"),
        ("precision-ml-scaling-rms",),
    ),
    Question(
        "mean",
        "The 2-norm instead of the max norm",
        "The same number of samples gives a much smaller mean error (2-norm) than largest error (max norm), because a "
        "glitch (a small region with a large error) hardly changes the mean. A report of the mean alone does not show "
        "it.",
        ("uniform-accuracy/rate", "uniform-accuracy/grid", "hiprenets/stages", "theory-practice-gap/jumps"),
    ),
    Question(
        "physics",
        "Physics-informed training",
        "If the network learns the solution of a known differential equation, training needs no samples of the "
        "solution, and a proved bound of the residual gives a proved bound of the error. Whether the network is "
        "faster or more accurate than a solver is another question.",
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
# Claims whose numbers are a table: the heads of its columns.
TABLES = {
    "pinn-vs-solver/frequencies": ("training (a row for each seed)", "mode 1", "mode 2", "mode 3", "mode 4")
}
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
    return "\n\n".join([*page, FUNCTIONS]) + "\n"


HEAD = """# How many weights, how many samples, which training?

Before you replace a slow code by a network you want to know three things: how many weights the network needs, how many
samples, and which training. Theory answers all three for the largest error anywhere in the domain (the error in the *max
norm*), and with many inputs the answers sound hopeless. In eight cases less is enough. For each answer and each case this
page gives what papers claim, what our experiments measured, and whether the two agree. Most papers give only a mean error;
here the largest error stands beside it. Each line begins with the verdict: *reproduced*, *qualified* (it holds in part, or
under a condition that the line names), *not reproduced*, or *measured* where no published number was compared. The claim
follows in bold type, and then what we measured. [The end of the page](#the-functions) explains names such as II.8.31.

`supnorm reproduce all` runs every experiment and makes this page. {counts}{when}. [reproduce.md](reproduce.md) names the
papers, says what counts as published, and has the whole table."""
EXCEPTED = """## What makes the answers milder

For each of these eight reasons a task can be easier than the bounds above say."""


FUNCTIONS = """## The functions

Names with Roman numerals are formulas of the *Feynman Lectures on Physics*: volume, chapter and number of the equation. All
inputs of a formula are between 1 and 5, unless the table says otherwise.

| name | function | inputs |
|---|---|---|
| x^2 | `x^2`, on [-1, 1] | 1 |
| II.8.31 | `x1 x2^2 / 2` | 2 |
| I.30.5 | `arcsin(x1 / (x2 x3))`, `x1` between 1 and 2, `x2` between 2 and 5 | 3 |
| I.8.14 | the distance `sqrt((x2 - x1)^2 + (x4 - x3)^2)` | 4 |
| I.44.4 | `x1 x2 x3 log(x5 / x4)` | 5 |
| II.6.15a | `3 x2 x6 sqrt(x4^2 + x5^2) / (4 pi x1 x3^5)`, inputs between 1 and 3 | 6 |
| I.11.19 | `x1 y1 + x2 y2 + x3 y3` | 6 |
| K1 | `log(sin(10 x) + 2) + sin(x)`, on [-1, 1] | 1 |
| halfspace-2 | 1 where `x1 + x2 >= 0`, else 0; inputs between -1 and 1 | 2 |
| indicator-2 | 1 where both inputs are at most 1/2 in size, else 0; inputs between -1 and 1 | 2 |
| noisy-table | `sin(x1) + x2 x3 / 2 + tanh(x4 + x5) + x6 / 5` with noise; inputs are normally distributed | 8 |"""


def captions() -> dict[str, str]:
    """Captions of the figures of the page, in a few words."""
    scaling = "error of interpolation and of trained networks against their parameters, by number of inputs"
    return {
        "expressivity-square": "Largest error of networks for x^2 against their parameters: built and trained",
        "uniform-accuracy-hidden": "Size of networks that are zero at m samples: the largest value, and the mean (L2)",
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
    found = {question.key: "\n".join(_evidence(question, claims)) for question in SECTIONS}
    return {
        **{key: block if "\n" in block else f"{block}\n" for key, block in found.items()},
        "counts": _counts(record),
        "table": "\n\n".join(f"{p.paper} (`{p.name}`):\n\n{table(p)}" for p in record.papers),
    }


def from_json(content: dict[str, Any]) -> dict[str, str]:
    """`said` of the JSON of a record."""
    return said(ReproduceRecord.from_dict(content))


def _evidence(question: Question, claims: Mapping[str, ClaimRecord]) -> list[str]:
    """A line for each claim of a question, and one line with those that were not run."""
    missing = [f"`{key}`" for key in question.claims if key not in claims]
    first = {key: section for section in reversed(SECTIONS) for key in section.claims}
    lines = [
        _line(claims[key], key) if first[key] is question else _elsewhere(claims[key], first[key])
        for key in question.claims
        if key in claims
    ]
    return [*lines, f"* Not run for this page: {', '.join(missing)}."] if missing else lines


def _counts(record: ReproduceRecord) -> str:
    verdicts = [claim.verdict for paper in record.papers for claim in paper.claims]
    counted = ", ".join(f"{verdicts.count(v)} {v}" for v in (REPRODUCED, QUALIFIED, NOT_REPRODUCED))
    seconds = sum(paper.seconds for paper in record.papers)
    run = len(record.papers)
    part = "" if run == len(NAMES) else f"So far {run} of {len(NAMES)} experiments were run. "
    return (
        f"{part}Of {len(verdicts)} claims {verdicts.count(OURS)} have no published number; of the others {counted}. "
        f"It took {seconds / 60:.0f} minutes of processor time"
    )


def _elsewhere(claim: ClaimRecord, section: Question) -> str:
    """A claim that stands in an earlier section too: the measured numbers are only there."""
    anchor = re.sub(r"[^a-z0-9 -]", "", section.title.lower()).replace(" ", "-")
    return f"* See [{section.title}](#{anchor}): {claim.claim}"


def _line(claim: ClaimRecord, key: str) -> str:
    """Verdict, claim, measured numbers and published ones; many numbers stand in a table below."""
    checked = claim.published not in ("", "not checked")
    published = f" Published: {claim.published}." if checked else ""
    why = f" {claim.why}" if claim.verdict in (QUALIFIED, NOT_REPRODUCED) and claim.why else ""
    verdict = "Measured" if claim.verdict == OURS else _capital(claim.verdict)
    words, rows = (claim.short, "") if key not in TABLES else _rows(claim.short, TABLES[key])
    return f"* *{verdict}.* **{claim.claim}** {_capital(words)}.{published}{why}{rows}"


def _rows(short: str, head: Sequence[str]) -> tuple[str, str]:
    """The words of "words: name 1, 2; 3, 4; name 5, 6", and a table of its rows under an item of a list.

    >>> _rows("steps: Adam 1, not reached; 3, 4; BFGS 5, 6", ("by", "a", "b"))[1].split("\\n")[4:]
    ['  | Adam | 1 | not reached |', '  | Adam | 3 | 4 |', '  | BFGS | 5 | 6 |']
    """
    words, _, numbers = short.partition(": ")
    rows, name = ["", "", f"  | {' | '.join(head)} |", "  |" + "---|" * len(head)], ""
    for part in numbers.split("; "):
        named = re.fullmatch(r"([A-Z\s-].*?) (?=\d|not reached)(.*)", part, re.IGNORECASE)
        if named is not None and not part.startswith("not reached"):
            name, part = named[1], named[2]
        cells = part.split(", ")
        if len(cells) != len(head) - 1:
            raise ValueError(
                f"{part!r} has {len(cells)} numbers, and the table {len(head) - 1} columns of numbers"
            )
        rows.append(f"  | {' | '.join((name, *cells))} |")
    return words, "\n".join(rows)


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
