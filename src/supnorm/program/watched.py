"""The object that replaces an array while code is traced; it records every question that only an array can answer.

Code may ask such a question, catch the refusal (``try``, ``hasattr``) and then do something else than with an array. Or
it may change its argument in place, which a library with immutable arrays would read differently. Both are recorded: the
`Builder` stores the refusal, and refuses the program when it is finished.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
import threading
import warnings
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from supnorm.program.operations import Unsupported
from supnorm.program.tracing import Builder

_ARRAY = (
    "the code turns its input into a number, text, or a plain array other than by np.asarray or np.array; use functions of "
    "NumPy on it directly"
)
_BRANCH = "the code branches on a value; use np.minimum, np.maximum or np.where"


class Unlike(Unsupported):
    """The code runs differently with an array than it was read; then no other reader may be tried.

    >>> print(Unlike("a change in place", "y = y + 1"))
    a change in place cannot be read; nearest supported form: y = y + 1
    """

    def __init__(self, what: str, nearest: str) -> None:
        text = f"{what} cannot be read"
        Exception.__init__(self, f"{text}; nearest supported form: {nearest}")
        self.operation, self.nearest = text, nearest


def in_place(what: str) -> Unlike:
    """The refusal of a change in place."""
    return Unlike(
        f"{what} in place", "y = y + 1 instead of y += 1, np.where or np.stack instead of y[..] = 1"
    )


def hearing_of_overflow() -> Unlike:
    """The refusal of code that hears of values by settings of NumPy."""
    return Unlike(
        "code that is told of an overflow, an underflow or NaN (np.errstate(..='raise' or 'warn'), warnings as errors)",
        "the same without np.errstate and warnings.catch_warnings, or with 'ignore'",
    )


def events() -> frozenset[Hashable]:
    """What tells code of a value that overflows or has no result, so that it can do something else there.

    A warning tells it too: by a filter that makes it an error, by a hook, or by what is written to standard error.

    >>> with np.errstate(divide="ignore", over="raise"):
    ...     ("over", "raise") in events()
    True
    """
    heard = {event for event in np.geterr().items() if event[1] != "ignore"}
    written = sys.stderr, warnings.showwarning, vars(warnings).get("_showwarnmsg_impl")
    return frozenset({*heard, *filter(_tells, warnings.filters), *written, *_of_scipy()})


def settings() -> list[object]:
    """All on which `events` depends: while these are the same objects, it has the same result."""
    scipy = sys.modules.get("scipy.special")
    of_numbers = (*np.geterr().values(), *(scipy.geterr().values() if scipy else ()))
    shown = sys.stderr, warnings.showwarning, vars(warnings).get("_showwarnmsg_impl")
    return [*of_numbers, *warnings.filters, *shown]


def _tells(one: tuple[Any, ...]) -> bool:
    """Whether a filter of warnings makes errors of them, or asks an object that hears it."""
    action, message, category, module, line = one
    plain = (str, re.Pattern, type(None))
    asked = type(message) not in plain or type(module) not in plain or type(category) is not type
    return action == "error" or asked or type(line) is not int


def _of_scipy() -> set[Hashable]:
    """The settings of `scipy.special` that tell code of values, whoever made them: they hold where code runs, too."""
    known = sys.modules.get("scipy.special")
    settings = known.geterr().items() if known else ()
    return {("scipy", *event) for event in settings if event[1] != "ignore" and event[0] != "memory"}


def warnings_raise() -> bool:
    """Whether a filter makes NumPy's warnings of values errors; the first that fits a warning decides."""
    for action, message, category, module, line in warnings.filters:
        if issubclass(RuntimeWarning, category):
            if action == "error":
                return True
            if not (message or module or line):  # it fits them all
                return False
    return False


def heard_beyond(known: frozenset[Hashable], thread: int) -> bool:
    """Whether there are other `events` than those that are known, of code that is run by this thread.

    In a new thread NumPy warns, whatever the code does; it hears of it if a filter, its own or one that stood, raises.
    """
    news = events() - known
    if threading.get_ident() != thread and not warnings_raise():
        news -= {(event, "warn") for event in np.geterr()}
    return bool(news)


def left_alone() -> frozenset[Hashable]:
    """The `events` that code may find: what a program that uses supnorm has set. NumPy's settings are silenced."""
    return events() - _of_scipy()


def demand_heeded(build: Builder) -> None:
    """Refuse code that went on after a question without an answer.

    Raises:
        Unlike: names the question; also when the code leaves settings that tell it of values for its next call.
    """
    if isinstance(build.refused, Unlike):
        raise build.refused
    if events() - build.events:
        raise hearing_of_overflow()
    if build.refused is not None:
        raise Unlike(
            f"code that goes on where it is not given an array ({build.refused})", "the same without try"
        )


def noted(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of `Watched` whose refusals are recorded even if the traced code catches them."""

    @functools.wraps(method)
    def inner(self: Watched, *args: Any, **named: Any) -> Any:
        try:
            return method(self, *args, **named)
        except Exception as error:
            self.refuse(error)

    return inner


if TYPE_CHECKING:
    Operators = np.lib.mixins.NDArrayOperatorsMixin
else:
    Operators = object


class Watched(Operators):
    """An array, or a comparison of arrays, that has no values."""

    build: Builder

    def demand_unheard(self) -> None:
        """Refuse code that hears of values without a comparison: an exception or a warning tells it of an overflow.

        Settings that were made before the code was read are left alone: a program that uses supnorm may have made them.
        """
        # Noted and not raised: a thread of the code would end, and its caller wait for ever.
        if heard_beyond(self.build.events, self.build.thread):
            self.build.refused = self.build.refused or hearing_of_overflow()

    def __init_subclass__(cls) -> None:
        protocol = ("__getitem__", "__array_ufunc__", "__array_function__")
        for name, method in list(vars(cls).items()):
            if inspect.isfunction(method) and (name in protocol or not name.startswith("_")):
                setattr(cls, name, noted(method))

    def refuse(self, error: Exception) -> NoReturn:
        """Record the error and raise it."""
        self.build.refused = self.build.refused or error
        raise error

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        self.refuse(TypeError(_ARRAY))

    def __buffer__(self, flags: int) -> Any:  # memoryview and bytes, from Python 3.12 on
        self.refuse(TypeError(_ARRAY))

    def __bool__(self) -> bool:
        self.refuse(TypeError(_BRANCH))

    def __float__(self) -> float:
        self.refuse(TypeError(_ARRAY))

    def __complex__(self) -> complex:
        self.refuse(TypeError(_ARRAY))

    def __int__(self) -> int:
        self.refuse(TypeError(_ARRAY))

    def __index__(self) -> int:
        self.refuse(TypeError(_ARRAY))

    def __round__(self, digits: int | None = None) -> int:
        self.refuse(TypeError(_ARRAY))

    def __trunc__(self) -> int:
        self.refuse(TypeError(_ARRAY))

    def __str__(self) -> str:
        self.refuse(TypeError(_ARRAY))

    def __repr__(self) -> str:
        self.refuse(TypeError(_ARRAY))

    def __hash__(self) -> int:  # a number has one, and is found by it
        self.refuse(TypeError(_ARRAY))

    def __format__(self, how: str) -> str:
        self.refuse(TypeError(_ARRAY))

    def __contains__(self, value: Any) -> bool:
        self.refuse(TypeError(_BRANCH))

    def __setitem__(self, key: Any, value: Any) -> None:
        self.refuse(in_place("an assignment"))

    def __delitem__(self, key: Any) -> None:
        self.refuse(in_place("a deletion"))

    def __copy__(self) -> Any:
        # Nothing is changed in place, but a list finds the same object by its identity, which NaN does not equal.
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        return other

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        self.refuse(TypeError(_ARRAY))

    def __getattr__(self, name: str) -> Any:
        error = AttributeError(f"{type(self).__name__} has no {name}")
        if hasattr(np.ndarray, name) or hasattr(
            np.float64, name
        ):  # also __array_interface__, __iadd__: code tells arrays by them
            self.refuse(error)
        raise error


# Not of NumPy's mixin: code that replaces a method there would change what stands for an array, and no array.
_COMPARED = {
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}
_COMPUTED: dict[str, np.ufunc] = {
    **{"add": np.add, "sub": np.subtract, "mul": np.multiply, "matmul": np.matmul, "truediv": np.true_divide},
    **{"floordiv": np.floor_divide, "mod": np.remainder, "divmod": np.divmod, "pow": np.power},
    **{"lshift": np.left_shift, "rshift": np.right_shift},
    **{"and": np.bitwise_and, "xor": np.bitwise_xor, "or": np.bitwise_or},
}
_OF_ONE: dict[str, np.ufunc] = {
    "neg": np.negative,
    "pos": np.positive,
    "abs": np.absolute,
    "invert": np.invert,
}


def _operator(ufunc: Any, form: str) -> Callable[..., Any]:
    """An operator of two operands as of an array: of this one, of the other one (reflected), or in place."""

    def method(self: Watched, other: Any) -> Any:
        if getattr(other, "__array_ufunc__", ufunc) is None:
            return NotImplemented
        if form == "i":
            return ufunc(self, other, out=(self,))
        return ufunc(other, self) if form == "r" else ufunc(self, other)

    return method


def _of_one(ufunc: Any) -> Callable[[Watched], Any]:
    return lambda self: ufunc(self)


for _name, _ufunc in _COMPARED.items():
    setattr(Watched, f"__{_name}__", _operator(_ufunc, ""))
for _name, _two in _COMPUTED.items():
    for _form in ("", "r") if _name == "divmod" else ("", "r", "i"):
        setattr(Watched, f"__{_form}{_name}__", _operator(_two, _form))
for _name, _one in _OF_ONE.items():
    setattr(Watched, f"__{_name}__", _of_one(_one))
