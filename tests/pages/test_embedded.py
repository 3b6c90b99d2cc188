"""Results in notebooks: what a cell shows, the whole page as text, and the charts by matplotlib."""

import re
import sys

import numpy as np
import pytest
from tests.pages.cases import record

import supnorm as sn
from supnorm.pages.embedded import style


@pytest.fixture(scope="module")
def report():
    model = lambda x: x[:, 0] * x[:, 1]  # noqa: E731
    problem = sn.Problem(
        model, lambda x: x[:, 0], sn.Domain(a=(0.0, 1.0), b=(1.0, 3.0, "m")), tolerance=0.5, title="A <i>"
    )
    return sn.audit(problem, evaluations=500)


def test_a_cell_shows_verdict_sentence_and_ruler_and_nothing_that_needs_the_page(report):
    cell = report._repr_html_()
    assert "Tolerance exceeded" in cell
    assert "A &lt;i&gt;" in cell
    assert 'class="track"' in cell
    assert "<a " not in cell
    assert "<script" not in cell
    assert "<h1" not in cell
    assert len(cell) < 40_000


def test_its_style_changes_nothing_else():
    assert style().startswith(".supnorm-result {")
    assert ":root" not in style()
    assert not re.search(r"(^|[^.t])body\b|@page", style())
    assert style().count("{") == style().count("}")


@pytest.mark.slow
def test_every_result_has_a_cell(report):
    others = [
        sn.certify(sn.Problem(lambda x: x[:, 0], lambda x: x[:, 0] ** 2, sn.Domain(x=(0.0, 1.0))), 1.5),
        sn.fit(lambda x: x[:, 0] ** 2, sn.Domain(x=(0.0, 1.0)), tolerance=1e-3, method="chebyshev"),
        sn.budget(sn.SmoothClass(inputs=2, smoothness=2), tolerance=1e-2),
    ]
    for result in [*others, report.record]:
        cell = result._repr_html_()
        assert "supnorm-result" in cell
        assert len(re.sub(r"<style>.*?</style>|<[^>]*>", "", cell, flags=re.DOTALL)) > 60
    for result in others[:2]:
        assert result.to_html().startswith("<!doctype html>")


def test_the_page_from_python_names_no_file_that_is_not_there(report, tmp_path):
    for text in (report.to_html(), _written(report, tmp_path)):
        assert "result.json" not in text
        assert "supnorm replay" not in text
        assert "problem.error_at({&#39;a&#39;: 1.0, &#39;b&#39;: 3.0})" in text
    report.save(tmp_path)
    saved = _written(report, tmp_path)
    assert 'href="result.json"' in saved
    assert "supnorm replay" not in saved  # it needs the problem file
    (tmp_path / "problem.toml").write_text("")
    assert "supnorm replay" in _written(report, tmp_path)


def _written(report, folder):
    sn.write_page(report, folder / "report.html")
    return (folder / "report.html").read_text()


def test_peaks_are_a_table(report):
    table = report.peak_table
    assert len(table) == len(report.peaks)
    assert table["error"].tolist() == [peak.error for peak in report.peaks]
    assert table["output"][0] == "y"
    assert table.columns[:2] == ("a", "b")


def test_progress_is_drawn_on_request(capsys):
    problem = sn.Problem(lambda x: x[:, 0], lambda x: 2 * x[:, 0], sn.Domain(x=(0.0, 1.0)))
    seen = []
    sn.audit(problem, evaluations=300, progress=True, observer=seen.append)
    assert "planned: at most" in capsys.readouterr().err
    assert seen
    sn.audit(problem, evaluations=300)
    assert capsys.readouterr().err == ""


def test_without_matplotlib_it_says_what_to_do(report, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(sn.BadInput, match="pip install matplotlib"):
        report.plot.ruler()


@pytest.mark.parametrize(
    "name", ["coarse 1", "coarse 2", "coarse 3", "table", "failed", "points", "infinite"]
)
def test_charts_by_matplotlib(name):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from supnorm.pages.plots import Plots

    plots = Plots(record(name))
    drawn = 0
    for chart in (plots.ruler, plots.distribution, plots.cuts, plots.map):
        try:
            result = chart()
        except sn.BadInput:
            continue
        figure = getattr(result, "figure", result)
        figure.canvas.draw()
        drawn += 1
        matplotlib.pyplot.close(figure)
    assert drawn >= 1


def test_the_map_of_matplotlib_has_the_numbers_of_the_record(report):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    axes = report.plot.map()
    mesh = axes.collections[0]
    assert np.nanmax(np.ma.filled(mesh.get_array(), np.nan)) <= report.worst.error
    assert axes.get_ylabel() == "b (m)"
    matplotlib.pyplot.close(axes.figure)
