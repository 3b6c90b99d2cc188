"""A model that runs differently from what was read of its code is refused."""

import time

import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import agreement, certify
from supnorm.certification.agreement import compare
from supnorm.certification.propagation import propagate
from supnorm.problem import Domain, Function, Problem
from supnorm.program import lower_jaxpr, program_of
from supnorm.results import BadInput

DOMAIN = Domain(x=(-1.0, 1.0))
CALLS = {"n": 0}


def _counting(x):
    CALLS["n"] += 1
    return x[:, 0] * CALLS["n"]


def _noise(size):
    rng = np.random.default_rng(0)
    return lambda x: x[:, 0] + size * rng.random(len(x))


@pytest.mark.parametrize(
    "model",
    [
        lambda x: (x[:, 0] - x[:, 0].mean()) * 5,
        lambda x: (x[:, 0] - jnp.mean(x[:, 0])) * 5,
        lambda x: x[:, 0] * len(x),
        lambda x: x[:, 0] if len(x) == 1 else 2 * x[:, 0],
        lambda x: x[:, 0] if len(x) > 1 else 2 * x[:, 0],
        lambda x: x[:, 0] if len(x) < 5000 else x[:, 0] + 1e-9,
        lambda x: np.concatenate([x[i : i + 1000, 0] + 1e-9 * (i > 0) for i in range(0, len(x), 1000)]),
        lambda x: x[:, 0] if len(x) == 1 or len(set(x[:, 0])) == len(x) else 2 * x[:, 0],
        _noise(1.0),
        _noise(1e-9),
        _counting,
    ],
    ids=[
        "mean",
        "JAX mean",
        "length",
        "one row",
        "one row else",
        "many rows",
        "a fault in the second part",
        "company",
        "noise",
        "small noise",
        "state",
    ],
)
def test_more_than_the_point_is_refused(model):
    for problem in (Problem(model, lambda x: x[:, 0], DOMAIN), Problem(lambda x: x[:, 0], model, DOMAIN)):
        with pytest.raises(
            BadInput,
            match=r"depends on more than the point|while the code was read|cannot be traced|fails for 2",
        ):
            certify(problem)


def test_a_program_of_another_function_is_refused():
    model = Function(lambda x: x**2, program=lower_jaxpr(lambda x: x[:, 0] ** 3, 1))
    with pytest.raises(BadInput, match="the model gives"):
        certify(Problem(model, lambda x: x[:, 0], DOMAIN))


def test_a_value_that_only_the_program_has_is_refused():
    model = Function(lambda x: np.where(x > 0.9, np.nan, x), program=lower_jaxpr(lambda x: x[:, 0], 1))
    with pytest.raises(BadInput, match="the model gives no value at"):
        certify(Problem(model, lambda x: 2 * x[:, 0], DOMAIN))


def test_a_function_that_fails_is_refused_with_its_message():
    def broken(x):
        if type(x) is np.ndarray:  # and not what stands for one
            raise RuntimeError("no licence")
        return x[:, 0]

    with pytest.raises(BadInput, match=r"the model failed at \[.*no licence"):
        certify(Problem(broken, lambda x: x[:, 0], DOMAIN))


def test_a_function_may_fail_where_the_constraints_forbid_its_points():
    def values(x):
        if (x[:, 0] < 0).any():
            raise ValueError("negative")
        return x[:, 0]

    model = Function(values, program=lower_jaxpr(lambda x: x[:, 0], 1))
    domain = Domain.from_axes({"x": (-1.0, 1.0)}, constraints=[lambda x: x[:, 0] >= 0])
    assert certify(Problem(model, lambda x: 2 * x[:, 0], domain)).status.code == "proved"


def test_rounding_is_allowed_for():
    """Cancellation loses nine digits in any order of summation, float32 all but seven."""

    def cancelling(x):
        return (x[:, 0] + 1e9) - 1e9

    reordered = Function(lambda x: x * (1 + 4e-7), program=lower_jaxpr(cancelling, 1))
    assert certify(Problem(reordered, lambda x: 0 * x[:, 0], DOMAIN)).lower > 0.9
    single = Function(
        lambda x: np.sin(x.astype(np.float32)).astype(float),
        program=lower_jaxpr(lambda x: jnp.sin(x[:, 0]), 1),
        precision="float32",
    )
    assert certify(Problem(single, lambda x: 0 * x[:, 0], DOMAIN)).status.code == "proved"
    plain = jnp.tanh  # outside of JAX's 64-bit mode it runs in float32
    assert certify(Problem(plain, lambda x: 0 * x[:, 0], DOMAIN)).status.code == "proved"


def _squared(x):
    lost = np.sin(x) ** 2 + np.cos(x) ** 2 - x.dtype.type(1)
    return lost * lost * x.dtype.type(1e14)


def _grown(x):
    return np.exp((x * x.dtype.type(40) + x.dtype.type(1e9)) - x.dtype.type(1e9))


@pytest.mark.parametrize("code", [_squared, _grown])
def test_rounding_in_single_precision_is_not_small(code):
    """A product of two roundings, and a slope beside the real box: float64's bound times 2^29 left them out."""
    single = Function(lambda x: code(x[:, 0].astype(np.float32)), precision="float32")
    result = certify(Problem(single, lambda x: 0 * x[:, 0], Domain(x=(0.0, 1.0))), 1e20)
    assert result.agreement.lower_precision > 0.3


@pytest.mark.parametrize("code", [_squared, _grown])
def test_without_room_beside_the_real_box_honest_code_in_single_precision_is_refused(code, monkeypatch):
    monkeypatch.setattr(
        agreement, "propagate", lambda *given, outside=0.0, **more: propagate(*given, outside=0.0, **more)
    )
    single = Function(lambda x: code(x[:, 0].astype(np.float32)), precision="float32")
    with pytest.raises(BadInput, match="rounding explains only"):
        certify(Problem(single, lambda x: 0 * x[:, 0], Domain(x=(0.0, 1.0))), 1e20)


def _sizes(run):
    """A function, and the numbers of points that it is called with, those of its tracing left out."""
    seen = set()

    def function(x):
        if type(x) is np.ndarray:  # and not what stands for one
            seen.add(len(x))
        return run(x)

    return function, seen


def test_jax_code_is_run_at_one_number_of_points_and_numpy_code_is_timed_first():
    """JAX compiles every operation for every number of points; a slow NumPy function must not be called at 256."""

    def slow(x):
        if type(x) is np.ndarray:  # and not what stands for one
            time.sleep(0.01 * len(x))
        return np.sin(x[:, 0])

    for run, sizes in (
        (lambda x: jnp.sin(x[:, 0]), {256}),
        (lambda x: np.sin(x[:, 0]), {1, 256, 16384}),
        (lambda x: x[:, 0] ** 2, {1, 256, 16384}),
        (slow, {1, 8}),
    ):
        function, seen = _sizes(run)
        model = Problem(function, lambda x: x[:, 0], DOMAIN).model
        compare(model, program_of(model, 1), "model", DOMAIN)
        assert seen == sizes, run


@pytest.mark.parametrize(
    "elsewhere",
    [lambda x: (x > 0.999).all(axis=1), lambda x: x[:, 0] == -1.0, lambda x: np.abs(x[:, 0] - 0.3) < 0.002],
    ids=["a corner", "a face", "a five hundredth of the domain"],
)
def test_what_differs_in_a_corner_or_in_a_small_part_is_refused(elsewhere):
    """256 points inside the domain saw none of them."""
    domain = Domain(x=(-1.0, 1.0), y=(-1.0, 1.0), z=(-1.0, 1.0))
    plain = Function(lambda x: x.sum(axis=1))
    program = program_of(plain, 3)
    compare(plain, program, "model", domain)
    with pytest.raises(BadInput, match="a branch that was not read"):
        compare(Function(lambda x: x.sum(axis=1) + 0.01 * elsewhere(x)), program, "model", domain)


def test_a_domain_of_exactly_as_many_points_as_are_always_compared(monkeypatch):
    from supnorm.certification import agreement

    monkeypatch.setattr(agreement, "MORE", agreement.POINTS)
    plain = Function(lambda x: x.sum(axis=1))
    compare(plain, program_of(plain, 1), "model", DOMAIN)


@pytest.mark.slow
def test_how_many_points_are_compared_does_not_depend_on_the_clock(monkeypatch):
    """A model that takes 60 ms a batch is compared at as many points as one that takes none."""

    def slow(x):
        time.sleep(0.00023 * len(x))
        return np.sin(x[:, 0])

    points = [
        certify(Problem(model, lambda x: x[:, 0], DOMAIN), seed=1).agreement.points
        for model in (slow, lambda x: np.sin(x[:, 0]))
    ]
    assert points[0] == points[1]
