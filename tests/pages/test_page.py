"""The page as text: self-contained, escaped, whole for every kind of result, and honest."""

import base64
import copy
import functools
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from tests.pages import cases
from tests.pages.cases import read

from supnorm import audit
from supnorm.pages import summary, write_page
from supnorm.pages.cuts import cut
from supnorm.pages.page import RUN_FILES, page
from supnorm.pages.record import record
from supnorm.pages.view import InconsistentResult, View
from supnorm.problem import Domain, ErrorMeasure, Problem
from supnorm.problem.measure import KINDS
from supnorm.results import BadInput, write_whole
from supnorm.results.charts import ProgressRecord
from supnorm.results.record import Record

SECTIONS = ["where", "spread", "glitches", "map", "missed", "progress", "failures", "repeat", "words"]
VOID = {"meta", "br", "input", "link", "hr"}


class Reader(HTMLParser):
    """Checks nesting and collects ids, anchors, labels and text."""

    def __init__(self, html):
        super().__init__()
        self.stack, self.ids, self.anchors, self.unlabelled, self.words = [], [], [], [], []
        self.svgs = []
        self.feed(html)
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag not in VOID:
            self.stack.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a" and attributes.get("href", "").startswith("#"):
            self.anchors.append(attributes["href"][1:])
        if tag == "svg" and attributes.get("aria-hidden") != "true":
            self.svgs.append(attributes)

    def handle_startendtag(self, tag, attrs):
        if dict(attrs).get("id"):
            self.ids.append(dict(attrs)["id"])

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if self.stack and self.stack[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["d1", "d2", "d3", "d8", "d20"])
def test_page_is_whole_and_self_contained(result, name):
    html = page(read(result(name)))
    reader = Reader(html)
    assert len(reader.ids) == len(set(reader.ids))
    assert set(reader.anchors) <= set(reader.ids)
    assert reader.svgs
    for svg in reader.svgs:
        assert svg["role"] == "img"
        assert svg["aria-label"]
        if "data-hover" in svg:
            hover = json.loads(svg["data-hover"])
            assert {len(column) for column in hover["v"]} == {len(hover["x"])}
    present = [s for s in SECTIONS if f'<section id="{s}">' in html]
    assert present == [s for s in SECTIONS if s != "map" or name != "d1"]
    for outside in ("http://", "https://", "@import", "src=", "<link", "url(http"):
        assert outside not in html
    assert "default-src 'none'" in html
    assert not re.search(r"\b(nan|None(?!\.| of)|NaN|inf|Infinity|Undefined)\b", reader.text)


@pytest.mark.parametrize("name", ["d1", "d2", "d3", "d8"])
def test_page_is_small(result, name):
    assert len(page(read(result(name))).encode()) < 600_000


@pytest.mark.slow
def test_size_does_not_follow_the_number_of_evaluations():
    few, many = (len(page(audit(cases.bumpy(3), evaluations=n).record)) for n in (10_000, 200_000))
    assert abs(many - few) < 0.1 * few


def test_what_has_no_page_is_refused(tmp_path):
    for data in ({"schema": "supnorm.check/1"}, {}, {"schema": ["supnorm.audit/1"]}, {"schema": {}}):
        with pytest.raises(BadInput, match="draws the result of an audit"):
            write_page(data, tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_written_whole(result, tmp_path):
    for name in RUN_FILES:  # as the command line leaves them
        write_whole(tmp_path / "run" / name, "")
    write_page(result("d2"), tmp_path / "run" / "report.html")
    html = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert html.startswith("<!doctype html>")
    assert html.rstrip().endswith("</html>")
    assert html == page(read(result("d2")), str(tmp_path / "run"))


def test_a_certificate_that_is_not_of_the_result_is_named_beside_the_bound(result, tmp_path):
    """It is not proved again: the page said that there is no upper bound, and nothing of the file beside it."""
    for stated, words in (((0.125).hex(), "states the bound 12.5"), ("inf", ""), ("none", "")):
        (tmp_path / "certificate.json").write_text(json.dumps({"upper": stated}))
        write_page(result("d2"), tmp_path / "report.html")
        text = Reader((tmp_path / "report.html").read_text("utf-8")).text
        assert words in text.partition("How small an error")[2]
        assert ("which this result does not have" in text) == bool(words)


HOSTILE = "a</script><img src=x onerror=alert(1)>\"'&<b>"


def hostile(
    value, keys=("name", "title", "command", "label", "message", "text", "machine", "fingerprint", "advice")
):
    """Put hostile text wherever a user's words can stand; inputs and outputs are renamed consistently."""
    if isinstance(value, dict):
        return {
            (HOSTILE + k if k in ("T", "p") else k): HOSTILE + str(v)
            if k in (*keys, "axis", "output") and isinstance(v, str)
            else hostile(v, keys)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [HOSTILE + v if v in ("T", "p") else hostile(v, keys) for v in value]
    return value


def test_hostile_words_are_escaped(result):
    data = hostile(result("d2"))
    data |= {"law": HOSTILE, "law_uniform": False, "power_left_out": HOSTILE}
    data["axes"][0]["unit"] = data["measure"]["unit"] = data["outputs"][0]["unit"] = HOSTILE
    data["findings"] = [{"code": "x", "text": HOSTILE}]
    data["notes"], data["witness"]["tags"] = [HOSTILE], [HOSTILE]
    html = page(read(data))
    assert HOSTILE not in html
    assert "<img" not in html
    assert html.count("</script>") == 1
    reader = Reader(html)
    assert HOSTILE in "".join(reader.words)


@pytest.mark.parametrize("name", ["failed", "masked"])
def test_bears_that_nothing_could_be_measured(name):
    mask = (lambda x: x[:, 0] < 0) if name == "masked" else None
    reference = (lambda x: np.nan * x[:, 0]) if name == "failed" else (lambda x: x[:, 0])
    problem = Problem(
        lambda x: x[:, 0], reference, Domain(a=(0.0, 1.0), b=(0.0, 1.0)), ErrorMeasure(mask=mask)
    )
    html = page(audit(problem, evaluations=300).record)
    assert html.count("<section") == html.count("</section>") >= 1
    words = Reader(html).text
    assert "at no point" in words.replace("  ", " ")
    assert not re.search(r"\b(nan|NaN|undefined)\b", words)  # what is missing is left out, not spelled


def keys_of(record, path=()):
    """Each key of a record and of its parts, of a list of parts those of the first: its path and its field."""
    for name, field in type(record).model_fields.items():
        here, value = (*path, field.alias or name), getattr(record, name)
        yield here, field
        if isinstance(value, Record):
            yield from keys_of(value, here)
        elif isinstance(value, tuple) and value and isinstance(value[0], Record):
            yield from keys_of(value[0], (*here, 0))


def put(data, path, *value):
    """The JSON with another value at a path, or without it."""
    data = copy.deepcopy(data)
    part = functools.reduce(lambda part, key: part[key], path[:-1], data)
    part.pop(path[-1], None)
    if value:
        part[path[-1]] = value[0]
    return data


@pytest.mark.slow
@pytest.mark.parametrize("name", ["coarse 1", "coarse 2", "coarse 3"])
def test_what_is_read_is_drawn_and_what_lacks_a_key_is_refused_by_name(name):
    whole, refused = cases.record(name), 0
    data = whole.to_dict()
    for path, field in keys_of(whole):
        try:
            record = read(put(data, path, None))
        except BadInput:
            pass
        else:
            assert page(record, checked=False), path
        if field.is_required():
            with pytest.raises(BadInput) as error:
                read(put(data, path))
            assert f"has no '{'.'.join(map(str, path))}'" in str(error.value) or "charts.map" in str(
                error.value
            )
            assert "\n" not in str(error.value)
            refused += 1
        else:
            assert page(read(put(data, path)), checked=False), path
    assert refused > 100


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["d1", "d2", "d3", "profile"])
def test_bears_each_chart_missing(name):
    whole = cases.record(name)
    html = page(whole)
    assert html.count("<figure") == html.count("</figure>") >= 4
    missing = {"cuts": (), "map": None, "histogram": None, "levels": None, "profile": None, "thumbnails": ()}
    missing |= {"progress": ProgressRecord(search=(), random=None)}
    for key, value in missing.items():
        html = page(whole.changed(charts=whole.charts.changed(**{key: value})))
        for figure in re.findall(r"<figure.*?</figure>", html, re.S):
            assert "<svg" in figure or "<table" in figure, f"without {key} a frame without a picture is left"


def test_the_page_says_how_the_error_is_measured(result):
    """Each kind has a formula of its own: that of another one would be false."""
    data = result("d2")
    pages = [View(read(data | {"measure": data["measure"] | {"kind": kind}})) for kind in KINDS]
    assert len({dict(record(view))["error"] for view in pages}) == len(KINDS)


@pytest.mark.slow
def test_no_error_at_all():
    """sup = 0: model and reference agree everywhere."""
    line = cases.line(measure=ErrorMeasure())
    record = audit(replace(line, model=line.reference), evaluations=500).record
    assert record.sup.lower == 0.0
    html = page(record)
    assert "agree exactly" in html
    assert 'class="ruler"' not in html


def test_constant_error():
    """All errors equal: no range on any error scale."""
    bumpy = cases.bumpy(2)
    shifted = replace(bumpy, model=lambda x: bumpy.reference.value(x) + 1.0)
    Reader(page(audit(shifted, evaluations=500).record))


def test_all_failed():
    steam = cases.steam()
    record = audit(replace(steam, reference=lambda x: np.nan * x[:, 0]), evaluations=500).record
    html = page(record)
    assert '<section id="where">' not in html
    assert f"none of {record.failures.count:,} points" in html


def test_one_peak(result):
    data = result("d3")
    data["peaks"] = data["peaks"][:1]
    seen = data["unseen_peak_mass"]["peaks"]
    assert f"One peak is listed; independent ascents ended on {seen} different ones." in page(read(data))
    data["unseen_peak_mass"]["peaks"] = 1
    assert "The search found a single peak." in page(read(data))


def test_all_peaks_stand_in_a_table_to_sort_to_copy_and_to_download(result):
    data = result("d3")
    data["peaks"] = data["peaks"] * 5
    html = page(read(data))
    body = re.search(r'<table class="points sortable">.*?<tbody>(.*?)</tbody>', html, re.DOTALL)[1]
    assert body.count("<tr>") == len(data["peaks"]) > 6
    exact = repr(data["peaks"][0]["error"])
    assert f'data-v="{exact}"' in body
    link = re.search(r'href="data:text/csv;base64,([^"]+)"', html)[1]
    lines = base64.b64decode(link).decode().splitlines()
    assert lines[0] == ",".join([*data["peaks"][0]["x"], "output", "model", "reference", "error"])
    assert len(lines) == 1 + len(data["peaks"])
    assert lines[1].endswith(exact)


def test_a_name_that_a_spreadsheet_would_compute_is_text_in_the_download(result):
    data = json.loads(json.dumps(result("d3")).replace(f'"{result("d3")["axes"][0]["name"]}"', '"=1+1"'))
    link = re.search(r'href="data:text/csv;base64,([^"]+)"', page(read(data)))[1]
    assert base64.b64decode(link).decode().startswith("'=1+1,")


def test_table_only():
    html = page(cases.record("table"))
    assert '<section id="progress">' not in html
    assert "nothing could be searched" in html


def test_an_output_without_a_name_is_not_called_as_an_input(result):
    data = result("d2")
    name = data["axes"][0]["name"]
    data["outputs"][0]["name"] = data["charts"]["output"] = name
    for point in (data["witness"], *data["peaks"], *data["glitches"]):
        point["output"] = name
    view = View(read(data))
    assert len(view.charts.cuts) == 2
    assert all(">output" in str(cut(view, one, False)) for one in view.charts.cuts)


def test_infinite_errors_everywhere(result):
    data = result("d2")
    data["sup"]["lower"] = data["witness"]["error"] = data["peaks"][0]["error"] = "inf"
    data["charts"]["map"]["values"][0][0] = "inf"
    data["charts"]["cuts"][0]["whole"]["error"][5] = "inf"
    data["charts"]["progress"]["search"].append([16000, "inf"])
    assert "infinite" in Reader(page(read(data))).text


@pytest.mark.slow
def test_profile_of_a_vector_output(result):
    data = result("d3")
    worst = [0.01, 0.05, 0.3, 0.02]
    at = {"coordinate": [1.0, 2.0, 3.0, 4.0], "label": "wavelength", "unit": "um"}
    data["charts"]["profile"] = at | {"worst": worst, "rms": [v / 10 for v in worst]}
    assert "the error is largest, 0.3 m/s, at wavelength 3 um" in Reader(page(read(data))).text


def test_outputs_with_names_are_named_in_their_profile(result):
    data = result("d3")
    data["outputs"] = [{"name": name, "unit": ""} for name in ("T_out", "dp", "mass")]
    profile = {"coordinate": [1, 2, 3], "label": "output", "unit": "", "worst": [0.1, 0.3, 0.2]}
    data["charts"]["profile"] = profile | {"rms": [0.01, 0.01, 0.01]}
    data["charts"]["output"] = "dp"
    for peak in (data["witness"], *data["peaks"], *data["glitches"]):
        peak |= {"output": "dp", "model": [1.0, 2.0, 3.0], "reference": [1.0, 2.5, 3.0]}
    html = page(read(data))
    assert "the error is largest, 0.3 m/s, at dp." in Reader(html).text
    picture = html[html.index("typical error along output") :].split("</svg>")[0]
    ticks = dict(re.findall(r'<text class="tk" x="([\d.]+)"[^>]*>(\w+)</text>', picture)[-3:])
    assert list(ticks.values()) == ["T_out", "dp", "mass"]
    left, middle, right = map(float, ticks)
    assert middle - left == pytest.approx(right - middle, abs=0.2)
    many = data
    many["outputs"] += [{"name": f"a long name {i}", "unit": ""} for i in range(3, 40)]
    many["charts"]["profile"] |= {
        "coordinate": list(range(1, 41)),
        "worst": [0.1] * 39 + [0.2],
        "rms": [0.01] * 40,
    }
    assert "at a long name 39." in Reader(page(read(many))).text


@pytest.mark.slow
def test_many_panels_are_limited(result):
    html = page(read(result("d20")))
    assert "The panels show the 45 of 190 pairs of inputs that vary most." in html
    assert "The plots show the 12 inputs along which the error varies most." in html


BREAKS = [
    ("witness", lambda d, e: d["witness"].update(error=e)),
    ("peak", lambda d, e: d["peaks"][-1].update(error=e)),
    ("map", lambda d, e: d["charts"]["map"]["values"][3].__setitem__(4, e)),
    ("thumbnail", lambda d, e: d["charts"]["thumbnails"][0]["values"][3].__setitem__(4, e)),
    ("cut", lambda d, e: d["charts"]["cuts"][1]["close"]["error"].__setitem__(4, e)),
    ("sample", lambda d, e: d["plain_sample"].update(worst=e)),
    ("progress", lambda d, e: d["charts"]["progress"]["search"].append([99999, e])),
    ("random", lambda d, e: d["charts"]["progress"]["random"]["high"].append(e)),
    (
        "profile",
        lambda d, e: d["charts"].update(
            profile={"coordinate": [1], "label": "output", "unit": "", "worst": [e], "rms": [e]}
        ),
    ),
]


@pytest.mark.parametrize(("where", "put"), BREAKS, ids=[b[0] for b in BREAKS])
@pytest.mark.parametrize("excess", [1.00001, 2.0, math.inf])
def test_everything_evaluated_counts(result, where, put, excess):
    data = result("d2")
    lower = data["sup"]["lower"]
    put(data, "inf" if math.isinf(excess) else lower * excess)
    with pytest.raises(InconsistentResult, match=r"sup\.lower"):
        page(read(data))


def test_rounding_between_batch_and_single_is_borne(result):
    data = result("d2")
    data["peaks"][0]["error"] = data["sup"]["lower"] * (1 + 5e-7)
    assert page(read(data))


def test_a_certified_bound_below_a_witness_is_a_bug(result):
    data = result("d2")
    data["sup"] |= {"upper": data["sup"]["lower"] / 2, "upper_kind": "certified"}
    with pytest.raises(InconsistentResult, match="certified bound"):
        page(read(data))


def test_floors_follow_the_typical_error(result):
    """With sup/RMS = 5e7 the scales must still show the distribution."""
    from supnorm.pages.cuts import error_axis
    from supnorm.pages.ramp import colour_scale

    view = View(read(result("d2")))
    grid = np.array(view.charts.map.values)
    scale = colour_scale(view, [grid])
    assert view.rms / 100 < scale.low < view.rms
    assert error_axis(view, [view.lower, view.rms, view.rms / 9], (0.0, 100.0)).low < view.rms


@pytest.mark.sampled(1)
@pytest.mark.parametrize("inputs", [1, 2])
def test_errors_up_to_the_largest_number(inputs):
    """A model that overflows is finite next to it, and no axis reaches as far."""
    domain = Domain(**dict.fromkeys("ab"[:inputs], (0.0, 1.0)))
    problem = Problem(lambda x: np.exp(720 * x.mean(axis=1)), lambda x: x[:, 0], domain)
    report = audit(problem, evaluations=2000)
    assert report.worst.error == np.inf
    data = report.to_dict()
    assert max(e for e in View(read(data)).shown_errors() if e < math.inf) > 1e306
    text = Reader(page(read(data))).text
    assert "infinite" in text
    # Infinite over infinite says nothing: it is the finite errors that are compared.
    assert report.document["finite"]["worst"] < np.inf
    assert "worst finite / RMS" in text
    assert "worst finite / RMS" in summary(data)


@pytest.mark.parametrize("size", [1.7976931348623157e308, 5e-324])
@pytest.mark.parametrize("sides", [1, 2])
def test_errors_at_the_ends_of_the_range_have_a_page(size, sides, tmp_path):
    """Quotients of such numbers are zero or infinite; drawing them ended paid runs as a bug of ours."""

    def model(x):
        return np.full(len(x), size) if sides == 1 else size * x[:, 0]

    def reference(x):
        return -model(x) if sides == 2 else 0.0 * x[:, 0]

    measure = ErrorMeasure(tolerance=1e-3)
    report = audit(Problem(model, reference, Domain(x=(0.0, 1.0)), error=measure), evaluations=100)
    assert (report.status.code == "tolerance-exceeded") == (size > 1)
    write_page(report, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").count("<svg") > 1
