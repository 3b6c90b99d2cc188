"""Docstrings and comments that claim a measured factor name the benchmark or test that measures it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "supnorm"
NUMBER = r"(?:several|ten|twenty|fifty|a?\s?hundred|a?\s?thousand|\d[\d.,]*(?:e[+-]?\d+)?)"
BETTER = (
    r"(?:more|less|fewer|better|worse|faster|slower|sooner|cheaper|dearer|smaller|larger|lower)\s+"
    r"(?:accurate|error|errors|exact|precise)|(?:better|worse|faster|slower|sooner|cheaper|dearer)\b"
)
CLAIMS = (
    rf"\b{NUMBER}(?: to {NUMBER})? (?:times|decades) (?:{BETTER})",  # ten times faster
    rf"\b(?:gains|cuts|lowers|halves)\b[^.]*\b(?:{NUMBER})(?: to {NUMBER})? (?:times|decades)",
    r"\bcuts?\b[^.]*\bseveral times",
    rf"\bmeasured\b[:,]?[^.]{{0,40}}?\b{NUMBER} (?:%|s\b|seconds|times|calls)",
    r"\bcoverage (?:of )?\.?\d",
    rf"\btook {NUMBER}(?: (?:to|and) {NUMBER})? (?:processor |CPU )?seconds",
    r"\b\d[\d.]*(?: to \d[\d.]*)? of the processor time",
    r"points?: 1e-\d+\)|\b1e-\d+ in \d-D",  # (24^3 points: 1e-8)
)
NAMED = ("benchmarks", "tests/", "docs/")


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Docstrings and blocks of comments with their first line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            said = ast.get_docstring(node, clean=True)
            if said:
                yield getattr(node, "lineno", 1), said
    block: list[str] = []
    first = last = -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] != last + 1:
                if block:
                    yield first, " ".join(block)
                block, first = [], token.start[0]
            block.append(token.string.lstrip("# "))
            last = token.start[0]
    if block:
        yield first, " ".join(block)


def claims(said: str) -> list[str]:
    """Sentences that claim a factor, of a text that names no place where it is measured."""
    if any(place in said for place in NAMED):
        return []
    flat = re.sub(r"\s+", " ", said)
    return [found.group(0) for pattern in CLAIMS for found in re.finditer(pattern, flat)]


def test_no_factor_without_its_measurement():
    bare = [
        f"{path.relative_to(SOURCE)}:{line}: {claim!r}"
        for path in sorted(SOURCE.rglob("*.py"))
        for line, said in texts(path.read_text())
        for claim in claims(said)
    ]
    assert not bare, "name the benchmark or the test, or delete the number:\n" + "\n".join(bare)


@pytest.mark.parametrize(
    "said",
    [
        "It lowers the largest error 3 to 30 times and leaves the rest.",
        "the optimiser goes on from where it was; that cuts the maximum several times.",
        "it is then several times more accurate than a dense network",
        "`QuasiNewton` is 2 to 5 decades better at equal time.",
        "Alone it is too sure of itself (coverage .5 to .8 of 90 % intervals, measured)",
        "graded certificates took 0.3 to 1.0 of the processor time of tensor ones",
        "they took 0.2 and 0.8 processor seconds",
        "the best method in 1-D to 3-D (24^3 points: 1e-8).",
        "it is ten times faster",
    ],
)
def test_what_was_claimed_once_would_be_seen(said):
    assert claims(said)
    assert not claims(said + " (``python -m benchmarks.fit``)")


@pytest.mark.parametrize("said", ["30 times round-off", "at most 2 times the level", "Cost: 8 n p bytes"])
def test_formulas_are_no_claims(said):
    assert not claims(said)
