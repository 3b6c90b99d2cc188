"""States of time-steppers: which numbers of them are compared, and how they are written to a file.

A state is what a stepper takes and returns: an array, a mapping, tuple or list of states, or anything else where a function
says which fields it has.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.double_precision import double_precision
from supnorm.problem.masked import unmasked
from supnorm.problem.users_error import described
from supnorm.results import BadInput

Array = NDArray[np.float64]
Fields = dict[str, Array]
WHOLE = 2.0**53  # float64 holds all whole numbers up to this one


def numbers(value: Any) -> Array:
    """An array of anybody's as one of float64.

    Raises:
        BadInput: for what holds no real numbers.
    """
    if hasattr(value, "detach"):  # a torch tensor
        value = value.detach().cpu().numpy()
    made = unmasked(value)
    if made.dtype.kind not in "fiub" and str(made.dtype) != "bfloat16":
        raise BadInput(
            f"a field must hold real numbers, got {made.dtype}; give observe, a function of the state"
        )
    floats = made.astype(np.float64)
    if made.dtype.itemsize > 4 and made.dtype.kind in "iu" and bool((np.abs(floats) > WHOLE).any()):
        raise BadInput(
            "a field has whole numbers above 2^53, whose differences float64 does not hold; give observe, a function of the "
            "state that subtracts what is large"
        )
    return floats


def own(state: Any) -> Any:
    """A state whose arrays nobody else writes to: a stepper may change its argument, or return the same array each time.

    Other objects than arrays, mappings, lists and tuples stay what they are.

    >>> buffer = np.zeros(2)
    >>> mine = own({"u": buffer})
    >>> buffer[0] = 5.0
    >>> mine
    {'u': array([0., 0.])}
    """
    if isinstance(state, np.ndarray):
        return state.copy()
    if hasattr(state, "detach") and hasattr(state, "clone"):  # a torch tensor
        return state.clone()
    if type(state) is dict:
        return {name: own(part) for name, part in state.items()}
    if type(state) in (tuple, list):
        return type(state)(own(part) for part in state)
    return state


@dataclass(frozen=True)
class Observed:
    """Which fields of a state are compared.

    Attributes:
        observe: ``observe(state)`` returns an array, or a mapping from names to arrays; None: the state is one.
        names: of the variables along the first axis of an array; empty: the array is one variable, ``state``.

    >>> Observed(names=("u", "v")).fields(np.zeros((2, 5)))["v"].shape
    (5,)
    """

    observe: Callable[[Any], Any] | None = None
    names: tuple[str, ...] = ()

    def fields(self, state: Any) -> Fields:
        """The fields of a state, by name.

        Raises:
            BadInput: for what is neither an array nor a mapping of arrays, or for names that do not fit.
        """
        made = state if self.observe is None else asked("observe", self.observe, state)
        if isinstance(made, Mapping):
            missing = [name for name in self.names if name not in made]
            if missing:
                raise BadInput(
                    f"variables names {missing[0]!r}, which the state has not; it has {', '.join(map(str, made))}"
                )
            return {str(name): numbers(made[name]) for name in self.names or made}
        array = numbers(made)
        if not self.names:
            return {"state": array}
        if not array.ndim or len(array) != len(self.names):
            raise BadInput(
                f"variables has {len(self.names)} names ({', '.join(self.names)}) for the first axis of a state of "
                f"shape {array.shape}"
            )
        return dict(zip(self.names, array, strict=True))


def flat(state: Any) -> tuple[Any, list[NDArray[Any]]]:
    """A state as its structure (plain data) and its arrays, for a file.

    Raises:
        TypeError: for a state of other objects.

    >>> structure, arrays = flat({"u": np.ones(2), "t": 3})
    >>> again(structure, arrays)
    {'u': array([1., 1.]), 't': 3}
    """
    arrays: list[NDArray[Any]] = []

    def shape(part: Any) -> Any:
        if part is None or isinstance(part, bool | str) or type(part) is int:
            return {"value": part}
        if type(part) is float:
            return {"float": part.hex()}  # JSON has neither infinite numbers nor NaN
        if type(part) is dict and all(isinstance(name, str) for name in part):
            return {"mapping": {name: shape(value) for name, value in part.items()}}
        if type(part) in (tuple, list):
            return {type(part).__name__: [shape(value) for value in part]}
        kind = "scalar" if isinstance(part, np.generic) else "array" if type(part) is np.ndarray else ""
        if not kind and _is_jax(part):
            kind = "jax"
        if not kind or not _kept(part.dtype):  # masks, units and names of axes would be lost
            raise TypeError(f"a state that holds {type(part).__name__} cannot be written")
        arrays.append(np.asarray(part))
        return {kind: len(arrays) - 1}

    return shape(state), arrays


def again(structure: Any, arrays: Sequence[NDArray[Any]]) -> Any:
    """The state that `flat` took apart.

    Raises:
        ValueError: for a structure that `flat` does not make.
    """
    if not isinstance(structure, dict) or len(structure) != 1:
        raise ValueError("not the structure of a state")
    [(kind, part)] = structure.items()
    if kind == "value":
        return part
    if kind == "float":
        return float.fromhex(part)
    if kind == "array":
        return arrays[part]
    if kind == "scalar":
        return arrays[part][()]
    if kind == "jax":
        return _of_jax(arrays[part])
    if kind == "mapping":
        return {name: again(value, arrays) for name, value in part.items()}
    if kind in ("tuple", "list"):
        made = [again(value, arrays) for value in part]
        return tuple(made) if kind == "tuple" else made
    raise ValueError("not the structure of a state")


def _kept(dtype: np.dtype[Any]) -> bool:
    """Whether a file of NumPy holds this type; of bfloat16 it holds bytes without a name."""
    header = np.lib.format
    return not dtype.hasobject and header.descr_to_dtype(header.dtype_to_descr(dtype)) == dtype


def _is_jax(part: Any) -> bool:
    """Whether this is an array of JAX that numbers of NumPy can be made to again: no key, and of a type of its own."""
    jax = sys.modules.get("jax")
    if jax is None or not isinstance(part, jax.Array) or getattr(part, "weak_type", True):
        return False
    return not jax.dtypes.issubdtype(part.dtype, jax.dtypes.extended)


def _of_jax(values: NDArray[Any]) -> Any:
    import jax

    with double_precision(values.dtype.itemsize == 8 or values.dtype == np.complex128):
        return jax.numpy.asarray(values)


def asked(what: str, function: Callable[[Any], Any], state: Any) -> Any:
    """What a function of the user says of a state.

    Raises:
        BadInput: where it raises, with its message.
    """
    try:
        return function(state)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # asyncio.CancelledError and a panic of Rust code are no Exceptions
        raise BadInput(f"{what} failed at a state: {described(error)}") from error
