"""Every number that a caller can give, in every function and class: one that cannot be used is refused by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.results import BadInput
from supnorm.training import Poisson

LINE = sn.Domain(x=(0.0, 1.0))
PROBLEM = sn.Problem(lambda x: x[:, 0] ** 2, lambda x: x[:, 0], LINE)
HUGE = 10**400
NONE = (float("nan"), float("inf"), -float("inf"), -1, True, HUGE, "7")
SETTINGS = (
    sn.Calls,
    sn.FitCalls,
    sn.PlanningCalls,
    sn.Power,
    sn.Pictures,
    sn.ScreenAndAscent,
    sn.SurrogateSearch,
)
NUMBERS = ("int", "float", "int | None", "float | None")
FIELDS = [(kind, field.name) for kind in SETTINGS for field in fields(kind) if str(field.type) in NUMBERS]
VERBS: dict[str, Callable[..., Any]] = {
    "audit": lambda **given: sn.audit(PROBLEM, **{"evaluations": 100, **given}),
    "certify": lambda **given: sn.certify(PROBLEM, **given),
    "fit": lambda **given: sn.fit(PROBLEM, **given),
    "budget": lambda **given: sn.budget(sn.SmoothClass(inputs=2, smoothness=1), tolerance=0.1, **given),
}
VERBS |= {
    "certify_norms": lambda **given: sn.certify_norms(PROBLEM, **given),
    "certify_properties": lambda **given: sn.certify_properties(PROBLEM.model, LINE, ["positive"], **given),
    "solution_error": lambda **given: sn.solution_error(
        lambda x: x[:, 0], sn.equations.Poisson(source=1.0), LINE, **given
    ),
    "audit_fields": lambda **given: sn.audit_fields(None, None, **given),
    "repair": lambda **given: sn.repair(PROBLEM, **given),
    "fit_pde": lambda **given: sn.fit_pde(
        Poisson(LINE, lambda x: 1.0 + x[0], lambda x: 0.0), iterations=1, points=9, boundary_points=2, **given
    ),
    "guard": lambda **given: sn.guard(PROBLEM, **given),
    "assert_sup_error": lambda **given: sn.assert_sup_error(PROBLEM, below=1.0, **given),
}
ARGUMENTS = [
    *(("audit", name) for name in ("evaluations", "seconds", "seed")),
    *(("certify", name) for name in ("ratio", "tolerance", "seconds", "boxes", "seed")),
    *(("fit", name) for name in ("tolerance", "seconds", "max_evaluations", "seed")),
    ("budget", "seed"),
    ("audit_fields", "seconds"),
    *(("certify_norms", name) for name in ("ratio", "seconds", "boxes", "seed")),
    *(("certify_properties", name) for name in ("ratio", "seconds", "boxes", "seed")),
    *(("solution_error", name) for name in ("ratio", "tolerance", "seconds", "boxes", "seed")),
    *(("repair", name) for name in ("evaluations", "seconds", "seed")),
    *(("fit_pde", name) for name in ("seconds", "seed")),
    *(("guard", name) for name in ("evaluations", "seed")),
    *(("assert_sup_error", name) for name in ("evaluations", "seconds", "seed")),
]


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=lambda v: getattr(v, "__name__", v))
def test_fields_of_settings(kind: type, name: str) -> None:
    for value in NONE:
        with pytest.raises(BadInput, match="must be"):
            kind(**{name: value})


@pytest.mark.parametrize(("verb", "name"), ARGUMENTS)
def test_arguments_of_verbs(verb: str, name: str) -> None:
    for value in NONE:
        with pytest.raises(BadInput, match=f"{name} must be"):
            VERBS[verb](**{name: value})


def test_no_verb_is_left_out() -> None:
    """Every public function with such an argument stands in `ARGUMENTS`."""
    limits = {"evaluations", "max_evaluations", "seconds", "boxes", "ratio", "seed"}
    functions = {name: getattr(sn, name) for name in dir(sn) if inspect.isfunction(getattr(sn, name))}
    every = {
        (verb, name)
        for verb, f in functions.items()
        for name in limits & set(inspect.signature(f).parameters)
    }
    assert every <= set(ARGUMENTS)


@pytest.mark.parametrize(
    "make",
    [
        lambda v: sn.ErrorMeasure(tolerance=v),
        lambda v: sn.ErrorMeasure("scaled", scale=(v,)),
        lambda v: sn.ErrorMeasure("relative", floor=v),
        lambda v: sn.Axis(0.0, v),
        lambda v: sn.Axis(values=[0.0, v]),
        lambda v: sn.Axis(values=v),
    ],
)
@pytest.mark.parametrize("value", [HUGE, float("nan"), "seven", {}])
def test_numbers_of_a_problem(make: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(BadInput):
        make(value)


def test_whole_numbers_of_any_type_become_integers() -> None:
    assert [type(v) for v in (sn.Calls(workers=2.0).workers, sn.Power(runs=np.int64(3)).runs)] == [int, int]
    assert sn.certify(PROBLEM, boxes=np.int64(9), seed=np.int64(1)).status.code == "proved"
