"""Patches: nothing changes outside of them, and they are read again from their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.mending.cases import LINE, bump, line_problem, peak, square, square_problem

import supnorm as sn
from supnorm.mending.regions import ellipsoid_at
from supnorm.networks import Network, Scaling, save
from supnorm.networks.patched import PatchedModel, gate
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
