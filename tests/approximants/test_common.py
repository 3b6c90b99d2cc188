"""One suite for every approximator: accuracy against the function, gradients, files, bad cases."""

import pickle

import numpy as np
import pytest

from supnorm.approximants import (
    AAA,
    ChebyshevTensor,
    FloaterHormann,
    GaussianProcess,
    NotApplicable,
    PiecewiseChebyshev,
    PolynomialLeastSquares,
    RandomFeatures,
    SimplexInterpolation,
    SparseLegendre,
    TensorTrain,
    load,
    load_function,
    save,
)
from supnorm.problem import Axis, Domain
from supnorm.results import BadInput

PLANE = Domain(a=(1.0, 3.0), p=Axis(10.0, 1000.0, "Pa", scale="log"))
LINE = Domain(x=(0.0, 2.0))


def plane(x):
    return np.stack([np.sin(x[:, 0]) * np.log(x[:, 1]), np.exp(-x[:, 0]) + np.log(x[:, 1]) ** 2], axis=1)


def line(x):
    return np.cos(3 * x) * np.exp(x)


# method, domain, largest error over the standard deviation that it must keep
METHODS = [
    (ChebyshevTensor(), PLANE, 1e-13),
    (ChebyshevTensor(), LINE, 1e-13),
    (PiecewiseChebyshev(), LINE, 1e-13),
    (AAA(), LINE, 1e-11),
    (FloaterHormann(), LINE, 0.02),
    (TensorTrain(), PLANE, 1e-10),
    (PolynomialLeastSquares("total"), PLANE, 1e-11),
    (PolynomialLeastSquares("total"), LINE, 1e-11),
    (PolynomialLeastSquares("hyperbolic"), PLANE, 1e-8),
    (RandomFeatures(), PLANE, 1e-5),
    (RandomFeatures(), LINE, 1e-8),
    (SparseLegendre(), PLANE, 2e-3),
    (SimplexInterpolation(), PLANE, 0.1),
    (SimplexInterpolation(), LINE, 1e-3),
    (GaussianProcess(), PLANE, 1e-3),
    (GaussianProcess(), LINE, 1e-4),
]
NAMES = [f"{type(m).__name__}-{d.d}" for m, d, _ in METHODS]


def design(domain, n=600):
    u = np.random.default_rng(0).random((n, domain.d))
    u[::2] = 0.5 - 0.5 * np.cos(np.pi * u[::2])
    return domain.from_unit(u)


def make(method, domain):
    f = plane if domain is PLANE else line
    if hasattr(method, "from_function"):
        return f, method.from_function(f, domain, 5000)
    x = design(domain)
    return f, method.from_samples(x, f(x), domain, np.random.default_rng(1))


@pytest.fixture(scope="module")
def fitted():
    return {name: make(m, d) for name, (m, d, _) in zip(NAMES, METHODS, strict=True)}


def fresh(domain, n=500):
    return domain.from_unit(np.random.default_rng(9).random((n, domain.d)))


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("name", "case"), list(zip(NAMES, METHODS, strict=True)), ids=NAMES)
def test_error_on_fresh_points(fitted, name, case):
    f, found = fitted[name]
    x = fresh(case[1])
    error = np.abs(found.function.value(x) - f(x)) / f(x).std(0)
    assert error.max() <= case[2]
    assert found.parameters > 0
    assert found.bytes == 8 * found.parameters
    assert 0 < found.samples <= 5000


@pytest.mark.parametrize(("name", "case"), list(zip(NAMES, METHODS, strict=True)), ids=NAMES)
def test_gradient_against_finite_differences(fitted, name, case):
    _, found = fitted[name]
    domain, value = case[1], found.function.value
    x = domain.from_unit(0.05 + 0.9 * np.random.default_rng(3).random((40, domain.d)))
    y, pull = found.function.vjp(x)
    weight = np.random.default_rng(4).standard_normal(y.shape)
    gradient = pull(weight)
    np.testing.assert_array_equal(y, value(x))
    for i, axis in enumerate(domain.axes):
        h = np.zeros(domain.d)
        # the weights of a Gaussian process are large and cancel: its rounding needs a longer step
        h[i] = (1e-4 if name.startswith("Gaussian") else 1e-6) * (axis.high - axis.low)
        slope = np.sum((value(x + h) - value(x - h)) * weight, axis=1) / (2 * h[i])
        close = np.abs(gradient[:, i] - slope) <= 1e-4 * np.abs(slope).max()
        assert close.mean() >= 0.95  # a finite difference may straddle the edge of a simplex


@pytest.mark.parametrize(
    "name", [n for n in NAMES if n.startswith(("AAA", "Chebyshev", "Polynomial", "Random"))]
)
def test_programs_are_the_same_function(fitted, name):
    _, found = fitted[name]
    x = fresh(PLANE if name.endswith("2") else LINE, 50)
    y = found.function.value(x)
    np.testing.assert_allclose(found.function.program.value(x), y, rtol=1e-6, atol=1e-10 * np.abs(y).max())


@pytest.mark.parametrize("name", NAMES)
def test_files_hold_the_same_function(fitted, name, tmp_path):
    _, found = fitted[name]
    save(found.model, tmp_path / "model.npz")
    again = load_function(tmp_path / "model.npz")
    x = fresh(PLANE if name.endswith("2") else LINE, 50)
    np.testing.assert_array_equal(again.value(x), found.function.value(x))
    assert again.inputs == found.function.inputs


@pytest.mark.parametrize("name", NAMES)
def test_functions_can_be_made_again_in_another_process(fitted, name):
    _, found = fitted[name]
    again = pickle.loads(pickle.dumps(found.function.remake))()
    x = fresh(PLANE if name.endswith("2") else LINE, 20)
    np.testing.assert_array_equal(again.value(x), found.function.value(x))


@pytest.mark.slow
def test_single_points_and_large_batches_agree(fitted):
    for name in NAMES:
        _, found = fitted[name]
        x = fresh(PLANE if name.endswith("2") else LINE, 2500)
        y = found.function.value(x)
        for i in range(1700, 1720):
            np.testing.assert_array_equal(found.function.value(x[i : i + 1]), y[i : i + 1], err_msg=name)


@pytest.mark.parametrize("method", [ChebyshevTensor(), TensorTrain(), PiecewiseChebyshev()])
def test_grids_refuse_domains_that_are_not_boxes(method):
    disc = Domain([lambda x: (x**2).sum(1) < 1], a=(-1.0, 1.0), b=(-1.0, 1.0))
    with pytest.raises(NotApplicable, match="needs the whole box"):
        method.from_function(lambda x: x[:, :1], disc, 1000)
    with pytest.raises(NotApplicable, match="continuous axes"):
        method.from_function(lambda x: x[:, :1], Domain(a=Axis(0, 1, values=(0.0, 1.0))), 1000)


@pytest.mark.parametrize("method", [ChebyshevTensor(), TensorTrain()])
def test_a_budget_below_the_least_is_refused_before_a_call(method):
    """A call may take a minute."""

    def dear(x):
        raise AssertionError("called")

    with pytest.raises(NotApplicable, match="in 2 dimensions takes more than 100 points"):
        method.from_function(dear, PLANE, 100)


@pytest.mark.parametrize("method", [ChebyshevTensor(), TensorTrain()])
def test_references_without_a_value_are_told_with_the_point(method):
    with pytest.raises(NotApplicable, match=r"no finite value at .* first at a = \d"):
        method.from_function(lambda x: np.where(x[:, :1] > 2.5, np.nan, 1.0), PLANE, 2000)


@pytest.mark.parametrize(
    ("method", "n", "message"),
    [
        (GaussianProcess(), 3, "at least 5 different samples"),
        (RandomFeatures(), 4, "at least 8 samples"),
        (SparseLegendre(), 6, "at least 10 samples"),
        (PolynomialLeastSquares(), 4, "more than 4 samples"),
        (SimplexInterpolation(), 2, "need 4 samples"),
    ],
)
def test_too_few_samples_are_told(method, n, message):
    x = design(PLANE, n)
    with pytest.raises(NotApplicable, match=message):
        method.from_samples(x, plane(x), PLANE, np.random.default_rng(0))


def test_samples_on_a_line_give_no_simplices():
    x = np.repeat(np.linspace(1, 3, 9)[:, None], 2, axis=1)
    square = Domain(a=(1.0, 3.0), b=(1.0, 3.0))
    with pytest.raises(NotApplicable, match="hyperplane"):
        SimplexInterpolation().from_samples(x, x[:, :1], square)


@pytest.mark.slow
def test_duplicated_samples_are_harmless():
    x = np.concatenate([design(PLANE, 200)] * 2)
    for method in (SimplexInterpolation(), GaussianProcess(), PolynomialLeastSquares(), RandomFeatures()):
        found = method.from_samples(x, plane(x), PLANE, np.random.default_rng(0))
        assert np.isfinite(found.function.value(fresh(PLANE))).all()


def test_foreign_and_damaged_files(tmp_path):
    _, found = make(ChebyshevTensor(), LINE)
    with pytest.raises(BadInput, match=r"ends in \.npz"):
        save(found.model, tmp_path / "model.json")
    save(found.model, tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as file:
        arrays = dict(file)
    np.savez(tmp_path / "cut.npz", metadata=arrays["metadata"])
    with pytest.raises(BadInput, match="damaged approximator file"):
        load(tmp_path / "cut.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(2))
    with pytest.raises(BadInput, match="not a model of supnorm; it contains a"):
        load(tmp_path / "other.npz")


@pytest.mark.parametrize("name", ["ChebyshevTensor-2", "GaussianProcess-2", "RandomFeatures-2"])
def test_fitted_models_are_opened_as_the_model_of_a_problem_file(fitted, name, tmp_path):
    from supnorm.sources import open_problem

    _, found = fitted[name]
    save(found.model, tmp_path / "model.npz")
    (tmp_path / "truth.py").write_text("def f(x):\n    return x[:, 0]\n")
    (tmp_path / "problem.toml").write_text(
        '[model]\nfile = "model.npz"\n[reference]\npython = "truth.py:f"\n[domain]\n'
        'a = { low = 1.0, high = 3.0 }\np = { low = 10.0, high = 1000.0, unit = "Pa", scale = "log" }\n'
    )
    problem = open_problem(tmp_path / "problem.toml")
    x = fresh(PLANE, 20)
    np.testing.assert_array_equal(problem.model.value(x), found.function.value(x))


def test_random_features_have_a_seed_of_their_own():
    x = np.random.default_rng(0).uniform(size=(200, 2))
    y = np.sin(x.sum(axis=1, keepdims=True))
    domain = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    one, other = (RandomFeatures(40).from_samples(x, y, domain).function.value(x) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    named = RandomFeatures(40).from_samples(x, y, domain, rng=np.random.default_rng(7)).function.value(x)
    assert not np.array_equal(one, named)
