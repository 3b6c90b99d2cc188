"""Code of plain arrays that only JAX can read."""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm.program import Unsupported, program_of
from supnorm.program.run_plainly import demand_as_jax_reads
from supnorm.program.watched import Unlike

Array = NDArray[np.float64]
W, V = np.random.default_rng(0).normal(size=(2, 6)), np.random.default_rng(1).normal(size=(6, 6))


def narrow(x: Array) -> Array:
    """Nearly 0 but for one point in a million, so that no comparison of values meets it."""
    return 1.0 / (1.0 + 1e14 * (x[:, 0] - 0.3217) ** 2) ** 4


def by_a_view(x: Array) -> Array:
    s = x.cumsum(axis=1)
    first = s[:, 0]
    first += narrow(x)
    return 2.0 * s[:, 0]


def its_argument(x: Array) -> Array:
    y = x
    x.cumsum(axis=1)
    x *= 1.0 + narrow(x)[:, None]
    return y[:, 0]


def told_of_an_underflow(x: Array) -> Array:
    x = x.real
    y = np.float64(2.0) * x[:, 0]
    c = (1.0 - 1e14 * (x[:, 0] - 0.3217) ** 2).clip(0.0)
    try:
        with np.errstate(under="raise"):
            (c * 1e-200) * 1e-200
    except FloatingPointError:
        y = y + 1.0
    return y


def after_jax(x: Array) -> Array:
    y = jnp.tanh(jnp.tanh(x @ W) @ V)
    x *= 1.0 + narrow(x)[:, None]
    return y[:, 0] + x[:, 0]


def where_two_rows_leave(x: Array) -> Array:
    s = x.cumsum(axis=1)
    if len(x) == 2:
        return 2.0 * s[:, 0]
    first = s[:, 0]
    first += narrow(x)
    return 2.0 * s[:, 0]


def by_an_attribute_of_the_array(x: Array) -> Array:
    s = x.cumsum(axis=1)
    change = (operator.iadd, operator.add)[hasattr(x, "noted") or hasattr(x, "known")]
    change(s[:, 0], narrow(x))
    return 2.0 * s[:, 0]


def by_a_function_of_a_library(x: Array) -> Array:
    s = x.cumsum(axis=1)
    with ThreadPoolExecutor(1) as pool:  # nobody asks for the result, so no error comes out
        pool.submit(np.copyto, s, s + narrow(x)[:, None])
    return 2.0 * s[:, 0]


def by_a_function_that_heeds_no_flag(x: Array) -> Array:
    s = x.cumsum(axis=1)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(np.add.at, s, (np.arange(len(x)), 0), narrow(x))
    return 2.0 * s[:, 0]


def told_by_a_decorator(x: Array) -> Array:
    y = 2.0 * x.cumsum(axis=1)[:, 0]
    rows, times = np.eye(len(x)), np.errstate(over="raise")(operator.mul)
    for i in range(len(x)):
        try:
            times(1e200 * (1.0 - 1e14 * (x[i, 0] - 0.3217) ** 2).clip(0.0), 1e200)
        except FloatingPointError:
            y = y + rows[i]
    return y


def told_number_by_number(x: Array) -> Array:
    y = 2.0 * x.cumsum(axis=1)[:, 0]
    rows = np.eye(len(x))
    for i in range(len(x)):
        c = (1.0 - 1e14 * (x[i, 0] - 0.3217) ** 2).clip(0.0)
        try:
            with np.errstate(over="raise"):
                (c * 1e200) * 1e200
        except FloatingPointError:
            y = y + rows[i]
    return y


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (where_two_rows_leave, r"a change of an array \(test_run_plainly.py line \d+\) in place"),
        (by_an_attribute_of_the_array, r"a change of an array \(test_run_plainly.py line \d+\) in place"),
        (by_a_function_of_a_library, "a change of an array .*in place"),
        (by_a_function_that_heeds_no_flag, r"np.add.at in place"),
        (told_by_a_decorator, "told of an overflow, an underflow"),
        (told_number_by_number, "told of an overflow, an underflow"),
        (after_jax, r"a change of an array \(test_run_plainly.py line \d+\) in place"),
        (by_a_view, r"a change of an array \(test_run_plainly.py line \d+\) in place"),
        (its_argument, r"a change of an array \(test_run_plainly.py line \d+\) in place"),
        (told_of_an_underflow, "told of an overflow, an underflow"),
    ],
)
def test_what_numpy_does_and_jax_does_not_is_refused(code: Callable[[Array], Array], why: str) -> None:
    with pytest.raises(Unlike, match=why):
        program_of(code, 2)


CHANGES: dict[str, Callable[[Any, Any], object]] = {
    "fill": lambda s, c: s[:, 0].fill(1.0),
    "real": lambda s, c: setattr(s, "real", s + c[:, None]),
    "flat": lambda s, c: setattr(s, "flat", s + c[:, None]),
    "copyto": lambda s, c: np.copyto(s, s + c[:, None]),
    "place": lambda s, c: np.place(s, s > 0.0, s + c[:, None]),
    "putmask": lambda s, c: np.putmask(s, s > 0.0, s + c[:, None]),
    "fill_diagonal": lambda s, c: np.fill_diagonal(s, s[:, 0] + c),
    "unbound": lambda s, c: np.ndarray.__setitem__(s, (slice(None), 0), s[:, 0] + c),
    "buffer": lambda s, c: np.add(np.frombuffer(s), 1.0, out=np.frombuffer(s)),
    "memory": lambda s, c: operator.setitem(memoryview(s), (0, 0), 1.0),
    "pack": lambda s, c: struct.pack_into("d", s, 0, 1.0),
    "out": lambda s, c: s.take([0, 1], axis=1, out=s, mode="clip"),
    "without an error": lambda s, c: getattr(s, "put", np.add)([0], 1.0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_refusal_that_the_code_catches_counts(change: Callable[[Any, Any], object]) -> None:
    def caught(x: Any) -> Any:
        s = x.cumsum(axis=1)
        try:
            change(s, narrow(x))
        except Exception:
            return s[:, 0]
        return s[:, 0]

    with pytest.raises(Unlike, match=r"a change of an array .*in place|where JAX does not tell it a value"):
        program_of(caught, 2)
    with pytest.raises(Unlike, match=r"a change of an array .*in place"):
        demand_as_jax_reads(caught, 2)


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: 1.0 * any(map("1".__eq__, map(operator.mod, ["%r"], [c]))),
        lambda c: getattr(c, "dumps", bytes)(),
        lambda c: getattr(c, "_value", None),
    ],
)
def test_what_jax_does_not_have_or_show_is_a_question(ask: Callable[[Any], Any]) -> None:
    def code(x: Any) -> Any:
        s = x.cumsum(axis=1)
        ask(s)
        return s[:, 0]

    with pytest.raises(Unlike, match="where JAX does not tell it a value"):
        program_of(code, 2)


def in_a_thread(x: Any) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: 2.0 * x.cumsum(axis=1)[:, 0]).result()


@pytest.mark.filterwarnings("default::RuntimeWarning")
def test_the_usual_warnings_of_a_thread_count_for_nothing() -> None:
    demand_as_jax_reads(in_a_thread, 2)


@pytest.mark.parametrize(
    "code",
    [
        lambda x: x.cumsum(axis=1)[:, 1],
        lambda x: jnp.sin(3.0 * x[:, 0]) + x.real[:, 1],
        lambda x: jnp.maximum(x[:, 0] - 0.5, x[:, 1]).clip(0.1),
        lambda x: x.cumsum(axis=1).mean(axis=1),
        lambda x: x.cumsum(axis=1).var(axis=1),
    ],
)
def test_other_code_is_read(code: Callable[[Any], Any]) -> None:
    x = np.random.default_rng(0).random((5, 2))
    np.testing.assert_allclose(program_of(code, 2).value(x)[:, 0], code(x), rtol=1e-6)  # JAX in float32


def test_an_error_of_the_call_itself_counts_for_nothing() -> None:
    def only_at_small_numbers(x: Array) -> Array:
        if x.shape[0] == 3:
            raise ValueError("not here")
        return x[:, 0]

    demand_as_jax_reads(only_at_small_numbers, 2)


@pytest.mark.parametrize("setting", ["jax_debug_nans", "jax_debug_infs"])
def test_code_is_not_read_while_jax_raises_errors_for_values(setting: str) -> None:
    """As it runs it ends at such a value, or goes on elsewhere; while it is read it has none."""
    jax.config.update(setting, True)
    try:
        with pytest.raises(Unsupported, match=setting):
            program_of(lambda x: jnp.exp(x[:, 0]), 1)
    finally:
        jax.config.update(setting, False)
    assert program_of(lambda x: jnp.exp(x[:, 0]), 1).operations


def test_settings_of_scipy_that_stood_before_the_code_ran_are_heard() -> None:
    """They tell the code of values where it runs; what is looked at at each instruction does not hide them."""
    import scipy.special

    assert scipy.special.geterr()["loss"] != "raise"
    with scipy.special.errstate(loss="raise"), pytest.raises(Unlike, match="is told of an overflow"):
        demand_as_jax_reads(lambda x: x.cumsum(axis=1)[:, 0], 2)


def test_settings_that_change_between_two_instructions_are_heard() -> None:
    def model(x: Array) -> Array:
        s = x.cumsum(axis=1)
        before = np.seterr(under="raise")
        y = s[:, 0] * 2.0
        np.seterr(**before)
        return y

    with pytest.raises(Unlike, match="is told of an overflow"):
        demand_as_jax_reads(model, 2)
