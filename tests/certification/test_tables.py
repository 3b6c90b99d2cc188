"""Proofs of interpolation tables: their worst errors, ends that a domain may not leave, tables from files of the user."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
from scipy import interpolate

from supnorm.certification import certify, composed_certificate, cut_parts
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
MOST = {1: 4, 2: 16, 3: 64}
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
    ratio = 1.2
    result = certify(Problem(table, function, domain), ratio=ratio)
    x = domain.from_unit(np.random.default_rng(0).random((100_000, d)))
    seen = float(np.abs(np.ravel(table(x)) - function(x)).max())
    assert seen <= result.upper <= ratio * result.lower
    assert len(result.certificate.boxes) <= MOST[d]  # without cuts at knots dozens, hundreds and thousands
    result.certificate.save(tmp_path / "c.json")
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


def _error():
    return error_program(
        Problem(TABLES["plane"][0], _plane, Domain.from_axes({"x": (0.0, 3.0), "y": (0.0, 2.0)}))
    )


def test_parts_cover_their_boxes_and_end_at_knots():
    error, rng = _error(), np.random.default_rng(0)
    for _ in range(200):
        half = 10.0 ** rng.uniform(-7, -0.4, (1, 2))
        centre = rng.uniform(0.0, 2.0, (1, 2))
        if rng.random() < 0.3:
            centre = error.cuts[0][:1][None] + half * rng.choice([-1.0, 1.0, 0.0, 1.0 - 1e-12])
        owner, middle, wide = cut_parts.cut(error, centre, half)
        assert (owner == 0).all()
        if not len(owner):
            continue
        x = np.concatenate([centre + half * rng.uniform(-1, 1, (50, 2)), centre + half, centre - half])
        covered = (np.abs(x[:, None] - middle) <= wide).all(2).any(1)
        assert covered.all()
        for axis, knots in enumerate(error.cuts):
            off = np.abs(knots - middle[:, axis, None]) / wide[:, axis, None]
            assert (off > 1.0 - 1e-5).all()


@pytest.mark.slow
def test_the_union_of_parts_is_needed(monkeypatch):
    """Half of the parts is less than the range: some error is above the bound."""
    honest = composed_certificate.cut

    def fewer(*given):
        return tuple(a[1:] for a in honest(*given))

    monkeypatch.setattr(composed_certificate, "cut", fewer)
    falls = 0
    for table in (TABLES["pchip"][0], TABLES["np.interp"][0], TABLES["cubic"][0]):
        for first in (0.0, 0.2, 0.45):
            problem = Problem(
                table, lambda x: _curve(x) + 3.0 * np.maximum(0.35 - x[:, 0], 0.0), Domain(x=(first, 2.9))
            )
            try:
                result = certify(problem, ratio=1.2, boxes=4)
            except Exception:  # a contradiction of lower and upper bound
                falls += 1
                continue
            x = np.linspace(first, 2.9, 2001)[:, None]
            seen = np.abs(np.ravel(table(x)) - _curve(x) - 3.0 * np.maximum(0.35 - x[:, 0], 0.0)).max()
            falls += bool(seen > result.upper)
    assert falls > 0


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "c.json"
    certify(Problem(TABLES["pchip"][0], _curve, Domain(x=(0.0, 3.0))), ratio=1.1).certificate.save(path)
    return path


def _sealed(data):
    rest = {k: v for k, v in data.items() if k != "digest"}
    return rest | {
        "digest": hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    }


FORGERIES = {
    "no cuts": lambda d: d.pop("cuts"),
    "cuts elsewhere": lambda d: d.update(cuts=[[(1.0).hex(), (2.0).hex()]]),
    "cuts that decrease": lambda d: d["cuts"][0].reverse(),
    "cuts outside": lambda d: d["cuts"][0].append((3.5).hex()),
    "cuts of two axes": lambda d: d["cuts"].append([]),
    "too many cuts": lambda d: d.update(cuts=[[(3.0 * (k + 1) / 20_000).hex() for k in range(19_998)]]),
    "a smaller bound": lambda d: (d["leaves"].update(upper=[(0.9 * float.fromhex(v)).hex() for v in d["leaves"]["upper"]]),
                                  d.update(upper=(0.9 * float.fromhex(d["upper"])).hex(), lower=(0.0).hex(), witness=None)),
    "cuts that are no numbers": lambda d: d.update(cuts=[["nan"]]),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGERIES)
def test_forged_cuts(what, saved, tmp_path):
    data = json.loads(saved.read_text())
    FORGERIES[what](data)
    (tmp_path / "c.json").write_text(json.dumps(_sealed(data)))
    result = check(tmp_path / "c.json")
    assert not result.accepted
    assert "\n" not in result.reason


def test_a_saved_proof_by_parts_is_proved_again(saved):
    problem = Problem(TABLES["pchip"][0], _curve, Domain(x=(0.0, 3.0)))
    again = certify(problem, ratio=1.1, resume=saved)
    assert check(saved).accepted
    assert again.upper <= 1.1 * again.lower
    data = json.loads(saved.read_text())
    assert any(v == -1.0 for row in data["leaves"]["rho"] for v in row)


def test_a_table_that_ends_is_refused_where_nobody_looks_at_its_ends():
    """Derivatives, residuals, roots and solutions read programs too."""
    from supnorm.program import Unsupported, program_of

    table = interpolate.CubicSpline(KNOTS, VALUES, extrapolate=False)
    with pytest.raises(Unsupported, match="CubicSpline, which ends at 0 and 3"):
        program_of(table, 1)
    assert program_of(table, 1, limited=True).limits
    assert program_of(interpolate.CubicSpline(KNOTS, VALUES), 1).limits == ()
