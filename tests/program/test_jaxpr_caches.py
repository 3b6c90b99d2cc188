"""While code is recorded, JAX executes all of it at each trace, and its own functions only where they call others."""

from __future__ import annotations

import sys
import textwrap
import threading
from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.core import Tracer
from jax.extend.core import ClosedJaxpr, Jaxpr

from supnorm.program import jaxpr, jaxpr_caches
from supnorm.program.jaxpr import lower_jaxpr
from supnorm.program.jaxpr_traced import refusals, retrace
from supnorm.program.recording import attempt, recorded, unrecorded
from supnorm.program.rows import of_one_point

pytestmark = pytest.mark.watched


def mine(x: Any) -> Any:
    return jnp.sin(x) + 1.0


def step(total: Any, x: Any) -> Any:
    return total + mine(x), x


twice = jax.custom_jvp(mine)
twice.defjvp(lambda x, dx: (mine(x[0]), dx[0] * jnp.cos(x[0])))

# Of an array (n, 1). Each calls `mine`, behind what JAX keeps.
WAYS: dict[str, Callable[[Any], Any]] = {
    "jit": jax.jit(mine),
    "jit of a jit": jax.jit(jax.jit(mine)),
    "vmap": jax.jit(jax.vmap(mine)),
    "grad": jax.vmap(jax.grad(lambda x: mine(x)[0])),
    "scan": lambda x: jax.lax.scan(step, x[0], x)[1] + jax.lax.scan(step, x[0], x)[0],
    "map": lambda x: jax.lax.map(mine, x),
    "cond": lambda x: jax.lax.cond(True, mine, mine, x),
    "checkpoint": jax.checkpoint(mine),
    "custom derivative": lambda x: twice(x),
    "vectorize": jnp.vectorize(mine),
    "jit of vectorize": jax.jit(jnp.vectorize(mine)),
    "piecewise": lambda x: jnp.piecewise(x, [x < 2.0], [mine, mine]),
    "apply_along_axis": lambda x: jnp.apply_along_axis(mine, 1, x),
    "apply_over_axes": lambda x: jnp.apply_over_axes(lambda y, axis: mine(y), x, [0]),
    "fromfunction": lambda x: x + jnp.fromfunction(lambda i: mine(i), (1,)),
    "tree": lambda x: jax.tree.map(jax.jit(mine), [x])[0],
    "partial": jax.jit(partial(mine)),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_users_code_is_executed_at_each_trace(way: str) -> None:
    for _ in range(3):
        with recorded() as seen:
            retrace(WAYS[way], 3, 1, "float64", compiled=False)
        assert mine.__code__ in seen.offsets
        assert len(seen.offsets[mine.__code__]) > 5


def test_jax_traces_its_own_functions_once_and_again_for_another_proof() -> None:
    entered: list[str] = []
    matmul = jnp.matmul.__wrapped__

    def noting(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code is matmul.__code__:
            entered.append(event)

    def counted() -> int:
        before = len(entered)
        sys.setprofile(noting)
        try:
            with recorded():
                retrace(lambda x: x @ np.ones((1, 7)), 5, 1, "float64", compiled=False)
        finally:
            sys.setprofile(None)
        return len(entered) - before

    jaxpr_caches.renew()
    assert counted() == 1
    assert counted() == counted() == 0
    jaxpr_caches.renew()
    assert counted() == 1


def test_what_may_execute_other_code_is_not_taken_for_jax() -> None:
    x = np.ones((2, 2))
    alone = jaxpr_caches._executes_library_alone
    matmul = jnp.matmul.__wrapped__
    assert alone(matmul, (x, x), {"precision": None, "preferred_element_type": np.float32})
    assert not alone(mine, (x,), {})
    assert not alone(matmul, (x, x), {"precision": mine})
    assert not alone(matmul, (x, [x, mine]), {})
    assert not alone(matmul, (x, x), {"precision": jax.jit(mine)})
    assert not alone(jax.vmap(mine), (x,), {})  # code of JAX, and the function in its closure
    given = FunctionType(matmul.__code__, matmul.__globals__, "matmul", (mine,))
    assert not alone(given, (x, x), {})
    elsewhere = FunctionType(matmul.__code__, {**matmul.__globals__}, "matmul")
    assert not alone(elsewhere, (x, x), {})

    class Own(np.ndarray):
        pass

    class Says:
        __module__ = "jax.numpy"

    assert not alone(matmul, (x.view(Own), x), {})
    assert not alone(matmul, (Says(), x), {})
    assert alone(matmul, (jnp.ones(2), x), {})
    assert not alone(matmul, (jax.random.key(0), x), {})  # the user can define how bits are made of a key


def test_what_was_traced_while_nobody_recorded_is_traced_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from jax._src.numpy import ufuncs

    plain = ufuncs.lax.sin
    monkeypatch.setattr(ufuncs.lax, "sin", lambda x, **named: plain(mine_too(x), **named))
    jaxpr_caches.renew()
    with recorded():
        with unrecorded():
            assert retrace(jnp.sin, 3, 1, "float64", compiled=False) is not None
        with recorded() as seen:
            retrace(jnp.sin, 3, 1, "float64", compiled=False)
    assert mine_too.__code__ in seen.offsets


def mine_too(x: Any) -> Any:
    return x


def test_an_attempt_whose_execution_counts_for_nothing_is_not_recorded() -> None:
    with recorded():
        before = sys.gettrace()
        with attempt("jax"):
            assert sys.gettrace() not in (None, before)
        with unrecorded(), attempt("jax"):
            assert sys.gettrace() is None
        assert sys.gettrace() is before


def test_code_of_a_library_with_globals_of_the_user_is_the_users() -> None:
    code = textwrap.dedent.__code__
    stolen = FunctionType(code, {**vars(textwrap), "__name__": __name__})
    for _ in range(2):
        with recorded() as seen:
            textwrap.dedent("a")
            stolen("a")
            textwrap.dedent("a")
        assert code in seen.offsets


def test_which_code_is_of_libraries_is_looked_at_again_for_another_proof(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def steps() -> int:
        with recorded() as seen:
            textwrap.dedent("a")
        return len(seen.offsets.get(textwrap.dedent.__code__, {}))

    assert steps() == 0
    monkeypatch.setattr(textwrap, "__name__", __name__)
    jaxpr_caches.renew()
    assert steps() > 0
    jaxpr_caches.renew()


def test_what_replaces_functions_of_jax_between_two_traces_of_one_function_is_recorded() -> None:
    from jax._src import pjit

    plain = pjit.tree_unflatten

    def other(tree: Any, outputs: Any) -> Any:
        return plain(tree, outputs)

    def model(x: Any) -> Any:
        first = jnp.sinh(x)
        pjit.tree_unflatten = other
        second = jnp.sinh(x)
        pjit.tree_unflatten = plain
        return first + second

    jaxpr_caches.renew()
    try:
        for _ in range(3):
            with recorded() as seen:
                assert retrace(model, 3, 1, "float64", compiled=False) is not None
            assert other.__code__ in seen.offsets
    finally:
        pjit.tree_unflatten = plain


class Same(type):
    """Its classes are equal to NumPy's array."""

    def __eq__(cls, other: object) -> bool:
        return other is np.ndarray

    def __hash__(cls) -> int:
        return hash(np.ndarray)


class Box(metaclass=Same):
    """Holds an array, which another one replaces when somebody asks for what only looks like a value."""

    def __init__(self, held: Any) -> None:
        self.held = held

    @property
    def dtype(self) -> Any:
        self.held = 0.0 * self.held
        return np.dtype(float)

    @property
    def __class__(self) -> Any:
        self.held = 0.0 * self.held
        return Box


jax.tree_util.register_pytree_node(Box, lambda b: ((b.held,), None), lambda _, held: Box(held[0]))
leaves = jax.jit(jax.tree.leaves)


def test_arguments_are_not_asked_by_code_of_their_own() -> None:
    box = Box(np.ones(3))
    assert not jaxpr_caches._executes_library_alone(jax.tree.leaves, (box,), {})
    assert box.held.tolist() == [1.0, 1.0, 1.0]
    assert not any(jaxpr_caches._is_plain(one) for one in (box, [box], {"a": (box,)}, Box))


def test_a_trace_gives_to_jax_what_the_code_does() -> None:
    def model(x: Any) -> Any:
        return leaves(Box(jnp.exp(x)))[0]

    with recorded():
        traced = retrace(model, 2, 1, "float64", compiled=False)
    assert str(traced.jaxpr) == str(
        jax.make_jaxpr(model)(jax.ShapeDtypeStruct((2, 1), np.float32)).jaxpr
    ).replace("f32", "f64")


class Own(Jaxpr):  # type: ignore[misc,unused-ignore]
    """Its equations are what code of the user says."""

    @property
    def eqns(self) -> Any:
        return self._eqns


def test_code_of_objects_in_what_jax_has_traced_is_recorded() -> None:
    with jax.enable_x64(True):
        (call,) = jax.make_jaxpr(jax.jit(mine))(np.ones(1)).eqns
        inner = call.params["jaxpr"].jaxpr
        own = Own(inner.constvars, inner.invars, inner.outvars, inner.eqns, inner.effects, inner.debug_info)
        named = {**call.params, "jaxpr": ClosedJaxpr(own, ())}
        closed = jax.make_jaxpr(lambda x: call.primitive.bind(x[0], **named)[0][None])(np.ones((1, 1)))
    with pytest.MonkeyPatch.context() as patch, of_one_point(), recorded() as seen:
        patch.setattr(jaxpr, "traced", lambda *_: (closed, (1, 1)))
        assert lower_jaxpr(lambda x: x, 1).operations
    assert vars(Own)["eqns"].fget.__code__ in seen.offsets


def test_jax_is_left_as_it_was() -> None:
    from jax._src import pjit

    before = pjit._infer_params
    with recorded():
        retrace(WAYS["jit"], 2, 1, "float64", compiled=False)
        with jaxpr_caches.uncached(), jaxpr_caches.uncached():
            assert pjit._infer_params is not before
    assert pjit._infer_params is before


def test_two_threads_leave_jax_as_it_was() -> None:
    """One begins while the other traces, and goes on when the other has ended."""
    before = {name: vars(Tracer)[name] for name in ("__repr__", "__getattr__")}
    within, begins, other_begins = (threading.Event() for _ in range(3))

    def first() -> None:
        with refusals():
            within.set()
            begins.wait(5)
            other_begins.wait(0.2)  # it has to wait for the end of this

    def second() -> None:
        within.wait(5)
        begins.set()
        with refusals():
            other_begins.set()
            threads[0].join(1)

    threads = [threading.Thread(target=one) for one in (first, second)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {name: vars(Tracer)[name] for name in before} == before
