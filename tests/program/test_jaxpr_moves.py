"""Moves of entries by NumPy are those of JAX."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from jax import lax

from supnorm.program import Unsupported
from supnorm.program.jaxpr_moves import MOVES, moved
from supnorm.program.source import program_of


def some(name: str, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
    """An array and parameters at random."""
    shape = tuple(int(n) for n in rng.integers(1, 5, rng.integers(1, 4)))
    axes = [int(a) for a in rng.permutation(len(shape))]
    if name == "broadcast_in_dim":
        more = int(rng.integers(0, 3))
        dims = tuple(sorted(int(a) for a in rng.permutation(len(shape) + more)[: len(shape)]))
        target = [int(n) for n in rng.integers(1, 5, len(shape) + more)]
        for size, axis in zip(shape, dims, strict=True):
            target[axis] = size if size > 1 else target[axis]
        params = {"shape": tuple(target), "broadcast_dimensions": dims, "sharding": None}
    elif name == "reshape":
        sizes = [int(n) for n in rng.permutation(shape)] + [1]
        params = {"new_sizes": tuple(sizes), "dimensions": None, "sharding": None}
    elif name == "rev":
        params = {"dimensions": tuple(axes[: rng.integers(0, len(shape) + 1)])}
    elif name == "slice":
        starts = [int(rng.integers(0, n)) for n in shape]
        limits = [int(rng.integers(s, n)) + 1 for s, n in zip(starts, shape, strict=True)]
        strides = None if rng.random() < 0.5 else tuple(int(n) for n in rng.integers(1, 3, len(shape)))
        params = {"start_indices": tuple(starts), "limit_indices": tuple(limits), "strides": strides}
    elif name == "squeeze":
        params = {"dimensions": tuple(a for a in sorted(axes) if shape[a] == 1 and rng.random() < 0.7)}
    else:
        params = {"permutation": tuple(axes)}
    return np.asarray(rng.integers(0, 1000, shape)), params


@pytest.mark.parametrize("name", MOVES)
def test_moves_are_those_of_jax(name: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        array, params = some(name, rng)
        with jax.enable_x64(True):
            wanted = np.asarray(getattr(lax, f"{name}_p").bind(array, **params))
        ours = moved(name, params, array)
        assert ours is not None
        assert ours.shape == wanted.shape
        assert ours.dtype == wanted.dtype
        assert (ours == wanted).all()


def test_an_operation_of_the_user_with_such_a_name_is_not_taken_for_it() -> None:
    from jax.extend.core import Primitive

    own = Primitive("squeeze")
    own.def_impl(lambda x, dimensions: np.full(1, 7.0))
    own.def_abstract_eval(lambda x, dimensions: jax.core.ShapedArray((1,), np.dtype(np.float64)))

    def model(x: Any) -> Any:
        return x[:, 0] * own.bind(jax.numpy.ones((1, 1)) + 0 * x[0, 0], dimensions=(0,))

    def constant(x: Any) -> Any:
        return jax.jit(lambda y: y[:, 0] * own.bind(jax.numpy.ones((1, 1)), dimensions=(0,)))(x)

    with pytest.raises(Unsupported, match="squeeze, an operation that JAX itself does not have"):
        program_of(model, 1)
    assert program_of(constant, 1).value(np.array([[2.0]])) == 14.0  # JAX has computed it while it traced
