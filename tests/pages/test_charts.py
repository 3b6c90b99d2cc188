"""Charts: thinning loses no spike, marks stand where the numbers say, pictures decode to their values."""

import base64
import io
import math
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.pages.cases import read

from supnorm.auditing import audit
from supnorm.pages.distribution import histogram, shares
from supnorm.pages.maps import gap_words, grid_map, panel, panels
from supnorm.pages.page import page
from supnorm.pages.ramp import DARK, LEVELS, LIGHT, ColourScale, colour_scale, legend, png, ramp
from supnorm.pages.ruler import marks, ruler
from supnorm.pages.svg import Scale, el, linear_ticks, log_ticks, path, picture, thin
from supnorm.pages.view import View
from supnorm.problem import Domain, Problem


@pytest.mark.slow
@given(
    arrays(float, st.integers(1, 400), elements=st.floats(-1e3, 1e3) | st.just(math.nan)), st.integers(1, 50)
)
def test_thinning_keeps_extremes_and_ends(y, columns):
    x = np.linspace(0, columns, len(y))
    kept = thin(x, y)
    assert (np.diff(kept) > 0).all()
    assert kept[0] == 0
    assert kept[-1] == len(y) - 1
    assert len(kept) <= 5 * (columns + 1)
    for column in np.unique(np.floor(x)):
        inside = np.floor(x) == column
        if not np.isnan(y[inside]).all():
            chosen = y[[i for i in kept if inside[i]]]
            assert np.nanmax(chosen) == np.nanmax(y[inside])
            assert np.nanmin(chosen) == np.nanmin(y[inside])
        assert np.isnan(y[inside]).any() == any(np.isnan(y[i]) for i in kept if inside[i])


def test_a_spike_of_one_sample_survives():
    y = np.zeros(100_000)
    y[54_321] = 7.0
    drawn = path(list(np.linspace(0, 300, len(y))), list(y), "s-err")
    assert " 7L" in drawn
    assert len(drawn) < 20_000


def test_lines_break_where_there_is_no_value():
    assert path([0, 1, 2, 3, 4], [1, 1, math.nan, 1, 1], "s-err").count("M") == 2


@given(st.floats(1e-12, 1e12), st.floats(1.5, 1e9), st.integers(2, 6))
def test_log_ticks_lie_inside(low, ratio, most):
    ticks = log_ticks(low, low * ratio, most)
    assert 1 <= len(ticks) <= most + 5
    assert all(low * (1 - 1e-6) <= t <= low * ratio * (1 + 1e-6) for t in ticks)


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9), st.integers(2, 8))
def test_linear_ticks_are_even_and_inside(low, width, most):
    ticks = linear_ticks(low, low + width, most)
    assert 2 <= len(ticks) <= 2 * most + 2
    assert all(low - 1e-6 * width <= t <= low + width * (1 + 1e-6) for t in ticks)


def test_scales():
    scale = Scale(1.0, 100.0, 0.0, 200.0, log=True)
    assert [scale(v) for v in (0.0, 1.0, 10.0, 100.0, math.inf)] == pytest.approx([0, 0, 100, 200, 200])
    assert math.isnan(scale(math.nan))


def test_attributes_and_words_are_escaped():
    assert el("text", '<&"', class_='a"b') == '<text class="a&#34;b">&lt;&amp;&#34;</text>'


def rects(markup, kind):
    found = re.findall(rf'<rect class="{kind}" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', markup)
    return [(float(x), float(x) + float(w)) for x, w in found]


def test_ruler_is_solid_from_tolerance_to_worst_and_hatched_beyond(result):
    view = View(read(result("d1")))
    (solid,), (hatched,) = rects(ruler(view, 860), "bad"), rects(ruler(view, 860), "unk")
    assert solid[1] == pytest.approx(hatched[0], abs=0.11)
    assert hatched[1] == pytest.approx(852, abs=0.11)


def test_hatching_stops_at_the_bound(result):
    data = result("d1")
    data["sup"] |= {"upper": 2.0, "upper_kind": "certified"}
    markup = ruler(View(read(data)), 860)
    x = float(re.search(r'class="m-up" x1="([\d.]+)"', markup)[1])
    assert rects(markup, "unk")[0][1] == pytest.approx(x, abs=0.11)
    assert x < 840


def test_the_ruler_is_logarithmic(result):
    """Distances of marks are those of the logarithms, as the words of the picture say."""
    view = View(read(result("d1")))
    markup = str(ruler(view, 860))
    assert "logarithmic" in markup
    shown = [m for m in marks(view) if math.isfinite(m.value)]
    at = {m.kind: float(re.search(rf'class="m-{m.kind}" x1="([\d.]+)"', markup)[1]) for m in shown}
    assert len(shown) >= 3
    low, *between, high = shown
    assert high.value / low.value > 3
    for mark in between:
        part = math.log(mark.value / low.value) / math.log(high.value / low.value)
        pixel = at[low.kind] + part * (at[high.kind] - at[low.kind])
        assert at[mark.kind] == pytest.approx(pixel, abs=0.2)


def test_ruler_says_its_numbers(result):
    view = View(read(result("d2")))
    label = re.search(r'aria-label="([^"]*)"', ruler(view, 342))[1]
    for value in (view.rms, view.tolerance, view.lower, view.plain[1]):
        assert view.error(value) in label


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.9, 0.99])
def test_words_of_the_ruler_stay_in_the_narrow_picture(result, share):
    data = result("d1")
    data["measure"]["per_output"] = True
    data["tolerance"] = 1.0
    data["sup"]["lower"] = data["charts"]["histogram"]["edges"][-1] = 1.234 * share
    data["rms"]["value"] = 0.1 * share
    markup = ruler(View(read(data)), 342)
    words = re.findall(r'<text class="rl m-[^"]*" x="([\d.-]+)"[^>]*text-anchor="(\w+)">(.*?)</text>', markup)
    assert len(words) >= 4
    for x, anchor, inside in words:
        # In a browser a character of these words, half of them bold, is up to 7.1 pixels wide on average.
        long = 7.1 * len(re.sub("<[^>]*>", "", inside))
        start = float(x) - (long if anchor == "end" else 0.0)
        assert 0 <= start <= 342 - long, (x, anchor, inside)


def test_histogram_bars_add_up(result):
    data = result("d1")
    view = View(read(data))
    markup = histogram(view, 420)
    heights = [float(h) for h in re.findall(r'class="hb[^"]*"[^>]*height="([\d.]+)"', markup)]
    filled = [c for c in data["charts"]["histogram"]["counts"] if c]
    assert len(heights) == len(filled)
    assert heights[int(np.argmax(filled))] == max(heights)
    over = len(re.findall('class="hb over"', markup))
    edges = np.array(data["charts"]["histogram"]["edges"])
    assert over == sum(c > 0 for c, e in zip(data["charts"]["histogram"]["counts"], edges[:-1], strict=True)
                       if e >= view.tolerance)  # fmt: skip


def test_shares_fall_from_all(result):
    markup = shares(View(read(result("d3"))), 420)
    points = re.findall(r"[ML]([\d.]+) ([\d.]+)", re.search(r'class="s-err" d="([^"]*)"', markup)[1])
    heights = [float(y) for _, y in points]
    assert heights == sorted(heights)
    assert heights[0] == pytest.approx(62, abs=1)


def luminance(rgb):
    return 0.2126 * rgb[:, 0] + 0.7152 * rgb[:, 1] + 0.0722 * rgb[:, 2]


def test_ramps_are_monotone_in_luminance():
    assert (np.diff(luminance(ramp(LIGHT).astype(float))) <= 0.5).all()
    assert (np.diff(luminance(ramp(DARK).astype(float))) >= -0.5).all()


def test_pictures_decode_to_their_levels():
    from PIL import Image

    values = np.array([[1.0, 10.0], [100.0, math.nan]])
    levels = ColourScale(1.0, 100.0).levels(values)
    assert levels.tolist() == [[0, 32], [63, LEVELS]]
    image = Image.open(io.BytesIO(base64.b64decode(png(levels, LIGHT).split(",")[1])))
    assert image.size == (2, 2)
    assert image.mode == "P"
    shown = np.asarray(image.convert("RGBA"))
    assert tuple(shown[1, 0][:3]) == LIGHT[0], "the first row of the values is the bottom of the picture"
    assert tuple(shown[0, 0][:3]) == LIGHT[-1]
    assert shown[0, 1][3] == 0, "no value is transparent"


def test_pins_stand_at_the_places(result):
    from supnorm.pages.maps import panel

    view = View(read(result("d2")))
    one = panel(view, view.charts.map)
    markup = grid_map(view, one, colour_scale(view, [one.values]), 860)
    found = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="8"/><text[^>]*>(\d)</text>', markup)
    labels = re.findall(r'<text[^>]*class="lb"[^>]*>([^<]*)</text>', markup)
    assert labels == [one.up.label, one.across.label]  # both axes are named, with their units
    assert labels == ["p, Pa", "T, K"]
    pins = {int(n): (float(x), float(y)) for x, y, n in found}
    assert sorted(pins) == list(range(1, min(len(view.peaks), 9) + 1))
    place = view.peaks[0].x
    assert pins[1][0] == pytest.approx(62 + 788 * (place["T"] - 275) / (1070 - 275), abs=0.2)
    assert pins[1][1] == pytest.approx(
        24 + 488 * (1 - math.log(place["p"] / 1e4) / math.log(9.772e7 / 1e4)), abs=0.2
    )


def test_panels_cover_all_pairs(result):
    view = View(read(result("d3")))
    assert [(p.across.name, p.up.name) for p in panels(view)] == [
        ("input_0", "input_1"),
        ("input_0", "input_2"),
        ("input_1", "input_2"),
    ]
    assert max(p.largest for p in panels(view)) <= view.lower * (1 + 1e-9)


def test_widest_gap_of_the_data(result):
    data = result("d1")
    data["charts"]["map"]["data"] = [-1.0, -0.9, 0.3, 0.36, 0.4]
    assert "runs from −0.9 to 0.3." in gap_words(View(read(data)))
    data["charts"]["map"]["data"] = np.r_[np.linspace(-1, 0.3, 200), np.linspace(0.36, 1, 200)].tolist()
    assert "the worst point lies in it" in gap_words(View(read(data)))


@pytest.mark.parametrize(
    ("low", "high"), [(1.8e-6, 4.67e-5), (1.13, 100.0), (206.0, 8646.0), (1.15e-6, 8.21e-5), (1e-9, 1e9)]
)
def test_numbers_of_the_colour_scale_do_not_run_into_each_other(result, low, high):
    view = View(read(result("d2")))
    drawn = str(legend(view, ColourScale(low, high)))
    numbers = re.findall(r'<text class="tk" x="([\d.]+)"[^>]*>([^<]+)</text>', drawn)
    assert len(numbers) >= 2
    ends = [(float(x) - 3 * len(word), float(x) + 3 * len(word)) for x, word in numbers]
    assert all(left > before for (_, before), (left, _) in pairwise(ends))


def test_legends_name_only_what_is_drawn(result):
    data = result("d2")
    assert "bar: tolerance" in page(read(data))
    assert "hatched: not excluded" in page(read(data))
    data["tolerance"] = 1e9  # beyond the scale: no bar
    assert "bar: tolerance" not in page(read(data))
    data["sup"] |= {"upper": data["sup"]["lower"], "upper_kind": "certified"}  # nothing between them
    assert "hatched: not excluded" not in page(read(data))
    assert not rects(ruler(View(read(data)), 860), "unk")


def test_numbers_at_the_end_of_the_range_do_not_break_a_picture():
    """The largest float in four digits is more than a float holds, and JSON has no infinity."""
    drawn = picture(100, 50, "said", hover={"v": [[float(f"{1.7976e308:.3g}"), 1.0, math.nan]]})
    assert "[null,1.0,null]" in drawn


@pytest.mark.parametrize(
    ("names", "turned"),
    [
        (("lat", "lon"), True),
        (("lon", "lat"), False),
        (("nav_lat", "nav_lon"), True),
        (("flat", "along"), False),
    ],
)
def test_a_longitude_runs_across(names, turned):
    """Tables of NetCDF files have latitudes first."""
    domain = Domain(**{names[0]: (-90.0, 90.0), names[1]: (0.0, 360.0)})
    report = audit(Problem(lambda x: x[:, 0] ** 2 * x[:, 1], lambda x: 0 * x[:, 0], domain), evaluations=3000)
    view = View(report.record)
    one = panel(view, view.charts.map)
    cells = np.array(view.charts.map.values)
    assert (one.across.name, one.up.name) == (names[::-1] if turned else names)
    np.testing.assert_array_equal(one.values, cells.T if turned else cells)
