"""Whether a call of NumPy on what stands for an array is what NumPy itself makes of an array: same shape, type and object.

A reader may know a function for usual arguments, and not for a shape that broadcasts, an axis that NumPy refuses or an
option. So each call also runs in NumPy, with arrays of numbers of the same shapes in the place of those that stand for
arrays; what it computes is compared afterwards (`numpy_alone`). NumPy's result must be real, and not narrower than declared:
of two integers ``np.where`` makes integers, whose products wrap around. Where NumPy gives back an argument itself, so does
the call, and a new object where NumPy makes one: compiled code finds an object in a list by its identity, which NaN does not
equal.
"""

from __future__ import annotations

import copy
import functools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from supnorm.foreign import is_any
from supnorm.program import entry
from supnorm.program.operations import Unsupported
from supnorm.program.watched import Unlike, Watched

NUMBER = 0.5  # within the domain of most functions
NEAREST = "the same with arrays of the shape of the result, and arguments that NumPy takes"
KINDS: dict[str, Any] = {"float32": np.float32, "float16": np.float16}


def as_numpy(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a stand-in for an array, whose results are compared with those of NumPy.

    A call within another one, by which the reader composes it, is not compared. Nor is one for several points: their program
    has to be that of one in any case.
    """
    name = method.__name__

    # A recording is told of each call of a function of Python, so there are few here.
    @functools.wraps(method)
    def inner(self: Any, *args: Any, **named: Any) -> Any:
        build = self.build
        if build.calling or build.points > 1:
            return method(self, *args, **named)
        build.calling = True
        try:
            result = method(self, *args, **named)
        finally:
            build.calling = False
        if result is NotImplemented:  # another operand answers, or none
            return result
        given: Any = (self, *args)
        if name == "__array_ufunc__":  # its method is `__call__`
            run, given = args[0], args[2:]
        elif name == "__array_function__":
            run, given, named = args[0], args[2], args[3]
        stands: dict[int, Any] = {}
        numbers = []
        for one in given:
            of_reader = issubclass(type(one), Watched)
            numbers.append(_number(one, stands) if of_reader else _numbers(one, stands))
        if given and name[0] != "_":
            run = getattr(numbers.pop(0), name)
        options = {key: _numbers(one, stands) for key, one in named.items()} if named else named
        try:
            if threading.get_ident() == build.thread:  # where NumPy's warnings are off
                ran = run(*numbers, **options)
            else:
                with np.errstate(all="ignore"):
                    ran = run(*numbers, **options)
        except Exception as error:
            self.refuse(Unlike(f"np.{_name(run)} as NumPy refuses it ({_first(error)})", NEAREST))
        if not _alike(result, ran):
            self.refuse(Unlike(f"np.{_name(run)} of arrays of these shapes", NEAREST))
        if issubclass(type(result), Watched) and "value" in vars(result):
            try:
                entry.result(ran.dtype, f"np.{_name(run)}", build.least)
            except entry.Narrowed as error:
                self.refuse(error)
        if build.operators is not None:
            try:
                build.operators.note_call(method, self, args, named)
            except Unsupported as error:
                self.refuse(error)
        for one in (*given, *named.values()):
            if id(one) in stands and ran is stands[id(one)]:
                return one
            if one is result:
                return copy.copy(result)
        return result

    return inner


def _number(one: Any, stands: dict[int, Any]) -> Any:
    """Numbers in the place of what stands for an array; the same object for the same one."""
    if id(one) in stands:
        return stands[id(one)]
    shape, kind = _shape(one), KINDS.get(one.build.least, np.float64)
    if "comparison" in vars(one):
        kind = np.bool_
    number = np.empty(shape, kind) if shape else kind(NUMBER)
    if shape:
        number.fill(NUMBER)
    stands[id(one)] = number
    return number


def _numbers(value: Any, stands: dict[int, Any]) -> Any:
    kind = type(value)
    if is_any(kind, list, tuple):
        return kind([_numbers(one, stands) for one in value])
    return _number(value, stands) if issubclass(kind, Watched) else value


def _shape(one: Any) -> tuple[int, ...]:
    shape: tuple[int, ...] = vars(one)["value" if "value" in vars(one) else "comparison"].shape
    return shape


def _alike(result: Any, ran: Any) -> bool:
    if issubclass(type(result), Watched):
        return bool(_shape(result) == getattr(ran, "shape", None))
    if is_any(type(result), list, tuple) and is_any(type(ran), list, tuple):
        return len(result) == len(ran) and all(map(_alike, result, ran))
    return np.shape(result) == np.shape(ran) and (type(result) is not int or bool(result == ran))


def _name(run: Any) -> str:
    return getattr(run, "__name__", "a function")


def _first(error: Exception) -> str:
    return " ".join(str(error).split())[:80]
