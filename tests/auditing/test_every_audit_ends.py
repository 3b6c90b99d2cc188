"""Whatever the functions do, an audit ends with a report whose ``sup.lower`` no error of the run exceeds."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from supnorm.auditing import Power, audit
from supnorm.evaluation import Calls
from supnorm.pages import summary
from supnorm.pages.page import page
from supnorm.problem import Domain, ErrorMeasure, Function, PartialFailure, Problem
from supnorm.results import BadInput, ExitCode
from supnorm.results.encoding import dumps

Array = NDArray[np.float64]
TIMES = ("seconds", "model_seconds", "reference_seconds", "seconds_per_point", "finished")
LOSES = ("raise", "exit", "nan", "inf", "late", "some outputs", "never")


class Lossy:
    """A side with ``m`` outputs that has no value in part of the domain, and hidden noise; forgets nothing it gave."""

    def __init__(self, rng: np.random.Generator, d: int, m: int, how: str, noise: str) -> None:
        self.w, self.b, self.m, self.how, self.noise = (
            rng.normal(size=(d, m)),
            rng.normal(size=m),
            m,
            how,
            noise,
        )
        self.normal, self.edge = rng.normal(size=d), rng.uniform(0.3, 1.2)
        self.calls, self.given = 0, []

    def lost(self, x: Array) -> NDArray[np.bool_]:
        return np.asarray(np.sin(3 * x @ self.normal) > self.edge)

    def value(self, x: Array) -> Array:
        self.calls += 1
        y = np.sin(x @ self.w + self.b)
        if self.noise == "batch":
            y = y * (1 + 1e-9 * (len(x) % 5))
        if self.noise == "state" and self.calls % 17 == 0 and self.calls > 8:
            y = y + 0.25
        if self.noise == "single":
            y = y.astype(np.float32).astype(float)
        gone = self.lost(x)
        if gone.any():
            if self.how == "raise":
                raise ArithmeticError("no convergence")
            if self.how == "exit":
                sys.exit(3)
            if self.how in ("nan", "inf"):
                y[gone] = np.nan if self.how == "nan" else -np.inf
            if self.how == "some outputs":
                y[gone, 0] = np.nan
            if self.how == "late":
                y[gone] = np.nan
                self.given.append((x.copy(), y.copy()))
                raise PartialFailure(y, dict.fromkeys(np.flatnonzero(gone).tolist(), "timeout: 1 s"))
        self.given.append((x.copy(), y.copy()))
        return np.asarray(y)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "seed": draw(st.integers(0, 10**6)),
        "d": draw(st.integers(1, 3)),
        "m": draw(st.integers(1, 3)),
        "model": draw(st.sampled_from(LOSES)),
        "reference": draw(st.sampled_from((*LOSES, "never", "never"))),
        "noise": draw(st.sampled_from(("none", "batch", "state", "single"))),
        "failures": draw(st.sampled_from(("error", "ignore"))),
        "kind": draw(st.sampled_from(("absolute", "relative", "over", "tolerances", "mask", "own"))),
        "power": draw(st.booleans()),
        "cost": draw(st.sampled_from((None, None, "cheap", "expensive-model"))),
    }


def problem_of(case: dict[str, Any]) -> tuple[Problem, Lossy]:
    rng = np.random.default_rng(case["seed"])
    d, m = case["d"], case["m"]
    model = Lossy(rng, d, m, case["model"], case["noise"])
    reference = Lossy(rng, d, m, case["reference"], "none")
    reference.w, reference.b = model.w, model.b + 1e-3
    measure = {
        "absolute": ErrorMeasure(tolerance=1e-2, failures=case["failures"]),
        "relative": ErrorMeasure("relative", floor=0.1, failures=case["failures"]),
        "over": ErrorMeasure(side="over", failures=case["failures"]),
        "tolerances": ErrorMeasure(tolerance=(1e-2,) * m, failures=case["failures"]),
        "mask": ErrorMeasure(mask=lambda x: x[:, 0] > 0.3, tolerance=1e-2, failures=case["failures"]),
        "own": ErrorMeasure(
            "function", function=lambda n, f, x: np.abs(n - f).max(axis=1), failures=case["failures"]
        ),
    }[case["kind"]]
    domain = Domain(**{f"x{i}": (0.0, 1.0) for i in range(d)})
    return Problem(Function(model.value), Function(reference.value), domain, measure), model


def ended(case: dict[str, Any]) -> tuple[Any, Problem, Lossy] | None:
    problem, model = problem_of(case)
    planted = Power(runs=1, volumes=(1e-2,), sheets=()) if case["power"] else None
    try:
        report = audit(
            problem, evaluations=300, seed=case["seed"] % 99, power=planted, calls=Calls(cost=case["cost"])
        )
    except BadInput as refused:  # by the probe
        said = ("failed at all", "different values", "depends on the other points", "differ between calls")
        if any(words in str(refused) for words in said):
            return None
        raise
    return report, problem, model


@pytest.mark.slow
@given(cases())
@settings(max_examples=12, deadline=None)
def test_an_audit_ends_with_a_report_that_holds(case: dict[str, Any]) -> None:
    done = ended(case)
    if done is None:
        return
    report, problem, model = done
    document = report.document
    assert ExitCode(document["status"]["exit"]) in (ExitCode.DONE, ExitCode.EXCEEDED, ExitCode.UNDECIDED)
    assert page(report.record)
    assert summary(report.to_dict())
    json.loads(dumps(document))
    largest = -np.inf
    for x, y in model.given:  # every value that the model ever gave, with the reference's there
        f = np.sin(x @ model.w + model.b + 1e-3)
        gone = Lossy.lost(problem.reference.value.__self__, x)  # type: ignore[attr-defined]
        if case["reference"] == "some outputs":
            f[gone, 0] = np.nan
        elif case["reference"] != "never":
            f[gone] = np.nan
        error = problem.error(y, f, x)[0]
        largest = max(largest, float(np.max(error, initial=-np.inf, where=~np.isnan(error))))
    if report.worst is None:
        assert largest == -np.inf
        return
    # The reference is evaluated here in other batches, whose sums are ordered otherwise.
    assert document["sup"]["lower"] == report.worst.error
    assert report.worst.error >= largest - 1e-12
    lost = document["failures"]["model"]
    if case["failures"] == "error" and lost:
        assert report.worst.error == np.inf
        assert document["status"]["exit"] == (problem.error.limit is not None)
    if case["failures"] == "ignore":
        assert report.worst.error < np.inf
        assert document["failures"]["infinite"] == 0


@pytest.mark.slow
@given(cases())
@settings(max_examples=4, deadline=None)
def test_the_same_seed_gives_the_same_result(case: dict[str, Any]) -> None:
    case = case | {"cost": case["cost"] or "cheap"}
    texts = []
    for _ in range(2):
        done = ended(case)
        if done is None:
            return
        document = {k: v for k, v in done[0].document.items() if k not in {*TIMES, "schema"}}
        document["cost"] = document["cost"]["class"]
        document["planned"] = {k: v for k, v in document["planned"].items() if k != "seconds"}
        texts.append(dumps(document))
    assert texts[0] == texts[1]
