"""What an experiment is: independent runs, rows that compare their results with the paper, and figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reproduce.published import Published

EFFORTS = ("test", "usual", "full")  # seconds; minutes; the paper's own scale
REPRODUCED, QUALIFIED, NOT_REPRODUCED, OURS = (
    "reproduced",
    "qualified",
    "not reproduced",
    "no published number",
)
Results = Mapping[str, Mapping[str, Any]]  # by name of the run


@dataclass(frozen=True)
class Run:
    """One computation that needs no other one. Its result is kept in a file of its own.

    Attributes:
        name: names the file, so letters, digits and ``-`` only.
        work: a function of a module (workers import it) that returns JSON.
        arguments: its keyword arguments, JSON too; a kept result with other arguments is not used.
        seconds: processor time that it took when this line was written, for the forecast.
    """

    name: str
    work: Callable[..., dict[str, Any]]
    arguments: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True)
class Row:
    """A claim of the paper and what became of it here.

    Attributes:
        claim: what is claimed, in a sentence.
        ours: what was measured, in words and numbers.
        verdict: `REPRODUCED`, `QUALIFIED`, `NOT_REPRODUCED` or `OURS`; what we only remember is never called reproduced.
        why: the reason of a verdict that is not `REPRODUCED`; what was done otherwise than in the paper.
        short: the decisive numbers of ``ours`` in one sentence, for the page of questions; empty where ``ours`` is short.
        key: names the claim; ``published.toml`` has the published number under it, where there is one.
    """

    claim: str
    ours: str
    verdict: str
    why: str = ""
    key: str = field(kw_only=True)
    short: str = field(default="", kw_only=True)


@dataclass(frozen=True)
class Curve:
    """A line of a chart; a point without a value is left out."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    dashed: bool = False


@dataclass(frozen=True)
class Figure:
    """A chart with logarithmic or linear axes.

    Attributes:
        name: of its file; unique among all experiments.
        caption: what one sees in it, in a sentence or two.
        log: of both axes.
    """

    name: str
    caption: str
    x: str
    y: str
    curves: tuple[Curve, ...]
    log: tuple[bool, bool] = (True, True)


@dataclass(frozen=True)
class Experiment:
    """A paper's experiments.

    Attributes:
        name: on the command line.
        title: what is asked, in a few words.
        paper: authors, year, title.
        runs: the runs of an effort, one of `EFFORTS`.
        rows: the claims, from the results of all these runs and the published numbers.
        figures: the charts, from the same results.
        otherwise: what was done otherwise than in the paper, a sentence each.
    """

    name: str
    title: str
    paper: str
    runs: Callable[[str], list[Run]]
    rows: Callable[[Results, Published], list[Row]]
    figures: Callable[[Results], list[Figure]]
    otherwise: tuple[str, ...] = ()


def times(factor: float) -> str:
    """A factor in words.

    >>> times(4.2), times(31.7), times(4.777e12), times(0.031)
    ('4.2 times', '32 times', '4.8e12 times', '0.031 times')
    """
    text = f"{factor:.0f}" if 9.95 <= factor < 1e4 else f"{factor:.2g}"
    return f"{text.replace('e+', 'e')} times"


def smaller(factor: float) -> str:
    """By what factor something became smaller, in words.

    >>> smaller(31.7), smaller(0.74), smaller(1.02)
    ('32 times smaller', '1.4 times larger', 'no smaller')
    """
    if factor >= 1.05:
        return f"{times(factor)} smaller"
    return f"{times(1 / factor)} larger" if factor <= 0.95 else "no smaller"


def verdict(reproduced: bool, qualified: bool = False) -> str:
    """The verdict of a comparison.

    >>> verdict(True), verdict(False, True), verdict(False)
    ('reproduced', 'qualified', 'not reproduced')
    """
    return REPRODUCED if reproduced else QUALIFIED if qualified else NOT_REPRODUCED
