"""Pictures over an axis that is a list of values: a band for each, and marks in the band of their value."""

import re

import numpy as np
import pytest

from supnorm import audit
from supnorm.pages import failures
from supnorm.pages.cuts import cut
from supnorm.pages.maps import grid_map, pair_map, panel, panels
from supnorm.pages.peaks import thumbnail, thumbnail_panels, thumbnail_scale
from supnorm.pages.ramp import colour_scale
from supnorm.pages.view import View
from supnorm.problem import Axis, Domain, Problem

NUMBERS = (2.0, 4.0, 8.0, 16.0, 32.0)


def model(x):
    return np.exp(-((x[:, 0] - 0.3) ** 2) / 0.05) * np.log(x[:, 1]) * (x[:, 1] < 20)


def reference(x):
    return np.where((x[:, 1] == 8) & (x[:, 0] > 0.8), np.nan, 0.0)


@pytest.fixture(scope="module")
def flat():
    domain = Domain(a=(0.0, 1.0), n=Axis(values=NUMBERS))
    return View(audit(Problem(model, reference, domain), evaluations=2000).record)


def test_each_value_fills_its_band(flat):
    one = panel(flat, flat.charts.map)
    bands = np.array_split(one.values, len(NUMBERS))
    for band in bands:
        assert (np.isnan(band) == np.isnan(band[0])).all()
        np.testing.assert_array_equal(np.nan_to_num(band), np.nan_to_num(np.tile(band[0], (len(band), 1))))
    assert [round(float(np.nanmax(b)), 2) for b in bands] == pytest.approx([0.69, 1.39, 2.08, 2.77, 0.0])
    assert np.isfinite(one.values).mean() > 0.9


def test_cuts_over_listed_values_have_dots_and_no_lines(flat):
    by_axis = {c.axis: str(cut(flat, c, False)) for c in flat.charts.cuts}
    for mark in ('class="mdot"', 'class="rring"', 'class="edot"'):
        assert mark in by_axis["n"]
        assert mark not in by_axis["a"]
    for line in ('class="s-mod"', 'class="s-ref"', 'class="s-err"'):
        assert line not in by_axis["n"]
        assert line in by_axis["a"]
    assert by_axis["n"].count('class="mdot"') == len(NUMBERS)


def test_a_pin_stands_in_the_band_of_its_value(flat):
    one = panel(flat, flat.charts.map)
    markup = str(grid_map(flat, one, colour_scale(flat, [one.values]), 860))
    ticks = re.findall(r'y="([\d.]+)"[^>]*>(\d+)</text>', markup.split("<circle")[0])
    at = {float(value): float(y) - 4 for y, value in ticks if float(value) in NUMBERS}
    heights = [at[n] for n in NUMBERS]
    np.testing.assert_allclose(np.diff(heights), (heights[-1] - heights[0]) / 4, atol=0.2)
    (pin,) = re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)" r="8"/><text[^>]*>1</text>', markup)
    assert flat.peaks[0].x["n"] == 16
    assert float(pin) == pytest.approx(at[16.0], abs=0.2)


def test_failures_of_a_value_have_a_bar(flat):
    raw = next(r for r in flat.record.failures.by_axis if r.axis == "n")
    bars = re.findall(
        r'<rect class="fb failed" x="([\d.]+)"[^>]* width="([\d.]+)"', str(failures.failure_bars(flat, raw))
    )
    assert len(bars) == 1
    left, width = map(float, bars[0])
    assert left == pytest.approx(40 + 202 * 2 / 5, abs=0.5)
    assert width > 35


def test_the_ring_of_a_pair_stands_in_the_band():
    domain = Domain(a=(0.0, 1.0), b=(0.0, 1.0), n=Axis(values=NUMBERS))
    report = audit(Problem(lambda x: model(x[:, [0, 2]]), lambda x: 0 * x[:, 0], domain), evaluations=1000)
    view = View(report.record)
    one = next(p for p in panels(view) if p.up.name == "n")
    (ring,) = re.findall(
        r'class="pinw" cx="[\d.]+" cy="([\d.]+)"',
        str(pair_map(view, one, colour_scale(view, [one.values]), 250)),
    )
    assert float(ring) == pytest.approx(250 * (1 - 3.5 / 5), abs=0.2)


@pytest.mark.slow
def test_a_thumbnail_shows_a_list_of_values_whole():
    domain = Domain(a=(0.0, 1.0), n=Axis(values=tuple(range(30))))
    problem = Problem(lambda x: (x[:, 1] == 13) * x[:, 0], lambda x: 0 * x[:, 0], domain)
    view = View(audit(problem, evaluations=50_000).record)
    assert view.charts.thumbnails[0].ranges[1] == (0.0, 29.0)
    one = thumbnail_panels(view)[0]
    (ring,) = re.findall(
        r'class="pinw" cx="[\d.]+" cy="([\d.]+)"', str(thumbnail(view, 0, thumbnail_scale(view)))
    )
    row = int((1 - float(ring) / 132) * len(one.values))
    assert np.nanmax(one.values[row]) == np.nanmax(one.values) > 0


def test_a_cut_takes_each_value_once(flat):
    """Its table repeated them, and an expensive reference was called at each hundreds of times."""
    cut = next(c for c in flat.charts.cuts if c.axis == "n")
    assert cut.whole.x == NUMBERS
    assert len(cut.close.x) == len({*cut.close.x, 16})
    alone = audit(Problem(lambda x: x, lambda x: 0 * x, Domain(n=Axis(values=NUMBERS))), evaluations=500)
    assert alone.to_dict()["charts"]["map"]["x"] == list(NUMBERS)


def test_the_ring_stands_in_its_band_where_a_list_of_values_is_shown_in_part():
    """Uneven values: a place in the middle of the part was marked at its lower end."""
    numbers = tuple(2.0**k for k in range(60))
    problem = Problem(
        lambda x: np.exp(-((np.log2(x[:, 1]) - 37) ** 2) / 2) * np.exp(-((x[:, 0] - 0.4) ** 2) / 0.01),
        lambda x: 0 * x[:, 0],
        Domain(a=(0.0, 1.0), n=Axis(values=numbers)),
    )
    view = View(audit(problem, evaluations=50_000).record)
    low, high = view.charts.thumbnails[0].ranges[1]
    assert numbers[0] < low < view.peaks[0].x["n"] == 2.0**37 < high < numbers[-1]
    one = thumbnail_panels(view)[0]
    ((x, y),) = re.findall(
        r'class="pinw" cx="([\d.]+)" cy="([\d.]+)"', str(thumbnail(view, 0, thumbnail_scale(view)))
    )
    row, column = int((1 - float(y) / 132) * len(one.values)), int(float(x) / 132 * len(one.values))
    assert one.values[row, column] > 0.95
