"""Proofs of interpolation tables: their worst errors, ends that a domain may not leave, tables from files of the user."""

import dataclasses

import numpy as np
import pytest
from scipy import interpolate

from supnorm.certification import certify
from supnorm.certification.choice import Choice, has_tables
from supnorm.certification.composed_certificate import ComposedCertificate
from supnorm.certification.error_program import error_program
from supnorm.checker.check import check
from supnorm.problem import Axis, Domain, Problem
from supnorm.results import BadInput
from supnorm.sources.open import open_problem

KNOTS = np.linspace(0.0, 3.0, 11)  # no dyadic numbers
VALUES = np.sin(2.0 * KNOTS) + KNOTS
GRID = (np.linspace(0.0, 3.0, 7), np.linspace(0.0, 2.0, 6), np.linspace(0.0, 1.0, 4))


def _curve(x):
    return np.sin(2.0 * x[:, 0]) + x[:, 0]


def _plane(x):
    return np.sin(x[:, 0]) * np.cos(x[:, 1])


def _space(x):
    return np.sin(x[:, 0]) * np.cos(x[:, 1]) * np.exp(x[:, 2])


def _grid(function, d):
    mesh = np.stack(np.meshgrid(*GRID[:d], indexing="ij"), axis=-1)
    return function(mesh.reshape(-1, d)).reshape(mesh.shape[:-1])


AXES = {"x": (0.0, 3.0), "y": (0.0, 2.0), "z": (0.0, 0.5)}
TABLES = {
    "pchip": (interpolate.PchipInterpolator(KNOTS, VALUES), _curve, 1),
    "cubic": (interpolate.CubicSpline(KNOTS, VALUES), _curve, 1),
    "B-spline": (interpolate.make_interp_spline(KNOTS, VALUES, k=3), _curve, 1),
    "np.interp": (lambda x: np.interp(x[:, 0], KNOTS, VALUES), _curve, 1),
    "plane": (interpolate.RegularGridInterpolator(GRID[:2], _grid(_plane, 2)), _plane, 2),
    "space": (interpolate.RegularGridInterpolator(GRID, _grid(_space, 3)), _space, 3),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_worst_errors_of_tables(name, tmp_path):
    table, function, d = TABLES[name]
    domain = Domain.from_axes(dict(list(AXES.items())[:d]))
    ratio = 2.0 if d == 3 else 1.2
    result = certify(Problem(table, function, domain), ratio=ratio)
    x = domain.from_unit(np.random.default_rng(0).random((100_000, d)))
    seen = float(np.abs(np.ravel(table(x)) - function(x)).max())
    assert seen <= result.upper <= ratio * result.lower
    result.certificate.save(tmp_path / "c.json")
    if d < 3:
        assert check(tmp_path / "c.json").accepted


def test_a_table_may_be_the_reference_and_in_a_formula():
    spline = interpolate.CubicSpline(KNOTS, VALUES)
    result = certify(
        Problem(lambda x: np.exp(-_curve(x)), lambda x: np.exp(-spline(x[:, 0])), Domain(x=(0.0, 3.0))),
        ratio=1.2,
    )
    assert result.lower <= result.upper <= 1.2 * result.lower


def test_tables_are_no_networks():
    error = error_program(Problem(TABLES["cubic"][0], _curve, Domain(x=(0.0, 3.0))))
    assert has_tables(error)
    choice = Choice.of(error)
    assert isinstance(choice.first, ComposedCertificate)
    assert choice.second is None
    without = error_program(Problem(lambda x: np.sin(x[:, 0]), _curve, Domain(x=(0.0, 3.0))))
    assert not has_tables(without)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_domain_beyond_the_ends_is_refused(scale):
    table = interpolate.CubicSpline(KNOTS, VALUES, extrapolate=False)
    inside, outside = (Domain.from_axes({"x": Axis(0.5, end, scale=scale)}) for end in (3.0, 3.25))
    assert certify(Problem(table, _curve, inside), ratio=1.5).upper < 0.1
    with pytest.raises(
        BadInput, match=r"reference has a table .*ends at 0 and 3 .*x takes values from 0.5 to 3.25"
    ):
        certify(Problem(_curve, table, outside))


def test_the_argument_of_a_table_is_enclosed():
    table = interpolate.interp1d(KNOTS, VALUES)
    good = Problem(lambda x: table(2.9 * np.sin(x[:, 0])), lambda x: 0.0 * x[:, 0], Domain(x=(0.1, 1.5)))
    assert certify(good, ratio=1.5).upper >= VALUES.max() - 0.1
    bad = dataclasses.replace(
        good, model=Problem(lambda x: table(3.2 * np.sin(x[:, 0])), _curve, good.domain).model
    )
    with pytest.raises(BadInput, match="its argument takes values"):
        certify(bad)


@pytest.mark.parametrize("side", ["model", "reference"])
def test_a_table_of_a_users_file(side, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import numpy as np\nfrom scipy.interpolate import PchipInterpolator\n"
        "t = np.linspace(0, 3, 11)\ntable = PchipInterpolator(t, np.sin(2 * t) + t)\n"
        "def curve(x):\n    return np.sin(2 * x[:, 0]) + x[:, 0]\n"
    )
    other = {"model": "reference", "reference": "model"}[side]
    (tmp_path / "problem.toml").write_text(
        f'[{side}]\npython = "mine.py:table"\n[{other}]\npython = "mine.py:curve"\n'
        '[domain]\nx = { low = 0.0, high = 3.0 }\n[error]\nkind = "absolute"\n'
    )
    result = certify(open_problem(tmp_path / "problem.toml"), ratio=1.2)
    assert result.upper <= 1.2 * result.lower
    assert result.lower > 0.01
