"""Code whose way with arrays is not the way on which it was read is refused, also where no expression tells it."""

from __future__ import annotations

import enum
import itertools
import operator
import sys
import types
import weakref
from array import array
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from supnorm import Domain, Problem, certify, with_derivatives
from supnorm.certification import agreement, executions, instructions
from supnorm.program import Unsupported, asking, copies, expressions, lower_numpy, recording
from supnorm.program.executed import Executed
from supnorm.results import BadInput

H, C, W = 1e-2, 0.4123, 1e-7  # a bump that no random point meets
DOMAIN = Domain(x=(0.0, 1.0))
POINT = np.array([[C]])
SETTERS = [sys.settrace]
COUNTER = itertools.count()
Model = Any


def base(x):
    return np.exp(-(x[:, 0] ** 2))


def bump(x):
    return H * np.exp(-(((x[:, 0] - C) / W) ** 2))


def _by_pattern(one, y, x):
    match one:
        case object(build=_):
            return y + 0.0 * bump(x)
        case _:
            return y + bump(x)


def by_pattern(x):
    y = base(x)
    _by_pattern(1.0, y, x)  # so that all instructions are executed while the code is read
    return _by_pattern(x, y, x)


def _by_pattern_of_jax(one, y, x):
    peak = H * jnp.exp(-(((x[:, 0] - C) / W) ** 2))
    match one:
        case object(_trace=_):
            return y + 0.0 * peak
        case _:
            return y + peak


def by_pattern_of_jax(x):
    y = jnp.exp(-(x[:, 0] ** 2))
    _by_pattern_of_jax(1.0, y, x)
    return _by_pattern_of_jax(x, y, x)


def by_turn_of_errors(x):
    other = types.SimpleNamespace(build=object())

    def step(one, y):
        try:
            one.build  # noqa: B018
        except AttributeError:
            other.build = object()
            return y + bump(x)
        del other.build
        return y + 0.0 * bump(x)

    y = step(x, base(x))
    try:
        step(other, y)
    except AttributeError:
        y = y + 0.0
    return y


class Property:
    """Its property fails for what has no attribute; Python's `getattr` then gives a default."""

    def __init__(self, one, other, value):
        self.one, self.other, self.value = one, other, value

    @property
    def result(self):
        self.one.build  # noqa: B018
        del self.other.build
        return self.value


def by_turn_of_properties(x):
    other = types.SimpleNamespace(build=object())
    y = base(x)
    first = Property(x, other, y + 0.0 * bump(x))
    second = Property(other, other, 0.0 * np.ones(len(x)))
    y = getattr(first, "result", y + bump(x))
    getattr(second, "result", y)
    return y


def by_turn_of_properties_in_a_thread(x):
    def silent():
        with np.errstate(all="ignore"):  # the tests make errors of warnings
            return by_turn_of_properties(x)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(silent).result()


def by_long_list(x):
    weights = [0.0] * 60

    def add(one):
        match one:
            case object(build=_):
                weights.append(0.0)
            case _:
                weights.append(1.0)

    add(1.0)
    add(x)
    return base(x) + np.stack([0.0 * x[:, 0]] * 61 + [bump(x)], axis=1) @ weights


def by_late_turn(x):
    parts, held = [1.0] * 1500 + [x], [[[[[0.0]]]]]
    for one in parts:
        held = [[[[[1.0 * (type(one) is np.ndarray)]]]]]
    return base(x) + bump(x) * np.ravel(held)


def by_count(x):
    y = base(x)
    for one in [0.0] * (1 + next(COUNTER) % 3) + [x]:  # another number of turns in each call
        y = base(x) + bump(x) * (type(one) is np.ndarray)
    return y


def chosen(x, weights):
    """The bump with the first of two weights, which stand so deep in lists that they are not compared."""
    return (np.stack([bump(x), 0.0 * bump(x)], axis=1) * weights)[0, 0, 0].sum(axis=1)


def by_end_of_an_array(x):
    inner, y = [1.0, 0.0], base(x)
    weights = [[[[inner]]]]
    weakref.finalize(y, inner.reverse)
    view = y[:, None]
    del y, inner  # an array lives on in its view
    return view[:, 0] + chosen(x, weights)


HOLDING = np.zeros(1)
HOLDER = types.SimpleNamespace(__array_interface__=HOLDING.__array_interface__, held=HOLDING)


def by_identity(x):
    HOLDING[:] = deque(map(operator.is_, [x], [x.astype(float, copy=False)]))
    return base(x) + bump(x) * HOLDER


def by_kind_of_method(x):
    HOLDING[:] = deque(map(enum._is_descriptor, [x.sum]))
    return base(x) + bump(x) * np.asarray(HOLDING)


class Reference(weakref.ref):
    """A weak reference of the user."""


def by_own_reference(x):
    held, box, y = [], types.SimpleNamespace(), base(x)
    reference = Reference(y, held.append)
    return y + 0.0 * len(held) * (reference is not box)


def by_many_points(x):
    return base(x) + bump(x) * (len(x) >= 4096)


def by_least_number(x):
    return base(x) + bump(x) * min(len(x) // 4096, 1)


def by_truth_value_of_numpy(x):
    return base(x) + bump(x) * (np.ones(len(x)).sum() > 3)


def by_number_of_numpy(x):
    return base(x) + bump(x) * np.heaviside(np.ones(len(x)).sum() - 3.5, 0.0)


def _asks(x):
    return base(x) + bump(x) * (type(x) is np.ndarray)


def without_trace(x):
    SETTERS[0](None)
    return _asks(x)


def by_no_tracing(x):
    support = pytest.importorskip("test.support")
    return support.no_tracing(_asks)(x)


TEXT = "def asks(x):\n    return base(x) + bump(x) * ({})\n"


def of_text(file: str, question: str = "type(x) is np.ndarray") -> Model:
    names: dict[str, Any] = {
        "base": base,
        "bump": bump,
        "np": np,
        "held": np.asarray,
        "of_numbers": np.isscalar,
    }
    exec(compile(TEXT.format(question), file, "exec"), names)
    asks = names["asks"]
    return lambda x: asks(x)


REFUSED: list[tuple[Model, str]] = [
    (by_pattern, "match is executed"),
    (by_pattern_of_jax, "match is executed"),
    (by_turn_of_errors, "try is executed|raises AttributeError"),
    (by_turn_of_properties, "in other calls"),
    (by_turn_of_properties_in_a_thread, "in other calls"),
    (by_long_list, "match is executed|weights gives"),
    (by_late_turn, "type|executed more or less"),
    (by_count, "from call to call"),
    (by_end_of_an_array, "weakref.finalize"),
    (by_identity, "hands map|SimpleNamespace"),
    (by_kind_of_method, "hands map"),
    (by_own_reference, "Reference"),
    (without_trace, "SETTERS"),
    (by_no_tracing, "trace function"),
    (by_many_points, "with several points"),
    (by_least_number, "with several points"),
    (by_truth_value_of_numpy, "with several points"),
    (by_number_of_numpy, "with several points"),
    (of_text("<frozen zipimport>"), "names type"),
    (of_text("<made>", 'x.__array_ufunc__.__qualname__[0] == "n"'), "names __array_ufunc__"),
    (of_text("<made>", "(w := np.hstack([x, x]).T) is not np.ascontiguousarray(w)"), "names 'is'"),
    (of_text("<made>", "np.asarray is held"), "names 'is'|asarray without"),
    (of_text("<made>", "{held: 1.0}.get(np.asarray, 0.0)"), "names asarray without a call"),
    (of_text("<made>", "1.0 - np.isscalar(np.asarray(x.sum()))"), "names isscalar"),
    (of_text("<made>", "1.0 - of_numbers(np.asarray(x.sum()))"), "names of_numbers"),
]


@pytest.mark.watched
@pytest.mark.parametrize(("model", "words"), REFUSED, ids=lambda one: getattr(one, "__name__", ""))
def test_code_that_goes_another_way_with_arrays_is_refused(model: Model, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        certify(Problem(model, base, DOMAIN), tolerance=1e-3)


NOTHING: dict[str, tuple[Any, str, Any, Model]] = {
    "ways": (expressions, "_courses", lambda node: [], by_pattern_of_jax),
    "calls": (Executed, "failed_in_other_calls", lambda one, other: None, by_turn_of_properties),
    "many": (agreement, "LIGHT", 0, by_many_points),
    "numbers": (instructions, "_scalars_in_proportion", lambda *given: True, by_number_of_numpy),
    "weak": (asking, "WEAK", frozenset(), by_end_of_an_array),
    "trace": (recording, "_set_trace", sys.settrace, by_no_tracing),
    "objects": (instructions, "asking_step", lambda code: None, of_text("<made>", "np.asarray is held")),
    "unsteady": (instructions, "_differ_in_course", lambda one, other: False, by_count),
}


@pytest.mark.usefixtures("one_row_read")
@pytest.mark.watched
@pytest.mark.parametrize(("where", "rule", "without", "model"), NOTHING.values(), ids=NOTHING)
def test_without_the_rule_a_bound_is_false(where, rule, without, model, monkeypatch) -> None:
    copies._copies.cache_clear()
    monkeypatch.setattr(where, rule, without)
    result = certify(Problem(model, base, DOMAIN), tolerance=1e-3)
    copies._copies.cache_clear()
    points = np.repeat(POINT, 5000, axis=0)
    assert result.upper < np.abs(model(points) - base(points)).max()


def honest(x):
    whole = np.ones(len(x)).sum() / np.float64(len(x))  # 1, whatever their number is
    y = 0.0 * x[:, 0] * whole
    for k in range(1, 4):
        try:
            y = y + {1: 0.5, 2: 0.25}[k] * x[:, 0] ** k
        except KeyError:
            y = y + 1e-3
    with np.errstate(all="ignore"):
        match y.shape:
            case (_,):
                y = y * 1.0
    return y


@pytest.mark.watched
def test_honest_statements_are_read() -> None:
    result = certify(Problem(honest, lambda x: 0.5 * x[:, 0], DOMAIN), ratio=1.1)
    assert result.status.code == "proved"
    assert result.upper < 0.3


@pytest.mark.watched
def test_conversions_in_code_from_text_are_read() -> None:
    model = of_text("<made>", "0.0 * np.array([1.0])[0] if np.asarray(x) is not None else 1.0")
    assert certify(Problem(model, base, DOMAIN), tolerance=1e-3).status.code == "within-tolerance"


@pytest.mark.parametrize(("whole", "of_any"), [(special.kn, special.kv), (special.yn, special.yv)])
def test_an_order_that_scipy_truncates_is_refused(whole: Any, of_any: Any) -> None:
    with pytest.raises(Unsupported, match="truncates"):
        lower_numpy(lambda x: whole(2.7, 1.0 + x[:, 0]), 1)
    assert lower_numpy(lambda x: whole(2, 1.0 + x[:, 0]), 1).value(POINT) == pytest.approx(of_any(2, 1 + C))


def with_assertion(x):
    assert x.ndim == 2, "points"
    return 0.5 * base(x)


def asks_beside_an_assertion(x):
    assert x.ndim == 2, "points"
    return base(x) + bump(x) * (type(x) is np.ndarray)


@pytest.mark.watched
def test_code_whose_assertions_pytest_has_written_again_is_watched() -> None:
    assert "@py_builtins" in globals()
    assert certify(Problem(with_assertion, base, DOMAIN), ratio=1.1).status.code == "proved"
    with pytest.raises(BadInput, match="gives ndarray with arrays"):
        certify(Problem(asks_beside_an_assertion, base, DOMAIN))


HELD = [0.0, 0.0]
WEIGHTS = [[[[HELD]]]]


def beside(x):
    return base(x) + chosen(x, WEIGHTS)


def profile(frame, event, argument):
    """Puts a one where the model reads it, but not while it is read."""
    if event == "call" and frame.f_code is beside.__code__:
        at = frame
        while at is not None and at.f_code.co_name != "lower_numpy":
            at = at.f_back
        HELD[0] = 1.0 if at is None else 0.0


@pytest.fixture
def profiled():
    before = sys.getprofile()
    sys.setprofile(profile)
    yield
    sys.setprofile(before)


@pytest.mark.watched
@pytest.mark.usefixtures("profiled")
def test_a_function_of_the_user_that_python_calls_beside_the_code_is_refused() -> None:
    with pytest.raises(BadInput, match="while Python calls profile"):
        certify(Problem(beside, base, DOMAIN), tolerance=1e-3)


@pytest.mark.watched
@pytest.mark.usefixtures("profiled", "one_row_read")
def test_without_the_rule_about_such_functions_a_bound_is_false(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "demand_no_hooks", lambda what: None)
    monkeypatch.setattr(
        executions, "demand_followed", lambda *given: None
    )  # where another thread waits for this one
    result = certify(Problem(beside, base, DOMAIN), tolerance=1e-3)
    assert result.upper < float(np.abs(beside(POINT) - base(POINT))[0])


@pytest.mark.watched
def test_code_with_derivatives_is_the_code_that_runs() -> None:
    model, reference = (with_derivatives(one, DOMAIN) for one in (_asks, base))
    with pytest.raises(BadInput, match="gives ndarray with arrays"):
        certify(Problem(model, reference, DOMAIN), tolerance=1e-3)
    assert certify(Problem(reference, reference, DOMAIN), tolerance=1e-3).status.code == "within-tolerance"


OTHERS = [memoryview(np.ones(1)), deque([1.0]), HOLDER, array("d", [1.0])]


@pytest.mark.parametrize("held", OTHERS, ids=lambda one: type(one).__name__)
def test_a_constant_is_a_number_or_an_array(held: Any) -> None:
    for code in (
        lambda x: x[:, 0] * held,
        lambda x: np.roll(x, held, axis=1)[:, 0],
        lambda x: np.stack([x[:, 0], x[:, 0] ** 2], axis=1)[:, held],
        lambda x: np.where(held, x[:, 0], 0.0),
    ):
        with pytest.raises((Unsupported, TypeError)):
            lower_numpy(code, 1)
    assert lower_numpy(lambda x: x[:, 0] * np.asarray(held), 1).operations


@pytest.mark.parametrize("index", [0, np.int64(0), slice(0, 1), [0], np.array([0]), (0,), [True], ..., None])
def test_an_index_of_numbers_is_read(index: Any) -> None:
    assert lower_numpy(lambda x: x.T[index].reshape(len(x), -1), 1).operations
