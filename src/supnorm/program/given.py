"""What an expression of the user's code gave, in a form in which two executions can be compared.

While code is read, objects stand for arrays (`Watched`, tracers of JAX, tensors of torch.export). All else should be the
same when the code runs: numbers, truth values, texts, types, functions, shapes, constant arrays.
"""

from __future__ import annotations

import builtins
import hashlib
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from supnorm.foreign import is_any
from supnorm.program.asking import asks, class_asks, finds, unseen
from supnorm.program.watched import Watched

Given = tuple[Any, ...]
DEEP, MANY, LARGEST = 3, 50, 10_000  # levels and parts of containers; numbers of an array
# Modules whose types a reader gives to user's code in place of arrays.
READERS = ("supnorm.", "jax._src.", "torch._")
NUMBERS = frozenset(("b1", "f2", "f4", "f8", *(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8))))
STANDS = "the type of the object that stood for the array"
TENSORS = {max: "maximum", min: "minimum"}  # Python's own, as they are before somebody replaces them
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), type(NotImplemented))
# By identity: a class of the user can be equal to any other one.
SCALARS = frozenset(map(id, np.sctypeDict.values()))  # a class that is one of these is NumPy's own
PLAIN = frozenset(map(id, _PLAIN))


def given(value: Any, deep: int = DEEP) -> Given:
    """Kind and content of a value; the first entry is the kind.

    >>> given([1, None]), given(np.zeros(2))[:3]
    (('many', 'list', (('plain', 'int', '1'), ('plain', 'NoneType', 'None'))), ('array', (2,), '<f8'))
    """
    kind = type(value)
    if Watched in kind.__mro__:
        return "stands", value.shape if hasattr(kind, "shape") else None
    if id(kind) in PLAIN:
        return "plain", kind.__name__, repr(value)
    if kind is np.ndarray or (issubclass(kind, np.generic) and (id(kind) in SCALARS or not asks(value))):
        flat = np.ravel(value)
        some = flat[:: 1 + flat.size // LARGEST] if value.dtype.kind != "O" else flat[:0]
        if np.shape(value) == () and value.dtype.str[1:] in NUMBERS:
            return "array", (), value.dtype.str, repr(flat[0].item())
        digest = hashlib.blake2b(some.tobytes(), digest_size=16).hexdigest()
        return "array", np.shape(value), value.dtype.str, digest
    if _tensor(kind):
        return _given_tensor(value, kind)
    if (parts := _parts(value, kind)) is not None:
        return ("asks", kind.__name__) if _asks_behind(value, kind, deep) else _many(*parts, deep)
    if kind is BuiltinFunctionType and finds(value):
        return "finds", value.__name__
    if (name := unseen(value, kind)) is not None:
        return "unseen", name
    if asks(value):
        return "asks", getattr(value, "__name__", kind.__qualname__)
    if isinstance(value, type):
        return "type", value.__module__, value.__qualname__
    if kind is ModuleType:
        return "module", value.__name__
    if (replaced := _by_torch(value, kind)) is not None:
        return given(replaced, deep)
    if kind is FunctionType:
        return "function", value.__name__, value.__code__.co_filename, value.__code__.co_firstlineno
    if (parts := _bound(value, kind)) is not None:
        return _many(*parts, deep)
    if is_any(kind, MethodType, BuiltinFunctionType) or callable(value):
        return "callable", getattr(value, "__name__", kind.__qualname__)
    return "object", f"{kind.__module__}.{kind.__qualname__}"


def _asks_behind(value: Any, kind: type, deep: int) -> bool:
    """Whether a part of a container that is not compared tells what a value is."""
    return not _of_torch(kind) and (deep == 0 or len(value) > MANY) and asks(value)


def _many(name: str, parts: Iterable[Any], deep: int) -> Given:
    return "many", name, () if deep == 0 else tuple(given(v, deep - 1) for v in [*parts][:MANY])


def _parts(value: Any, kind: type) -> tuple[str, Iterable[Any]] | None:
    """Name and parts of a container, or of a module of torch; None for other values."""
    named = issubclass(kind, tuple) and hasattr(kind, "_fields")
    if is_any(kind, tuple, list) or (named and not class_asks(kind)):
        return kind.__name__, value[:MANY]
    if kind is dict and value is not builtins.__dict__:
        return "dict", value.items()
    if _of_torch(kind):  # the weights of the problem's module have no values while it is read
        return kind.__qualname__, (*value.parameters(), *value.buffers())
    return None


def _bound(value: Any, kind: type) -> tuple[str, Iterable[Any]] | None:
    """Kind and parts of a function with arguments that it holds; None for others."""
    if kind is partial:
        return "partial", (value.func, *value.args, *value.keywords.values())
    if kind is BuiltinFunctionType and _of_torch(type(value.__self__), tensor=True):
        return "method", (value.__self__,)
    return None


def _by_torch(value: Any, kind: type) -> Any:
    """Python's max or min, for which `torch.export` puts a function that also takes tensors; None for other values."""
    ours = sys.modules.get("torch._export.non_strict_utils")
    if kind is not partial or value.func is not getattr(ours, "_tensor_min_max", value):
        return None
    python, tensors = value.keywords.get("real_callable"), value.keywords.get("tensor_callable")
    if value.args or type(python) is not BuiltinFunctionType or python not in TENSORS:
        return None
    return python if tensors is getattr(sys.modules["torch"], TENSORS[python]) else None


def _tensor(kind: type) -> bool:
    """Whether a type is one of JAX's or torch's arrays, or of what stands for them."""
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    return bool(
        (torch is not None and hasattr(torch, "Tensor") and issubclass(kind, torch.Tensor))
        or (
            jax is not None
            and hasattr(jax, "Array")
            and (issubclass(kind, jax.core.Tracer) or hasattr(kind, "aval"))
        )
    )


def _given_tensor(value: Any, kind: type) -> Given:
    """The content of arrays of JAX and torch that have values, else the shape."""
    if (keys := getattr(getattr(value, "dtype", None), "_impl", None)) is not None and not _jax_makes(keys):
        return "unseen", "a key whose bits are made by functions of your own"
    if _of_jax(kind) and getattr(value.dtype, "kind", "?") in "fiub":  # a key of `jax.random` has none
        return given(np.asarray(value))
    torch = sys.modules.get("torch")
    if torch is not None and is_any(kind, torch.Tensor, torch.nn.Parameter):
        with (
            suppress(Exception),
            _outside_of_graphs(),
        ):  # an operation would enter the graph that torch.export makes
            return given(value.detach().numpy())
    return "tensor", tuple(map(str, value.shape))


def _jax_makes(keys: Any) -> bool:
    """Whether functions of JAX make bits of a key: those of others are executed where JAX compiles, once."""
    makers = [getattr(keys, name, None) for name in ("seed", "split", "random_bits", "fold_in")]
    homes = [sys.modules.get(str(getattr(one, "__module__", ""))) for one in makers]
    return all(
        home is not None
        and home.__name__.startswith("jax.")
        and vars(home).get(getattr(one, "__name__", "")) is one
        for one, home in zip(makers, homes, strict=True)
    )


def _outside_of_graphs() -> AbstractContextManager[object]:
    from torch.utils._python_dispatch import _disable_current_modes

    outside: AbstractContextManager[object] = _disable_current_modes()
    return outside


def _of_torch(kind: type, tensor: bool = False) -> bool:
    """Whether a type is that of a module of torch, or of its tensors."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "nn"):  # it is being imported
        return False
    return issubclass(kind, torch.Tensor if tensor else torch.nn.Module)


def _of_jax(kind: type) -> bool:
    """Whether a type is that of JAX's arrays that have values."""
    jax = sys.modules.get("jax")
    return (
        jax is not None
        and hasattr(jax, "Array")
        and issubclass(kind, jax.Array)
        and not issubclass(kind, jax.core.Tracer)
    )


def kinds(one: Given) -> set[str]:
    """The kinds of a value and of the parts of a container."""
    return {one[0]} | ({kind for part in one[2] for kind in kinds(part)} if one[0] == "many" else set())


def alike(read: Given, runs: Given) -> bool:
    """Whether a value that ran can be what was read.

    >>> alike(given(3), given(3)), alike(given(False), given(True)), alike(("stands", (1,)), given(np.zeros(1)))
    (True, False, True)
    """
    both = {read[0], runs[0]}
    if read[0] == "stands" and runs[0] in ("array", "stands"):
        return read[1] is None or runs[1] is None or tuple(read[1]) == tuple(runs[1])
    if both <= {"tensor", "array"} and "tensor" in both:
        return tuple(map(str, read[1])) == tuple(map(str, runs[1]))
    if read[0] == runs[0] == "many":
        same = read[1] == runs[1] and len(read[2]) == len(runs[2])
        return same and all(alike(r, s) for r, s in zip(read[2], runs[2], strict=True))
    if both <= {"callable", "function"}:  # methods of what stands for an array have other names
        return len(both) == 2 or read[0] == "callable" or read == runs
    if both == {"object"}:
        return True
    return read == runs


def in_words(one: Given) -> str:
    """A value for a message."""
    if one[0] == "plain":
        return str(one[2]) if len(one[2]) < 40 else f"{one[2][:37]}.."
    if one == ("asks", "type"):
        return "type"
    if one[0] == "type":
        return STANDS if one[1].startswith(READERS) else str(one[2])
    if one[0] in ("array", "tensor", "stands"):
        return "an array"
    return f"a {one[1]}" if one[0] == "many" else str(one[1])
