"""Callables as functions of batches, and the problem that holds them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from supnorm.networks import Network
from supnorm.problem import (
    Domain,
    ErrorMeasure,
    Function,
    Problem,
    as_columns,
    as_function,
    fingerprint,
    with_bound,
)
from supnorm.results import BadInput


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (np.zeros(2), "must return shape"),
        (np.zeros((3, 1, 1)), "must return shape"),
        (np.zeros((3, 0)), "must return shape"),
        (1.0, "must return shape"),
        (None, "must return"),
        (["a", "b", "c"], "must return numbers"),
        ([[1.0], [1.0, 2.0], [3.0]], "must return numbers"),
        (np.array([1 + 2j, 0, 0]), "must return numbers|real"),
        (["1_000", "2", "3"], "must return numbers"),
        (np.array([1.0, "2", 3], dtype=object), "must return numbers"),
        (np.array(["2020-01-01"] * 3, dtype="datetime64[D]"), "must return numbers"),
        (np.array([3, 4, 5], dtype="timedelta64[s]"), "must return numbers"),
        (np.zeros(3, dtype=[("a", float)]), "must return numbers"),
    ],
)
def test_results_that_are_no_values_of_three_points_are_refused(result: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        as_columns(result, 3, "truth")


@pytest.mark.parametrize("result", [np.arange(3), np.arange(3.0)[:, None], [0, 1, 2], np.float32([0, 1, 2])])
def test_results_become_float64_columns(result: Any) -> None:
    y = as_columns(result, 3, "truth")
    assert y.dtype == np.float64
    assert y.tolist() == [[0.0], [1.0], [2.0]]


def test_code_that_works_in_its_argument_leaves_the_points_as_they_are() -> None:
    class Predictor:
        def predict(self, x: Any) -> Any:
            x *= 2.0
            return x.sum(axis=1)

    for source in (Predictor().predict, Predictor()):
        x = np.array([[1.0, 2.0]])
        assert as_function(source, "model").value(x).tolist() == [[6.0]]
        assert x.tolist() == [[1.0, 2.0]]


def test_a_function_takes_one_point_or_many() -> None:
    f = as_function(lambda x: x.sum(axis=1), "model")
    assert f(np.array([1.0, 2.0])).tolist() == [[3.0]]
    assert f([[1, 2], [3, 4]]).tolist() == [[3.0], [7.0]]
    assert as_function(f, "model") is f


def test_a_problem_says_what_it_lacks() -> None:
    domain = Domain(x=(0.0, 1.0))
    with pytest.raises(BadInput, match="model must be a function of an array"):
        Problem(3.0, abs, domain)
    with pytest.raises(BadInput, match="needs a reference"):
        Problem(abs, None, domain)
    with pytest.raises(BadInput, match="domain must be a"):
        Problem(abs, abs, {"x": (0, 1)})  # type: ignore[arg-type]


def test_the_tolerance_may_stand_in_either_place() -> None:
    domain = Domain(x=(0.0, 1.0))
    inside = Problem(abs, abs, domain, error=ErrorMeasure("relative", floor=1.0, tolerance=0.1))
    short = Problem(abs, abs, domain, error=ErrorMeasure("relative", floor=1.0), tolerance=0.1)
    assert inside.error == short.error
    assert inside.tolerance == short.tolerance == 0.1


def test_replace_takes_the_tolerance_that_is_new() -> None:
    first = Problem(abs, abs, Domain(x=(0.0, 1.0)), tolerance=0.1)
    for problem in (first, replace(first, title="the same with another title")):
        assert replace(problem, error=ErrorMeasure(tolerance=0.2)).error.limit == 0.2
        assert replace(problem, error=ErrorMeasure(side="over")).error.limit == 0.1
        assert replace(problem, error=ErrorMeasure(tolerance=0.2), tolerance=0.3).error.limit == 0.3
        assert replace(problem, error=ErrorMeasure(tolerance=0.2), tolerance=None).error.limit == 0.2
        assert replace(problem, tolerance=0.3).error.limit == 0.3
        assert replace(problem, tolerance=None).error.limit is None
        assert replace(problem, model=None).tolerance == 0.1
    twice = replace(replace(first, error=ErrorMeasure(tolerance=0.2)), tolerance=0.4)
    assert (twice.tolerance, twice.error.tolerance) == (0.4, 0.4)
    assert replace(twice, error=ErrorMeasure(tolerance=(0.5,))).tolerance == (0.5,)


def test_the_fingerprint_tells_problems_apart() -> None:
    base = {"model": abs, "reference": abs, "domain": Domain(x=(0.0, 1.0))}
    variants: list[dict[str, Any]] = [
        {},
        {"domain": Domain(y=(0.0, 1.0))},
        {"domain": Domain(x=(0.0, 2.0))},
        {"tolerance": 0.1},
        {"error": ErrorMeasure("relative", floor=0.0)},
        {"error": ErrorMeasure(side="over")},
        {"model": Function(abs, name="other")},
        {"domain": Domain.from_samples(np.array([[0.0], [0.3], [1.0]]), ["x"])},
        {"domain": Domain.from_samples(np.array([[0.0], [0.4], [1.0]]), ["x"])},
    ]
    prints = [fingerprint(Problem(**{**base, **changes})) for changes in variants]
    assert len(set(prints)) == len(prints)
    assert prints[0] == fingerprint(Problem(**base))


def test_a_network_brings_its_derivatives_and_operations() -> None:
    """Given as it is, a network of supnorm is no black box."""
    network = Network.init(np.random.default_rng(0), 2, 1, 4, 1)
    made = as_function(network, "model")
    x = np.random.default_rng(1).random((5, 2))
    assert made.vjp is not None
    assert made.program is not None
    assert np.array_equal(made.value(x), network.value(x))


def test_another_as_function_is_no_reason_to_fail() -> None:
    """Of a class, or of another library with arguments of its own: the object is a plain callable."""

    class Other:
        def as_function(self, kind: str) -> str:
            return kind

        def __call__(self, x: np.ndarray) -> np.ndarray:
            return np.asarray(3 * x[:, 0])

    assert as_function(Other(), "model")(np.array([[2.0]])).tolist() == [[6.0]]
    assert as_function(Network, "model").program is None


def test_a_torch_module_and_an_object_with_predict_are_models() -> None:
    class Line:
        def predict(self, x: np.ndarray) -> np.ndarray:
            return np.asarray(3 * x[:, 0])

    assert as_function(Line(), "model")(np.array([[2.0]])).tolist() == [[6.0]]  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="object with predict or a torch module, got int"):
        as_function(5, "model")  # type: ignore[arg-type]
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(1, 1, dtype=torch.float64)
    made = as_function(layer, "model")
    assert made.vjp is not None
    assert made(np.array([[2.0]])).tolist() == layer(torch.tensor([[2.0]], dtype=torch.float64)).tolist()


def test_plain_jax_code_is_a_function_like_others() -> None:
    """In the precision that JAX has there: float32 unless the user chose otherwise, as a deployed model runs."""
    jnp = pytest.importorskip("jax.numpy")
    found = as_function(lambda x: jnp.sin(x[:, 0]), "model")(np.array([[2.0]]))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [[np.sin(2.0)]], rtol=1e-6)


@pytest.mark.parametrize("names", [("v", "u"), ("v", "w", "u")])
@pytest.mark.parametrize("side", ["model", "recheck"])
def test_outputs_in_another_order_are_refused(names: tuple[str, ...], side: str) -> None:
    function = Function(lambda x: x)
    reference = Function(lambda x: x, outputs=("u", "v"))
    other = Function(lambda x: x, outputs=names)
    line = Domain(x=(0.0, 1.0))
    sides = {"model": function, "reference": reference} | {side: other}
    with pytest.raises(BadInput, match=rf"outputs of {side} \(v, .* and reference \(u, v\) .* same order"):
        Problem(domain=line, **sides)
    Problem(Function(lambda x: x, outputs=("u", "w")), reference, line)


def test_plain_jax_code_runs_in_double_precision() -> None:
    """As from a problem file: in JAX's default its rounding was taken for an error of the run, and raised."""
    import jax.numpy as jnp

    f = as_function(lambda x: jnp.sin(x[:, 0]), "model")
    x = np.linspace(0.0, 1.0, 50)[:, None]
    np.testing.assert_allclose(f.value(x)[:, 0], np.sin(x[:, 0]), rtol=0, atol=1e-15)
    assert f.precision == "float64"
    assert jnp.ones(1).dtype == jnp.float32  # the caller's own setting


def test_the_precision_of_plain_code_is_that_of_what_it_returns() -> None:
    """A network in single precision rounds differently in a batch: it was said to depend on the other points."""
    from supnorm import Domain, Problem, audit

    def model(x: np.ndarray) -> np.ndarray:
        last_bit = np.float32(1.0 + 2.0**-23 * (len(x) > 1))  # as sums in another order
        return (x[:, 0] + 1.0).astype(np.float32) * last_bit

    problem = Problem(model, lambda x: x[:, 0] + 1.0, Domain(x=(0.0, 1.0)))
    report = audit(problem, evaluations=500)
    assert problem.model.precision == "float32"
    assert problem.reference.precision == "float64"
    assert report.worst.error < 1e-6


def test_masked_entries_have_no_value() -> None:
    """What lies under a mask, often a fill value of 1e20, was taken as the value."""
    y = np.ma.masked_array([[1.0], [1e20]], mask=[[False], [True]])
    np.testing.assert_array_equal(as_columns(y, 2, "f"), [[1.0], [np.nan]])
    whole = np.ma.masked_array([1, 9], mask=[False, True])
    np.testing.assert_array_equal(as_columns(whole, 2, "f"), [[1.0], [np.nan]])


def test_complex_values_are_told_what_to_return() -> None:
    with pytest.raises(
        BadInput, match=r"f must return numbers.*complex numbers.*return real and imaginary parts"
    ):
        as_columns(np.array([1.0 + 0j, 2.0]), 2, "f")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"bound": "two"}, "bound must be a list of numbers, got 'two'"),
        ({"bound": [1.0, "two"]}, "bound must be a finite number that is not negative, got 'two'"),
        ({"bound": []}, "bound must be a list"),
        ({"bound": True}, "bound must be a finite number"),
        ({"bound": 1j}, "bound must be a list of numbers, got 1j"),
        ({"bound": np.nan}, "bound must be a finite number"),
        ({"bound": 1.0, "stretch": "wide"}, "stretch must be a number above 1, the box itself, got 'wide'"),
        ({"bound": 1.0, "accuracy": None}, "accuracy must be a finite number that is not negative, got None"),
        ({"order": "2", "derivatives": (1.0,)}, "order must be a whole number from 2 to 40, got '2'"),
        ({"order": 2, "derivatives": 1.0}, "derivatives must be a list of numbers, got 1.0"),
    ],
)
def test_an_impossible_declaration_is_one_line(given, words):
    with pytest.raises(BadInput, match=re.escape(words)):
        with_bound(lambda x: x[:, 0], **given)


def test_a_declaration_takes_lists_and_is_said_in_full():
    """The proof is conditional on 1.23456789, and the line that said so had 1.23457."""
    declared = with_bound(
        lambda x: x, [1.23456789, np.float32(2.0)], order=2, derivatives=np.array([0.1])
    ).declared
    assert (declared.bound, declared.derivatives) == ((1.23456789, 2.0), (0.1,))
    assert "at most 1.23456789, 2 in size" in declared.sentences("f")[0]
