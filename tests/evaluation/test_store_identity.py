"""A store that is given in Python holds values of the function that uses it, or is refused, by whatever verb."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm import Domain, FitCalls, Function, Problem, audit, fit
from supnorm.evaluation import Calls, EvaluationStore
from supnorm.evaluation.caller import Caller
from supnorm.evaluation.spot_check import POINTS
from supnorm.results import BadInput

Array = np.ndarray[Any, Any]
DOMAIN = Domain(x=(0.0, 1.0))


def wave(x: Array) -> Array:
    return np.sin(3.0 * x[:, 0])


def other(x: Array) -> Array:
    return np.sin(3.0 * x[:, 0]) + 1e-3


def _audit(reference: Any, store: EvaluationStore) -> Any:
    problem = Problem(lambda x: np.sin(3.0 * x[:, 0]), reference, DOMAIN, tolerance=1e-4)
    return audit(problem, evaluations=100, calls=Calls(store=store, cost="expensive"), power=None)


def _fit(reference: Any, store: EvaluationStore) -> Any:
    calls = FitCalls(store=store, cost="expensive")
    return fit(reference, DOMAIN, tolerance=0.1, max_evaluations=100, calls=calls)


@pytest.mark.slow
@pytest.mark.parametrize("verb", [_audit, _fit])
def test_a_store_of_another_function_is_refused(
    tmp_path: Path, verb: Callable[[Any, EvaluationStore], Any]
) -> None:
    path = tmp_path / "s.sqlite"
    first = verb(wave, EvaluationStore(path, "p"))
    assert EvaluationStore(path, "p").points > 50
    with pytest.raises(
        BadInput, match=r"s\.sqlite: the reference .* has changed: at .* give a store of its own"
    ):
        verb(other, EvaluationStore(path, "p"))
    again = verb(wave, EvaluationStore(path, "p"))
    assert again.status.code == first.status.code


def _called(function: Callable[[Array], Array], store: EvaluationStore, d: int = 1) -> Caller:
    """Twenty points of a function that counts as expensive, stored."""
    caller = Caller(Function(function, name=function.__name__), "reference", store)
    caller.decide(1.0)
    caller.values(np.linspace(0.0, 1.0, 20 * d).reshape(20, d), "search")
    return caller


def test_a_caller_refuses_what_is_not_its_own(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    _called(wave, EvaluationStore(path, "p"))
    _called(wave, EvaluationStore(path, "p"))
    with pytest.raises(
        BadInput, match=r"s\.sqlite: the reference other has changed.*give a store of its own"
    ):
        _called(other, EvaluationStore(path, "p"))
    with pytest.raises(BadInput, match="has changed"):  # nor in one session
        _called(other, EvaluationStore(path, "p"))
    store = EvaluationStore(tmp_path / "t.sqlite", "p")
    _called(wave, store.only("reference"))
    with pytest.raises(BadInput, match="has changed"):
        _called(other, store)


def test_a_function_of_other_inputs_is_refused(tmp_path: Path) -> None:
    store = EvaluationStore(tmp_path / "s.sqlite", "p")
    _called(wave, store)

    def plane(x: Array) -> Array:
        return x[:, 0] + x[:, 1]

    with pytest.raises(BadInput, match="has changed"):
        _called(plane, store, 2)


def test_a_function_is_asked_once_whether_a_store_is_its_own(tmp_path: Path) -> None:
    calls: list[int] = []

    def counted(x: Array) -> Array:
        calls.append(len(x))
        return wave(x)

    store = EvaluationStore(tmp_path / "s.sqlite", "p")
    _called(counted, store)
    assert sum(calls) == 20
    _called(counted, store)  # all is stored, and by this very function
    assert sum(calls) == 20
    _called(counted, EvaluationStore(tmp_path / "s.sqlite", "p"))
    assert sum(calls) == 20 + POINTS
