"""Branches as programs: of which shape they are, and where they have no value."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from supnorm import Domain, Function, Problem, certify
from supnorm.program import Unsupported, branches, lower_jaxpr, lower_numpy, program_of
from supnorm.program.aten import AtenNode, Ref, lower_aten
from supnorm.sources import from_jax
from supnorm.sources.python import per_point

MIDDLE = 0.3217


def _spike(t, exp=np.exp):
    """1 at one point, and 0 in float64 beyond 3e-6 of it; it has no kink that a search could find."""
    return exp(-1e14 * (t - MIDDLE) ** 2)


def _columns_against_rows(x):
    value = _spike(x[:, 0]) - 0.5
    return np.where(value[:, None] > 0, value[None, :], 0.0).sum(axis=1)


def _steered_by_rows(x):
    return np.where(np.ones((len(x), 1), bool), _spike(x[:, 0])[None, :], 0.0).sum(axis=0)


@pytest.mark.parametrize("function", [_columns_against_rows, _steered_by_rows])
def test_where_has_the_common_shape_of_its_arguments(function):
    alone, beside = np.array([[MIDDLE]]), np.full((3, 1), MIDDLE)
    assert function(beside)[0] == 3 * function(alone)[0]
    with pytest.raises(Unsupported):
        lower_numpy(function, 1)


def test_where_broadcasts_the_branch_that_it_takes():
    wide = lower_numpy(lambda x: np.where(True, x, np.zeros((1, 3))).sum(axis=1), 1)
    assert wide.value(np.array([[2.0]])) == 6.0


def _above(x):
    return x[:, 0] > 0.3


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.where(_above(x), np.int8(100), np.int8(1)) * np.int8(3) + x[:, 0],
        lambda x: np.where(_above(x), 10**10, 1) ** 2 + x[:, 0],
        lambda x: np.where(_above(x), True, False) + np.where(x[:, 0] > 0.0, True, False) + x[:, 0],
        lambda x: np.select([_above(x)], [np.uint8(2)], np.uint8(3)) - np.uint8(5) + x[:, 0],
        lambda x: _above(x) * np.float16(0.1) * np.float16(0.1) + x[:, 0],
        lambda x: np.where(_above(x), np.float32(0.1), np.float32(0.2)) * np.float32(0.1) + x[:, 0],
    ],
    ids=["int8", "int64", "bool", "uint8", "float16", "float32"],
)
def test_a_choice_of_numbers_that_numpy_makes_of_another_type_is_refused(function):
    with pytest.raises(Unsupported, match="cannot be read as real arithmetic"):
        program_of(function, 1, branches=True)


def _by_its_class(x):
    return np.where(_above(x), x[:, 0], 1.0) if isinstance(_above(x), np.ndarray) else 5.0 * x[:, 0]


def _by_the_class_of_an_entry(x):
    return x[:, 0] * (2.0 if isinstance(_above(x)[0], np.bool_) else 1.0)


@pytest.mark.parametrize("function", [_by_its_class, _by_the_class_of_an_entry])
def test_a_comparison_has_the_class_that_numpy_gives_it(function):
    x = np.array([[-0.5], [0.0], [0.5]])
    program = program_of(function, 1, branches=True)
    assert program.value(x).ravel() == pytest.approx(function(x), abs=0.0)


def _of_jax(isnan):
    def function(x):
        root = jnp.sqrt(0.5 - _spike(x[:, 0], jnp.exp))
        return 2.0 * x[:, 0] + jnp.where(isnan(root), 1.0, 0.0)

    return function


@pytest.mark.parametrize(
    "function",
    [
        _of_jax(jnp.isnan),
        _of_jax(lambda root: root != root),
        lambda x: jnp.where(jnp.log(x[:, 0] - 0.4) == jnp.log(x[:, 0] - 0.4), x[:, 0], 0.0),
        lambda x: (lambda y: jnp.where(y == y, x[:, 0], 0.0))(jnp.sqrt(x[:, 0] - 0.4)),
    ],
)
def test_a_program_has_no_value_where_a_test_for_nan_takes_the_other_branch(function):
    at, beside = np.array([[MIDDLE]]), np.array([[0.7]])
    try:
        program = lower_jaxpr(function, 1)
    except Unsupported:  # of two equal values JAX makes two
        return
    assert np.isnan(program.value(at)).all()
    assert program.value(beside).ravel() == pytest.approx(np.asarray(function(beside)).ravel(), abs=1e-6)


def test_a_test_for_nan_of_torch_keeps_what_it_tests():
    nodes = [
        AtenNode("aten.sqrt.default", (Ref("x"),), outputs=("y",)),
        AtenNode("aten.ne.Tensor", (Ref("y"), Ref("y")), outputs=("test",)),
        AtenNode("aten.where.self", (Ref("test"), Ref("one"), Ref("x")), outputs=("z",)),
    ]
    program = lower_aten(nodes, {"one": np.ones((1, 1))}, [("x", (1, 1))], ["z"])
    assert np.isnan(program.value(np.array([[-2.0]]))).all()
    assert program.value(np.array([[2.0]])) == 2.0


def test_what_is_tested_and_taken_costs_nothing():
    program = lower_jaxpr(lambda x: (lambda y: jnp.where(jnp.isnan(y), 0.0, y))(jnp.exp(x[:, 0])), 1)
    assert "mul" not in program.operations


def _beyond_float64(x):
    """0, and 100 within 2e-6 of a point."""
    return jnp.where(jnp.isfinite(1e308 * (10.0 * _spike(x[:, 0], jnp.exp))), 0.0, 100.0) + x[:, 0]


def test_no_bound_where_a_test_for_infinity_takes_the_other_branch(monkeypatch):
    problem = Problem(_beyond_float64, lambda x: x[:, 0], Domain(x=(0.0, 1.0)))
    with jax.enable_x64(True):
        assert _beyond_float64(np.array([[MIDDLE]])) > 100.0
        assert certify(problem, ratio=1.5).upper == np.inf
        monkeypatch.setattr(branches, "_defined", lambda build, tested, result: result)  # the weakened rule
        assert certify(problem, ratio=1.5).upper < 1.0


@pytest.mark.parametrize("test", [jnp.isfinite, lambda z: (none := z - z) == none])
def test_in_single_precision_a_test_for_infinity_is_an_assumption(test):
    def function(x):
        return jnp.where(test(jnp.exp(90.0 * _spike(x[:, 0], jnp.exp))), x[:, 0], 0.0)

    for precision, count in (("float32", 1), ("float64", 0)):
        with jax.enable_x64(precision == "float64"):
            remarks = program_of(Function(function, precision=precision), 1).remarks
        assert sum("overflows as it runs" in remark for remark in remarks) == count


def test_logarithms_of_sums_and_softmax_have_bounds():
    weight = np.array([[1.0, -2.0, 3.0], [0.5, 1.0, -1.0]])
    domain = Domain(x=(-1.0, 1.0), y=(-1.0, 1.0))
    x = np.random.default_rng(0).uniform(-1, 1, (2000, 2))
    for function, outputs in ((jax.nn.logsumexp, 1), (jax.nn.log_softmax, 3), (jax.nn.softmax, 3)):

        def model(x, function=function):
            return function(x @ weight, axis=-1)

        def zero(x, outputs=outputs):
            return 0.0 * (x @ weight)[:, :outputs]

        with jax.enable_x64(True):
            result = certify(Problem(model, zero, domain), ratio=1.5)
        assert np.linalg.norm(np.asarray(model(x)).reshape(len(x), -1), axis=1).max() <= result.upper < np.inf


@pytest.mark.slow
def test_no_bound_of_a_model_that_is_another_one_where_a_value_is_nan():
    model = from_jax(_of_jax(jnp.isnan))
    problem = Problem(model, from_jax(lambda x: 2.0 * x[:, 0]), Domain(x=(0.0, 1.0)))
    assert np.abs(model.value(np.array([[MIDDLE]])) - 2.0 * MIDDLE) == 1.0
    assert certify(problem, tolerance=0.5, seconds=2).status.code != "within-tolerance"


def _beyond(point):
    both = jnp.stack([_spike(point[0], jnp.exp), point[1]])
    return 2.0 * point[0] + 3.0 * both.at[5].get(mode="fill", fill_value=0.0)


def test_a_number_beyond_the_ends_of_an_array_is_no_entry():
    function = per_point(_beyond, 2, "model")
    assert function.value(np.array([[MIDDLE, 0.0]])) == pytest.approx(2.0 * MIDDLE, abs=1e-6)
    with pytest.raises(Unsupported, match="beyond the ends"):
        lower_jaxpr(_beyond, 2, batch=False)
    inside = lower_jaxpr(lambda p: p.at[1].get(mode="fill", fill_value=0.0), 2, batch=False)
    assert inside.value(np.array([[1.0, 2.0]])) == 2.0


@pytest.mark.parametrize(
    "cast",
    [AtenNode("aten.to.dtype", (Ref("test"), "float64")), AtenNode("aten.type_as", (Ref("test"), Ref("x")))],
)
def test_a_comparison_of_torch_that_is_cast_is_a_number(cast):
    nodes = [
        AtenNode("aten.gt.Scalar", (Ref("x"), 0.5), outputs=("test",)),
        AtenNode(cast.target, cast.args, outputs=("number",)),
        AtenNode("aten.mul.Tensor", (Ref("number"), 0.1), outputs=("y",)),
    ]
    program = lower_aten(nodes, {}, [("x", (1, 1))], ["y"])
    assert program.value(np.array([[0.5], [0.75]])).ravel() == pytest.approx([0.0, 0.1], abs=0.0)
