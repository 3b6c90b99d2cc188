"""The experiments of papers, in seconds: every run works, and nothing from memory is printed as published."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.claims.code import ROOT
from benchmarks.claims.pages import written
from reproduce.catalogue import NAMES, experiment, published
from reproduce.chart import chart
from reproduce.experiment import EFFORTS, NOT_REPRODUCED, OURS, QUALIFIED, REPRODUCED, Curve, Figure
from reproduce.expressivity.networks import product_network, square_network, taylor_network, weights
from reproduce.expressivity.plane import plane_network
from reproduce.page import write_page
from reproduce.report import lines, report, table
from reproduce.runner import kept, results_of

from reproduce import questions
from supnorm.planning.theory.network_class import NetworkClass, hidden_network
from supnorm.results.reproduce import ReproduceRecord


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of results, so that no experiment runs twice."""
    return tmp_path_factory.mktemp("papers")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_runs_and_has_its_page(name: str, shared: Path, tmp_path: Path) -> None:
    made = experiment(name)
    events = []
    results = results_of([made], shared, "test", 1, events.append)
    if events:  # another test of this process may have run it
        assert events[-1].done == events[-1].total == len(made.runs("test"))
    assert set(results[name]) == {run.name for run in made.runs("test")}
    record = report([made], results, "test", "supnorm reproduce")
    assert {c.verdict for c in record.papers[0].claims} <= {REPRODUCED, QUALIFIED, NOT_REPRODUCED, OURS}
    assert len(record.papers[0].claims) >= 2
    assert "claim" in table(record.papers[0])
    assert type(record).from_dict(json.loads(record.to_json())) == record
    write_page(record, [made], results, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert page.count("<svg") == len(made.figures(results[name])) >= 1
    again = []
    assert results_of([made], shared, "test", 1, again.append) == results
    assert not again


@pytest.mark.parametrize("name", NAMES)
def test_runs_have_names_of_their_own_and_every_published_number_is_used_and_known(name: str) -> None:
    made, numbers = experiment(name), published(name)
    for effort in EFFORTS:
        names = [run.name for run in made.runs(effort)]
        assert len(set(names)) == len(names)
        assert all(c.isalnum() or c == "-" for n in names for c in n)
    source = Path(str(sys.modules[made.runs.__module__].__file__)).read_text()
    for key, number in numbers.items():
        assert f'"{key}"' in source
        assert number.source
        if number.sure == "memory":
            assert number.text not in number.shown
            with pytest.raises(ValueError, match=key):
                numbers.number(key)


@pytest.mark.slow
def test_a_result_of_other_arguments_or_a_broken_file_is_not_used(tmp_path: Path) -> None:
    made = experiment("expressivity")
    results_of([made], tmp_path, "test", 1)
    path = tmp_path / "expressivity" / "square-2.json"
    kept = json.loads(path.read_text())
    for damage in ("{", json.dumps({**kept, "arguments": {"levels": 9}}), "[]"):
        path.write_text(damage)
        events = []
        results_of([made], tmp_path, "test", 1, events.append)
        assert [e.run for e in events] == ["square-2"]
        assert json.loads(path.read_text())["result"] == kept["result"]


def test_the_networks_of_the_proofs_err_as_the_proofs_say() -> None:
    rng = np.random.default_rng(0)
    for levels in (1, 2, 5, 9):
        middle = (np.arange(2**levels) + 0.5) / 2**levels
        error = square_network(levels).value(middle[:, None])[:, 0] - middle**2
        assert np.array_equal(error, np.full(2**levels, 2.0 ** (-2 * levels - 2)))
    assert [weights(square_network(m)) for m in (2, 4)] == [(33, 25), (73, 55)]
    x = rng.uniform(-1.0, 1.0, (20_000, 2))
    error = (product_network(4).value(x)[:, 0] - x[:, 0] * x[:, 1]) * 2.0**10
    assert -4.0 <= error.min() < -3.9
    assert error.max() <= 2.0
    axis = np.column_stack([np.zeros(9), np.linspace(-1.0, 1.0, 9)])
    assert np.array_equal(product_network(4).value(axis), np.zeros((9, 1)))  # zero where a factor is zero
    t = np.linspace(0.0, 1.0, 5001)
    for parts in (2, 5, 8):
        network = taylor_network(np.sin, np.cos, parts, 12)
        assert (
            np.abs(network.value(t[:, None])[:, 0] - np.sin(t)).max()
            <= 0.5 * (2.0 / 3.0 / parts) ** 2 * 1.01 + 1e-5
        )


@pytest.mark.slow
def test_the_page_of_questions_has_every_claim_and_figure_that_it_names(shared: Path, tmp_path: Path) -> None:
    made = [experiment(name) for name in NAMES]
    results = results_of(made, shared, "test", 1)
    record = report(made, results, "test", "supnorm reproduce all")
    known = {f"{paper.name}/{claim.key}" for paper in record.papers for claim in paper.claims}
    drawn = {figure.name for e in made for figure in e.figures(results[e.name])}
    for question in (*questions.QUESTIONS, *questions.EXCEPTIONS):
        # In seconds only one task of the training to machine precision runs.
        assert {c for c in question.claims if c != "precision-ml/sum-bfgs"} <= known
        assert set(question.figures) <= drawn
    questions.write(record, made, results, tmp_path / "page")
    text = (tmp_path / "page" / "questions.md").read_text()
    assert len(questions.QUESTIONS) == 3
    assert len(questions.EXCEPTIONS) == 8
    for name in re.findall(r"\(images/(.+?)\)", text):
        assert (tmp_path / "page" / "images" / name).read_text().startswith("<svg")
    for paper in record.papers:
        assert len({claim.key for claim in paper.claims}) == len(paper.claims)


def test_the_page_says_which_experiments_were_not_run() -> None:
    stored = json.loads((ROOT / "benchmarks" / "results" / "papers.json").read_text())
    papers = [paper for paper in stored["papers"] if paper["name"] == "expressivity"]
    lines = questions.said(ReproduceRecord.from_dict({**stored, "papers": papers}))
    assert lines["counts"].startswith(f"So far 1 of {len(NAMES)} experiments were run. ")
    assert "* Not run for this page: `precision-ml/simplex`." in lines["weights"]
    assert "`expressivity/square`" not in lines["weights"]


def test_the_page_of_the_documentation_is_made_from_the_stored_record() -> None:
    record = ReproduceRecord.from_dict(
        json.loads((ROOT / "benchmarks" / "results" / "papers.json").read_text())
    )
    page = (ROOT / "docs" / "questions.md").read_text()
    assert written(page) == written(questions.text(record, marked=True)), (
        "python -m reproduce.store FOLDER writes it"
    )
    assert record.effort == "usual"
    for name in re.findall(r"\(images/(.+?)\)", page):
        drawn = (ROOT / "docs" / "images" / name).read_text()
        assert drawn.startswith("<svg")
        assert len(drawn) < 60_000
        assert name.removesuffix(".svg") in questions.captions()
    for claim in (c for paper in record.papers for c in paper.claims if c.published == "not checked"):
        assert claim.verdict != REPRODUCED


def test_the_taylor_network_of_two_inputs_keeps_its_bound() -> None:
    def f(x: np.ndarray) -> np.ndarray:
        return np.sin(x[:, 0] + 0.5 * x[:, 1])

    def slopes(x: np.ndarray) -> np.ndarray:
        return np.cos(x[:, 0] + 0.5 * x[:, 1])[:, None] * np.array([1.0, 0.5])

    x = np.random.default_rng(1).random((3000, 2))
    for parts in (1, 2, 3):
        error = plane_network(f, slopes, parts, 10).value(x)[:, 0] - f(x)
        assert np.abs(error).max() <= 8.0 / 9.0 / parts**2 + 1e-4
        if parts > 1:
            assert np.abs(error).max() <= 0.5 * (2.0 / 3.0 / parts) ** 2 * 1.5**2 + 1e-4  # of this function


@pytest.mark.slow
def test_a_result_of_one_missing_run_is_not_stored(tmp_path: Path) -> None:
    made = experiment("expressivity")
    results = results_of([made], tmp_path, "test", 1)
    assert kept(made, tmp_path, "test") == results["expressivity"]
    (tmp_path / "expressivity" / "plane-2.json").unlink()
    assert kept(made, tmp_path, "test") is None


def test_a_hidden_network_is_zero_at_all_samples_and_within_its_class() -> None:
    x = np.random.default_rng(3).random((500, 2))
    hidden = hidden_network(x, NetworkClass(layers=3, width=32, size=1.0))
    assert np.array_equal(hidden(x), np.zeros(500))
    assert hidden(hidden.peak[None])[0] == pytest.approx(hidden.height, rel=1e-12)
    assert all(np.abs(array).max() <= 1.0 for layer in hidden.layers for array in layer)


def test_a_chart_leaves_out_what_has_no_place_and_names_every_curve() -> None:
    curves = (Curve("a < b", (1.0, 10.0, 100.0), (1.0, np.nan, 0.01)), Curve("lost", (1.0,), (0.0,)))
    drawn = chart(Figure("f", "", "x", "y", curves))
    assert "a &lt; b" in drawn
    assert "lost" not in drawn
    assert "nan" not in drawn


@pytest.mark.slow
def test_what_we_only_remember_of_a_paper_is_never_called_reproduced(tmp_path: Path) -> None:
    made = experiment("expressivity")
    record = report([made], results_of([made], tmp_path, "test", 1), "test")
    verdicts = {claim.key: (claim.verdict, claim.published) for claim in record.papers[0].claims}
    assert verdicts["sobolev"] == (OURS, "not checked")
    assert verdicts["square"] == (REPRODUCED, "2^(-2m-2) (theorem)")


@pytest.mark.slow
def test_a_claim_that_is_not_reproduced_is_the_first_word(tmp_path: Path) -> None:
    made = experiment("expressivity")
    results = results_of([made], tmp_path, "test", 1)
    spoiled = {**results["expressivity"]["square-2"], "error": 0.5}
    record = report([made], {"expressivity": {**results["expressivity"], "square-2": spoiled}}, "test")
    assert (record.status.code, int(record.status.exit)) == ("not-reproduced", 1)
    assert "1 of 7 claims are not reproduced" in list(lines(record))[-1]
