"""Code that sees whether it is recorded, runs where its expressions are not watched, or mixes rows, is refused."""

from __future__ import annotations

import builtins
import functools
import operator
import sys
import time
import types
import warnings
from collections import deque

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import Primitive
from jax.interpreters import mlir

from supnorm import Domain, Problem, certify
from supnorm.certification import agreement, executions, instructions
from supnorm.problem import as_function
from supnorm.program import jaxpr_caches, jaxpr_primitives
from supnorm.program.executed import Executed
from supnorm.results import BadInput
from supnorm.sources import from_jax

H, C, W = 1e-2, 0.4123, 1e-7  # a bump that no random point meets
TRACE, ASK, ARRAY = sys.gettrace, type, np.ndarray
FRAME, FIELD = sys._getframe, "_".join(["f", "trace"])


def base(x):
    return np.exp(-(x[:, 0] ** 2))


def bump(x):
    return H * np.exp(-(((x[:, 0] - C) / W) ** 2))


def problem(model):
    return Problem(model, base, Domain(x=(0.0, 1.0)))


def by_trace(x):
    return base(x) + bump(x) * (TRACE() is None)


def by_frame(x):
    return base(x) + bump(x) * (getattr(FRAME(), FIELD) is None)


def by_traceback(x):
    try:
        raise ValueError
    except ValueError as error:
        frame = error.__traceback__
    return base(x) + bump(x) * (frame is None)


def ask(x):
    return bump(x) * (ASK(x) == ARRAY)


OTHER = types.FunctionType(ask.__code__, dict(globals(), __builtins__=dict(vars(builtins))))
TEXT: dict = {"ask": type, "array": np.ndarray, "bump": bump}
exec("def extra(x): return bump(x) * (ask(x) == array)", TEXT)
extra = TEXT["extra"]


def later():
    y = None
    while True:
        x = yield y
        y = ask(x)


def by_other_names(x):
    return base(x) + OTHER(x)


def by_text(x):
    return base(x) + extra(x)


def by_generator_that_began(x):
    return base(x) + BEGUN.send(x)


def by_warning(x):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        np.exp(1000.0 * (x[:, 0] + 1.0))
    return base(x) + bump(x) * len(seen)


def times(k):
    k = jnp.asarray(k)
    return lambda x: k * H * jnp.exp(-(((x[:, 0] - C) / W) ** 2))


dispatched = functools.singledispatch(times(0.0))
dispatched.register(np.ndarray, times(1.0))


def by_dispatch(x):
    return jnp.exp(-(x[:, 0] ** 2)) + dispatched(x)


compiled = functools.singledispatch(jnp.positive)
compiled.register(np.ndarray)(np.negative)


def by_compiled_dispatch(x):
    narrow = H / (1.0 + ((x[:, 0] - C) / W) ** 2) ** 8
    return jnp.exp(-(x.cumsum(axis=1)[:, 0] ** 2)) + compiled(narrow) - narrow


class Dispatching:
    value = functools.singledispatchmethod(staticmethod(jnp.positive))
    value.register(np.ndarray)(staticmethod(np.negative))


METHODS = Dispatching()


def by_dispatching_method(x):
    narrow = H / (1.0 + ((x[:, 0] - C) / W) ** 2) ** 8
    return jnp.exp(-(x.cumsum(axis=1)[:, 0] ** 2)) + METHODS.value(narrow) - narrow


class Zero(np.ndarray):
    __rmul__ = np.positive


class ZeroOrOne:
    __array__ = functools.partial(np.array, [1.0])

    def __jax_array__(self):
        return jnp.zeros(1)


class Number(np.float64):
    __array_ufunc__ = None
    __rmul__ = np.positive


ZERO, EITHER, NUMBER = np.zeros(1).view(Zero), ZeroOrOne(), Number(0.0)
ZEROS = deque([ZERO])


def narrow(x):
    return H / (1.0 + (((x[:, 0] - C) / W) ** 2) ** 4)


def by_operator(x):
    return jnp.exp(-(x[:, 0] ** 2)) + narrow(x) * ZERO


def by_two_arrays(x):
    return jnp.exp(-(x[:, 0] ** 2)) + narrow(x) * EITHER


def by_number(x):
    return jnp.exp(-(x[:, 0] ** 2)) + narrow(x) * NUMBER


def by_operator_in_a_container(x):
    return jnp.exp(-(x[:, 0] ** 2)) + functools.reduce(operator.mul, ZEROS, narrow(x))


BEGUN = later()
next(BEGUN)


@pytest.mark.usefixtures("one_row_read")
@pytest.mark.watched
@pytest.mark.parametrize(
    ("model", "words"),
    [
        (by_trace, r"TRACE\(\) gives None with arrays"),
        (by_frame, r"uses FRAME\(\), by which code"),
        (by_traceback, r"uses error\.__traceback__, by which"),
        (by_other_names, r"\(ask\) runs as a function that got its code"),
        (by_text, r"\(extra\) names ask, by which code can see"),
        (by_warning, r"is told of an overflow"),
        (by_dispatch, r"uses dispatched, by which"),
        (by_compiled_dispatch, r"uses compiled, by which"),
        (by_dispatching_method, r"uses METHODS\.value, by which"),
        (by_operator, r"hands ZERO to other code"),
        (by_two_arrays, r"hands EITHER to other code"),
        (by_number, r"hands NUMBER to other code"),
        (by_operator_in_a_container, r"hands ZEROS to other code"),
        (by_generator_that_began, r"\(later\) runs as .* a generator that began before"),
    ],
)
def test_code_that_sees_its_execution_or_is_not_watched_is_refused(model, words):
    with pytest.raises(BadInput, match=words):
        certify(problem(model), tolerance=1e-3)


@pytest.mark.usefixtures("one_row_read")
@pytest.mark.watched
@pytest.mark.parametrize(
    ("where", "rule", "without", "model"),
    [
        (executions.Executions, "_untraced", lambda self, x: Executed(), by_trace),
        (instructions, "has_source", lambda code: False, by_other_names),
        (instructions, "asking_name", lambda code, names: None, by_text),
    ],
    ids=["untraced", "source", "text"],
)
def test_without_the_rule_a_bound_is_false(where, rule, without, model, monkeypatch):
    monkeypatch.setattr(where, rule, without)
    if rule == "has_source":
        monkeypatch.setattr(instructions, "asking_name", lambda code, names: None)
    result = certify(problem(model), tolerance=1e-3)
    assert result.status.code == "within-tolerance"


def apart(x, other):
    return base(x) + bump(x) * np.tanh(1e6 * np.abs(other - x[:, 0]))


def by_neighbour(x):
    return apart(x, np.roll(x, 1, axis=0)[:, 0])


def by_first_row(x):
    return apart(x, x[0, 0])


def by_range(x):
    return base(x) + bump(x) * np.tanh(1e6 * (x.max(axis=0) - x.min(axis=0)))


@jax.jit
def by_jax_neighbour(x):
    peak = H * jnp.exp(-(((x[:, 0] - C) / W) ** 2))
    return jnp.exp(-(x[:, 0] ** 2)) + peak * jnp.tanh(1e6 * jnp.abs(jnp.roll(x, 1, axis=0)[:, 0] - x[:, 0]))


@pytest.mark.usefixtures("one_row_read")
@pytest.mark.parametrize("model", [by_neighbour, by_first_row, by_range, by_jax_neighbour])
def test_rows_that_depend_on_other_rows_are_refused_where_no_number_shows_it(model):
    with pytest.raises(BadInput, match=r"when no other row of the call was NaN, .* more than the point"):
        certify(problem(model), tolerance=1e-3)


@pytest.mark.usefixtures("one_row_read")
def test_without_rows_of_nan_a_bound_is_false(monkeypatch):
    monkeypatch.setattr(agreement.Compared, "_demand_no_other_rows", lambda *given: None)
    result = certify(problem(by_neighbour), tolerance=1e-3)
    assert result.upper < abs(by_neighbour(np.array([[0.1], [C]])) - base(np.array([[0.1], [C]]))).max()


NAMESAKE = Primitive("copy")
NAMESAKE.def_abstract_eval(lambda x: x)
NAMESAKE.def_impl(jax.jit(lambda x: x + H * jnp.exp(-(((x - C) / W) ** 2))))


def by_namesake(x):
    return jnp.exp(-(NAMESAKE.bind(x[:, 0]) ** 2))


def test_an_operation_with_the_name_of_one_of_jax_is_refused(monkeypatch):
    with pytest.raises(BadInput, match="copy, an operation that JAX itself does not have"):
        certify(problem(by_namesake), tolerance=1e-3)
    monkeypatch.setattr(jaxpr_primitives, "is_of_jax", lambda primitive: True)
    assert certify(problem(by_namesake), tolerance=1e-3).status.code == "within-tolerance"


WEIGHT = {"bump": 1.0}


def weighted(x):
    peak = H * jnp.exp(-(((x[:, 0] - C) / W) ** 2))
    return jnp.exp(-(jax.nn.relu(x[:, 0]) ** 2)) + WEIGHT["bump"] * peak


def weighted_step(y, v):
    return y + WEIGHT["bump"] * H * jnp.exp(-(((v - C) / W) ** 2)), None


def weighted_in_a_loop(x):
    """JAX keeps what it has traced of a step, without `jax.jit`, too."""
    return jax.lax.scan(weighted_step, jnp.exp(-(jax.nn.relu(x[:, 0]) ** 2)), x[:, 0][None])[0]


@pytest.mark.watched
@pytest.mark.parametrize(
    "made",
    [
        lambda: as_function(jax.jit(weighted), "model"),
        lambda: from_jax(weighted),
        lambda: as_function(weighted_in_a_loop, "model"),
    ],
    ids=["jit", "from_jax", "loop"],
)
def test_what_jax_compiled_before_a_value_was_changed_is_refused(made, monkeypatch):
    jaxpr_caches._context()  # JAX compiles again after the first proof of a process, which makes this
    model = made()
    points = np.full((agreement.POINTS, 1), C)
    monkeypatch.setitem(WEIGHT, "bump", 1.0)
    before = executions.runs(model, points, "model")
    monkeypatch.setitem(WEIGHT, "bump", 0.0)
    with pytest.raises(BadInput, match="JAX has compiled a function of it before, and would compile another"):
        certify(problem(model), tolerance=1e-3)
    with monkeypatch.context() as without:
        without.setattr(executions, "is_current", lambda fresh, earlier: True)
        result = certify(problem(model), tolerance=1e-3)
    assert result.upper < abs(executions.runs(model, points, "model")[0, 0] - base(points)[0])
    assert before[0] == executions.runs(model, points, "model")[0]


ASKING = Primitive("ask")
ASKING.def_impl(jnp.zeros_like)
ASKING.abstract_eval = jax.lax.neg_p.abstract_eval
mlir.register_lowering(ASKING, mlir.lower_fun(jnp.ones_like, multiple_results=False))


@jax.jit
def by_primitive_of_a_constant(x):
    return jnp.exp(-(x[:, 0] ** 2)) + narrow(x) * ASKING.bind(jnp.ones(()))


@pytest.mark.watched
def test_an_operation_of_the_user_is_refused_of_constants_too():
    with pytest.raises(BadInput, match="ask, an operation that JAX itself does not have"):
        certify(problem(by_primitive_of_a_constant), tolerance=1e-3)


@pytest.mark.parametrize("way", ["impl", "lowering"])
def test_an_operation_of_jax_with_a_rule_of_somebody_else_is_refused(way, monkeypatch):
    def model(x):
        return jnp.exp(-(jax.lax.cbrt(x[:, 0]) ** 6))

    def other(x, **given):
        return jnp.sign(x) * jnp.abs(x) ** (1 / 3) + H * jnp.exp(-(((x - C) / W) ** 2))

    if way == "impl":
        monkeypatch.setattr(jax.lax.cbrt_p, "impl", jax.jit(other))
    else:
        table = jaxpr_primitives._tables()[0]
        before = table[jax.lax.cbrt_p]
        monkeypatch.setitem(table, jax.lax.cbrt_p, before)
        mlir.register_lowering(jax.lax.cbrt_p, mlir.lower_fun(other, multiple_results=False))
    with pytest.raises(
        BadInput, match="cbrt, an operation that JAX itself does not have, or not with this rule"
    ):
        certify(problem(model), tolerance=1e-3)


WEIGHTS = np.array([[2.0, 1.0], [1.0, 3.0]])


def by_methods_of_arrays(x):
    return jnp.tanh(x @ np.ones((1, 8))).mean(axis=1)


def by_an_inverse(x):
    return (jnp.exp(-x) @ jnp.linalg.inv(WEIGHTS)[:1]).sum(axis=1)


def by_nan_that_is_not_taken(x):
    return jnp.where(jnp.array([True]), jnp.exp(-x[:, 0]), jnp.nan)


def by_a_policy(x):
    saved = jax.checkpoint_policies.save_only_these_names("one")
    return jax.checkpoint(lambda y: jnp.exp(-jax.nn.relu(y[:, 0])), policy=saved)(x)


@pytest.mark.watched
@pytest.mark.parametrize(
    "model",
    [by_methods_of_arrays, by_an_inverse, by_nan_that_is_not_taken, by_a_policy, jax.jit(by_an_inverse)],
)
def test_honest_code_of_jax_is_read(model):
    assert certify(problem(model), tolerance=10.0).status.code == "within-tolerance"


TIMES: list = []


def timed(function):
    @functools.wraps(function)
    def inner(x):
        start = time.perf_counter()
        y = function(x)
        TIMES.append(time.perf_counter() - start)
        return y

    return inner


@pytest.mark.watched
def test_a_clock_around_honest_code_is_not_refused():
    assert certify(problem(timed(base)), tolerance=1e-3).status.code == "within-tolerance"


def _rows(found):
    """Code that finds NaN in a narrow part of the domain: there JAX and NumPy make another object than is read."""

    def model(x):
        x = jnp.asarray(x)[:, 0]
        y = 1e308 * (10.0 * jnp.exp(-(((x - 0.337) / 1e-6) ** 2)))
        return jnp.sin(x) + 1.0 - jnp.stack([1.0 * found(z) for z in y - y])

    return model


FOUND = {
    "count": lambda z: [z].count(+z),
    "deque": lambda z: deque([z]).count(+z),
    "in": lambda z: 1.0 * (+z in [z]),
    "not in": lambda z: 1.0 - 1.0 * (+z not in (z,)),
    "equal tuples": lambda z: 1.0 * ((z,) == (+z,)),
    "countOf": lambda z: operator.countOf([z], +z),
}


@pytest.mark.slow
@pytest.mark.watched
@pytest.mark.parametrize("way", FOUND)
def test_code_that_finds_an_array_in_a_list_is_refused(way):
    """``[z].count(+z)`` is 1 while JAX traces, which gives z itself for +z, and 0 of NaN where the code runs."""
    problem = Problem(_rows(FOUND[way]), lambda x: np.sin(x[:, 0]), Domain(x=(0.0, 1.0)))
    with pytest.raises(BadInput, match="looks for arrays in"):
        certify(problem, ratio=1.5)


@pytest.mark.watched
def test_code_that_finds_numbers_and_names_in_lists_is_read():
    names, shapes = ["a", "b"], [(1, 2), (2, 1)]

    def model(x):
        h = x[:, 0] * (1.0 + names.index("b")) * [1.0, 2.0].count(2.0)
        return h if x.shape[1:] == (1,) and "a" in names and (2, 1) in shapes else 2.0 * h

    assert certify(Problem(model, lambda x: x[:, 0], Domain(x=(0.0, 1.0))), ratio=1.5).upper < 1.5
