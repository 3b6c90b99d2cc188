"""Small campaigns: code that hides something, and extreme magnitudes (`python -m benchmarks.soundness`)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from benchmarks.soundness import (
    composed,
    extreme,
    fifth,
    fourth,
    hidden,
    honest,
    lines,
    million,
    properties,
    roots,
    third,
    tiny,
    traps,
)

from supnorm.certification import extremes
from supnorm.checker import leaves
from supnorm.problem import Domain, Problem
from supnorm.program import lower_numpy, rows
from supnorm.wording import fact
from supnorm.wording.certify import CERTIFY

pytestmark = pytest.mark.watched

SEED = 5
NUMBERS = [
    number
    for number, place in enumerate(np.random.default_rng(SEED).permutation(len(hidden.KINDS)))
    if hidden.KINDS[place][0] == "numpy"
]


@pytest.fixture(autouse=True)
def fewer_points(monkeypatch):
    """The campaigns look at a million points of each problem; here at fewer."""
    monkeypatch.setattr(million, "POINTS", 20_000)
    monkeypatch.setattr(million, "PART", 5_000)


def test_the_points_that_higher_precision_decides_are_those_of_the_largest_errors():
    drawn = []

    def draw(n):
        drawn.append(np.random.default_rng(len(drawn)).random((n, 2)))
        return drawn[-1]

    def size(x):
        return np.where(x[:, 1] > 0.99, np.nan, x[:, 0])

    found = million.worst(draw, size, 3, 2)
    x = np.concatenate(drawn)
    assert len(x) == million.POINTS
    assert size(found[:3]).tolist() == sorted(size(x)[np.isfinite(size(x))], reverse=True)[:3]
    assert len(found) == 5
    assert all((x == row).all(1).any() for row in found)


def test_an_error_that_float64_does_not_hold_is_interpolated():
    program = lower_numpy(lambda x: 1e-200 * np.sin(3.0 * x[:, :1]) * np.cos(x[:, 1:]), 2)
    low, high = np.array([0.0, -1.0]), np.array([1.0, 0.5])
    u = np.random.default_rng(1).uniform(-1.0, 1.0, (50, 2))
    values = tiny._interpolant(program, low, high)(u)
    assert values == pytest.approx(
        program.value(low + (high - low) * (1.0 + u) / 2.0)[:, 0], rel=1e-6, abs=1e-208
    )


@pytest.mark.slow
def test_nothing_false_is_said_of_what_is_hidden(tmp_path):
    found = []
    for number in NUMBERS[::4][:-1]:  # the last, a narrow spike, takes as long as all others together
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append(traps.judged(hidden.draw, number, SEED, folder))
    assert not [f for f in found if f.verdict in ("FALSE", "CRASHED")]
    assert {"refused", "true"} <= {f.verdict for f in found}


@pytest.mark.slow
def test_nothing_false_is_said_of_code_with_traps():
    found = third.campaign(SEED, 10)
    assert not [f for f in found if f.verdict in ("FALSE", "CRASHED")]
    assert sum(f.verdict == "refused" for f in found) >= 5


@pytest.mark.slow
def test_nothing_false_is_said_of_every_kind_of_model():
    found = fourth.campaign(SEED, 10)
    assert not [f for f in found if f.verdict in ("FALSE", "CRASHED")]
    assert {"refused", "true"} <= {f.verdict for f in found}


@pytest.mark.slow
def test_nothing_false_is_said_of_mixtures_of_traps():
    found = fifth.campaign(SEED, 10)
    assert not [f for f in found if f.verdict in ("FALSE", "CRASHED")]
    assert {"refused", "true"} <= {f.verdict for f in found}


def _ruled(state: bool, branch: bool, **changes) -> str:
    """The verdict on a made-up bound of 0.1, of a model with a state that adds 1 from the third call on, and a branch."""

    def case(left_out: bool) -> traps.Case:
        calls = []

        def model(x):
            calls.append(1)
            y = x[:, :1] + (1.0 if state and not left_out and len(calls) > 2 else 0.0)
            return y + 0.5 * (x[:, :1] > 0.3) * branch

        problem = Problem(model, lambda x: x[:, :1], Domain(x=(0.0, 1.0)))
        x = np.linspace(0.0, 1.0, 9)[:, None]
        seen = lambda witness: max(float(traps.errors(problem, x).max()) for _ in range(4))  # noqa: E731
        return traps.Case(
            problem, {"tolerance": 0.1}, seen, 1.0, assumed=("number of calls",), without=lambda: case(True)
        )

    words = CERTIFY.text(fact("read-as-run", sides="the model", one=True))
    result = SimpleNamespace(
        status=SimpleNamespace(code="within-tolerance"),
        lower=0.0,
        upper=0.1,
        upper_kind="exact-arithmetic",
        rounding=0.0,
        deployed_upper=0.1,
        agreement=SimpleNamespace(size=0.0),
        witness=None,
        assumptions=changes.pop("assumptions", (words,)),
    )
    return traps.ruled(partial(traps.Found, 0, "made up"), replace(case(False), **changes), result).verdict


def test_a_false_bound_is_assumed_only_where_the_assumed_trap_alone_made_it_false():
    assert _ruled(state=False, branch=False) == "true"
    assert _ruled(state=True, branch=False) == "assumed"
    assert _ruled(state=True, branch=True) == "FALSE"  # the state does not excuse the branch beside it
    assert _ruled(state=False, branch=True) == "FALSE"
    assert _ruled(state=True, branch=False, assumed=()) == "FALSE"
    assert _ruled(state=True, branch=False, assumptions=()) == "FALSE"  # the result has to name it


def test_each_assumption_stands_in_the_documents_and_in_the_result():
    page = (Path(__file__).parents[2] / "docs" / "code.md").read_text("utf-8")
    section = page.partition("## What remains an assumption")[2].partition("\n## ")[0]
    said = CERTIFY.text(fact("read-as-run", sides="the model", one=True, compiled=True))
    for document, result in traps.ASSUMPTIONS.values():
        assert document in section
        assert result in f"{said} {rows.BEYOND}"
    for source in fourth.fourth_code.ASSUMED.values():
        assert set(source.values()) <= set(traps.ASSUMPTIONS)
    assert set(fifth.fifth_code.ASSUMED.values()) <= set(traps.ASSUMPTIONS)


def test_what_is_left_out_of_a_mixture_is_what_is_assumed_away():
    for number in range(60):
        mixed = fifth.Mixed(number, SEED)
        if mixed.source != "onnx":
            whole, rest = (fifth.Mixed(number, SEED).code(without) for without in (False, True))
            assert (whole != rest) == bool(mixed.assumed)
            compile(rest, "rest", "exec")
            compile(whole, "whole", "exec")


@pytest.mark.slow
def test_extreme_magnitudes_by_every_strategy():
    found = extreme.campaign(SEED, 3)
    assert len(found) == 3 * len(extreme.STRATEGIES)
    assert not [f for f in found if f.verdict in ("FALSE", "CRASHED")]
    assert sum(f.verdict == "true" for f in found) >= 6


@pytest.mark.slow
def test_hostile_formulas_by_chebyshev_models():
    found = composed.campaign(3, 12, "hostile")
    assert {f.verdict for f in found} <= {"refused", "no bound", "true", "true and accepted"}
    assert sum(f.verdict == "true and accepted" for f in found) >= 2


@pytest.mark.slow
def test_formulas_of_many_decades_by_chebyshev_models():
    found = composed.campaign(3, 5, "wide")
    assert {f.verdict for f in found} <= {"no bound", "true", "true and accepted"}
    assert sum(f.verdict == "true and accepted" for f in found) >= 3


@pytest.mark.slow
def test_equations_with_known_roots(tmp_path):
    """Ends that move, several roots (4, 9), no root (5), a power, a cubic, tanh; every measure."""
    proved = [roots.judged(number, 3, tmp_path / "proof.json") for number in (2, 3, 4, 5, 9, 11, 12, 15)]
    assert {f.verdict for f in proved} <= {"refused", "no bound", "true", "true and accepted"}
    assert sum(f.verdict in ("true", "true and accepted") for f in proved) >= 5


@pytest.mark.slow
def test_random_properties_and_norms(monkeypatch, tmp_path):
    def verdicts(*numbers):
        return {properties.judged(number, 3, tmp_path / "proof.json").verdict for number in numbers}

    assert verdicts(2, 3, 4, 5) == {"true and accepted"}
    honest = extremes.extreme
    monkeypatch.setattr(
        extremes, "extreme", lambda *given: tuple(v - 0.1 * abs(v) - 0.1 for v in honest(*given))
    )
    assert "FALSE" in verdicts(3, 4)  # the campaign can fail


@pytest.mark.slow
def test_forged_certificates_in_lines(monkeypatch):
    monkeypatch.setattr(honest, "PROBLEMS", {k: honest.PROBLEMS[k] for k in ("tanh net", "two outputs")})
    assert {f.verdict for f in lines.campaign(3, 20)} == {"rejected", "true accepted"}
    monkeypatch.setattr(leaves.Leaves, "verify", lambda *given: None)
    assert "FALSE ACCEPTED" in {f.verdict for f in lines.campaign(3, 12)}  # the campaign can fail


@pytest.mark.parametrize(
    ("function", "x"),
    [(np.sqrt, -1.0), (lambda x: 1.0 / x, 0.0), (lambda x: np.maximum(np.log(x), 0.0), -1.0)],
)
def test_a_program_without_a_real_value_has_no_true_bound(function, x):
    program = lower_numpy(function, 1)
    assert composed._exact(program, [x]) is None
    assert float(composed._exact(program, [4.0])) == pytest.approx(function(4.0), rel=1e-14)
