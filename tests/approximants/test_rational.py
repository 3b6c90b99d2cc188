"""Rational functions of one input: no pole in the range, by other means than those that exclude it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import supnorm as sn
from supnorm.approximants import AAA, FloaterHormann, NotApplicable, SurfaceModel, load, save
from supnorm.approximants.no_poles import positive_barycentric
from supnorm.approximants.rational import Barycentric, PartialFractions
from supnorm.approximants.rational_fit import DEGREES, floater_hormann, poles
from supnorm.results import BadInput

Array = NDArray[np.float64]
LINE = sn.Domain(x=(-1.0, 1.0))
DENSE = np.linspace(-1.0, 1.0, 40_001)[:, None]
# The function, and the largest error that AAA may have.
FUNCTIONS: dict[str, tuple[Callable[[Array], Array], float]] = {
    "log": (
        lambda x: np.log(np.sin(10 * x) + 2) + np.sin(x),
        1e-11,
    ),  # SciPy's AAA puts 36 poles into the range
    "tan": (lambda x: np.tan(1.5 * x), 1e-11),
    "steep": (lambda x: np.tanh(300 * x), 1e-10),
    "narrow": (lambda x: 1 / (1 + 1e8 * (x - 0.3) ** 2), 1e-6),
    "corner": (np.abs, 1e-6),
    "branch": (lambda x: np.sqrt(x + 1.0001), 1e-10),
    "waves": (lambda x: np.sin(60 * x), 1e-10),
    "constant": (lambda x: 0.0 * x + 3.0, 1e-14),
    "zero": (lambda x: 0.0 * x, 0.0),
}


def demand_no_pole(surface: Any) -> None:
    """By the roots of the denominators, in many digits where they are polynomials, and by values between all nodes."""
    mpmath = pytest.importorskip("mpmath")
    if isinstance(surface, PartialFractions):
        for a, b in zip(surface.alpha, surface.beta, strict=True):
            with mpmath.workdps(60):
                roots = mpmath.polyroots(
                    [1, -2 * mpmath.mpf(a), mpmath.mpf(a) ** 2 + mpmath.mpf(b) ** 2], maxsteps=500
                )
                assert all(root.imag != 0 for root in roots), (a, b)
        assert (np.abs(surface.outer) > 1.0).all()
    else:
        found = poles(surface.nodes, surface.weights)
        real = found.real[np.abs(found.imag) < 1e-9]
        assert (np.abs(real) > 1.0).all(), real
    y = surface.value(DENSE)
    assert np.isfinite(y).all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_aaa_has_no_pole_in_the_range(name: str) -> None:
    f, most = FUNCTIONS[name]
    found = AAA().from_function(f, LINE)
    demand_no_pole(found.model.surface)
    assert np.abs(found.function(DENSE) - f(DENSE)).max() <= most
    assert found.samples < 1500


def test_poles_of_the_function_itself_are_left_out_and_the_note_says_that_it_is_not_resolved() -> None:
    found = AAA().from_function(lambda x: np.tan(2.0 * x), LINE)
    demand_no_pole(found.model.surface)
    assert "not resolved" in found.notes[0]


@pytest.mark.parametrize("spread", ["even", "random", "towards the ends"])
@pytest.mark.parametrize("noise", [0.0, 1e-6, 1e-2])
def test_tables_of_data_give_no_pole(spread: str, noise: float) -> None:
    rng = np.random.default_rng(3)
    x = {
        "even": np.linspace(-1.0, 1.0, 150),
        "random": np.sort(rng.uniform(-1.0, 1.0, 150)),
        "towards the ends": -np.cos(np.linspace(0.0, np.pi, 150)),
    }[spread][:, None]
    f = FUNCTIONS["log"][0]
    y = f(x) + noise * rng.standard_normal(x.shape)
    for method in (AAA(), FloaterHormann()):
        found = method.from_samples(x, y, LINE)
        demand_no_pole(found.model.surface)
        assert np.abs(found.function(DENSE)).max() < 10.0  # a pole would be seen as a peak somewhere
    if noise == 0.0 and spread != "random":
        assert np.abs(AAA().from_samples(x, y, LINE).function(DENSE) - f(DENSE)).max() < 1e-6


def test_floater_and_hormann_keep_their_order_on_even_nodes() -> None:
    errors = []
    for n in (40, 80):
        x = np.linspace(-1.0, 1.0, n)
        surface = Barycentric(x, floater_hormann(x, 3), np.exp(x)[:, None])
        errors.append(np.abs(surface.value(DENSE) - np.exp(DENSE)).max())
    assert errors[0] / errors[1] > 12.0  # the fourth power of 2 is 16


def exact_signs(nodes: Array, weights: Array) -> set[int]:
    """The signs of (t - a) (b - t) times the denominator between neighbours a and b, at many points in fractions."""
    x, w = ([Fraction(float(v)) for v in values] for values in (nodes, weights))
    signs = set()
    for k in range(len(x) - 1):
        for i in range(1, 40):
            t = x[k] + (x[k + 1] - x[k]) * Fraction(i, 40)
            total = sum((b / (t - a) for a, b in zip(x, w, strict=True)), Fraction(0))
            signs.add((1 if total > 0 else -1 if total < 0 else 0) * (-1) ** k)
    return signs


def test_what_is_proved_to_have_no_zero_has_none() -> None:
    rng, accepted = np.random.default_rng(0), 0
    for _ in range(60):
        n = int(rng.integers(3, 9))
        nodes = np.sort(rng.uniform(-1.0, 1.0, n))
        weights = (-1.0) ** np.arange(n) * np.exp(rng.normal(0.0, 1.0, n))
        proved, signs = positive_barycentric(nodes, weights), exact_signs(nodes, weights)
        accepted += proved
        assert not (proved and len(signs) > 1), (nodes, weights)
    assert 10 < accepted < 60  # weights of other sizes have zeros, and these are refused


def test_a_denominator_is_proved_until_it_touches_zero() -> None:
    """Beside the middle node the least value falls through zero as the weight of this node grows."""
    nodes = np.linspace(-1.0, 1.0, 5)
    proved = {}
    for size in np.linspace(1.0, 9.0, 33):
        weights = np.array([1.0, -1.0, size, -1.0, 1.0])
        proved[size] = positive_barycentric(nodes, weights)
        assert not proved[size] or len(exact_signs(nodes, weights)) == 1
    assert proved[1.0]
    assert proved[2.0]
    assert not proved[9.0]


@pytest.mark.parametrize("degree", DEGREES)
def test_weights_of_floater_and_hormann_are_proved_on_even_nodes(degree: int) -> None:
    nodes = np.linspace(-1.0, 1.0, 200)
    assert positive_barycentric(nodes, floater_hormann(nodes, degree))


def test_files_with_a_pole_are_refused(tmp_path: Path) -> None:
    x = np.linspace(-1.0, 1.0, 5)
    c = np.ones((3, 1))
    one, empty = np.ones(1), np.zeros(0)
    for surface in (
        PartialFractions(0.0 * one, 0.0 * one, empty, c, 1),
        PartialFractions(0.0 * one, 1e-200 * one, empty, c, 1),  # its square is zero
        PartialFractions(empty, empty, 0.5 * one, c, 2),
        PartialFractions(empty, empty, one, c, 2),
        Barycentric(x, np.array([1.0, -1.0, 9.0, -1.0, 1.0]), np.ones((5, 1))),
        Barycentric(x, np.ones(5), np.ones((5, 1))),
    ):
        save(SurfaceModel(surface, LINE), tmp_path / "m.npz")
        with pytest.raises(BadInput, match="poles in the range"):
            load(tmp_path / "m.npz")


def test_what_is_no_line_or_too_small_is_refused() -> None:
    square = sn.Domain(x=(0.0, 1.0), y=(0.0, 1.0))
    x = np.random.default_rng(0).random((20, 2))
    for method in (AAA(), FloaterHormann()):
        with pytest.raises(NotApplicable, match="one input"):
            method.from_samples(x, x[:, :1], square)
        with pytest.raises(NotApplicable, match="at least 8"):
            method.from_samples(x[:7, :1], x[:7, :1], LINE)
    many = np.linspace(-1.0, 1.0, 2001)[:, None]
    with pytest.raises(NotApplicable, match="at most 2,000 samples"):
        FloaterHormann().from_samples(many, many, LINE)


@pytest.mark.slow
def test_a_fit_with_a_proof_takes_aaa_where_a_polynomial_is_too_large(tmp_path: Path) -> None:
    pytest.importorskip("flint")
    from supnorm.checker import check

    steep = lambda x: np.tanh(300.0 * x[:, 0])  # noqa: E731
    result = sn.fit(steep, LINE, tolerance=1e-3, method="aaa", certify=True, seconds=120.0)
    assert result.status.code == "within-tolerance"
    assert result.winner.sup_upper is not None
    assert result.winner.sup_upper <= 1e-3
    assert result.certificate is not None
    result.certificate.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


def test_fit_tries_them_in_one_input() -> None:
    """Floater and Hormann's only for fixed samples: of a reference AAA takes what calls are left to others otherwise."""
    from supnorm.training.strategies import strategies

    for fixed, count in ((True, 2), (False, 1)):
        tried = [type(m).__name__ for m in strategies("auto", 1, fixed)]
        assert len({"AAA", "FloaterHormann"} & {*tried}) == count
        assert len(tried) == len({*tried})
    assert not {"AAA", "FloaterHormann"} & {type(m).__name__ for m in strategies("auto", 2)}
    x = np.linspace(-1.0, 1.0, 200)[:, None]
    found = sn.fit((x, FUNCTIONS["log"][0](x)), tolerance=1e-4, method="floater-hormann")
    assert found.winner.sup_lower <= 1e-4
