"""What is known of the code behind values stands beside them, and goes with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from supnorm.problem import Function, as_function
from supnorm.problem.coded import Coded, around, code_of
from supnorm.program import program_of
from supnorm.sources import from_jax

X = np.array([[0.25], [0.5]])


def square(x: np.ndarray) -> np.ndarray:
    return x[:, 0] ** 2


def test_other_values_are_never_read_as_the_code_of_the_values_before() -> None:
    """A program of the former code would prove the wrong function."""
    before = as_function(square, "f")
    after = replace(before, value=lambda x: x**3)
    assert program_of(before, 1).value(X).tolist() == [[0.0625], [0.25]]
    assert program_of(after, 1).value(X).tolist() == [[0.015625], [0.125]]


def test_values_that_only_call_others_keep_code_kind_and_the_precision_shown() -> None:
    inner = from_jax(square)
    outer = replace(inner, value=around(inner.value, lambda x: inner.value(x)))
    assert (code_of(outer.value), outer.value.kind) == (square, "jax")
    narrow = as_function(lambda x: x[:, 0].astype(np.float32), "f")
    wide = replace(narrow, value=around(narrow.value, lambda x: narrow.value(x)))
    assert narrow.precision == wide.precision == "float64"
    wide(X)
    assert narrow.precision == wide.precision == "float32"


def test_an_object_of_the_user_that_has_code_is_its_own_code() -> None:
    class Mine:
        code, kind = square, "torch"

        def __call__(self, x: np.ndarray) -> np.ndarray:
            return 3.0 * x[:, 0]

    assert program_of(Mine(), 1).value(X).tolist() == [[0.75], [1.5]]
    assert program_of(as_function(Mine(), "f"), 1).value(X).tolist() == [[0.75], [1.5]]


def test_a_table_with_counted_outputs_stays_a_table() -> None:
    table = Function(table=(X, np.array([[1.0], [2.0]])))
    again = replace(table, value=around(table.value, lambda x: table.value(x)))
    assert isinstance(again.value, Coded)
    assert again(X).tolist() == [[1.0], [2.0]]
