"""Programs of JAX functions: values against JAX, derivatives against finite differences, round trips."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.problem import Function, as_function
from supnorm.program import Program, Unsupported, lower_jaxpr, program_of, to_jax

rng = np.random.default_rng(0)
W, V = rng.normal(size=(2, 5)), rng.normal(size=(5, 3))


def _layer_norm(x):
    h = jnp.sin(x @ W)
    return (h - h.mean(-1, keepdims=True)) / jnp.sqrt(h.var(-1, keepdims=True) + 1e-5)


FUNCTIONS = {
    "mlp": lambda x: jnp.tanh(x @ W) @ V,
    "gelu": lambda x: jax.nn.gelu(x @ W) + jax.nn.gelu(x @ W, approximate=False),
    "smooth": lambda x: jax.nn.silu(x) + jax.nn.softplus(x) + jax.nn.sigmoid(x),
    "kinks": lambda x: jax.nn.relu(x) + jax.nn.leaky_relu(x, 0.1) + jnp.abs(x - 0.5) + jnp.clip(x, 0.2, 0.7),
    "exponential below": lambda x: (
        jax.nn.elu(x - 0.6, 0.7) + jax.nn.selu(0.6 - x) + jax.nn.celu(x - 0.5, 2.0)
    ),
    "clamps": lambda x: jax.nn.hard_tanh(2 * x - 1.5) + jax.nn.relu6(4 * x) + jnp.where(x < 0.6, 0.6, x),
    "variance": lambda x: jnp.std(x @ W, axis=-1) + jnp.var(x, axis=-1),
    "layer norm": _layer_norm,
    "softmax": lambda x: jax.nn.softmax(x @ W, -1),
    "logarithms of sums": lambda x: (
        jax.nn.logsumexp(x @ W, -1, keepdims=True) + jax.nn.log_softmax(x @ W, -1)
    ),
    "powers": lambda x: jnp.stack([x[:, 0] ** 2.5, 1 / x[:, 1], x[:, 0] ** -2, x[:, 0] ** x[:, 1]], 1),
    "composed": lambda x: jnp.cosh(x) + jnp.tan(0.3 * x) + jnp.log1p(x) + jnp.expm1(x) + jax.lax.rsqrt(x),
    "vector of one point": lambda x: jnp.array([x[0] * x[1], jnp.exp(x[0])]),
    "scalar": lambda x: jnp.sqrt(x[:, 0] ** 2 + x[:, 1] ** 2),
    "maximum": lambda x: jnp.max(x @ W, axis=-1),
    "product": lambda x: jnp.prod(x @ W, axis=-1),
    "product of one": lambda x: jnp.prod(x[:, :1], axis=-1),
    "residual": lambda x: x + jnp.tanh(jnp.tanh(x @ W) @ W.T),
}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_value_and_gradient(name):
    program = lower_jaxpr(FUNCTIONS[name], 2)
    x = rng.uniform(0.1, 1.5, size=(40, 2))
    with jax.enable_x64(True):
        function = FUNCTIONS[name]
        expected = np.concatenate([np.asarray(_one(function, row)).reshape(1, -1) for row in x])
    y, pull = program.vjp(x)
    np.testing.assert_allclose(y, expected, rtol=1e-13, atol=1e-14)
    np.testing.assert_array_equal(y, program.value(x))
    weights = rng.normal(size=y.shape)
    gradient, h = pull(weights), 1e-6
    for j in range(2):
        step = np.eye(2)[j] * h
        slope = ((program.value(x + step) - program.value(x - step)) * weights).sum(1) / (2 * h)
        np.testing.assert_allclose(gradient[:, j], slope, rtol=1e-6, atol=1e-6)


def _one(function, row):
    batched = function(jnp.asarray(row)[None])
    return batched if batched.shape[0] == 1 else function(jnp.asarray(row))


def test_vector_of_one_point_is_not_mistaken_for_a_batch():
    program = lower_jaxpr(lambda x: jnp.array([x[0] * x[1], x[0] + x[1]]), 2)
    np.testing.assert_allclose(program.value(np.array([[2.0, 3.0]])), [[6.0, 5.0]])


def test_activations_keep_their_own_operation():
    operations = lower_jaxpr(lambda x: jax.nn.silu(x) + jax.nn.softplus(x) + jax.nn.relu(x), 2).operations
    assert {"silu", "softplus", "relu"} <= set(operations)


def test_json_round_trip_and_hash():
    program = lower_jaxpr(FUNCTIONS["gelu"], 2)
    again = Program.from_json(program.to_json())
    x = rng.normal(size=(5, 2))
    np.testing.assert_array_equal(again.value(x), program.value(x))
    assert again.hash == program.hash
    nudged = W.copy()
    nudged[0, 0] = np.nextafter(nudged[0, 0], 9.0)
    other = lower_jaxpr(lambda x: jax.nn.gelu(x @ nudged) + jax.nn.gelu(x @ W, approximate=False), 2)
    assert other.hash != program.hash


@pytest.mark.parametrize(
    "change",
    [
        lambda nodes: nodes[1].update(args=[5]),
        lambda nodes: nodes[1].update(width=3),
        lambda nodes: nodes[1].update(op="mod"),
        lambda nodes: nodes.insert(1, {"op": "input", "args": [], "width": 2}),
    ],
)
def test_malformed_programs_are_refused(change):
    data = lower_jaxpr(lambda x: jnp.sin(jnp.cos(x)), 2).to_json()
    change(data["nodes"])
    with pytest.raises(ValueError, match=r"node|width"):
        Program.from_json(data)


@pytest.mark.parametrize(
    ("function", "operation"),
    [
        (lambda x: jnp.floor(x), "floor"),
        (lambda x: jnp.where(x == 0.5, x**2, x), "where"),
        (lambda x: jnp.sort(x), "sort"),
        (lambda x: x.astype(jnp.float32), "float32"),
    ],
)
def test_unsupported_operations_are_named(function, operation):
    with pytest.raises(Unsupported, match=operation):
        lower_jaxpr(function, 2)


def test_program_of_function():
    traced = program_of(as_function(lambda x: jnp.sin(x[:, 0]), "reference"), 1)
    np.testing.assert_allclose(traced.value(np.array([[0.5]])), [[np.sin(0.5)]])
    assert program_of(Function(np.sin, program=traced), 1) is traced
    with pytest.raises(Unsupported, match=r"unwrap"):
        program_of(as_function(lambda x: np.unwrap(x[:, 0]), "reference"), 1)


BATCHED = {
    "batched product": lambda x: jnp.einsum("ni,nj->nij", x, jnp.sin(x)).reshape(1, -1),
    "matrix per point": lambda x: jax.vmap(lambda v: jnp.outer(v, v) @ v)(x),
    "hessian": lambda x: jax.hessian(lambda v: jnp.sum(jnp.tanh(v @ W) ** 2))(x[0]).reshape(1, 4),
    "gradient of slices": lambda x: jax.grad(lambda v: jnp.sin(v[0]) * v[1:][0])(x[0])[None],
    "gradient of a gather": lambda x: jax.grad(lambda v: jnp.sum(v[np.array([1, 1, 0])] ** 3))(x[0])[None],
    "convolution": lambda x: jnp.convolve(x[0], np.array([1.0, -0.3, 0.2]))[None],
    "running sum": lambda x: jnp.cumsum(x, axis=1),
    "split": lambda x: jnp.concatenate(jnp.split(x @ W[:, :4], 2, axis=1)[::-1], axis=1),
}


@pytest.mark.slow
@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", BATCHED)
def test_products_with_batch_axes_and_second_derivatives(name):
    x = rng.normal(size=(6, 2))
    with jax.enable_x64(True):
        expected = np.concatenate([np.asarray(BATCHED[name](jnp.asarray(row)[None])) for row in x])
    program = lower_jaxpr(BATCHED[name], 2, batch=False)  # some are written for one row
    np.testing.assert_allclose(program.value(x), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_back_to_jax(name):
    program = lower_jaxpr(FUNCTIONS[name], 2)
    x = rng.uniform(0.1, 1.5, size=(5, 2))
    with jax.enable_x64(True):
        again = np.stack([np.asarray(to_jax(program)(jnp.asarray(row))) for row in x])
    np.testing.assert_allclose(again, program.value(x), rtol=1e-12, atol=1e-14)


def test_rounding_and_choices_by_number_are_not_passed_over():
    with pytest.raises(Unsupported, match="fewer bits"):
        lower_jaxpr(lambda x: jax.lax.reduce_precision(x, 11, 25), 1)
    same = lower_jaxpr(lambda x: jax.lax.reduce_precision(x, 11, 52), 1)
    assert same.value(np.array([[0.1]])) == 0.1
    with pytest.raises(Unsupported, match="more than two cases"):
        lower_jaxpr(lambda x: jax.lax.select_n(jnp.int32(2), x, x, jnp.minimum(x, 0.9)), 1)


def test_a_users_decorator_is_part_of_what_is_read():
    """`functools.wraps` leaves the undecorated function in ``__wrapped__``: it is not what runs."""
    from supnorm.problem import Domain, Problem

    def inner(x):
        return 3.0 * x

    @functools.wraps(inner)
    def capped(x):
        return np.minimum(inner(x), 2.0)

    for function in (Function(capped), Problem(capped, inner, Domain(x=(0.0, 1.0))).model):
        assert program_of(function, 1).value(np.array([[1.0]])) == 2.0


def test_a_joined_part_without_columns_is_left_out():
    """x[:, 1:] of one input: an operation without features ended in a ValueError."""
    program = lower_jaxpr(lambda x: jnp.concatenate([jnp.sin(x[:, :1]), x[:, 1:]], axis=1).sum(1), 1)
    assert program.value(np.array([[0.5]]))[0, 0] == np.sin(0.5)


def test_results_that_nothing_reads_are_passed_over_if_jax_alone_computes_them():
    def with_signs(x, call):
        call(x)
        return jnp.sin(x)

    assert lower_jaxpr(functools.partial(with_signs, call=jnp.sign), 2).operations == ("input", "sin")

    def spied(x):
        return jax.pure_callback(lambda y: y, jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    for call in (spied, jax.jit(spied)):
        with pytest.raises(Unsupported, match="calls functions of yours"):
            lower_jaxpr(functools.partial(with_signs, call=call), 2)


def test_a_maximum_that_begins_at_minus_infinity_is_that_of_the_rest():
    program = lower_jaxpr(
        lambda x: jnp.max(x, axis=-1, initial=-jnp.inf) - jnp.min(x, axis=-1, initial=jnp.inf), 2
    )
    assert all(np.isfinite(node.value).all() for node in program.nodes if node.op == "constant")
    beyond = lower_jaxpr(lambda x: jnp.max(x, axis=-1, initial=jnp.inf), 2)
    assert np.isinf(beyond.value(np.array([[1.0, 2.0]]))).all()
