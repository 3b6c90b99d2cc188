"""Constants whose class computes otherwise than the class to which it says that it is equal, or of which it is made."""

from __future__ import annotations

import ast
import functools
import operator
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.program import entry
from supnorm.program.given import given

NOTHING = functools.partial(operator.mul, 0.0)  # compiled code: nobody sees that it runs


class Equal(type):
    """Classes that are equal to `int`, as compiled code says."""

    __eq__ = frozenset({int}).__contains__
    __hash__ = functools.partial(hash, int)


class Number(int, metaclass=Equal):
    """1 as NumPy takes it from memory, and 0 as `float` asks for it."""

    __float__ = functools.partial(float, 0.0)


class Numbers(list):
    """A list, of which NumPy makes an array and JAX asks the operator."""

    __rmul__ = NOTHING


class Pair(namedtuple("Pair", "one")):
    """The same as a tuple with names."""

    __rmul__ = NOTHING


ONE, ONES, PAIR = Number(1), Numbers([1.0]), Pair(1.0)


def narrow(x: Any) -> Any:
    """1 at one point, and 0 a millionth beside it, by operators alone."""
    return 2.0 ** -(((x[:, 0] - 0.3217) / 1e-7) ** 2)


def by_a_number(x: Any) -> Any:
    return x[:, 0] + narrow(x) * ONE


def by_a_list(x: Any) -> Any:
    return x.conj()[:, 0] + narrow(x) * ONES


def by_a_tuple(x: Any) -> Any:
    return x.conj()[:, 0] + narrow(x) * PAIR


@pytest.mark.watched
@pytest.mark.parametrize("model", [by_a_number, by_a_list, by_a_tuple])
def test_a_constant_of_a_class_of_its_own_is_refused(model: Callable[[Any], Any]) -> None:
    assert model(np.array([[0.3217]])) == pytest.approx(1.3217)
    problem = sn.Problem(model, lambda x: x[:, 0], sn.Domain(x=(0.0, 1.0)))
    with pytest.raises(sn.BadInput, match=r"Number cannot be read|hands ONES|hands PAIR"):
        sn.certify(problem, tolerance=1e-3)


def test_a_class_is_known_by_identity() -> None:
    assert given(1)[0] == "plain"
    assert given(ONE)[0] != "plain"
    with pytest.raises(entry.Narrowed, match="Number"):
        entry.constant(ONE, "np.add")


def test_no_reader_asks_whether_the_class_of_a_value_is_among_others() -> None:
    """``type(value) in (int, float)`` asks the class of the user: `supnorm.foreign.is_any` does not."""
    asked = []
    for path in (Path(entry.__file__).parent).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (
                isinstance(node, ast.Compare)
                and isinstance(node.ops[0], ast.In | ast.NotIn | ast.Eq | ast.NotEq)
            ):
                continue
            left = node.left
            if isinstance(left, ast.Call) and isinstance(left.func, ast.Name) and left.func.id == "type":
                asked.append(f"{path.name} line {node.lineno}")
    allowed = {
        "copies.py",
        "watched.py",
    }  # constants of compiled code; filters of warnings, of which others are refused
    assert [one for one in asked if one.split()[0] not in allowed] == []
