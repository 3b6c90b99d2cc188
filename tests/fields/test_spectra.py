"""Spectra along circles of latitude: known waves, missing values, and what counts as resolved."""

import numpy as np
import pytest

from supnorm.fields import Grid
from supnorm.fields.judge import _spectrum
from supnorm.fields.spectra import Spectrum

LAT, LON = np.linspace(-87.5, 87.5, 36), np.arange(0.0, 360.0, 5.0)
GRID = Grid.sphere_of(LAT, LON)


def wave(k, size=1.0, phase=0.0):
    return np.broadcast_to(size * np.cos(k * np.radians(LON) + phase), GRID.shape)


def test_power_stands_at_its_wavenumber():
    found = Spectrum.empty(GRID)
    found.add(wave(3) + wave(7, 0.5), wave(3), GRID)
    assert found.truth.argmax() == 3
    assert found.error.argmax() == 7
    assert found.prediction[7] == pytest.approx(0.25 * found.prediction[3], rel=1e-9)


def test_wavenumbers_without_truth_are_no_fault():
    found = Spectrum.empty(GRID)
    found.add(wave(3) + 1e-3 * wave(5), wave(3), GRID)
    assert found.resolution().wavenumber is None


def test_no_ratio_to_rounding_is_reported():
    """The truth is one wave: elsewhere its power is rounding, and a ratio to that would be 1e20 and more."""
    found = Spectrum.empty(GRID)
    found.add(wave(3) + 1e-3 * wave(5), wave(3), GRID)
    said = _spectrum(found)
    assert [k for k, v in enumerate(said.error_ratio, 1) if np.isfinite(v)] == [3]
    assert said.power_ratio[2] == pytest.approx(1.0)


def test_from_where_on_nothing_is_resolved():
    found = Spectrum.empty(GRID)
    truth = wave(2) + wave(9, 0.3)
    found.add(wave(2) + wave(9, 0.3, 2.5), truth, GRID)
    assert (found.resolution().wavenumber, found.resolution().by) == (9, "error")
    smooth = Spectrum.empty(GRID)
    smooth.add(wave(2) + wave(9, 0.15), truth, GRID)
    assert (smooth.resolution().wavenumber, smooth.resolution().by) == (9, "power")


def test_fields_with_missing_values_between_60_degrees_are_left_out_and_counted():
    found = Spectrum.empty(GRID)
    for row in (18, 0):
        p = wave(3).copy()
        p[row, 4] = np.nan
        found.add(p, wave(3), GRID)
    assert (found.fields, found.skipped) == (1, 1)


def test_merging_adds():
    one, other, both = (Spectrum.empty(GRID) for _ in range(3))
    for k, part in ((2, one), (5, other)):
        part.add(wave(k), wave(k, 0.9), GRID)
        both.add(wave(k), wave(k, 0.9), GRID)
    one.merge(other)
    np.testing.assert_allclose(one.error, both.error, rtol=1e-12, atol=1e-20)
    assert one.fields == 2


@pytest.mark.parametrize("kinds", [("f4", "f4"), ("f4", "f8"), ("f8", "f4"), ("f8", "f8")])
def test_the_power_of_the_error_is_that_of_the_difference_in_the_better_precision(kinds):
    generator = np.random.default_rng(2)
    p = generator.normal(size=GRID.shape).astype(kinds[0])
    t = (p + 1e-3 * generator.normal(size=GRID.shape)).astype(kinds[1])
    found = Spectrum.empty(GRID)
    found.add(p, t, GRID)
    rows = np.abs(LAT) <= 60
    w = GRID.weights[rows] / GRID.weights[rows].sum()
    expected = w @ np.abs(np.fft.rfft(p[rows].astype(float) - t[rows].astype(float), axis=1)) ** 2
    np.testing.assert_allclose(found.error, expected, rtol=1e-12 if kinds == ("f8", "f8") else 2e-2)
    assert found.error.sum() == pytest.approx(expected.sum(), rel=1e-3)
