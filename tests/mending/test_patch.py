"""Patches: nothing changes outside of them, and they are read again from their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.mending.cases import LINE, bump, line, line_problem, peak, square, square_problem

import supnorm as sn
from supnorm.certification.tie import mismatch
from supnorm.checker.check import check
from supnorm.mending.patch import _scaling
from supnorm.mending.regions import Ellipsoid, ellipsoid_at
from supnorm.networks import Network, Scaling, save
from supnorm.networks.patched import PatchedModel, gate
from supnorm.program import program_of
from supnorm.results import BadInput


def patched(
    seed: int, base: sn.Function
) -> tuple[PatchedModel, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """A model of two inputs with random patches, and their centres and radii."""
    rng = np.random.default_rng(seed)
    places = np.stack([rng.uniform(-1.0, 1.0, (3, 2)), rng.uniform(0.05, 0.4, (3, 2))], axis=1)
    patches = tuple(
        Network.init(rng, 2, 1, 6, 2, scaling=Scaling(c, r, np.zeros(1), np.ones(1))) for c, r in places
    )
    return PatchedModel(base, patches), places


@settings(max_examples=50)
@given(st.integers(0, 10**6))
def test_outside_the_ellipsoids_the_values_are_the_same_bit_for_bit(seed: int) -> None:
    base = square().as_function()
    model, places = patched(seed, base)
    x = np.random.default_rng(seed + 1).uniform(-1.0, 1.0, (500, 2))
    inside = np.any([(((x - c) / r) ** 2).sum(axis=1) < 1.0 for c, r in places], axis=0)
    before, after = base.value(x), model.value(x)
    assert np.array_equal(before[~inside], after[~inside])
    assert (before[inside] != after[inside]).mean() > 0.9 or not inside.any()


def test_the_derivative_is_that_of_the_values() -> None:
    model, _ = patched(3, square().as_function())
    x, h = np.random.default_rng(4).uniform(-1.0, 1.0, (400, 2)), 1e-6
    y, pull = model.vjp(x)
    assert np.array_equal(y, model.value(x))
    slope = pull(np.ones((len(x), 1)))
    for k in range(2):
        step = h * np.eye(2)[k]
        difference = (model.value(x + step) - model.value(x - step))[:, 0] / (2 * h)
        assert np.allclose(slope[:, k], difference, atol=1e-6 * max(1.0, np.abs(slope).max()))


def test_the_gate_has_two_continuous_derivatives() -> None:
    square_, h = np.linspace(0.0, 1.5, 3001), 1e-6
    value, slope = gate(square_)
    assert np.allclose(slope, (gate(square_ + h)[0] - gate(square_ - h)[0]) / (2 * h), atol=1e-5)
    assert np.abs(np.diff(slope)).max() < 0.01
    assert np.all(np.diff(value) <= 0.0)


def test_points_that_are_nan_or_off_a_logarithmic_axis_are_left_to_the_model() -> None:
    inner = Network.init(
        np.random.default_rng(0), 1, 1, 4, 1, scaling=Scaling([0.0], [1.0], [0.0], [1.0], (True,))
    )
    model = PatchedModel(sn.Function(np.sin), (inner,))
    x = np.array([[np.nan], [-1.0], [1.0]])
    values = model.value(x)
    assert np.isnan(values[0, 0])
    assert values[1, 0] == np.sin(-1.0)
    assert values[2, 0] != np.sin(1.0)


def test_a_patch_bears_an_input_of_one_value() -> None:
    domain = sn.Domain(x=(-1.0, 1.0), p=sn.Axis(values=(2.0,)))
    region = Ellipsoid(np.array([0.5, 0.5]), np.array([0.1, 0.1]))
    assert _scaling(domain, region, np.ones((4, 1))).input_scale.tolist() == [0.2, 0.1]


@settings(max_examples=50)
@given(st.integers(0, 10**6))
def test_a_patch_stays_inside_of_its_region_where_an_input_has_a_list_of_values(seed: int) -> None:
    """The unit box counts the values of a list, whatever is between them."""
    rng = np.random.default_rng(seed)
    listed = [
        sn.Axis(values=tuple(np.exp(rng.normal(0.0, 2.0, n))), scale=scale)
        for n, scale in ((rng.integers(1, 9), "log"), (rng.integers(1, 9), "linear"))
    ]
    domain = sn.Domain(a=listed[0], b=listed[1], c=(-2.0, 5.0))
    x = domain.from_unit(rng.random((2000, 3)))
    u = domain.to_unit(x)
    region = Ellipsoid(u[0], rng.uniform(0.02, 0.6, 3))
    square = np.sum(_scaling(domain, region, np.ones((4, 1))).enter(x) ** 2, axis=1)
    assert (square < 1e-20)[0]
    assert (region.distance(u) < 1.0 + 1e-12)[square < 1.0].all()


@pytest.mark.slow
def test_an_isolated_glitch_is_patched() -> None:
    report = sn.audit(square_problem(), evaluations=4000)
    mended = sn.repair(square_problem(), report, method="patch", evaluations=4000)
    assert mended.accepted
    assert mended.record.unchanged_outside
    assert mended.verdict is not None
    assert mended.verdict.worst < 0.1 * mended.worst_before
    x = np.random.default_rng(1).uniform(-1.0, 1.0, (20_000, 2))
    u = square_problem().domain.to_unit(x)
    far = np.all(
        [np.linalg.norm((u - r.centre) / r.radii, axis=1) > 1.0 for r in mended.record.regions], axis=0
    )
    assert far.any()
    assert np.array_equal(mended.model.value(x)[far], square().value(x)[far])
    assert np.abs(mended.model.value(x)[:, 0] - bump(x)).max() <= mended.verdict.worst * 1.05


@pytest.mark.slow
def test_a_patched_model_comes_from_a_problem_file(tmp_path: Path) -> None:
    mended = sn.repair(line_problem(), method="patch", evaluations=2000)
    files = mended.save(tmp_path).files
    assert files == tuple(f"patch-{k + 1}.npz" for k in range(len(files)))
    (tmp_path / "code.py").write_text("import numpy as np\ndef f(x):\n    return np.sin(2 * x[:, 0])\n")
    save(mended.candidate.model.patches[0], tmp_path / "one.npz")  # type: ignore[union-attr]
    (tmp_path / "problem.toml").write_text(
        '[model]\npython = "code.py:f"\npatches = ["one.npz"]\n[reference]\npython = "code.py:f"\n'
        "[domain]\nx = [-1.0, 1.0]\n"
    )
    problem = sn.open_problem(tmp_path / "problem.toml")
    x = np.linspace(-1.0, 1.0, 501)[:, None]
    expected = PatchedModel(sn.Function(lambda x: np.sin(2 * x)), mended.candidate.model.patches[:1])  # type: ignore[union-attr]
    assert np.array_equal(problem.model.value(x), expected.value(x))
    assert (tmp_path / "one.npz").resolve() in problem.files
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    sn.save_problem(problem, folder / "problem.toml")
    assert np.array_equal(sn.open_problem(folder / "problem.toml").model.value(x), problem.model.value(x))


@pytest.mark.slow
def test_patches_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    save(Network.init(np.random.default_rng(0), 2, 1, 4, 1), tmp_path / "two.npz")
    (tmp_path / "code.py").write_text("def f(x):\n    return x[:, 0]\n")
    text = '[model]\npython = "code.py:f"\npatches = ["{}"]\n[reference]\npython = "code.py:f"\n[domain]\nx = [-1.0, 1.0]\n'
    for name, words in (("two.npz", "has 2 inputs, the domain has 1 axes"), ("none.npz", "no such file")):
        (tmp_path / "problem.toml").write_text(text.format(name))
        with pytest.raises(BadInput, match=words):
            sn.open_problem(tmp_path / "problem.toml")


def test_the_region_of_a_peak_on_a_face_is_as_wide_as_the_peak() -> None:
    error = lambda x: np.exp(-(((x[:, 0] - 1.0) / 0.1) ** 2))  # noqa: E731
    region = ellipsoid_at(np.array([1.0]), 1 / np.e, error, LINE)
    assert region.radii[0] == pytest.approx(0.05, rel=0.05)  # of the unit box
    assert peak(np.array([[0.5]]))[0] > 1.8


@pytest.mark.parametrize(("base", "patch"), [(1, 2), (2, 1)])
def test_a_patch_of_another_number_of_outputs_is_refused(base: int, patch: int) -> None:
    """One output would be added to both outputs of the model without a word."""
    correction = Network.init(
        np.random.default_rng(0), 1, patch, 4, 1, scaling=Scaling([0.0], [0.5], [0.0] * patch, [1.0] * patch)
    )
    model = PatchedModel(sn.Function(lambda x: np.zeros((len(x), base))), (correction,))
    with pytest.raises(BadInput, match=f"corrects {patch} outputs, the model has {base}"):
        model.value(np.array([[0.1]]))


@pytest.mark.slow
@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_the_program_of_a_patched_model_has_its_values(seed: int) -> None:
    model, _ = patched(seed, square().as_function())
    x = np.random.default_rng(seed + 1).uniform(-1.0, 1.0, (500, 2))
    values, read = model.value(x), program_of(model.as_function(), 2).value(x)
    assert np.allclose(read, values, rtol=0.0, atol=1e-12 * max(1.0, np.abs(values).max()))


def test_the_program_of_a_patch_on_a_logarithmic_axis_and_of_two_outputs() -> None:
    rng = np.random.default_rng(3)
    scaling = Scaling([0.5, np.log(30.0)], [0.2, 0.7], [0.1, -0.2], [2.0, 3.0], (False, True))
    inner = Network.init(rng, 2, 2, 5, 2, scaling=scaling)
    base = sn.Function(lambda x: np.stack([np.sin(x[:, 0]), np.log(x[:, 1])], axis=1))
    model = PatchedModel(base, (inner, inner)).as_function()
    x = np.stack([rng.uniform(0.0, 1.0, 2000), np.exp(rng.uniform(0.0, 6.0, 2000))], axis=1)
    assert np.allclose(program_of(model, 2).value(x), model.value(x), rtol=0.0, atol=1e-12)
    assert (np.abs(model.value(x) - base.value(x)).max(axis=0) > 0.1).all()


def test_a_patched_patched_model_has_a_program() -> None:
    once, _ = patched(5, square().as_function())
    twice, _ = patched(6, once.as_function())
    x = np.random.default_rng(7).uniform(-1.0, 1.0, (500, 2))
    assert np.allclose(program_of(twice.as_function(), 2).value(x), twice.value(x), atol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("readable", [True, False])
def test_patches_change_nothing_outside_and_a_file_proves_it(readable: bool, tmp_path: Path) -> None:
    """The proof is about the patches alone, so that the model may be any code."""
    code = square().as_function().value

    def opaque(x: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> object:
        return code(np.array(x.tolist()))[:, 0]  # no tracer goes through a list

    problem = square_problem() if readable else sn.Problem(opaque, bump, square_problem().domain)
    report = sn.audit(problem, evaluations=2000)
    mended = sn.repair(problem, report, method="patch", evaluations=2500, bound_change=True)
    change = mended.change
    assert mended.accepted
    assert not mended.notes
    assert change is not None
    x = np.random.default_rng(2).uniform(-1.0, 1.0, (50_000, 2))
    assert np.abs(mended.model.value(x) - square().value(x)).max() <= change.upper < np.inf
    assert change.outside_upper is not None
    assert change.outside_upper <= 1e-19
    mended.save(tmp_path)
    for name in ("change.json", *change.names):
        assert check(tmp_path / name).accepted, name


@pytest.mark.slow
def test_the_tolerance_of_a_patched_model_is_proved_and_the_file_is_about_its_problem_file(
    tmp_path: Path,
) -> None:
    save(line()[0], tmp_path / "net.npz")
    (tmp_path / "code.py").write_text(
        "import numpy as np\ndef f(x):\n    return np.sin(2.0 * x[:, 0]) + np.exp(-((x[:, 0] - 0.5) ** 2) / 0.005)\n"
    )
    text = '[model]\nfile = "net.npz"\n[reference]\npython = "code.py:f"\n[domain]\nx = [-1.0, 1.0]\n'
    text += "[error]\ntolerance = 0.2\n"
    (tmp_path / "problem.toml").write_text(text)
    problem = sn.open_problem(tmp_path / "problem.toml")
    mended = sn.repair(problem, method="patch", evaluations=3000, certify=True)
    assert mended.status.code == "within-tolerance", mended.status
    files = mended.save(tmp_path).files
    assert mended.certificate is not None
    x = np.linspace(-1.0, 1.0, 100_001)[:, None]
    assert np.abs(mended.model.value(x)[:, 0] - peak(x)).max() <= mended.certificate.upper <= 0.2
    listed = ", ".join(f'"{name}"' for name in files)
    (tmp_path / "problem.toml").write_text(
        text.replace('"net.npz"\n', f'"net.npz"\npatches = [{listed}]\n', 1)
    )
    patched_problem = sn.open_problem(tmp_path / "problem.toml")
    assert mismatch(tmp_path / "certificate.json", patched_problem) is None
    assert check(tmp_path / "certificate.json").accepted
    assert "programs are not those" in str(mismatch(tmp_path / "certificate.json", problem))
