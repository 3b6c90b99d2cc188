"""One side of the door: what happens to points that fail, and to functions that are no functions."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from supnorm.evaluation import Evaluator
from supnorm.evaluation.caller import Caller
from supnorm.evaluation.guarded import guarded
from supnorm.evaluation.probe import probe
from supnorm.problem import Domain, Function, PartialFailure, Problem, as_function
from supnorm.results import BadInput
from supnorm.sources.python import per_point

Array = NDArray[np.float64]


class Raising:
    """x -> 2 x, raises when any of the points in ``bad`` is in the batch; counts its calls."""

    def __init__(self, bad: list[int]) -> None:
        self.bad, self.calls, self.rows = bad, 0, 0

    def __call__(self, x: Array) -> Array:
        self.calls += 1
        self.rows += len(x)
        if np.isin(x[:, 0], self.bad).any():
            raise ArithmeticError("no\nsolution")
        return 2 * x[:, 0]


@pytest.mark.slow
@given(st.integers(1, 100), st.data())
def test_points_that_raise_are_isolated(n: int, data: st.DataObject) -> None:
    bad = data.draw(st.lists(st.integers(0, n - 1), unique=True, max_size=min(n, 5)))
    function = Raising(bad)
    x = np.arange(float(n))[:, None]
    y, messages = guarded(as_function(function, "f").value, x, None)
    assert sorted(messages) == sorted(bad)
    said = {re.sub(r"line \d+", "line N", text) for text in messages.values()}
    assert said <= {"exception: ArithmeticError: no solution (test_caller.py, line N)"}
    good = np.setdiff1d(np.arange(n), bad)
    np.testing.assert_array_equal(y[good, 0], 2.0 * good)
    assert np.isnan(y[bad]).all()
    # A failing point costs two calls for each halving.
    assert function.calls <= 1 + 2 * len(bad) * math.ceil(math.log2(n) + 1)


def test_where_many_points_raise_calls_become_short() -> None:
    called: list[int] = []

    def f(x: Array) -> Array:
        called.append(len(x))
        if (x > 0.9).any():
            raise ValueError("no")
        return x

    x = np.random.default_rng(0).random((1024, 1))
    y, messages = guarded(f, x, None)
    assert sorted(messages) == np.flatnonzero(x > 0.9).tolist()
    assert np.array_equal(y[:, 0], np.where(x > 0.9, np.nan, x)[:, 0], equal_nan=True)
    assert len(called) < 0.75 * len(x)
    assert sum(called) < 5.0 * len(x)  # to call both halves of what raised took 9


def test_two_outputs_survive_failures_before_the_first_value() -> None:
    def f(x: Array) -> Array:
        if (x[:, 0] < 4).any():
            raise ValueError("low")
        return np.column_stack([x, x])

    y, messages = guarded(f, np.arange(8.0)[:, None], None)
    assert y.shape == (8, 2)
    assert sorted(messages) == [0, 1, 2, 3]
    caller = Caller(Function(f), "reference")
    first, _ = caller.values(np.zeros((3, 1)), "search")
    assert np.isnan(first).all()
    second, _ = caller.values(np.full((3, 1), 9.0), "search")
    assert second.tolist() == [[9.0, 9.0]] * 3


def test_partial_failures_keep_the_points_that_worked() -> None:
    def f(x: Array) -> Array:
        raise PartialFailure(np.array([[1.0], [np.nan], [3.0]]), {1: "timeout: no answer within 5 s"})

    y, messages = Caller(Function(f), "reference").values(np.zeros((3, 1)), "search")
    np.testing.assert_array_equal(y, [[1.0], [np.nan], [3.0]])
    assert messages == {1: "timeout: no answer within 5 s"}


def test_long_messages_are_cut() -> None:
    def f(x: Array) -> Array:
        raise ValueError("x" * 10_000)

    _, messages = guarded(f, np.zeros((1, 1)), None)
    assert len(messages[0]) == 500


def test_an_exception_that_cannot_be_told_is_one_all_the_same() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise KeyError

    def f(x: Array) -> Array:
        raise Mute

    _, messages = guarded(f, np.zeros((1, 1)), None)
    assert "Mute: its text raises KeyError" in messages[0]


def test_a_changing_number_of_outputs_is_refused() -> None:
    widths = iter([1, 2])
    caller = Caller(Function(lambda x: np.zeros((len(x), next(widths)))), "model")
    caller.values(np.zeros((2, 1)), "search")
    with pytest.raises(BadInput, match=r"returned 2 outputs for 2 points, .* and 1 before"):
        caller.values(np.ones((2, 1)), "search")


class Panic(BaseException):
    """As of Rust code (pyo3), and as asyncio.CancelledError."""


def test_what_a_function_raises_is_a_failure_even_if_it_is_no_exception() -> None:
    """It ended the program as a fault of supnorm."""

    def panics(x: Array) -> Array:
        if (x[:, 0] == 3.0).any():
            raise Panic("index out of bounds")
        return x[:, 0]

    x = np.arange(6.0)[:, None]
    y, messages = guarded(as_function(panics, "f").value, x, None)
    assert list(messages) == [3]
    assert "Panic: index out of bounds" in messages[3]
    assert np.array_equal(y[:, 0], np.where(x[:, 0] == 3.0, np.nan, x[:, 0]), equal_nan=True)
    one = per_point(lambda v: panics(np.array([[v]])), 1, "f")
    with pytest.raises(PartialFailure, match="Panic: index"):
        one.value(x)


def test_interruptions_are_not_failures() -> None:
    def f(x: Array) -> Array:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guarded(f, np.zeros((4, 1)), None)


def test_large_batches_are_cut_and_keep_their_order() -> None:
    sizes = []

    def f(x: Array) -> Array:
        sizes.append(len(x))
        return x[:, 0]

    x = np.arange(50_000.0)[:, None]
    y, _ = Caller(as_function(f, "f"), "model").values(x, "search")
    np.testing.assert_array_equal(y, x)
    assert max(sizes) <= 8192
    assert sum(sizes) == 50_000


# -- probes -----------------------------------------------------------------------------------------------

POINTS = np.random.default_rng(0).random((8, 2))


def probed(function: Callable[[Array], Array], precision: str = "float64") -> Caller:
    plain = as_function(function, "f")
    caller = Caller(Function(plain.value, name="net", precision=precision), "model")
    probe(caller, POINTS, "problem.toml: ")
    return caller


def test_a_random_function_is_told_that_it_has_no_worst_error() -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(BadInput, match=r"problem.toml: model net gives different values.*model.eval\(\)"):
        probed(lambda x: x[:, 0] + 1e-9 * rng.random(len(x)))


def test_a_function_of_the_whole_batch_is_told_so() -> None:
    with pytest.raises(BadInput, match="the value depends on the other points"):
        probed(lambda x: x[:, 0] - x[:, 0].mean())


def test_a_function_that_repeats_only_every_other_call_is_random() -> None:
    state = {"calls": 0}

    def drifting(x: Array) -> Array:
        state["calls"] += 1
        return x[:, 0] + state["calls"]

    with pytest.raises(BadInput, match="different values"):
        probed(drifting)


def test_a_function_that_always_fails_is_told_with_its_first_message() -> None:
    def f(x: Array) -> Array:
        raise FileNotFoundError("table.h5")

    with pytest.raises(BadInput, match="failed at all 8 points tried: exception: FileNotFoundError: table"):
        probed(f)


def two(x: float, y: float) -> float:
    return x * y


@pytest.mark.parametrize("f", [lambda x: float(x[0] * x[1]), two, lambda x: math.sin(x[0])])
def test_a_function_of_one_point_is_told_what_it_needs(f: Callable[..., Any]) -> None:
    with pytest.raises(BadInput, match=r"a function of one point needs per_point = true") as told:
        probed(f)
    assert isinstance(told.value.__cause__, TypeError | IndexError)


def test_the_line_of_the_users_file_and_the_exception_are_there() -> None:
    def boom(x: Array) -> Array:
        raise ZeroDivisionError("division by lawyers")

    line = boom.__code__.co_firstlineno + 1
    words = rf"division by lawyers \(test_caller.py, line {line}\)"
    with pytest.raises(BadInput, match=words) as told:
        Evaluator(Problem(boom, lambda x: x, Domain(x=(0.0, 1.0)))).probe(np.random.default_rng(0))
    assert isinstance(told.value.__cause__, ZeroDivisionError)


def test_rounding_is_no_randomness() -> None:
    single = np.float32

    def batched(x: Array) -> Array:  # the last digits of float32 depend on the size of the batch
        return (x[:, 0].astype(single) * single(1 + (1e-7 if len(x) == 1 else 0))).astype(float)

    assert probed(batched, "float32").noise == 0.0
    with pytest.raises(BadInput, match="depends on the other points"):
        probed(lambda x: x[:, 0] * (1 + (1e-5 if len(x) == 1 else 0)), "float64")


def test_what_a_batch_and_a_single_call_differ_by_is_measured() -> None:
    """A Gaussian process of little noise cancels ten digits: it was refused, or had to be called single precision."""
    caller = probed(lambda x: (1 + x[:, 0]) * (1 + (2e-10 if len(x) == 1 else 0)))
    assert caller.noise == pytest.approx(2e-10, rel=0.5)
    assert caller.noise_between == "calls of a batch and of a point alone"


def test_a_function_that_raises_at_some_points_is_not_called_random_for_its_rounding() -> None:
    """A batch with such a point is called in parts, and the last digits depend on the size of a batch."""

    def part(x: Array) -> Array:
        if (x[:, 0] > 0.6).any():
            raise ValueError("out of range")
        return x[:, 0] * (1 + 1e-15 * len(x))

    assert (POINTS[:, 0] > 0.6).any()
    probed(part)
    rng = np.random.default_rng(1)
    with pytest.raises(BadInput, match="different values"):
        probed(lambda x: part(x) + 1e-9 * rng.random(len(x)))


def test_a_function_without_a_value_at_some_points_is_not_called_random_for_its_rounding() -> None:
    """The points that have a value were repeated without the others: a smaller batch."""

    def part(x: Array) -> Array:
        return np.where(x[:, 0] > 0.6, np.nan, x[:, 0] * (1 + 1e-15 * len(x)))

    probed(part)
    rng = np.random.default_rng(1)
    with pytest.raises(BadInput, match="different values"):
        probed(lambda x: part(x) + 1e-15 * rng.random(len(x)))


@pytest.mark.parametrize(
    "values", [lambda x: np.full(len(x), np.nan), lambda x: np.where(x[:, 0] > 0.5, np.inf, 1)]
)
def test_values_that_are_not_finite_pass_the_probe(values: Callable[[Array], Array]) -> None:
    probed(values)


def test_good_functions_pass() -> None:
    probed(lambda x: np.sin(x).sum(axis=1))


@pytest.mark.parametrize(("cost", "expensive"), [(0.9e-3, False), (1e-3, True), (1.2e-3, True)])
def test_a_call_is_expensive_from_a_millisecond_a_point(cost: float, expensive: bool) -> None:
    """The documentation says 1 ms: such calls are stored and go to the workers."""
    caller = Caller(Function(lambda x: x[:, 0]), "reference")
    caller.decide(cost)
    assert caller.expensive is expensive


def test_the_call_that_times_a_point_shows_whether_it_repeats() -> None:
    """A call of a minute is not made three times for what two of them say; one that differs is refused all the same."""
    made: list[int] = []

    def slow(x: Array) -> Array:
        made.append(len(x))
        time.sleep(0.025 * len(x))  # from 20 ms on one row says it
        return x[:, :1] + (0.1 * len(made) if broken else 0.0)

    x = np.linspace(0, 1, 4)[:, None]
    for declared, calls in ((False, [4, 1, 1]), (True, [4, 1])):
        made.clear()
        broken = False
        caller = Caller(Function(slow), "reference")
        if declared:
            caller.declare(True)
        probe(caller, x)
        assert made == calls
        broken = True
        caller = Caller(Function(slow), "reference")
        if declared:
            caller.declare(True)
        with pytest.raises(BadInput, match="different values at the same point"):
            probe(caller, x)


def test_points_are_called_alone_on_the_workers_all_at_once() -> None:
    """Twelve peaks of a reference of an hour took twelve hours one after the other, while the workers had nothing to do."""
    together = threading.Barrier(3)
    here = threading.get_ident()
    calls: list[tuple[int, int]] = []

    def slow(x: Array) -> Array:
        calls.append((len(x), threading.get_ident()))
        if x[0, 0] < 0.5:
            together.wait(60)
        if x[0, 0] == 0.25:
            raise ValueError("no value")
        return x[:, 0] ** 2

    with ThreadPoolExecutor(3) as pool:
        caller = Caller(Function(slow, parallel="thread"), "reference", executor=pool, workers=3)
        caller.declare(expensive=True, rows=1)
        caller.decide(1.0)
        x = np.array([[0.125], [0.25], [0.375]])
        caller.begin_alone(x)
        values = [caller.alone(row) for row in x]
        assert [n for n, _ in calls] == [1, 1, 1]
        assert here not in [thread for _, thread in calls]
        assert values[0] == [0.015625]
        assert np.isnan(values[1])
        assert values[2] == [0.140625]
        assert not caller.known, "values of calls alone are not stored"
        calls.clear()
        caller.begin_alone(np.array([[0.75]]))
        assert caller.alone(np.array([0.75])) == [0.5625]
        assert caller.alone(np.array([0.75])) == [0.5625]
        assert calls == [(1, here)] * 2, "of one point nothing is begun"
        caller.hurried = True
        caller.begin_alone(np.array([[0.75], [0.875]]))
        assert len(calls) == 2
