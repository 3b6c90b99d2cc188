"""What tells what a value is, in compiled code: there no expression shows the answer.

User's code may call these where its answer is used (``type(x)``), because the answer is compared. It may not hand them to
other code (``map(type, ..)``), alone or inside of what other code calls (``partial``, ``map``, a class), because the answer
can be used there unseen.
"""

from __future__ import annotations

import builtins
import contextvars
import dis
import functools
import gc
import inspect
import operator
import sys
import weakref
from collections import deque
from collections.abc import Sequence
from types import (
    BuiltinFunctionType,
    CodeType,
    FrameType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    TracebackType,
    WrapperDescriptorType,
)
from typing import Any

import numpy as np

from supnorm.foreign import home_of, is_any, is_library
from supnorm.program.collector import functions_of
from supnorm.program.numpy_arrays import CONVERSIONS
from supnorm.program.watched import Watched

# By name, by module, and methods between two underscores. A class is known by identity: one of the user is equal to any.
ASKING: tuple[Any, ...] = (
    *(type, memoryview, isinstance, issubclass, id, getattr, hasattr, vars, dir, repr, ascii, callable),
    *(operator.is_, operator.is_not),
)
ASKING_KINDS = frozenset(map(id, (operator.methodcaller, operator.attrgetter)))
ASKING_MODULES = frozenset({"gc", "sys", "_weakref", "_pickle", "_ctypes"})
_COMPILED = (BuiltinFunctionType, MethodDescriptorType, MethodWrapperType, WrapperDescriptorType)
COMPILED = frozenset(map(id, _COMPILED))
# These tell what an array is or how many rows it has; other code may have them unless it has an array with them.
OF_ARRAYS = (
    *(len, str, bytes, bytearray, hash, format, operator.length_hint),
    *(np.shape, np.size, np.ndim, np.isscalar, np.iterable, np.iscomplexobj, np.isrealobj, np.isfortran),
)
# What chooses a function by the class of its argument; the chosen one may be compiled code, of which nothing is seen.
_DISPATCHING: tuple[Any, ...] = (
    functools.singledispatch(len),
    functools.singledispatchmethod(len).__get__(None, object),
)
DISPATCHING = tuple(one.__code__ for one in _DISPATCHING)
CONTAINERS = (tuple, list, dict, set, frozenset)
_HOLDERS = (*CONTAINERS, map, filter, zip, enumerate, reversed, MethodType, staticmethod, classmethod)
HOLDING_MODULES = ("functools", "itertools", "collections")
_SOME: tuple[Any, ...] = (iter(()), iter([]), iter({}), iter({}.values()), iter({}.items()), iter(int, 1))
_ITERATORS = (*map(type, _SOME), type({}.keys()), type({}.values()), type({}.items()))
HOLDERS = frozenset(map(id, (*_HOLDERS, *_ITERATORS)))
SHOWN = ("__repr__", "__str__", "__format__", "__hash__", "__new__")  # a class may have these in other places
# With these compiled code computes with an object. Whether it does depends on the other operand: an array or a stand-in.
OPERATORS = frozenset(
    ({name for name in dir(np.ndarray) if name.startswith("__")} - {*dir(object)})
    | {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__torch_function__"}
) - {"__array_priority__", "__class_getitem__", "__setstate__"}
UNSEEN_MODULES = frozenset({"ctypes", "_ctypes", "gc", "builtins"})
# These look at the code of a function, which is another one while its expressions are watched.
CODE_MODULES = frozenset({"dis", "cloudpickle", "dill"})
# What Python executes, and how: supnorm changes both while it records.
EXECUTION = frozenset(map(id, (FrameType, CodeType, TracebackType)))
# These end a recording of what Python executes, or call code beside it.
RECORDING = (sys.settrace, sys.setprofile, sys.call_tracing)
# These tell when an object ends: an array lives on in its views, and what stands for it does not.
_WEAK = (
    weakref.ref,
    weakref.finalize,
    weakref.WeakSet,
    weakref.WeakKeyDictionary,
    weakref.WeakValueDictionary,
)
WEAK = frozenset(map(id, _WEAK))
# An object is found by its identity first, which NaN does not equal.
FINDING = frozenset({"count", "index", "remove", "__contains__", "__eq__", "__ne__"})
FINDERS = (operator.countOf, operator.indexOf, operator.contains)
MANY = 20_000  # parts that are looked through, which takes some 10 ms
PLAIN = frozenset(map(id, (bool, int, float, complex, str, bytes, type(None))))  # what holds nothing


def unseen(value: Any, kind: type) -> str | None:
    """The name of what shows more than an expression gives: memory, threads, contexts, frames, classes, supnorm's names.

    >>> unseen(gc, ModuleType), unseen(np.sin, np.ufunc), unseen(gc.collect.__call__.__self__, BuiltinFunctionType)
    ('gc', None, 'collect')
    """
    if id(kind) in EXECUTION:
        return kind.__name__
    if kind is FunctionType:
        held = any(value.__code__ is one for one in DISPATCHING) or _looks_at_code(value.__globals__)
        return value.__name__ if held or value is inspect.getclosurevars else None
    if kind is ModuleType:
        hidden = value.__name__.partition(".")[0] in UNSEEN_MODULES or _looks_at_code(value.__dict__)
        return value.__name__ if hidden else None
    if value is builtins.__dict__:
        return "builtins"
    if kind is BuiltinFunctionType:
        name: str = value.__name__
        if any(value is one for one in RECORDING):
            return name
        starts = value.__module__ == "_thread" and name.startswith("start_")
        owner = value.__self__ if isinstance(value.__self__, type) else type(value.__self__)
        held = starts or value.__module__ in ("gc", "_ctypes", "_weakref") or _hidden(owner)
        return name if held else None
    if isinstance(value, type):
        return value.__name__ if _hidden(value) or not WEAK.isdisjoint(map(id, value.__mro__)) else None
    return kind.__name__ if _hidden(kind) else None


def _looks_at_code(names: dict[str, Any]) -> bool:
    return str(names.get("__name__")).partition(".")[0] in CODE_MODULES


def _hidden(kind: type) -> bool:
    """Whether a type looks into memory, or runs compiled code with other settings of NumPy than the code around it."""
    return kind is contextvars.Context or any(
        one.__module__ in ("_ctypes", *CODE_MODULES) for one in kind.__mro__
    )


def asks(value: Any) -> bool:
    """Whether other code that gets this value could ask with it unseen what it is given.

    >>> asks(type), asks(functools.partial(map, type)), asks(map(len, [np.zeros(2)])), asks(map(np.sin, [np.zeros(2)]))
    (True, True, True, False)
    """
    if _asks(value):
        return True
    if class_asks(type(value)):  # also a list of a class with operators of its own
        return True
    if not _holds(type(value)):
        return False
    parts = [*_parts(value)]
    if any(_asks(part) or class_asks(type(part)) for part in parts):
        return True
    return any(_looks(part) for part in parts) and any(_array(part) for part in parts)


def finds(method: Any) -> bool:
    """Whether a method of a list finds what stands for an array by its identity: JAX makes other objects where code runs.

    >>> finds([np.zeros(1)].count), finds([1].count)
    (False, False)
    """
    if method.__name__ not in FINDING or not is_any(type(method.__self__), list, tuple, deque):
        return any(method is one for one in FINDERS)
    return any(_stands(type(one)) for one in _parts(method.__self__))


def _stands(kind: type) -> bool:
    tracer = sys.modules.get("jax") and "Tracer" in kind.__name__ and home_of(kind).partition(".")[0] == "jax"
    return Watched in kind.__mro__ or bool(tracer) or home_of(kind).startswith("torch._")


def asking_name(code: CodeType, names: dict[str, Any]) -> str | None:
    """A name by which code reaches what tells what a value is: a global name, or one of a function around it.

    >>> asking_name(compile("ask(x)", "", "eval"), {"ask": type})
    'ask'
    """
    reached = {name: names[name] for name in code.co_names if name in names}
    for function in functions_of(code):
        cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
        reached |= {name: cell.cell_contents for name, cell in cells if gc.get_referents(cell)}
        reached |= {f"a default of {function.__name__}": v for v in function.__defaults__ or ()}
    for name, value in reached.items():
        held = _parts(value) if _holds(type(value)) else ()
        if any(
            _asks(one) or unseen(one, type(one)) is not None or one is np.isscalar or one is np.iterable
            for one in (value, *held)
        ):
            return name
    return None


def asking_step(code: CodeType) -> str | None:
    """What shows code objects themselves: ``np.asarray(x) is x`` (not ``x is None``), or NumPy's conversions as values.

    Where arrays lie in memory, a conversion gives another object; and another function stands for it while code is read.

    >>> asking_step((lambda a, b: a is b).__code__), asking_step((lambda a: np.asarray(a) is not None).__code__)
    ("'is'", None)
    >>> asking_step((lambda a: {np.asarray: 1}).__code__)
    'asarray without a call'
    """
    steps = [one for one in dis.get_instructions(code) if one.opname not in ("CACHE", "EXTENDED_ARG")]
    for k, one in enumerate(steps):
        if one.opname == "IS_OP" and not steps[k - 1].opname.startswith("LOAD_CONST"):
            return "'is'"
        if (
            one.argval in CONVERSIONS
            and one.opname in ("LOAD_ATTR", "IMPORT_FROM")
            and not _is_called(steps, k)
        ):
            return f"{one.argval} without a call"
    return None


def _is_called(steps: Sequence[dis.Instruction], k: int) -> bool:
    """Whether this attribute is what a call calls: each version of Python marks it in another way."""
    one, before = steps[k], steps[k - 1]
    method = sys.version_info >= (3, 12) and one.opname == "LOAD_ATTR" and one.arg is not None and one.arg & 1
    with_null = before.opname == "LOAD_GLOBAL" and before.arg is not None and before.arg & 1
    beside = (*steps[max(k - 2, 0) : k - 1], *steps[k + 1 : k + 2])
    return bool(method or with_null or any(other.opname == "PUSH_NULL" for other in beside))


def _asks(value: Any) -> bool:
    kind = type(value)
    if id(kind) in ASKING_KINDS or any(value is one for one in ASKING):
        return True
    if id(kind) not in COMPILED:
        return False
    if value.__name__ in ("format", "format_map") and isinstance(getattr(value, "__self__", None), str):
        return True
    return value.__name__.startswith("__") or getattr(value, "__module__", None) in ASKING_MODULES


def _looks(value: Any) -> bool:
    # By the names of its module, because any function can say that it is of another one.
    module = str(value.__globals__.get("__name__", "")) if type(value) is FunctionType else ""
    file = value.__code__.co_filename if module else ""
    library = file.startswith("<frozen ") or _library(file)
    looking = module.partition(".")[0] in sys.stdlib_module_names and library
    return looking or any(value is one for one in OF_ARRAYS)


def _array(value: Any) -> bool:
    kind = type(value)
    return kind is np.ndarray or Watched in kind.__mro__ or hasattr(kind, "__array__")


def _holds(kind: type) -> bool:
    return any(id(one) in HOLDERS or one.__module__ in HOLDING_MODULES for one in kind.__mro__)


def _parts(value: Any) -> list[Any]:
    """What compiled code that gets the value can get from it without user's code; of arrays one, of numbers none."""
    parts: list[Any] = []
    ahead, seen, arrays = deque([value]), {id(value)}, set[type]()
    while ahead and len(parts) < MANY:
        for part in gc.get_referents(ahead.popleft()):
            kind = type(part)
            if id(kind) in PLAIN or kind in arrays or id(part) in seen:
                continue
            if _array(part):
                arrays.add(kind)
            seen.add(id(part))
            parts.append(part)
            if _holds(kind):
                ahead.append(part)
    return [*parts, type] if ahead else parts  # nobody looks through so many: they may hold this


def class_asks(kind: type) -> bool:
    """Whether a class of the user has such code in the place of a special method (``__call__ = type``).

    Compiled code reaches no other method of it. Python itself puts some in the place of others (``__str__`` of an enum). For
    an operator all code counts that is not the user's (``__rmul__ = np.positive``): nobody sees that it runs.
    """
    arrays = getattr(sys.modules.get("jax"), "Array", None)  # it says that it is of another module than it is
    for one in kind.__mro__:
        if one is not arrays and _users(home_of(one)):
            for name, method in list(vars(one).items()):
                if not name.startswith("__"):
                    continue
                inner = getattr(method, "fget", None) or getattr(method, "__func__", method)
                same = getattr(inner, "__name__", "") in (name, f"__{name[3:]}", *SHOWN)
                hidden = _asks(inner) or (name in OPERATORS and _is_others(inner))
                if (hidden and not same) or name == "__jax_array__":  # NumPy takes another one
                    return True
    return False


def _is_others(method: Any) -> bool:
    """Whether what stands in the place of a method is no function of the user."""
    users = type(method) is FunctionType and not _library(method.__code__.co_filename)
    return method is not None and not users


def _users(module: str) -> bool:
    if module == "builtins":
        return False
    file = getattr(sys.modules.get(module), "__file__", None)
    return not _library(file) if isinstance(file, str) else module not in sys.builtin_module_names


@functools.lru_cache(maxsize=1024)
def _library(file: str) -> bool:
    return is_library(file)
