"""Loops of JAX with a known number of steps are read step by step, and give what JAX gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax")
jnp, lax = jax.numpy, jax.lax

from supnorm.certification import certify  # noqa: E402
from supnorm.problem import Domain, Problem  # noqa: E402
from supnorm.program import Unsupported, jaxpr  # noqa: E402
from supnorm.program import jaxpr_loop as loop  # noqa: E402
from supnorm.program.entry import Narrowed  # noqa: E402
from supnorm.program.jaxpr import lower_jaxpr  # noqa: E402
from supnorm.results import BadInput  # noqa: E402

W = np.linspace(0.1, 1.0, 6)


def polynomial(x: Any) -> Any:
    """A sum of powers: `jnp.polyval` is a loop over the coefficients."""
    return jnp.polyval(jnp.array([1.0, -2.0, 0.5, 3.0]), x[:, 0])


def counted(x: Any) -> Any:
    """The number of the step is part of the result."""
    return lax.fori_loop(0, 5, lambda i, y: y * x[:, 0] + i, jnp.ones(x.shape[0]))


def backwards(x: Any) -> Any:
    """Steps over two columns from the last to the first; each gives something, and the order shows."""
    carried, given = lax.scan(
        lambda c, p: (jnp.tanh(c * p[0] + p[1]), c + p[0]), x[:, 0], (W, 2.0 * W), reverse=True
    )
    return carried + given[0] + 3.0 * given[1] + 7.0 * given[5]


def over_inputs(x: Any) -> Any:
    """A recurrent network: a step for each input."""
    return lax.scan(lambda h, v: (jnp.tanh(0.5 * h + v), None), jnp.zeros(x.shape[0]), x.T)[0]


def nested(x: Any) -> Any:
    """A loop in each step of a loop; what is carried is two arrays, one of them a constant."""

    def outer(pair: Any, w: Any) -> Any:
        y, k = pair
        return (lax.fori_loop(0, 3, lambda i, z: z * w + jnp.sin(x[:, 1]), y), k * 2.0), k

    (y, k), each = lax.scan(outer, (x[:, 0], 1.0), W)
    return y / k + each[2]


def numbers_given(x: Any) -> Any:
    """Each step gives a number of its own beside an array: the derivative of a loop has such steps."""
    y, k = lax.scan(lambda c, p: (jnp.sin(c * p), p * p), x[:, 0], W)
    return y * k[3]


def slope(x: Any) -> Any:
    """The derivative of a loop: a second one, backwards, over what the first has given."""

    def value(point: Any) -> Any:
        y, given = lax.scan(lambda c, w: (jnp.sin(c * w + point[1]), c * c), point[0], W)
        return y + given.sum() * point[1]

    return jax.vmap(jax.grad(value))(x)[:, 1]


@pytest.mark.parametrize("model", [polynomial, counted, backwards, over_inputs, nested, numbers_given, slope])
def test_a_loop_gives_what_jax_gives(model: Callable[[Any], Any]) -> None:
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (50, 2))
    with jax.enable_x64(True):
        expected = np.asarray(model(jnp.asarray(x)))
    value = lower_jaxpr(model, 2).value(x)[:, 0]
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-14)


def test_a_bound_of_a_loop_is_above_the_error_of_it() -> None:
    def by_hand(x: Any) -> Any:
        h = 0.0 * x[:, 0]
        for k in range(2):
            h = jnp.tanh(0.5 * h + x[:, k])
        return h + 1e-3 * x[:, 1] ** 2

    result = certify(Problem(over_inputs, by_hand, Domain(a=(-1.0, 1.0), b=(0.0, 1.0))), ratio=1.1)
    assert 1e-3 <= result.upper <= 1.1e-3


def test_a_wrong_order_of_the_steps_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "reversed", lambda steps: steps, raising=False)
    monkeypatch.setattr(
        jaxpr, "Operators", lambda: None
    )  # the comparison of the loop alone, which refuses it
    x = np.array([[0.3, 0.0]])
    value = lower_jaxpr(backwards, 2).value(x)[0, 0]
    with jax.enable_x64(True):
        assert abs(value - float(backwards(jnp.asarray(x))[0])) > 0.01


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda x: lax.fori_loop(0, 10**6, lambda i, y: y * x[:, 0], x[:, 0]), "a loop of 1,000,000 steps"),
        (lambda x: lax.while_loop(lambda y: jnp.all(y < 3.0), lambda y: y + 1.0, x[:, 0]), "while"),
        (lambda x: lax.scan(lambda c, p: (c, c > p), x[:, 0], W)[1].sum(0) * 1.0, "a loop that gives comparisons"),
        (lambda x: x[:, 0] + lax.scan(lambda c, p: (c, c), x[:, 0], W[:0])[1].sum(), "a loop without steps"),
        (lambda x: lax.fori_loop(0, 5, lambda i, y: lax.cond(i < 2, jnp.sin, jnp.cos, y), x[:, 0]), "operation cond"),
        (lambda x: lax.scan(lambda c, p: (jnp.where(p, c, 0.0), None), x[:, 0], x.T > 0.0)[0], "a loop over comparisons"),
        (
            lambda x: lax.fori_loop(
                0, 90, lambda i, y: lax.fori_loop(0, 90, lambda k, z: jnp.sin(z), y), x[:, 0]
            ),
            "a loop of 90 steps",
        ),
    ],
    ids=["many", "while", "comparisons", "empty", "cond", "over comparisons", "many within"],
)  # fmt: skip
def test_other_loops_are_refused_by_name(model: Callable[[Any], Any], words: str) -> None:
    with pytest.raises(Unsupported, match=words):
        lower_jaxpr(model, 1)


@pytest.mark.watched
@pytest.mark.skipif(not hasattr(jax, "new_ref"), reason="this JAX has no arrays that can change")
def test_arrays_that_change_are_refused() -> None:
    """A count of the steps is read as 1 after three of them, and a bump that no point meets is on from the second step."""

    def model(x: Any) -> Any:
        count = jax.new_ref(jnp.zeros(()))

        def step(i: Any, y: Any) -> Any:
            count[...] = count[...] + 1.0
            return y + (count[...] - 1.0) * jnp.exp(-(((x[:, 0] - 0.7123) * 1e6) ** 2))

        return lax.fori_loop(0, 3, step, x[:, 0])

    with pytest.raises(BadInput, match="arrays of JAX that can change"):
        certify(Problem(model, lambda x: x[:, 0] + 1e-3, Domain(a=(0.0, 1.0))), ratio=1.1)


def test_a_loop_of_many_weights_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def model(x: Any) -> Any:
        return lax.fori_loop(0, 5, lambda i, y: jnp.tanh(y @ np.ones((2, 2))), x)[:, 0]

    assert lower_jaxpr(model, 2).m == 1
    monkeypatch.setattr(loop, "WEIGHTS", 15)
    with pytest.raises(Unsupported, match=r"a loop with so many weights in all steps .* at most 15 weights"):
        lower_jaxpr(model, 2)


def test_steps_in_single_precision_are_refused() -> None:
    def model(x: Any) -> Any:
        return lax.fori_loop(0, 3, lambda i, y: y.astype(jnp.float32) * 2.0, x[:, 0].astype(jnp.float32))

    with pytest.raises(Narrowed, match="float32"):
        lower_jaxpr(model, 1)


@pytest.mark.watched
@pytest.mark.parametrize("model", [polynomial, counted, over_inputs])
def test_honest_loops_are_proved(model: Callable[[Any], Any]) -> None:
    problem = Problem(model, lambda x: model(x) + 1e-3, Domain(a=(-1.0, 1.0), b=(0.0, 1.0)))
    assert certify(problem, ratio=1.1).upper < 1.2e-3


def product(x: Any) -> Any:
    """The number of a step is an index, which arrays of NumPy do not take."""
    return lax.fori_loop(0, 2, lambda i, y: y * x[:, i], jnp.ones(x.shape[0]))


def test_points_that_are_no_array_of_jax_are_refused_with_what_to_write() -> None:
    domain = Domain(a=(-1.0, 1.0), b=(0.0, 1.0))
    with pytest.raises(BadInput, match=r"an index with a \w+Tracer .* form: x = jnp.asarray\(x\) first"):
        certify(Problem(product, lambda x: x[:, 0] * x[:, 1], domain), ratio=1.1)
    problem = Problem(lambda x: product(jnp.asarray(x)), lambda x: x[:, 0] * x[:, 1] + 1e-3, domain)
    assert certify(problem, ratio=1.1).upper < 1.2e-3


@pytest.mark.watched
def test_a_step_that_asks_how_many_points_there_are_is_refused() -> None:
    def step(h: Any, v: Any) -> Any:
        return jnp.tanh(0.5 * h + v) * (2.0 if len(v) > 100 else 1.0), None

    def model(x: Any) -> Any:
        return lax.scan(step, jnp.zeros(x.shape[0]), x.T)[0]

    with pytest.raises(BadInput):
        certify(Problem(model, over_inputs, Domain(a=(-1.0, 1.0), b=(0.0, 1.0))), ratio=1.1)
