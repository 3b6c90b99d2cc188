"""Pages and summaries of tables and of few points: what the rows do not carry is not said."""

import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
from tests.pages.cases import said

from supnorm import audit
from supnorm.auditing.infinite import failed_share
from supnorm.pages import summary
from supnorm.pages.cuts import cut
from supnorm.pages.page import RUN_FILES, page, write_page
from supnorm.pages.peaks import edge_words
from supnorm.pages.view import View
from supnorm.pages.words import headline, top_level
from supnorm.problem import Domain, ErrorMeasure, Function, Problem
from supnorm.wording import Narrator, fact
from supnorm.wording.result import AUDIT

SQUARE = Domain(a=(0.0, 1.0), b=(0.0, 1.0))


def html_of(report):
    return page(report.record).replace("\xa0", " ").replace("&#160;", " ").replace("\u202f", " ")


def table(x, y):
    return Function(name="rows.csv", table=(x, y[:, None]))


def smooth(x):
    return np.sin(3 * x[:, 0]) * x[:, 1]


def labelled(n, wrong=()):
    x = 0.002 + 0.9961 * np.random.default_rng(0).random((n, 2))
    y = smooth(x) + 0.01 * x[:, 1]
    y[list(wrong)] += 0.8
    return x, y


@pytest.mark.parametrize(
    ("n", "level", "known"),
    [(200, "90 %", ["0.5", "0.9"]), (600, "99 %", ["0.5", "0.9", "0.99"]), (6000, "99.9 %", None)],
)
def test_a_quantile_is_shown_where_the_sample_carries_it(n, level, known):
    report = audit(Problem(smooth, lambda x: x[:, 1], SQUARE), evaluations=n)
    quantiles = report.document["quantiles"]
    assert [q for q, v in quantiles.items() if v is not None] == (known or list(quantiles))
    view = View(report.record)
    assert top_level(view)[0] == level
    text, html = summary(report), html_of(report)
    assert f"{level} at most" in text
    assert f"{level} of the random points have at most this" in html
    assert "of the domain is below" not in html  # that would be a bound of a quantile
    if n < 5000:
        assert "99.9 % at most" not in text
        assert "99.9 % of the random points have at most this" not in html


def test_too_few_points_for_a_quantile_are_told():
    data = audit(Problem(smooth, lambda x: x[:, 1], SQUARE), evaluations=100).to_dict()
    data["quantiles"] = dict.fromkeys(data["quantiles"])
    assert "99.9 % at most  not known" in summary(data)
    assert "too few random points: 20" in summary(data)
    assert "at most  no value" not in summary(data)


def test_a_table_speaks_of_its_rows():
    x, y = labelled(1500)
    html = html_of(audit(Problem(smooth, table(x, y), SQUARE)))
    assert "99.9 % of the rows have at most this" in html
    assert "Share of the rows above a level" in html
    assert "The list shows the worst rows, highest first." in html
    assert "1,500 of model and reference: 1,500 rows" in html
    assert "independent random points" not in html.split('id="words"')[0]
    assert "of the domain is below" not in html


def test_one_suspect_label_is_spoken_of_as_one():
    for wrong, text in (
        (
            [40],
            "1 label of 1,500 disagrees with both the model and its neighbours (data row 41): check it before",
        ),
        ([40, 90], "2 labels of 1,500 disagree with both the model and their neighbours (data rows "),
    ):
        x, y = labelled(1500, wrong=wrong)
        found = audit(Problem(smooth, table(x, y), SQUARE)).document["findings"]
        assert next(f["text"] for f in found if f["code"] == "suspect-labels").startswith(text)


def test_advice_for_a_table_does_not_ask_to_search_longer():
    x, y = labelled(400)
    x, y = x[np.argsort(x[:, 1])], y[np.argsort(x[:, 1])]  # the worst row comes last
    for tolerance, word in (
        (None, "The maximum over these 400 rows is exact"),
        (1.0, "Nothing is known between rows"),
        (0.005, "Retrain with the worst rows"),
    ):
        report = audit(Problem(smooth, table(x, y), SQUARE, tolerance=tolerance))
        assert word in report.status.advice
        assert "longer" not in report.status.advice
        assert "last third" not in report.status.advice


@pytest.mark.slow
def test_a_suspect_label_is_not_blamed_on_the_model():
    x, y = labelled(1500, wrong=[40])
    report = audit(Problem(smooth, table(x, y), SQUARE, tolerance=0.1))
    assert report.status.code == "tolerance-exceeded"
    assert "check the suspect labels first" in report.status.advice
    assert "Retrain" not in report.status.advice
    told = said(headline, View(report.record))
    assert "is wrong by" not in told
    assert "label" in told
    assert "row 41" in summary(report)
    assert "row 41" in html_of(report)


def test_a_point_near_an_end_is_inside_as_its_tag_says():
    x = np.array([[0.9995, 0.5], [0.2, 0.3], [1.0, 0.4], [0.4, 0.6]])
    y = smooth(x) + np.array([0.4, 0.1, 0.3, 0.2])
    view = View(audit(Problem(smooth, table(x, y), SQUARE)).record)
    assert [p.record.tags[0] for p in view.peaks[:2]] == ["interior", "boundary"]
    assert [edge_words(view, p) for p in view.peaks[:2]] == ["interior", "on the edge: a high"]


def of_file(folder, cells):
    """An audit of truth and prediction in one CSV file with a site and a day."""
    from supnorm.sources import open_problem

    lines = ["a,b,truth,pred,site,day"]
    lines += [f"{a},{b},{t},{p},{'ABC'[i % 3]},2020-02-{i + 1:02d}" for i, (a, b, t, p) in enumerate(cells)]
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    sides = [f'[{k}]\nfile = "t.csv"\ninputs = ["a", "b"]\noutputs = ["{c}"]' for k, c in SIDES]
    (folder / "p.toml").write_text("\n".join([*sides, "[error]\ntolerance = 5.0\n"]))
    return audit(open_problem(folder / "p.toml"))


SIDES = (("model", "pred"), ("reference", "truth"))


def test_a_row_is_named_by_its_number_and_what_else_stands_in_it(tmp_path):
    report = of_file(tmp_path, [(i, i % 2, i, i + 0.1 * i) for i in range(20)])
    text, html = summary(report), html_of(report)
    assert "row 20, site B, 2020-02-20" in text
    assert "WITHIN TOLERANCE IN ALL 20 ROWS; NOTHING IS KNOWN BETWEEN ROWS" in text
    told = said(headline, View(report.record))
    assert told.startswith("None of 20 rows has an error above your tolerance of 5. The worst is 1.9, in")
    assert "row 20, site B, 2020-02-20" in told
    assert "The maximum over these 20 rows is exact. Nothing is known between rows." in html
    assert "not excluded" not in html  # no hatched part of the ruler: a row that is worse does not exist
    assert 'class="unk"' not in html
    assert "a worse point may exist" not in text + html
    assert "2 other columns of row 20" in html
    assert "counts as a glitch" not in html  # places of a table are rows, and none was measured


def test_the_finite_errors_stand_beside_missing_predictions(tmp_path):
    """Everything was called infinite: worst, RMS, quantiles, and all of the places."""
    rows = [(i, i % 2, i, "" if i in (3, 4, 5, 9) else i + 0.1 * i) for i in range(20)]
    report = of_file(tmp_path, rows)
    text, html = summary(report), html_of(report)
    told = said(headline, View(report.record))
    assert told.startswith("In 4 of 20 rows the model has no value where the reference has one.")
    assert "Of the other 16 the worst error is 1.9, in row 20, site B, 2020-02-20" in told
    assert "worst finite  1.9" in text
    assert "no value  model 4" in text
    finite = [0.1 * i for i in range(20) if i not in (3, 4, 5, 9)]
    rms = f"{math.sqrt(sum(e * e for e in finite) / 16):.3g}"
    assert f"typical (RMS)  {rms}" in text
    assert f"<dt>{'RMS'}</dt><dd>{rms}</dd>" in html or f">RMS</a></dt><dd>{rms}</dd>" in html
    assert [p["row"] for p in report.document["peaks"][:4]] == [4, 5, 6, 20]
    finding = next(f for f in report.document["findings"] if f["code"] == "no-model-value")
    assert finding["rows"] == [4, 5, 6, 10]
    assert "(rows 4, 5, 6, 10)" in finding["text"]
    assert report.status.exit == 1


def test_rows_without_a_truth_are_not_among_the_others(tmp_path):
    """In 4 of 20 rows, "of the other 13": the page left the reader with three rows too few."""
    rows = [(i, i % 2, "" if i in (0, 1, 2) else i, "" if i in (3, 4, 5, 9) else 1.1 * i) for i in range(20)]
    report = of_file(tmp_path, rows)
    told = said(headline, View(report.record))
    assert told.startswith("In 4 of 20 rows the model has no value where the reference has one.")
    assert "Of the 13 rows with a finite error the worst error is 1.9, in row 20" in told
    assert "--failures ignore" in report.status.advice  # who named no problem file has no [error] to edit


def test_a_page_of_rows_that_lack_inputs(tmp_path):
    report = of_file(
        tmp_path, [("" if i == 7 else i, i % 2, i, i + (9 if i == 7 else 0.1)) for i in range(20)]
    )
    assert report.worst.row == 8
    html = html_of(report)
    assert "row 8, site B, 2020-02-08" in html
    assert "1 of the 20 rows lacks an input (a in 1)" in html
    write_page(report, tmp_path / "page.html")


def test_a_relative_error_without_a_floor_may_be_huge():
    """Where the reference is 1e-282 and the model 1e-4: no number overflows, and everything is drawn."""

    def tail(x):
        return np.exp(-650 * x[:, 0] * x[:, 1])

    measure = ErrorMeasure("relative", floor=0.0, tolerance=0.1)
    report = audit(Problem(lambda x: tail(x) + 1e-4, tail, SQUARE, measure), evaluations=1000)
    assert report.worst.error == pytest.approx(1e-4 * math.exp(650), rel=1e-6)
    assert 1e200 < report.rms.value < report.worst.error
    assert "1.96 × 10²⁸⁰ %" in html_of(report)
    assert "10²⁸⁰ %" in summary(report)


def test_the_terminal_names_the_worst_of_several_outputs():
    def two(x):
        return np.column_stack([x[:, 0], x[:, 1]])

    def other(x):
        return np.column_stack([x[:, 0], 1.3 * x[:, 1]])

    reference = Function(other, outputs=("flux", "mass"))
    text = summary(audit(Problem(two, reference, SQUARE), evaluations=300))
    line = next(row for row in text.splitlines() if "worst found" in row)
    assert line.split()[-2:] == ["in", "mass"]
    assert math.isfinite(float(line.split()[2]))


def test_the_page_names_its_own_folder(tmp_path):
    report = audit(Problem(smooth, lambda x: x[:, 1], SQUARE), evaluations=200)
    for name, quoted in (("a-run", "a-run"), ("two words", "two words")):
        (tmp_path / name).mkdir()
        for file in RUN_FILES[:2]:  # a page names no file that does not lie beside it
            (tmp_path / name / file).write_text("")
        write_page(report, tmp_path / name / "report.html")
        text = (tmp_path / name / "report.html").read_text()
        assert f"supnorm replay {tmp_path / quoted} 1" in text.replace("&#39;", "").replace("'", "")
        assert "replay RUN" not in text


def test_a_map_does_not_promise_to_show_what_no_point_has_hit():
    html = html_of(audit(Problem(smooth, lambda x: x[:, 1], SQUARE), evaluations=200))
    assert "so a spot smaller than a cell still shows" not in html
    assert "only where a point hit it" in html
    assert "largest of 40 random tests" in html
    assert "best of 40" not in html


@pytest.mark.slow
def test_what_grey_means_in_a_cut_is_told():
    """A point outside of the constraints is no point without a value, nor is one that the mask leaves out."""

    def failing(x):
        return np.where(x[:, 0] > 0.9, np.nan, x[:, 1])

    domain = Domain([lambda x: x[:, 0] > 0.1], a=(0.0, 1.0), b=(0.0, 1.0))
    masked = ErrorMeasure(mask=lambda x: x[:, 1] < 0.9)
    key = '<i class="sw gap"></i>'
    for reference, box, error, words in (
        (failing, domain, masked, "no value, outside the domain, not counted (mask)"),
        (failing, SQUARE, ErrorMeasure(), "no value"),
        (lambda x: x[:, 1], domain, ErrorMeasure(), "outside the domain"),
    ):
        html = html_of(audit(Problem(smooth, reference, box, error), evaluations=3000))
        assert f"{key}{words}</span>" in html
    assert key not in html_of(audit(Problem(smooth, lambda x: x[:, 1], SQUARE), evaluations=3000))


@pytest.mark.slow
def test_a_share_of_rows_is_one_of_such_rows_only_if_they_are_drawn():
    x, y = labelled(400)
    html = html_of(audit(Problem(smooth, table(x, y), SQUARE, tolerance=1.0)))
    assert "of such rows, if they are independent draws, does." in html


def test_levels_beside_infinite_errors_are_those_of_the_finite_ones():
    """The page said that 99.9 % of the points are below a level where a fifth of them had an infinite error."""

    def model(x):
        return np.where(x[:, 0] > 0.8, np.nan, x[:, 1] + 0.01 * x[:, 0])

    reference = Function(lambda x: x[:, 1], output_units=("MPa",))
    report = audit(Problem(model, reference, SQUARE, tolerance=0.02), evaluations=8000)
    html = html_of(report)
    assert "% of the random points with a finite error have at most this" in html
    assert "% of the random points have at most this" not in html
    assert "Over the random points with a finite error:" in html
    assert "worst finite / RMS" in html
    assert "The average shows it" not in html  # the RMS is that of the finite errors
    (text,) = [f["text"] for f in report.document["findings"] if f["code"] == "no-model-value"]
    assert re.search(r"with 95 % confidence it is infinite on at most \d+ % of the domain\.", text)
    assert re.search(
        r"RMS over [\d,]+ random points is [\d.]+ MPa, and the largest finite error found is 0.008 MPa", text
    )


def test_a_reference_that_fails_off_the_random_points_is_told_without_a_double_negative():
    sample = SimpleNamespace(failed={}, drawn=30)
    values = failed_share(Problem(smooth, smooth, SQUARE), "reference", sample)
    words = Narrator(AUDIT).text(fact("side-without-value", side="reference", **values))
    assert words == (
        "The reference has no value at some of the points evaluated, though at none of the 30 random points: no error is "
        "known there."
    )


def test_an_infinite_error_is_not_drawn_at_a_finite_height():
    """The cut drew it at 1.6 times the largest finite error, on an axis with numbers."""

    def model(x):
        return np.where(x[:, 0] > 0.8, np.nan, x[:, 1] + 0.01)

    report = audit(Problem(model, lambda x: x[:, 1], SQUARE, tolerance=0.02), evaluations=500)
    view = View(report.record)
    across, along = (str(cut(view, raw, close=False)) for raw in view.charts.cuts)
    for drawn in (across, along):
        assert ">infinite</text>" in drawn
        assert re.search(r'class="dot"[^>]*cy="158', drawn)  # on the upper edge of the lower part
    assert across.count('class="s-err"') == 2  # what is finite, and what is not
