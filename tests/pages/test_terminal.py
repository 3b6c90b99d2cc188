"""The terminal: the summary says what the page says, the progress view draws news only."""

import io
import math
import re

import pytest
from tests.pages.cases import read

from supnorm import audit
from supnorm.auditing import Power
from supnorm.evaluation.events import Advanced, Finished, NewWorst, Planting, Started
from supnorm.pages import TerminalProgress, comparison, summary
from supnorm.pages.peaks import tags
from supnorm.pages.progress import NowAndThen
from supnorm.pages.terminal import facts
from supnorm.pages.view import View
from supnorm.problem import Domain, ErrorMeasure, Function, Problem


def test_summary_has_every_fact(result):
    text = summary(result("d2"), 100, report="run/report.html")
    lines = text.splitlines()
    assert lines[0].startswith("▲ TOLERANCE EXCEEDED   IAPWS-IF97")
    names = "worst found,at,typical (RMS),99.9 % at most,upper bound,re-check,would find,no value"
    for name in names.split(","):
        assert re.search(rf"^ *{re.escape(name)}  ", text, re.MULTILINE)
    assert "none" in text
    assert "a worse point may exist" in text
    assert re.search(r"─*r─*q─*T━+▲─+", text)
    assert lines[-3:] == [
        "report  run/report.html",
        "repeat  supnorm audit problem.toml --seed 0",
        "exit    1",
    ]


@pytest.mark.sampled(8)
@pytest.mark.parametrize("name", ["d1", "d2", "d3", "d8", "d20"])
@pytest.mark.parametrize("width", [40, 79, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal(result, name, width):
    lines = summary(result(name), width).splitlines()
    assert max(len(line) for line in lines if not line.startswith("repeat")) <= width


def test_what_is_to_be_copied_is_whole(result):
    """Cut after 40 columns a command repeats another run, or none."""
    data, folder = result("d2"), "a/" * 30 + "run"
    data["command"] = f"supnorm audit {folder}/problem.toml --seed 3 --evaluations 1000"
    lines = summary(data, 40, report=f"{folder}/report.html").splitlines()
    assert f"repeat  {data['command']}" in lines
    assert f"report  {folder}/report.html" in lines


def test_the_third_column_goes_below_80_columns(result):
    assert "a worse point may exist" in summary(result("d3"), 100)
    assert "a worse point may exist" not in summary(result("d3"), 79)


def test_colour_only_when_asked(result):
    assert "\x1b" not in summary(result("d2"), 100)
    colored = summary(result("d2"), 100, color=True)
    assert "\x1b[1;31m" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == summary(result("d2"), 100)


def test_summary_bears_nothing(result):
    data = result("d2") | {"witness": None, "peaks": [], "glitches": []}
    data["sup"]["lower"] = data["rms"]["value"] = data["plain_sample"]["worst"] = None
    data["charts"] |= {"cuts": [], "map": None, "thumbnails": [], "progress": {"search": [], "random": None}}
    data["quantiles"] = dict.fromkeys(data["quantiles"])
    assert "NOTHING COULD BE MEASURED" in summary(data, 80)


def test_bound_and_recheck(result):
    data = result("d1")
    data["sup"] |= {"upper": 0.7, "upper_kind": "conditional"}
    data["witness"]["recheck"] = "unresolved"
    data["recheck"] = {"name": "a second code", "precision": "", "notes": []}
    rows = {name: (value, note) for name, value, note in facts(View(read(data)))}
    assert rows["upper bound"] == ("0.7", "on assumptions")
    assert rows["re-check"] == ("unresolved", "a second code")


class Terminal(io.StringIO):
    def isatty(self):
        return True


EVENTS = [
    Started("steam", 1e-3, 0, 46_796, relative=True),
    Advanced(100, 46_796, 5e-4, 5.3e-5, 0),
    NewWorst(120, 5e-4, False),
    NewWorst(130, 5.001e-4, False),
    NewWorst(11_509, 8.92, True),
    NewWorst(11_600, 8.921, True),
    Advanced(40_042, 46_796, 1264.0, 5.31e-5, 89),
    NewWorst(25_088, 1264.0, True),
]


def test_without_a_terminal_one_line_for_each_news():
    stream = io.StringIO()
    progress = TerminalProgress(stream)
    for event in [*EVENTS, Finished()]:
        progress(event)
    lines = stream.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["120", "11,509", "25,088"]
    assert lines[0].endswith("0.05 %")
    assert re.search(r"25,088  worst +126,000 %   above tolerance", lines[-1])
    assert "\x1b" not in stream.getvalue()


def test_without_a_terminal_it_says_now_and_then_how_far_it_is():
    """Nothing was said for minutes while errors were planted."""
    stream, now = io.StringIO(), [0.0]
    progress = TerminalProgress(stream, clock=lambda: now[0])
    progress(EVENTS[0])
    for k in range(1, 101):
        now[0] = float(k)
        progress(Advanced(100 * k, 20_000, 0.5, math.nan, 0))
    for k in range(60):
        progress(Planting(k, 60))
        now[0] += 1.0
    progress(Finished())
    lines = stream.getvalue().splitlines()
    assert lines[0] == "200 of 20,000 evaluations, worst so far 50 %, 2 s, about 3.3 min left"
    searched = [line for line in lines if "evaluations" in line]
    planted = [line for line in lines if line.startswith("planted errors: ")]
    assert len(searched) + len(planted) == len(lines)
    assert 5 <= len(searched) <= 12
    assert 4 <= len(planted) <= 10
    assert planted[0] == "planted errors: 2 of 60 searches, 2 s, about 58 s left"


def test_planted_errors_are_counted_for_an_observer():
    events = []
    problem = Problem(lambda x: x[:, 0] + 0.05, lambda x: x[:, 0], Domain(x=(0.0, 1.0)))
    audit(problem, evaluations=200, power=Power(runs=2, volumes=(0.1,), sheets=()), observer=events.append)
    assert [(e.done, e.searches) for e in events if isinstance(e, Planting)] == [(0, 2), (1, 2)]


@pytest.mark.parametrize(
    ("started", "said"),
    [
        ({}, "5"),
        ({"unit": "W/m2"}, "5 W/m²"),
        ({"relative": True}, "500 %"),
        ({"unit": "W/m2", "per_output": True}, "5 × tolerance"),
        ({"relative": True, "per_output": True}, "5 × tolerance"),
    ],
)
def test_news_are_in_the_unit_of_the_error(started, said):
    stream = io.StringIO()
    progress = TerminalProgress(stream)
    for event in [Started("t", 1.0, 0, 500, **started), NewWorst(120, 5.0, True), Finished()]:
        progress(event)
    assert stream.getvalue().split() == ["120", "worst", *said.split(), "above", "tolerance"]


def test_an_audit_with_a_tolerance_for_each_output_shows_multiples_of_it():
    stream = io.StringIO()
    reference = Function(lambda x: x[:, :1], output_units=("W/m2",))
    measure = ErrorMeasure(tolerance=(0.01,))
    problem = Problem(lambda x: x[:, 0] + 0.05, reference, Domain(x=(0.0, 1.0)), measure)
    audit(problem, evaluations=200, observer=TerminalProgress(stream))
    assert "5 × tolerance   above tolerance" in stream.getvalue()


def test_quiet_draws_nothing():
    for stream in (io.StringIO(), Terminal()):
        progress = TerminalProgress(stream, quiet=True)
        for event in [*EVENTS, Finished()]:
            progress(event)
        assert stream.getvalue() == ""


def test_the_view_of_a_terminal():
    from rich.console import Console

    stream, now = Terminal(), [0.0]
    progress = TerminalProgress(stream, clock=lambda: now[0])
    progress(EVENTS[0])
    now[0] = 20.0
    for event in EVENTS[1:]:
        progress(event)
    console = Console(file=io.StringIO(), width=100, record=True)
    console.print(progress.drawing())
    text = console.export_text()
    progress(Finished())
    progress.close()
    assert "audit steam   tolerance 0.1 %   seed 0" in text
    assert "40,042 / 46,796  0:00:03 left" in text
    assert "worst so far 126,000 %   RMS 0.00531 %   no value 89" in text
    assert text.count("above tolerance") == 2
    assert "Ctrl-C stops and keeps the work; --resume goes on" in text


NEITHER = {"no_value": 0, "finite": None, "row": None, "seed": 0, "budget": None}
COMPARED = {
    "schema": "supnorm.compare/1",
    "reference": "truth",
    "axes": [{"name": "x", "low": 0.0, "high": 1.0, "unit": "", "scale": "linear", "values": None}],
    "measure": {"kind": "absolute", "side": "both", "floor": None, "scale": None, "unit": "K", "per_output": False,
                "failures": "error"},
    "rows": [
        {"title": "big <net>", "model": "a.onnx", "rms": 0.01, "q999": 0.05, "worst": 0.9, "at": {"x": 0.25},
         "tolerance": 0.1, "status": "tolerance-exceeded", "folder": "runs/a b", **NEITHER},
        {"title": "small net", "model": "b.onnx", "rms": 0.02, "q999": 0.04, "worst": 0.05, "at": {"x": 0.5},
         "tolerance": 0.1, "status": "within-tolerance", "folder": "runs/b", **NEITHER},
        {"title": "broken", "model": "c.onnx", "rms": None, "q999": None, "worst": None, "at": {},
         "tolerance": None, "status": "undecided", "folder": "", **NEITHER},
    ],
}  # fmt: skip


def test_comparison_orders_by_the_worst_error():
    lines = comparison(COMPARED, 120).splitlines()
    assert [line.split("  ")[0] for line in lines[1:]] == ["small net", "big <net>", "broken"]
    assert "0.9 K" in lines[2]
    assert lines[3].split()[:5] == ["broken", "no", "value", "not", "known"]  # too few points for 99.9 %
    assert "tolerance exceeded" in comparison(COMPARED, 95)  # what a narrow terminal cuts is the place


def test_a_comparison_says_which_rms_is_that_of_the_finite_errors_and_what_is_not_drawn(tmp_path):
    """The RMS of a model without a value somewhere is infinite, as in the JSON, and beside it stands that of the rest."""
    from supnorm.pages import write_comparison

    finite = {"n": 39, "of": 40, "infinite": 1, "rms": 0.001, "mean": 0.0, "quantiles": {}, "worst": 0.03}
    gap = COMPARED["rows"][0] | {
        "title": "<gap>",
        "rms": "inf",
        "worst": "inf",
        "no_value": 7,
        "finite": finite,
    }
    record = COMPARED | {"rows": [*COMPARED["rows"], gap]}
    said = next(line for line in comparison(record, 160).splitlines() if line.startswith("<gap>"))
    assert "infinite; else 0.001 K" in said
    assert "no value at 7 points; else 0.03 K" in said
    write_comparison(record, tmp_path / "compare.html")
    html = (tmp_path / "compare.html").read_text("utf-8")
    assert '<td class="n" data-h="RMS">infinite; else 0.001 K</td>' in html
    assert "Not drawn: &lt;gap&gt;, broken (worst error infinite, zero or not known)." in html
    drawn = COMPARED | {"rows": COMPARED["rows"][:2]}
    write_comparison(drawn, tmp_path / "drawn.html")
    assert "Not drawn" not in (tmp_path / "drawn.html").read_text("utf-8")


def test_comparison_page(tmp_path):
    from supnorm.pages import write_comparison

    write_comparison(COMPARED, tmp_path / "compare.html")
    html = (tmp_path / "compare.html").read_text("utf-8")
    assert "The smallest worst error found is <b>0.05\u00a0K</b>, by small net." in html
    assert "By the RMS alone one would have chosen big &lt;net&gt;" in html
    assert "<net>" not in html
    assert 'href="runs/a%20b/report.html"' in html
    assert "a worse point may exist" in html
    rows = [row | {"worst": 1.7e308, "status": "tolerance-exceeded"} for row in COMPARED["rows"]]
    write_comparison(COMPARED | {"rows": rows}, tmp_path / "huge.html")  # no axis reaches as far
    write_comparison(COMPARED | {"rows": []}, tmp_path / "empty.html")
    assert "No model could be evaluated." in (tmp_path / "empty.html").read_text("utf-8")


def test_errors_that_differ_by_rounding_have_no_ruler():
    data = audit(
        Problem(lambda x: x[:, 0] + 0.1, lambda x: x[:, 0], Domain(x=(0.0, 1.0))), evaluations=100
    ).to_dict()
    data["sup"]["lower"], data["rms"]["value"] = 8.80644347092189e-05, 8.806443470921889e-05
    data["charts"] |= {"cuts": [], "map": None, "histogram": None, "levels": None}
    data["charts"]["progress"] = {"search": [], "random": None}
    data["quantiles"], data["plain_sample"]["worst"] = {}, None
    data["witness"]["error"] = data["peaks"][0]["error"] = 8.80644347092189e-05
    data["peaks"] = data["peaks"][:1]
    assert "▲ worst found" not in summary(data)


@pytest.mark.parametrize("width", [80, 90, 100, 120])
def test_no_tag_of_a_place_is_cut(result, width):
    """Tags wrap below themselves; where there is no room for that the sizes go, then they stand below."""
    data = result("d8")
    wanted = ["glitch", "model-side", "reference-side", "suspect-label"]
    for place in data["peaks"]:
        place["tags"] = list(wanted)
    view = View(read(data))
    full = {t.words for t in tags(view, view.peaks[0]) if t.words != "interior"}
    text = summary(data, width)
    table = next(part for part in text.split("\n\n") if "  # " in part)
    assert "…" not in table
    assert max(map(len, table.splitlines())) <= width
    flat = " ".join(table.split())
    assert len(full) >= 3
    for word in " ".join(full).split():
        assert word in flat


def test_a_summary_with_room_has_one_line_a_place(result):
    data = result("d3")
    rows = [line for line in summary(data, 200).splitlines() if re.match(r"  [1-5]   ", line)]
    view = View(read(data))
    places = view.peaks
    assert len(rows) == min(5, len(places))
    for rank, (row, place) in enumerate(zip(rows, places, strict=False), 1):
        assert row.split()[0] == str(rank)  # all of a place stands in its one line: its error and where it is
        assert f"   {place.error:.3g} m/s   " in row
        assert f"   input_0 {view.axis('input_0').at(place.x['input_0'])} " in row
        assert f"  input_1 {view.axis('input_1').at(place.x['input_1'])}" in row


def test_what_comes_before_the_first_box_is_no_measure_of_the_boxes() -> None:
    """A certificate took 10 s to read and its boxes 1 s each: 98 s were forecast for the 8 that were left, now 8 s."""
    seconds = 0.0
    line = NowAndThen(lambda: seconds)
    seconds = 10.0
    assert line.due(0)
    seconds = 12.0
    assert line.words(2, 10) == "12 s, about 8 s left"
