"""Programs of NumPy code: the code itself, run on a batch, is the oracle."""

import threading

import numpy as np
import pytest
from numpy import asarray
from numpy.polynomial import Chebyshev, Legendre, Polynomial
from scipy import special

from supnorm.evaluation.intact import demand_intact, functions
from supnorm.problem import Domain, Problem
from supnorm.program import Unsupported, lower_numpy, program_of
from supnorm.program.numpy_arrays import CONVERSIONS
from supnorm.results import BadInput

rng = np.random.default_rng(0)
W = rng.normal(size=(2, 5))


def _density(x):
    T, p = x[:, 0], x[:, 1]
    return p / (0.3 * T) * (1 + 0.1 * np.exp(-T / 2) - 0.2 * p**1.5 + np.log1p(T) / np.sqrt(p))


FUNCTIONS = {
    "density": _density,
    "network": lambda x: np.tanh(x @ W + 0.1) @ W.T,
    "constants on the left": lambda x: (2.0 - x) / (1.0 + np.sum(x**2, axis=1, keepdims=True)),
    "matrix on the left": lambda x: (W.T @ x.T).T,
    "stack": lambda x: np.stack([np.sin(x[:, 0]), np.cosh(x[:, 1]), special.erf(x[:, 0])], axis=1),
    "columns": lambda x: np.column_stack([x[:, 0] * x[:, 1], x[:, 1:] ** 2, np.ones_like(x[:, 0])]),
    "limits by name": lambda x: np.clip(x, a_min=0.2, a_max=None) + np.clip(x, min=None, max=0.5) + x.clip(max=0.7),
    "kinks": lambda x: np.maximum(x, 0.7) + np.clip(x, 0.2, 1.0) + np.abs(x - 1),
    "leaky": lambda x: np.where(x > 0.0, x, 0.1 * x),
    "mean": lambda x: np.mean(np.concatenate([x, x**-1, x**0.5], axis=1), axis=1),
    "activations": lambda x: np.logaddexp(x, 0.0) + special.expit(x) * x + np.square(x) + np.reciprocal(x),
    "symbolic power": lambda x: x[:, 0] ** x[:, 1],
    "other logarithms": lambda x: np.log10(x) + np.log2(x + 1.0),
    "methods": lambda x: np.stack([x.mean(axis=1), x.max(1), x.min(axis=1), x.prod(1), x.dot(W).clip(0.1, 0.5)[:, 1],
                                   x.transpose().squeeze()[1].ravel()], axis=1),
    "extrema": lambda x: np.hstack([np.max(x, axis=1)[:, None], np.min(x, axis=1, keepdims=True),
                                   np.prod(x, axis=1)[:, None]]),
    "deviations": lambda x: np.stack([np.var(x, axis=1), x.std(axis=1), np.std(x, axis=1, ddof=1), np.var(x[:, :1] - x, 1),
                                      (x - x.var(axis=1, keepdims=True))[:, 1]], axis=1),
    "clamps": lambda x: np.where(x > 0.7, 0.7, x) + 2.0 * np.where(x < 0.5, 0.5, x) + 3.0 * np.where(x >= 0.9, x, 0.9),
    "distances": lambda x: np.hypot(x[:, 0], 2.0) + np.linalg.norm(x, axis=1) + np.linalg.norm(x - 1.0, 2, -1),
    "rows": lambda x: np.vstack([x[:, 0], x[:, 1] ** 2]).T,
    "polynomial": lambda x: np.polyval([1.0, -2.0, 3.0], np.atleast_2d(x)),
    "norms": lambda x: np.stack([np.linalg.norm(x, k, axis=1) for k in (1, 2, 3, 2.5, np.inf)] + [np.linalg.norm(
        x[:, :, None] * x[:, None, :], axis=(1, 2))], axis=1) + np.linalg.norm(x, np.inf, 1, keepdims=True),
    "averages": lambda x: np.stack([np.average(x, axis=1), np.average(x, 1, [0.3, 0.9]), np.ptp(x, axis=1)], axis=1),
    "integrals": lambda x: np.stack([np.trapezoid(x, axis=1), np.trapezoid(np.sin(x), dx=0.3, axis=-1),
                                     np.trapezoid(x**2, [0.1, 0.4], axis=1), np.trapezoid(x, x[0], axis=1) if len(x) == 1
                                     else np.sum((x[:, 1:] - x[:, :-1]) * (x[:, 1:] + x[:, :-1]) / 2, axis=1)], axis=1),
    "tensor products": lambda x: np.hstack([
        np.tensordot(x, W, axes=1), np.tensordot(x[:, :, None] * x[:, None, :], W, axes=([2], [0])).reshape(-1, 10),
        np.tensordot(x, np.ones((2, 2, 3)), ((1,), (1,))).reshape(-1, 6)]),
    "constant places": lambda x: np.hstack([
        np.take(x, [1, 0, 1], axis=1), np.take(x, -1, axis=1)[:, None],
        np.triu(x[:, :, None] * x[:, None, :]).reshape(-1, 4), np.tril(x[:, :, None] * x[:, None, :], -1).reshape(-1, 4),
        np.where([True, False], x, np.sin(x))]),
    "padding": lambda x: np.hstack([
        np.pad(x, ((0, 0), (1, 2))), np.pad(x, ((0, 0), (0, 1)), constant_values=0.3),
        *(np.pad(x, ((0, 0), (1, 1)), mode=m) for m in ("edge", "reflect", "wrap"))]),
    "cross product": lambda x: np.cross(np.pad(x, ((0, 0), (0, 1))), [0.1, 0.2, 0.3]),
    "conversions": lambda x: np.hstack([
        np.asarray(x), np.array(x, dtype=float) ** 2, np.asanyarray([x[:, 0], x[:, 1] * x[:, 0]]).T,
        np.atleast_1d(np.copy(x)),
        np.array([[x[:, 0], x[:, 1]], [x[:, 1], np.ones(len(x))]]).sum(axis=0).T, np.ascontiguousarray(x.T).T,
        np.array([np.array([r[0], 2.0, r[1]]) @ [1.0, 2.0, 3.0] for r in x])[:, None], np.array(x[:, 0], ndmin=2).T]),
    "polynomials": lambda x: np.stack([Polynomial([1.0, 2.0, -0.5])(x[:, 0]), Chebyshev([1.0, 0.3, 0.2])(x[:, 1]),
                                       Legendre([0.5, 1.0], domain=[0.0, 2.0])(x[:, 0])], axis=1),
    "products and joins": lambda x: np.hstack([
        np.cumprod(x, axis=1), np.cumprod(x[:, :, None] * x[:, None, :], axis=-1).reshape(-1, 4),
        np.append(x, 2 * x, axis=1), np.array([np.cumprod(r) for r in x]), np.array([np.append(r, 3.0) for r in x]),
        np.inner(x, W.T), np.inner(x, [1.0, 2.0])[:, None],
        np.dstack([x, x**2]).reshape(-1, 4), np.hsplit(x, 2)[1], np.hsplit(np.sin(x), [1])[0],
        np.array([np.hsplit(r, 2)[0] for r in x])]),
    "softmax": lambda x: special.softmax(3.0 * x, axis=1),
    "reversed columns": lambda x: x[:, ::-1].reshape(-1, 2)[:, 0].T,
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_value(name):
    x = rng.uniform(0.2, 1.5, size=(9, 2))
    expected = np.asarray(FUNCTIONS[name](x)).reshape(9, -1)
    np.testing.assert_allclose(lower_numpy(FUNCTIONS[name], 2).value(x), expected, rtol=1e-13, atol=1e-14)


def _added(x):
    total = np.zeros(len(x))
    for k in range(3):
        total += np.sin(k * x[:, 0])
    return total


def test_a_result_whose_axis_of_one_point_is_squeezed_away_is_one_value() -> None:
    def squeezed(x):
        return np.squeeze(np.sin(x[:, :1]))

    x = rng.random((4, 2))
    np.testing.assert_array_equal(lower_numpy(squeezed, 2).value(x)[:, 0], np.sin(x[:, 0]))
    problem = Problem(squeezed, lambda x: x[:, 0], Domain(x=(0.0, 1.0), y=(0.0, 1.0)))
    assert problem.error_at([[0.5, 0.5]])["error"][0] == 0.5 - np.sin(0.5)
    with pytest.raises(BadInput, match="for 2 points"):  # a sum of all rows
        Problem(lambda x: x.sum(), lambda x: x[:, 0], problem.domain).error_at([[0.5, 0.5], [0.1, 0.2]])


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.floor(x), r"np\.floor is not .*without rounding"),
        (lambda x: W[0][np.searchsorted(W[0], x[:, 0])], "searchsorted.*np.interp"),
        (lambda x: np.digitize(x[:, 0], [0.0, 1.0]) * x[:, 0], "digitize.*np.interp"),
        (lambda x: np.piecewise(x, [x < 0.5], [lambda y: y, 1.0]), "piecewise.*np.where or np.select"),
        (lambda x: np.linalg.solve(W[:, :2], x.T).T, "solve.*np.linalg.inv"),
        (lambda x: np.where(x > 0.5, 8, 7), "8.0 instead of 8"),
        (lambda x: np.sort(x, axis=1), "sort"),
        (lambda x: np.where(x > 0.5, x**2, x), "where"),
        (lambda x: np.where(x > 0.5, 0.4, x), "where"),  # a step
        (lambda x: np.where(x > 0.5, 0.5, np.maximum(x, 0.6)), "where"),  # the limits are the wrong way round
        (
            lambda x: np.where(x > 0.5, 0.5, np.maximum(2 * x, 0.1)),
            "where",
        ),  # something else is cut off below
        (lambda x: np.unwrap(x[:, 0]), "unwrap"),
        (lambda x: np.linalg.norm(x, 0.5, axis=1), "ord=0.5"),
        (lambda x: np.linalg.norm(x[:, :, None] * x[:, None, :], 1, axis=(1, 2)), "ord=1"),
        (lambda x: np.average(x, axis=1, weights=x), "weights that vary"),
        (lambda x: np.pad(x, ((0, 0), (1, 1)), mode="linear_ramp"), "linear_ramp"),
        (lambda x: np.cross(x, x), "two numbers"),
        (lambda x: np.sin(x) if x[0, 0] > 0 else -x, "boolean conversion"),
        (lambda x: asarray(x) * 2.0, "plain array other than by np.asarray"),
        (lambda x: np.asarray(x, dtype=int), "int64"),
        (lambda x: np.asarray(x[:, 0] > 0.5), "plain array"),
        (lambda x: np.array([x[:, 0], 1j]), "complex"),
        (lambda x: np.array(x, dtype=object), "object"),
        (_added, r"into an array.*y = y \+ np.sin\(x\)"),
    ],
)
def test_what_cannot_be_read_is_named(function, words):
    with pytest.raises(Unsupported, match=words):
        program_of(function, 2)


def test_the_functions_of_numpy_are_its_own_after_a_reading() -> None:
    before = [getattr(np, name) for name in CONVERSIONS]
    during = []

    def failing(x):
        during.extend(getattr(np, name) for name in CONVERSIONS)
        assert np.asarray([1, 2]).dtype == int
        assert np.array([1.5], np.float32, copy=True).dtype == np.float32
        return np.sort(np.asarray(x))

    with pytest.raises(Unsupported, match="sort"):
        program_of(failing, 2)
    assert during
    assert [getattr(np, name) for name in CONVERSIONS] == before


def test_another_thread_finds_the_functions_of_numpy_its_own_while_code_is_read() -> None:
    own = [getattr(np, name) for name in CONVERSIONS]
    found = []

    def reading(meanwhile):
        reads, goes = threading.Event(), threading.Event()

        def function(x):
            reads.set()
            assert goes.wait(60)
            return np.asarray(x)[:, 0]

        thread = threading.Thread(target=lambda: found.append(lower_numpy(function, 1)))
        thread.start()
        assert reads.wait(60)
        try:
            found.append(meanwhile())
        finally:
            goes.set()
            thread.join()

    before = functions()
    reading(lambda: demand_intact(before))  # work that ends meanwhile
    reading(functions)  # work that begins meanwhile, and ends afterwards
    demand_intact(found[2])
    assert len(found) == 4
    assert [getattr(np, name) for name in CONVERSIONS] == own


def test_code_that_reads_other_code_is_read() -> None:
    def function(x):
        lower_numpy(lambda y: np.asarray(y)[:, 0], 1)
        return np.asarray(x)[:, 0]

    np.testing.assert_array_equal(lower_numpy(function, 1).value([[0.5]]), [[0.5]])


def test_a_copy_is_another_object_and_a_conversion_is_not() -> None:
    def function(x):
        same = [np.asarray(x) is x, np.array(x) is x, np.array(x, copy=None) is x, np.array([x[0]]) is x]
        return x[:, 0] + np.dot(same, [1.0, 2.0, 4.0, 8.0])

    x = rng.random((4, 2))
    np.testing.assert_array_equal(lower_numpy(function, 2).value(x)[:, 0], function(x))
    assert function(x)[0] == x[0, 0] + 5.0


def test_casts_are_read_over_where_the_code_is_declared_to_run_in_them() -> None:
    """A program is exact arithmetic: what a cast to the declared precision rounds away is the model's own rounding."""

    def function(x):
        return np.tanh(x.copy().astype(np.float32)[:, 0] * np.float32(0.5))

    program = lower_numpy(function, 1, "float32")
    np.testing.assert_allclose(program.value(np.array([[0.3]])), [[np.tanh(0.15)]], rtol=1e-15)
    with pytest.raises(Unsupported, match="astype to float32"):
        lower_numpy(function, 1)
    with pytest.raises(Unsupported, match="astype to int64"):
        lower_numpy(lambda x: x.astype(np.int64)[:, 0], 1)


def test_a_plus_sign_changes_nothing_and_an_infinite_power_is_refused():
    assert lower_numpy(lambda x: +x[:, 0], 1).value(np.array([[0.3]])) == 0.3
    with pytest.raises(Unsupported, match="finite exponent"):
        lower_numpy(lambda x: x[:, 0] ** np.inf, 1)


SHAPES = {
    "a power": lambda x: np.sum(*map(pow, [x[:, :1]], [np.ones((1, 3))]), axis=1),
    "a Bessel function": lambda x: np.sum(*map(special.jv, [np.ones((1, 3))], [x[:, :1]]), axis=1),
    "a scaled one": lambda x: special.ive(np.ones(1), x[:, 0]),
    "a gamma function": lambda x: np.sum(*map(special.gammainc, [np.ones((1, 3))], [x[:, :1]]), axis=1),
    "a beta function": lambda x: special.betainc(np.ones(3), np.ones((1, 1)), x[:, :1] / 3.0),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_number_that_is_an_array_broadcasts(name):
    """A parameter of a shape of its own was read as one number: the result had the shape of the other argument."""
    x = rng.uniform(0.2, 1.5, size=(9, 2))
    expected = np.asarray(SHAPES[name](x)).reshape(9, -1)
    np.testing.assert_allclose(lower_numpy(SHAPES[name], 2).value(x), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.atleast_2d(x[0, 0])[0], "np.atleast_2d of arrays of these shapes"),
        (lambda x: np.sum(x, axis=[1]), "np.sum as NumPy refuses it"),
        (lambda x: x.sum(axis=3), "np.sum as NumPy refuses it"),
        (lambda x: np.var(x, axis=1, ddof=2), "ddof = 2 of 2 numbers"),
        (lambda x: x.std(axis=1, ddof=5), "ddof = 5 of 2 numbers"),
    ],
)
def test_what_numpy_makes_otherwise(function, words):
    with pytest.raises(Unsupported, match=words):
        lower_numpy(function, 2)


def test_an_object_is_new_where_it_is_new_in_numpy():
    """A list finds an object by its identity, which NaN does not equal: with values, it is found where it is no NaN."""
    same = [lambda x: np.atleast_2d(x), lambda x: x.astype(float, copy=False), lambda x: np.diff(x, n=0)]
    for function in same:
        lower_numpy(lambda x, f=function: x[:, 0] * [x].count(f(x)), 2)
    new = [
        lambda y: np.clip(y, None, None),
        lambda y: y.clip(None, None),
        lambda y: y.astype(float, copy=False),
    ]
    for function in new:
        with pytest.raises(Unsupported, match="equal"):
            lower_numpy(lambda x, f=function: np.stack([y[0] * [y[0]].count(f(y[0])) for y in x]), 2)


def test_a_number_has_no_length_and_no_parts() -> None:
    asked = []

    def function(x):
        for ask in (len, iter):
            with pytest.raises(TypeError):
                ask(x[0, 0])
            asked.append(ask)
        return x[:, 0] + np.iterable(x[0, 0])

    x = rng.random((4, 2))
    np.testing.assert_array_equal(lower_numpy(function, 2).value(x)[:, 0], function(x))
    assert asked
