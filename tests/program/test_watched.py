"""Code that runs otherwise with an array than with what stands for one is not read, whatever it catches."""

from __future__ import annotations

import collections
import contextlib
import copy
import gc
import io
import math
import operator
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import interpolate, special

import supnorm as sn
from supnorm.problem import Function, as_function
from supnorm.program import Unsupported, expressions, lower_numpy, program_of
from supnorm.program.foreign_code import foreign_code
from supnorm.program.jaxpr import lower_jaxpr


def _bump(x: Any) -> Any:
    return 0.1 * np.exp(-(((x[:, :1] - 0.42) / 1e-8) ** 2))


def _asks(question: Any) -> Any:
    """Code that goes on without an answer."""

    def code(x: Any) -> Any:
        y = np.sin(x[:, :1])
        with contextlib.suppress(Exception):
            y = y + question(x, y)
        return y

    return code


QUESTIONS = {
    "branch": lambda x, y: 1.0 if x[0, 0] > 0.4 else 0.0,
    "where": lambda x, y: np.where(x[:, :1] == 0.42, 0.1, y),
    "mask": lambda x, y: ((x[:, :1] > 0.4) & (x[:, :1] < 0.41)) * 2,
    "any of a mask": lambda x, y: (x[:, :1] > 0.4).any(),
    "not": lambda x, y: 1 - ~(x[:, :1] > 0.4),
    "array": lambda x, y: (np.asarray(x)[:, :1] > 0.4) * 2,
    "float": lambda x, y: float(x[0, 0]),
    "int": lambda x, y: int(x[0, 0]),
    "index": lambda x, y: [1.0, 2.0][x[0, 0]],
    "complex": lambda x, y: abs(complex(x[0, 0])),
    "text": lambda x, y: float(f"{x[0, 0]:.3f}"),
    "str": lambda x, y: float(str(x[0, 0])),
    "in": lambda x, y: 1.0 * (0.42 in x),
    "cast": lambda x, y: y.astype(np.float16),
    "integers": lambda x, y: y.astype(int),
    "round": lambda x, y: np.round(y, 3),
    "method": lambda x, y: y.round(3),
    "item": lambda x, y: y.item(),
    "bytes": lambda x, y: len(x.tobytes()),
    "floor": lambda x, y: np.floor(y),
    "any": lambda x, y: np.any(x > 0.4),
    "boolean index": lambda x, y: y[x[:, 0] > 0.4],
    "unwrap": lambda x, y: np.unwrap(y),
    "complex constant": lambda x, y: np.abs(y + 1j),
    "pickle": lambda x, y: __import__("pickle").loads(__import__("pickle").dumps(y)),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_that_was_caught_is_a_refusal(name: str) -> None:
    with pytest.raises(Unsupported):
        lower_numpy(_asks(QUESTIONS[name]), 1)
    with pytest.raises(Unsupported):  # and no other library reads it instead
        program_of(as_function(_asks(QUESTIONS[name]), "f"), 1)


_PUBLIC = ("flags", "tobytes", "itemsize", "base", "strides", "round", "item")


@pytest.mark.parametrize("what", [*_PUBLIC, "__array_interface__", "__array_struct__", "__dlpack__"])
def test_attributes_of_arrays_are_missed(what: str) -> None:
    with pytest.raises(Unsupported, match=what):
        lower_numpy(lambda x: x[:, :1] + (1.0 if hasattr(x, what) else 0.0), 1)


def test_attributes_that_no_array_has_may_be_asked_for() -> None:
    program = lower_numpy(lambda x: x[:, :1] + (1.0 if hasattr(x, "detach") else 0.5), 1)
    assert program.value(np.array([[1.0]]))[0, 0] == 1.5


def test_the_class_of_what_is_read_is_that_of_an_array() -> None:
    def code(x: Any) -> Any:
        single = isinstance(x[0, 0], np.ndarray) or not np.isscalar(x[0, 0])
        return x[:, :1] + (1.0 if isinstance(x, np.ndarray) else 0.0) + (7.0 if single else 0.0)

    x = np.array([[0.25], [0.5]])
    assert np.array_equal(lower_numpy(code, 1).value(x), code(x))


def _in_place_add(x: Any) -> Any:
    y = x[:, :1]
    y += 2.718281828 ** (-(((x[:, 1:] - 0.42) / 1e-8) ** 2))
    return 1.0 * x[:, :1]


def _in_place_out(x: Any) -> Any:
    y = x[:, :1]
    np.add(y, 1.0, out=y)
    return x[:, :1] * x[:, 1:]


def _assigned(x: Any) -> Any:
    y = x * 1.0
    y[:, :1] = 0.5
    return y[:, :1] * x[:, 1:]


@pytest.mark.parametrize("code", [_in_place_add, _in_place_out, _assigned])
def test_changes_in_place_are_read_by_no_library(code: Any) -> None:
    """JAX, whose arrays do not change, would read another function."""
    with pytest.raises(Unsupported, match="in place"):
        program_of(as_function(code, "f"), 2)


def test_what_jax_compiles_is_read_as_it_compiles() -> None:
    from supnorm.sources import from_jax

    def code(x: Any) -> Any:
        y = x[:, :1]
        y += 1.0
        return y * x[:, :1]

    x = np.array([[2.0, 3.0]])
    f = from_jax(code)
    assert program_of(f, 2).value(x)[0, 0] == f.value(x)[0, 0] == 6.0


def test_code_that_catches_what_jax_refuses_is_not_read() -> None:
    import jax.numpy as jnp

    def code(x: Any) -> Any:
        y = jnp.sin(x[:, :1])
        with contextlib.suppress(Exception):
            y = y + 0.1 * (abs(float(x[0, 0]) - 0.42) < 1e-8)
        return y

    with pytest.raises(Unsupported, match="without try"):
        program_of(as_function(code, "f"), 1)
    lower_jaxpr(code, 1, compiled=True)  # compiled code catches it as well


class _Own(np.ndarray):
    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **named: Any) -> Any:
        plain = [a.view(np.ndarray) if isinstance(a, _Own) else a for a in args]
        return getattr(ufunc, method)(*plain, **named) + _bump(plain[0])


class _Reflected:
    __array_priority__ = 1e6

    def __array__(self, *args: Any, **named: Any) -> Any:
        return np.asarray(0.0)

    def __radd__(self, y: Any) -> Any:
        return y + _bump(y)


class _Float(float):
    __array_priority__ = 1e6

    def __radd__(self, y: Any) -> Any:
        return y + _bump(y)


@pytest.mark.parametrize(
    "constant",
    [np.ones((1, 1)).view(_Own), _Reflected(), _Float(0.0), [_Float(0.0)], np.ones((1, 1)).view(np.matrix),
     np.ma.array([[1.0]], mask=[[True]])],
)  # fmt: skip
def test_constants_with_arithmetic_of_their_own_are_refused(constant: Any) -> None:
    with pytest.raises(Unsupported, match="plain arrays"):
        lower_numpy(lambda x: x[:, :1] + constant, 1)


def test_operations_are_known_by_what_they_are_and_not_by_their_names() -> None:
    from numpy._core.overrides import array_function_dispatch

    @array_function_dispatch(lambda x, a_min=None, a_max=None: (x,))
    def clip(x: Any, a_min: Any = None, a_max: Any = None) -> Any:
        return x + _bump(x)

    class Tanh:
        __name__ = "tanh"

    with pytest.raises(Unsupported, match="clip"):
        lower_numpy(lambda x: clip(x[:, :1]), 1)
    with pytest.raises(Unsupported, match="compiled"):
        lower_numpy(lambda x: x.__array_ufunc__(Tanh(), "__call__", x), 1)


def test_functions_whose_code_is_known_keep_who_runs_it() -> None:
    from supnorm.problem.coded import around
    from supnorm.sources import from_jax

    inner = from_jax(lambda x: x[:, :1])

    def outer(x: Any) -> Any:
        return inner.value(x)

    assert around(inner.value, outer).kind == "jax"  # type: ignore[attr-defined]
    assert isinstance(inner, Function)


@pytest.mark.slow
def test_functions_are_found_where_the_collector_does_not_look() -> None:
    """`gc.freeze` hides all objects; tests of `certify` look for frozen ones once (tests/conftest.py), so not here."""
    code = (
        "import gc\n"
        "from supnorm.program.collector import objects_of\n"
        "def double(x): return 2 * x\n"
        "class Odd(type):\n"
        "    __hash__ = None\n"
        "    def __eq__(self, other): return True\n"
        "odd = Odd('odd', (), {})()\n"
        "gc.freeze()\n"
        "assert double in objects_of(type(double))\n"
        "assert not any(one is odd for one in objects_of(type(double)))\n"
        "assert gc.get_freeze_count() > 1000 > len(gc.get_objects())\n"
        "gc.unfreeze()\n"
        "assert double in objects_of(type(double)) and not gc.get_freeze_count()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not done.returncode, done.stderr


HEARS = {
    "raise": lambda: np.errstate(under="raise"),
    "call": lambda: np.errstate(over="call", call=print),
    "warn": lambda: np.errstate(all="warn"),
    "special functions": lambda: special.errstate(overflow="raise"),
    "warnings as errors": lambda: _filtered("error"),
    "recorded warnings": lambda: warnings.catch_warnings(record=True),
}
MAY = {
    "ignored": lambda: np.errstate(all="ignore"),
    "ignored warnings": lambda: _filtered("ignore"),
}


@contextlib.contextmanager
def _filtered(action: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        yield


def _underflows(settings: Any, x: Any) -> Any:
    """1 where the square of a number near 0 underflows, which is on a part of 2e-7 of the domain."""
    y = np.exp(-600.0 * np.maximum(0.0, 1.0 - 1e14 * (x[:, 0] - 0.3217) ** 2))
    try:
        with settings():
            return y**2
    except (FloatingPointError, RuntimeWarning):
        return y + 1.0


@pytest.mark.parametrize("settings", HEARS.values(), ids=HEARS)
def test_code_that_is_told_of_an_overflow_is_not_read(settings: Any) -> None:
    """No comparison stands in such code, and the points of the agreement do not meet the part: it was proved otherwise."""
    with warnings.catch_warnings():
        warnings.resetwarnings()  # the tests themselves make errors of warnings, which is left alone
        with pytest.raises(Unsupported, match="is told of an overflow"):
            lower_numpy(partial(_underflows, settings), 1)


def test_settings_of_special_functions_that_were_made_before_count() -> None:
    with special.errstate(singular="raise"), pytest.raises(Unsupported, match="is told of an overflow"):
        lower_numpy(lambda x: np.sin(x[:, 0]), 1)


@pytest.mark.parametrize("question", [round, math.trunc])
def test_a_number_that_is_rounded_by_python_is_asked_for(question: Any) -> None:
    def code(x: Any) -> Any:
        try:
            return x[:, 0] * question(x[0, 0])
        except TypeError:
            return x[:, 0]

    with pytest.raises(Unsupported, match="is not given an array"):
        lower_numpy(code, 1)


ASKS_NUMBERS = {
    "hash": lambda v: {0.5: 1.0}.get(v, 0.0),
    "method of numbers": lambda v: v.is_integer(),
    "text": lambda v: any(map("1".__eq__, map(operator.mod, ["%r"], [v]))),
    "the same object": lambda v: [v] == [v.copy()],  # a list compares objects before their values
    "another type": lambda v: [v] == [v.astype(float)],
    "a copy": lambda v: [v] == [copy.deepcopy(v)],
}


@pytest.mark.parametrize("ask", ASKS_NUMBERS.values(), ids=ASKS_NUMBERS)
def test_what_only_a_number_answers_is_a_question(ask: Any) -> None:
    def code(x: Any) -> Any:
        try:
            ask(x[0, 0])
        except Exception:
            return x[:, 0]
        return x[:, 0]

    with pytest.raises(Unsupported, match="is not given an array"):
        lower_numpy(code, 1)


HEARS_IN_A_THREAD = {
    "standard error": lambda: contextlib.redirect_stderr(io.StringIO()),
    "a filter that is asked": lambda: _asked_filter(),
}


@contextlib.contextmanager
def _asked_filter() -> Any:
    class Asked:
        def match(self, text: str, *more: Any) -> bool:
            return True

    with warnings.catch_warnings():
        warnings.filters.insert(0, ("ignore", Asked(), Warning, None, 0))  # type: ignore[attr-defined]
        yield


@pytest.mark.parametrize("hears", HEARS_IN_A_THREAD.values(), ids=HEARS_IN_A_THREAD)
def test_what_hears_the_warnings_of_a_thread_is_not_read(hears: Any) -> None:
    """In a new thread NumPy warns, whatever the settings of the code are."""

    def code(x: Any) -> Any:
        with hears(), ThreadPoolExecutor(1) as pool:
            pool.submit(np.exp, 1000.0 * x[:, 0]).result()
        return x[:, 0]

    with pytest.raises(Unsupported, match="is told of an overflow"):
        lower_numpy(code, 1)


def test_settings_that_a_call_leaves_for_the_next_one_count() -> None:
    def code(x: Any) -> Any:
        y = np.sin(x[:, 0])
        warnings.filterwarnings("error", message="overflow in the next call")
        return y

    with warnings.catch_warnings(), pytest.raises(Unsupported, match="is told of an overflow"):
        lower_numpy(code, 1)


@pytest.mark.parametrize("settings", MAY.values(), ids=MAY)
def test_settings_that_tell_nothing_are_read(settings: Any) -> None:
    assert lower_numpy(partial(_underflows, settings), 1).m == 1
    with np.errstate(all="raise"), _filtered("error"):
        assert lower_numpy(lambda x: np.exp(x[:, 0]), 1).m == 1


def test_a_table_that_raises_is_a_branch_also_where_its_values_are_not_used() -> None:
    table = interpolate.interp1d([0.0, 0.5], [0.0, 0.0])

    def code(used: bool, x: Any) -> Any:
        y = np.sin(x[:, 0])
        try:
            values = table(0.3 * x[:, 0])
        except ValueError:
            return y + 1.0
        return y + values if used else y

    assert lower_numpy(partial(code, True), 1).limits
    with pytest.raises(Unsupported, match="a table with ends whose values the result does not need"):
        lower_numpy(partial(code, False), 1)


@pytest.mark.parametrize("name", ["debug_nans", "debug_infs"])
@pytest.mark.parametrize("how", ["context", "all", "thread"])
def test_code_that_has_jax_raise_errors_for_values_is_not_read(name: str, how: str) -> None:
    def code(x: Any) -> Any:
        y = jnp.sin(x[:, 0])
        if how == "all":
            jax.config.update(f"jax_{name}", True)
            jax.config.update(f"jax_{name}", False)
            return y
        if how == "thread":
            before = getattr(jax, name).swap_local(True)
            getattr(jax, name).set_local(before)
            return y
        try:
            with getattr(jax, name)(True):
                jnp.exp(1e4 * x[:, 0])
        except FloatingPointError:
            return y + 1.0
        return y

    with pytest.raises(Unsupported, match=name):
        program_of(Function(code), 1)
    assert isinstance(jax.debug_nans(False), AbstractContextManager)

    def off(x: Any) -> Any:
        with getattr(jax, name)(False):
            return jnp.sin(x[:, 0])

    assert program_of(Function(off), 1).operations


def test_a_warning_is_a_branch_for_no_proof() -> None:
    model = partial(_underflows, HEARS["raise"])
    problem = sn.Problem(lambda x: model(x), lambda x: 1.0 + 0.0 * x[:, 0], sn.Domain(x=(0.0, 1.0)))
    with pytest.raises(sn.BadInput, match=r"or with 'ignore'"):
        sn.certify(problem, tolerance=1.0)


@pytest.mark.slow
def test_functions_are_found_by_their_code_in_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    def made() -> Any:
        return lambda x: x

    functions = [made(), made(), test_functions_are_found_by_their_code_in_both_ways]
    codes = [functions[0].__code__, functions[2].__code__]
    gc.freeze()  # as after the tests have been collected
    found = [expressions._functions(codes)]
    monkeypatch.setattr(expressions, "FEW", 0)
    found.append(expressions._functions(codes))
    assert [sorted(map(id, each)) for each in found] == [sorted(map(id, functions))] * 2


def test_what_python_holds_frozen_is_a_library_and_code_that_says_so_is_not() -> None:
    import _collections_abc
    from importlib import _bootstrap

    for function in (_collections_abc.Mapping.keys, _bootstrap.module_from_spec):
        assert foreign_code(function.__code__, function.__globals__)
        assert not foreign_code(function.__code__, {**function.__globals__})
    for file in ("<frozen _collections_abc>", "<frozen zipimport>", "<frozen abc>"):
        assert not foreign_code(compile("1", file, "eval"), globals())


def test_code_in_a_namespace_like_that_of_a_named_tuple_is_the_users() -> None:
    """It was not followed: with ``*map(pick, [x], [5.0], [0.0])`` a bound was false."""
    names = {"__name__": "namedtuple_P", "_tuple_new": tuple.__new__}
    pick = eval("lambda x, a, b, ask=0: a if ask(x) else _tuple_new(b)", names)
    assert not foreign_code(pick.__code__, pick.__globals__)
    for fields in ("", "a", "a b", "a b c d e f g"):
        made = collections.namedtuple("made", fields).__new__
        made(tuple, *fields.split())
        assert foreign_code(made.__code__, made.__globals__)
