"""The document: all keys of the contract, strict JSON, saved and read back; the table of the worst points."""

from __future__ import annotations

import csv
import json
import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests import problems
from tests.clocks import Costly

from supnorm import AuditReport, Power, audit, load_report
from supnorm.auditing.explain import explanation
from supnorm.auditing.statistics import clopper_pearson_upper
from supnorm.auditing.strategy import Search, Strategy, Traits
from supnorm.evaluation import Calls
from supnorm.pages import summary, write_page
from supnorm.pages.page import page
from supnorm.pages.view import InconsistentResult, View
from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Law, PartialFailure, Problem
from supnorm.results import BadInput

Array = NDArray[np.float64]
KEYS: dict[str, set[str]] = {
    "": {
        "schema", "status", "tolerance", "law", "title", "command", "model", "reference", "recheck", "axes", "domain",
        "outputs", "measure", "sup", "witness", "rms", "quantiles", "plain_sample", "exceedance",
        "unseen_peak_mass", "power", "peaks", "glitches", "findings", "table_only", "failures",
        "norms", "norms_over_outputs", "evaluations", "seconds", "model_seconds", "reference_seconds",
        "seconds_per_point", "seed", "gradients", "regime", "finished", "machine", "versions", "fingerprint",
        "notes", "budget", "charts",
    },
    "status": {"code", "advice", "exit"},
    "model": {"name", "precision", "notes"},
    "reference": {"name"},
    "measure": {"kind", "side", "floor", "scale", "unit", "per_output"},
    "sup": {"lower", "upper", "upper_kind"},
    "witness": {
        "x", "model", "reference", "error", "output", "recheck", "recheck_value", "tags", "volume",
        "prominence", "off_data",
    },
    "rms": {"value", "kind", "n", "at_least"},
    "quantiles": {"0.5", "0.9", "0.99", "0.999"},
    "plain_sample": {"n", "worst"},
    "unseen_peak_mass": {"value", "at_most", "ascents", "peaks", "once", "confidence"},
    "failures": {"count", "of", "reference", "model", "masked", "causes", "by_axis"},
    "evaluations": {"search", "statistics", "pictures", "power", "recheck", "failed"},
    "seconds_per_point": {"model", "reference"},
    "budget": {"evaluations", "seconds"},
    "charts": {"histogram", "levels", "cuts", "output", "map", "thumbnails", "progress"},
}  # fmt: skip
LISTS: dict[str, set[str]] = {
    "axes": {"name", "low", "high", "unit", "scale", "values"},
    "outputs": {"name", "unit"},
    "exceedance": {"above", "count", "n", "fraction", "fraction_at_most", "confidence"},
    "peaks": KEYS["witness"],
    "power": {"height", "volume", "shape", "found", "runs", "evaluations"},
    "findings": {"code", "text"},
}


def partly_failing(x: Array) -> Array:
    y = np.where(x[:, 0] < 0.2, np.nan, x[:, 0] * x[:, 1])
    if (x[:, 1] > 0.95).any():
        raise ValueError("beyond the table")
    return np.asarray(y)


def with_failures() -> Problem:
    """Two inputs of which one is logarithmic, constraints, failures, a mask, a tolerance, a vector output."""
    domain = Domain([lambda x: x[:, 0] < 0.9], a=(0.0, 1.0, "m"), b=Axis(0.01, 1.0, "Pa", scale="log"))

    def both(function: Any) -> Function:
        return Function(lambda x: np.column_stack([function(x), 0 * function(x)]), outputs=("u", "v"))

    mask = ErrorMeasure(mask=lambda x: x[:, 1] > 0.02)
    model = both(lambda x: x[:, 0] * x[:, 1] + 0.1 * np.sin(20 * x[:, 0]))
    return Problem(model, both(partly_failing), domain, error=mask, tolerance=0.05, title="Both")


def audited(name: str) -> AuditReport:
    problem = {
        "one input": lambda: problems.planted_bump(1, 1e-2, 0).problem,
        "two inputs, failures": with_failures,
        "four inputs": lambda: problems.planted_bump(4, 1e-3, 3).problem,
        "twelve inputs": lambda: problems.planted_bump(12, 1e-4, 0).problem,
        "infinite": lambda: problems.corner_pole(2, 0).problem,
        "tiny budget": lambda: problems.kink(3, 0).problem,
        "no value": lambda: Problem(
            lambda x: x[:, 0], lambda x: np.full(len(x), np.inf), Domain(x=(0.0, 1.0))
        ),
        "discrete": lambda: Problem(
            lambda x: x[:, 0] * 0.5, lambda x: x[:, 0], Domain(n=Axis(0, 0, values=(1, 2)), x=(0.0, 1.0))
        ),
    }[name]()
    return audit(problem, evaluations=100 if name == "tiny budget" else 4000, seed=2)


NAMES = [
    "one input", "two inputs, failures", "four inputs", "twelve inputs", "infinite", "tiny budget",
    "no value", "discrete",
]  # fmt: skip


@pytest.fixture(scope="module", params=NAMES)
def report(request: pytest.FixtureRequest) -> AuditReport:
    return audited(request.param)


def strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.sampled(2)
def test_all_keys_of_the_contract_are_there(report: AuditReport) -> None:
    document = strict(json.dumps(report.to_dict(), allow_nan=False))
    assert document["schema"] == "supnorm.audit/1"
    for key, expected in KEYS.items():
        entry = document if not key else document[key]
        if entry is not None:
            assert expected <= set(entry), (key, expected - set(entry))
    for key, expected in LISTS.items():
        for entry in document[key]:
            assert expected <= set(entry), (key, expected - set(entry))


def test_the_parts_agree_with_each_other(report: AuditReport) -> None:
    document = report.to_dict()
    d = len(document["axes"])
    assert report.upper is None
    assert document["sup"]["upper_kind"] == "none"
    if report.worst is None:
        assert document["peaks"] == []
        assert document["sup"]["lower"] is None
    else:
        assert document["peaks"][0] == document["witness"]
        assert document["sup"]["lower"] == document["witness"]["error"]
        assert len(report.peaks) <= 20
        errors = [p.error for p in report.peaks]
        assert errors == sorted(errors, reverse=True)
        assert errors[0] >= report.document["plain_sample"]["worst"] * (1 - 1e-12)
        assert [p["error"] for p in document["glitches"]] == [
            p["error"] for p in document["peaks"] if "glitch" in p["tags"]
        ]
    for entry in report.document["exceedance"]:
        assert entry["fraction_at_most"] == clopper_pearson_upper(entry["count"], entry["n"])
    if document["tolerance"] is not None:
        assert document["exceedance"][0]["above"] == document["tolerance"]
    failures, counts = document["failures"], document["evaluations"]
    assert failures["count"] == counts["failed"] == failures["model"] + failures["reference"]
    assert failures["of"] >= sum(counts[k] for k in ("search", "statistics", "pictures"))
    assert sum(c["count"] for c in failures["causes"]) == failures["count"]
    assert [a["axis"] for a in failures["by_axis"]] == [a["name"] for a in document["axes"]]
    assert len(document["charts"]["cuts"]) == (d if report.worst is not None else 0)


def test_charts_have_the_shapes_of_the_contract(report: AuditReport) -> None:
    document = report.to_dict()
    charts, d = document["charts"], len(document["axes"])
    for cut in charts["cuts"]:
        for part in (cut["whole"], cut["close"]):
            lengths = {len(part[k]) for k in ("x", "model", "reference", "error", "status")}
            assert len(lengths) == 1
            assert part["x"] == sorted(part["x"])
            assert set(part["status"]) <= {"ok", "outside", "failed", "masked"}
            assert all(
                (s == "ok") == (e is not None) for s, e in zip(part["status"], part["error"], strict=True)
            )
    if charts["histogram"] is not None:
        histogram = charts["histogram"]
        assert (len(histogram["edges"]), len(histogram["counts"])) == (61, 60)
        assert sum(histogram["counts"]) + histogram["below"] + histogram["above"] == document["rms"]["n"]
        levels = charts["levels"]
        assert len(levels["level"]) == len(levels["count"]) == len(levels["at_most"]) == 90
        assert levels["count"] == sorted(levels["count"], reverse=True)
        assert all(k / levels["n"] <= m for k, m in zip(levels["count"], levels["at_most"], strict=True))
    progress = charts["progress"]["search"]
    assert [n for n, _ in progress] == sorted(n for n, _ in progress)
    best = [float(e) for _, e in progress]
    assert best == sorted(best)
    for entry in document["failures"]["by_axis"]:
        assert len(entry["edges"]) == 41
        assert len(entry["evaluated"]) == len(entry["failed"]) == len(entry["outside"]) == 40
    if charts["map"] is not None:
        kind = {1: "line", 2: "grid"}.get(d, "pairs")
        assert charts["map"]["kind"] == kind
        panels = {"line": [], "grid": [charts["map"]]}.get(kind) if d < 3 else charts["map"]["panels"]
        for panel in panels or []:
            rows, columns = panel["shape"]
            assert len(panel["values"]) == rows
            assert {len(row) for row in panel["values"]} == {columns}
    assert len(charts["thumbnails"]) <= 6
    if d == 1:
        assert charts["thumbnails"] == []


@pytest.mark.sampled(2)
def test_a_report_comes_back_from_its_folder(report: AuditReport, tmp_path: Path) -> None:
    folder = report.save(tmp_path / "run")
    assert {p.name for p in folder.iterdir()} >= {"result.json", "points.csv"}
    strict((folder / "result.json").read_text())
    again = load_report(folder)
    assert again.to_dict() == report.to_dict()
    assert again.points.columns == report.points.columns
    np.testing.assert_array_equal(again.points.rows, report.points.rows)
    assert again.status == report.status
    assert again.quantiles.keys() == report.quantiles.keys()
    for mine, theirs in zip(report.peaks, again.peaks, strict=True):
        for name in ("x", "model", "reference", "error", "output", "tags", "volume", "prominence"):
            np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))


def test_the_points_are_ready_for_retraining(report: AuditReport, tmp_path: Path) -> None:
    names = [a["name"] for a in report.document["axes"]]
    outputs = [o["name"] for o in report.document["outputs"]]
    expected = (*names, *(f"model_{o}" for o in outputs), *(f"reference_{o}" for o in outputs), "error")
    assert report.points.columns == expected
    rows = report.points.rows
    assert len(rows) <= 500
    if report.worst is None:
        assert len(rows) == 0
        return
    errors = rows[:, -1]
    assert errors[0] == pytest.approx(report.worst.error, rel=1e-12)
    folder = report.save(tmp_path)
    with (folder / "points.csv").open(newline="") as file:
        header, *body = csv.reader(file)
    assert tuple(header) == expected
    np.testing.assert_array_equal([[float(v) for v in row] for row in body], rows)
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(folder / "points.parquet")
    np.testing.assert_array_equal(table.column("error").to_numpy(), errors)


@pytest.mark.slow
def test_the_points_do_not_crowd_and_hold_true_errors() -> None:
    instance = problems.planted_bump(2, 1e-2, 0)
    report = audit(instance.problem, evaluations=10_000)
    rows, d = report.points.rows, 2
    x = rows[:, :d]
    model, reference = instance.problem.model(x), instance.problem.reference(x)
    np.testing.assert_allclose(rows[:, d : d + 1], model, rtol=1e-12)
    np.testing.assert_allclose(rows[:, d + 1 : d + 2], reference, rtol=1e-12)
    np.testing.assert_allclose(rows[:, -1], np.abs(model - reference)[:, 0], rtol=1e-9, atol=1e-14)
    u = instance.problem.domain.to_unit(x)
    gaps = np.linalg.norm(u[:, None] - u[None], axis=2) + np.eye(len(u))
    assert gaps.min() > 1e-4
    assert len(rows) >= 100


@pytest.mark.slow
def test_explain_says_why_average_and_maximum_differ() -> None:
    hidden = audit(problems.thin_sheet(2, 1e-4, 0).problem, evaluations=20_000).explain()
    assert hidden.startswith("The worst error found, 1, is ")
    assert re.search(r"about one in [\d,.]+ tests with 4,000 random points hits it", hidden)
    # The sheet is thin and long: the sample has missed most of the mean square.
    assert "dominates the average" in hidden
    relative = audit(problems.relative_on_log_axes(0).problem, evaluations=20_000).explain()
    assert "The worst error found, 20 %, is" in relative
    spread = audit(problems.kink(3, 0).problem, evaluations=3000).explain()
    assert spread.endswith("Worst and average are close here: the error is evenly distributed.")
    two = audit(with_failures(), evaluations=2000).explain()
    assert "The worst error found, 0.1, in u, is" in two
    line = Domain(x=(0.0, 1.0))
    record = audit(with_failures(), evaluations=2000).record
    (alone,) = explanation(record.changed(rms=record.rms.changed(value=math.nan)))
    assert alone.to_dict() == {"code": "no-average", "values": {"worst": record.sup.lower}}
    exact = audit(Problem(lambda x: x[:, 0], lambda x: x[:, 0], line), evaluations=500).explain()
    assert exact.startswith("Model and reference agree exactly at all of 100 random points")


def test_infinite_errors_are_words_in_json() -> None:
    document = audited("infinite").to_dict()
    assert document["sup"]["lower"] == "inf"
    assert document["witness"]["model"] == ["inf"]
    assert any(f["code"] == "no-model-value" for f in document["findings"])


def test_failures_are_told_with_place_and_cause() -> None:
    document = audited("two inputs, failures").to_dict()
    causes = {(c["where"], c["kind"]): c for c in document["failures"]["causes"]}
    assert ("reference", "non-finite") in causes
    raised = causes["reference", "exception"]
    assert "beyond the table" in raised["message"]
    assert raised["x"]["b"] > 0.95
    assert document["failures"]["masked"] > 0
    (told,) = [f["text"] for f in document["findings"] if f["code"] == "reference-failed"]
    cause = max(document["failures"]["causes"], key=lambda c: c["count"])
    assert f"The most frequent cause ({cause['count']:,} of " in told
    assert told.endswith(
        ("the value is not finite" if cause["kind"] == "non-finite" else cause["message"]) + "."
    )
    a = next(e for e in document["failures"]["by_axis"] if e["axis"] == "a")
    assert sum(a["failed"][:8]) > 0.7 * sum(a["failed"]) > 0
    assert sum(a["outside"][36:]) == sum(a["outside"]) > 0


def test_the_status_is_the_contract() -> None:
    base = problems.planted_bump(2, 1e-2, 0).problem
    for tolerance, code, exit_code in (
        (None, "no-tolerance", 0),
        (2.0, "nothing-found", 0),
        (0.5, "tolerance-exceeded", 1),
    ):
        status = audit(replace(base, tolerance=tolerance), evaluations=3000).status
        assert (status.code, int(status.exit)) == (code, exit_code)
        assert status.advice
    within = audit(replace(base, tolerance=2.0), evaluations=3000).status
    assert "not a proof" in within.advice


def test_the_law_is_named_with_the_numbers_it_holds_for() -> None:
    base = problems.relative_on_log_axes(0).problem
    assert audit(base, evaluations=500).document["law"] == "uniform (log-uniform in p, n)"
    points = base.domain.from_unit(np.random.default_rng(0).random((50, 2)) * 0.1)
    sampled = replace(base, law=Law.from_samples(points, base.domain, "training data"))
    report = audit(sampled, evaluations=500)
    assert report.document["law"] == report.rms.law == "training data (50 points)"
    assert report.document["rms"]["at_least"] == 0.0  # a floor in volume does not hold for another law


@pytest.mark.slow
def test_shares_of_another_law_are_not_called_shares_of_the_domain() -> None:
    """A law may prefer a place or avoid it: what a place fills of the domain says nothing about its random points."""
    domain = Domain(a=(0.0, 1.0), b=(0.0, 1.0))

    def model(x: Array) -> Array:
        return np.asarray(np.exp(-((x - 0.9) ** 2).sum(axis=1) / 1e-3))

    problem = Problem(model, lambda x: 0 * x[:, 0], domain)
    own = Law.from_sampler(lambda n, rng: rng.random((n, 2)) * 0.8, domain, "uniform in the south-west")
    for law, even in ((None, True), (own, False)):
        report = audit(replace(problem, law=law), evaluations=20_000)
        html = page(report.record)
        assert report.document["law_uniform"] is even
        assert ("random points fall into it" in report.explain()) is even
        for words in ("of the domain exceeds", "Share of the domain above", "random points fall into it"):
            assert (words in html) is even
        assert ("of what the law “uniform in the south-west” draws" in html) is not even
        if not even:
            assert report.document["rms"]["at_least"] == 0.0
            assert report.document["rms"]["value"] < 1e-3 < report.worst.error  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("model", "given", "why"),
    [
        (lambda x: x[:, 0], {}, "the search left zero"),
        (lambda x: np.where(x[:, 0] < 0.5, np.inf, 0.0), {}, "the search left infinite"),
        (lambda x: np.exp(x[:, 0]), {"volumes": (), "sheets": ()}, "no size was asked for"),
        (lambda x: np.exp(x[:, 0]), {}, ""),
    ],
)
def test_why_no_errors_were_planted_is_told(
    model: Callable[[Array], Array], given: dict[str, Any], why: str
) -> None:
    problem = Problem(model, lambda x: x[:, 0], Domain(x=(0.0, 1.0)))
    report = audit(problem, evaluations=200, power=Power(**{"runs": 1} | given))
    assert why in report.document["power_left_out"]
    assert bool(report.document["power"]) is not bool(why)
    html = page(report.record)
    assert ("no errors were planted: " in html) is bool(why)
    assert ("No errors were planted: " in summary(report)) is bool(why)
    assert why in html


@pytest.mark.slow
def test_without_time_for_a_stand_in_no_errors_are_planted_and_that_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The seconds that the message names suffice, half of them do not: they are of the whole audit, not of its search."""

    def audited(seconds: float) -> Any:
        slow = Costly(monkeypatch).costing(lambda x: x[:, 0], 2e-3)
        problem = Problem(lambda x: np.exp(x[:, 0]), slow, Domain(x=(0.0, 1.0)))
        return audit(problem, seconds=seconds, power=True).document

    for seconds in (0.5, 5.0):
        document = audited(seconds)
        assert document["power"] == []
        assert "does not suffice to fit one: give 10 s or more" in document["power_left_out"]
    document = audited(10.0)
    assert document["power"]
    assert not document["power_left_out"]


@pytest.mark.slow
def test_the_floor_of_the_rms_is_below_the_true_rms() -> None:
    """For a bump of height 1 on a share p the true RMS follows from its formula; the floor stays below."""
    for d, p, seed in ((2, 1e-4, 0), (3, 1e-4, 1), (4, 1e-5, 2)):
        instance = problems.planted_bump(d, p, seed)
        report = audit(instance.problem, evaluations=60_000, seed=seed)
        bump_alone = math.sqrt(p / math.log(2) ** (d / 2) * math.gamma(1 + d / 2) / 2 ** (d / 2))
        true = math.hypot(report.rms.value, bump_alone)
        assert report.document["rms"]["at_least"] <= 1.1 * true


def test_a_folder_without_a_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file; give the folder of a finished audit"):
        load_report(tmp_path)
    (tmp_path / "result.json").write_text("{")
    with pytest.raises(BadInput, match="not a result of an audit"):
        load_report(tmp_path)
    (tmp_path / "result.json").write_text('{"schema": "supnorm.fit/1"}')
    with pytest.raises(BadInput, match="schema is not"):
        load_report(tmp_path)


# -- what must not be silent ------------------------------------------------------------------------------


def _raises(x: Array) -> Array:
    if (x[:, 0] > 0.9).any():
        raise RuntimeError("no convergence")
    return x[:, 0]


def _ends(x: Array) -> Array:
    if (x[:, 0] > 0.9).any():
        sys.exit("no licence")
    return x[:, 0]


def _late(x: Array) -> Array:
    late = x[:, 0] > 0.9
    if not late.any():
        return x[:, 0]
    y = np.where(late, np.nan, x[:, 0])[:, None]
    raise PartialFailure(y, dict.fromkeys(np.flatnonzero(late).tolist(), "timeout: no answer within 1 s"))


CAUSES = {
    "exception: RuntimeError: no convergence": _raises,
    "exception: SystemExit: sys.exit('no licence')": _ends,
    "timeout: no answer within 1 s": _late,
    "the value is not finite": lambda x: np.where(x[:, 0] > 0.9, np.nan, x[:, 0]),
    "the value is not finite ": lambda x: np.where(x[:, 0] > 0.9, -np.inf, x[:, 0]),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("policy", ["error", "ignore"])
def test_a_model_without_a_value_is_one_thing_whatever_the_cause(cause: str, policy: str) -> None:
    """A model that raised passed the gate, one that returned NaN failed it."""
    measure = ErrorMeasure(tolerance=0.1, failures=policy)
    problem = Problem(
        Function(CAUSES[cause]), lambda x: x[:, 0] + 1e-3 * x[:, 0] ** 2, Domain(x=(0.0, 1.0)), measure
    )
    report = audit(problem, evaluations=5000)
    document = report.document
    found = {f["code"]: f["text"] for f in document["findings"]}
    assert document["failures"]["reference"] == 0
    assert document["failures"]["model"] == document["failures"]["count"] > 100
    seen = int(document["failures"]["infinite"])
    text = page(report.record)
    written = summary(report.to_dict(), 120)
    if policy == "error":
        assert set(found) == {"no-model-value"}
        assert (document["status"]["code"], document["status"]["exit"]) == ("tolerance-exceeded", 1)
        assert report.worst.error == document["sup"]["lower"] == np.inf
        assert seen == document["failures"]["count"]
        finite = document["finite"]
        assert 0 < finite["n"] < finite["of"] == 1000
        assert 0 < finite["rms"] < finite["worst"] <= 1e-3
        assert finite["worst"] == pytest.approx(0.81e-3, rel=1e-2)
        assert (
            f"At {1000 - finite['n']} of 1,000 random points the model has no value where the reference has one"
            in " ".join(re.sub("<[^>]*>", "", text).split())
        )
        assert f"at {finite['n']} random points with a finite error" in written
        assert "each is an infinite error" in document["status"]["advice"]
    else:
        assert set(found) == {"model-failed"}
        assert (document["status"]["code"], document["status"]["exit"]) == ("nothing-found", 0)
        assert report.worst.error == pytest.approx(0.81e-3, rel=1e-2)
        assert seen == 0
        assert document["finite"] is None
        assert "no error is counted there, as the problem asks" in document["status"]["advice"]
    (told,) = found.values()
    assert cause.strip() in told
    share = float(document["status"]["advice"].split("(")[-1].split(" %")[0])
    assert share == pytest.approx(10, abs=3)


def test_a_reference_that_fails_on_part_of_the_domain_is_told() -> None:
    problem = Problem(lambda x: x[:, 0] + 1e-3, _raises, Domain(x=(0.0, 1.0)), tolerance=0.1)
    document = audit(problem, evaluations=5000).document
    found = {f["code"]: f["text"] for f in document["findings"]}
    assert set(found) == {"reference-failed"}
    share = float(found["reference-failed"].split("(")[1].split(" %")[0])
    assert share == pytest.approx(10, abs=3)
    assert "exception: RuntimeError: no convergence" in found["reference-failed"]
    assert "The reference has no value at " in document["status"]["advice"]
    assert (document["status"]["code"], document["status"]["exit"]) == ("nothing-found", 0)


def test_where_the_reference_has_none_or_the_error_does_not_count_the_model_needs_no_value() -> None:
    gone = lambda x: np.where(x[:, 0] > 0.9, np.nan, x[:, 0])  # noqa: E731
    document = audit(Problem(_raises, gone, Domain(x=(0.0, 1.0))), evaluations=1000).document
    assert document["failures"]["model"] == 0
    assert document["failures"]["reference"] > 0
    measure = ErrorMeasure(mask=lambda x: x[:, 0] <= 0.9, tolerance=1.0)
    document = audit(
        Problem(_raises, lambda x: x[:, 0], Domain(x=(0.0, 1.0)), measure), evaluations=1000
    ).document
    assert document["failures"]["count"] == 0
    assert document["failures"]["masked"] > 0
    assert document["status"]["exit"] == 0


@pytest.mark.parametrize("table", [False, True])
def test_without_any_error_the_advice_names_what_failed(table: bool) -> None:
    """The reference was blamed for a model that failed; in a table of several outputs that ended the audit."""
    x = np.random.default_rng(0).random((60, 1))

    def truth(x: Array) -> Array:
        return np.column_stack([x, x])

    def fails(x: Array) -> Array:
        raise RuntimeError("no licence")

    reference = Function(truth, table=(x, truth(x)) if table else None)
    mask = lambda x: np.zeros(len(x), dtype=bool)  # noqa: E731
    domain = Domain(x=(0.0, 1.0))
    masked = audit(Problem(truth, reference, domain, ErrorMeasure(mask=mask)), evaluations=300)
    assert masked.status.code == "no-value"
    assert "the mask left out" in masked.status.advice
    assert masked.status.advice.endswith("Check the mask and the domain.")
    if table:
        ignored = ErrorMeasure(failures="ignore")
        advice = audit(Problem(fails, reference, domain, ignored), evaluations=300).status.advice
        assert advice == (
            "No point had an error: the model failed at 60 of the points tried. Check the model and the domain."
        )


def test_failures_that_no_random_point_met_are_told_too() -> None:
    def fails(x: Array) -> Array:
        if (x[:, 0] == 1.0).any():
            raise RuntimeError("at the end")
        return x[:, 0]

    problem = Problem(fails, lambda x: x[:, 0] / 2, Domain(x=(0.0, 1.0)))
    found = audit(problem, evaluations=2000).document["findings"]
    assert [f["code"] for f in found] == ["no-model-value"]
    assert "infinite at 0 of 400 random points" in found[0]["text"]


@pytest.mark.parametrize("off", [3e-5, -3e-5])
def test_the_larger_of_two_errors_of_one_point_is_the_worst_and_the_other_is_told(off: float) -> None:
    """A float32 model of size 300 is one unit in the last place off in batches: a third of the error."""
    wave = lambda x: 300 + 0.0 * x[:, 0]  # noqa: E731
    model = Function(
        lambda x: (wave(x) + 1e-4 * np.sin(3 * x[:, 0]) + off * (len(x) > 1))[:, None], precision="float32"
    )
    report = audit(Problem(model, wave, Domain(x=(0.0, 1.0), z=(0.0, 1.0))), evaluations=2000)
    sup = report.document["sup"]
    assert sup["lower"] == report.worst.error == pytest.approx(1e-4 + max(off, 0.0), rel=1e-6)
    assert sup["alone"] == pytest.approx(1e-4, rel=1e-6)
    assert sup["computed"] == ("batch" if off > 0 else "alone")
    assert sup["rounding"] == pytest.approx(abs(off), rel=1e-6)
    (found,) = [f for f in report.document["findings"] if f["code"] == "not-reproducible"]
    assert found["batch"]["error"] == pytest.approx(1e-4 + off, rel=1e-6)
    assert found["alone"]["error"] == sup["alone"]
    assert found["x"] == report.document["witness"]["x"]
    assert "in the batch and 300.0001 alone" in found["text"]
    view = View(report.record)
    view.check()
    assert max(e for e in view.shown_errors() if e == e) == sup["lower"]


def test_a_number_shown_above_the_worst_is_a_contradiction(tmp_path: Path) -> None:
    report = audit(
        Problem(lambda x: x[:, 0], lambda x: 0 * x[:, 0], Domain(x=(0.0, 1.0), z=(0.0, 1.0))),
        evaluations=1000,
    )
    sup = report.document["sup"]
    assert sup["rounding"] == 0.0
    plain = report.record.plain_sample.changed(worst=sup["lower"] * (1 + 1e-5))
    changed = report.record.changed(plain_sample=plain)
    with pytest.raises(InconsistentResult):
        View(changed).check()
    with pytest.raises(InconsistentResult):
        page(changed)
    with pytest.raises(InconsistentResult):  # the page is there all the same
        write_page(changed, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


@pytest.mark.slow
def test_a_glitch_over_an_otherwise_exact_pair() -> None:
    spike = lambda x: np.maximum(0.0, 1 - np.linalg.norm(x - 0.5, axis=1) / 2e-3)  # noqa: E731

    @dataclass
    class Known:
        traits = Traits()

        def lean(self, calls: int) -> Strategy:
            return self

        def run(self, landscape: Any, search: Search, rng: Any) -> Search:
            u = np.full((1, 2), 0.5)
            done = landscape.look(u)
            search.pool.add(u, done.score)
            search.ends.add(u, done.score)
            return search

    domain = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    problem = Problem(spike, lambda x: 0 * x[:, 0], domain)
    report = audit(problem, evaluations=20_000, seed=1, strategy=Known())
    assert report.rms.value == 0
    assert len(report.glitches) == 1
    assert report.document["glitches"][0]["prominence"] == np.inf
    # The ball where the error is at least 1/2 has radius 1e-3: at least sqrt(pi 1e-6)/2, less the measured limit.
    assert 0.3 < report.document["rms"]["at_least"] / (math.sqrt(math.pi * 1e-6) / 2) <= 1
    words = report.explain()
    assert "inf" not in words
    assert "None of the random points had an error" in words
    assert "at least 8." in words
    assert "None of 4,000 random points had an error" in page(report.record)


def test_power_is_planted_by_true_and_not_by_false() -> None:
    problem = Problem(lambda x: x[:, 0], lambda x: 0 * x[:, 0], Domain(x=(0.0, 1.0)))
    assert audit(problem, evaluations=200, power=False).document["power"] == []
    assert audit(problem, evaluations=200, power=True).document["power"] != []
    with pytest.raises(BadInput, match="power must be"):
        audit(problem, evaluations=200, power=10)  # type: ignore[arg-type]


@pytest.mark.parametrize("alone", [True, False])
def test_an_axis_with_a_single_value(alone: bool) -> None:
    axes: dict[str, Any] = {"a": Axis(0, 0, values=(3.0,)), "b": Axis(0, 0, values=(1.0, 2.0))}
    domain = Domain(**(axes if alone else axes | {"c": (0.0, 1.0)}))
    report = audit(Problem(lambda x: x.sum(axis=1), lambda x: x[:, 0], domain), evaluations=500)
    assert report.document["sup"]["lower"] == pytest.approx(2.0 if alone else 3.0)
    assert page(report.record).startswith("<!doctype html>")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "asked",
    [
        {"error": ErrorMeasure(mask=lambda x: x[:, 0] > 9)},
        {"error": ErrorMeasure("function", function=lambda n, f, x: np.abs(n - f) * np.nan)},
        {"model": lambda x: np.full(len(x), np.inf), "reference": lambda x: np.full(len(x), np.inf)},
        {"data": np.ones((20, 2))},
    ],
    ids=["mask", "error function", "infinite", "data"],
)
def test_pairs_without_errors_or_data_that_never_vary_cause_no_warning(asked: dict[str, Any]) -> None:
    given = {"model": lambda x: x[:, 0], "reference": lambda x: x[:, 1]} | asked
    page(audit(Problem(domain=Domain(a=(0.0, 1.0), b=(0.0, 1.0)), **given), evaluations=1000).record)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"evaluations": 5}, "evaluations must be a finite number of at least 20, got 5"),
        ({"evaluations": "many"}, "evaluations must be a finite number of at least 20, got 'many'"),
        ({"seconds": -1.0}, "seconds must be a finite number above 0, got -1.0"),
        ({"evaluations": 100, "seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"evaluations": 100, "seed": 1.5}, "seed must be a whole number of at least 0, got 1.5"),
        ({"evaluations": 100, "norms": ("two",)}, "norms are powers"),
    ],
)
def test_numbers_out_of_range_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        audit(Problem(lambda x: x[:, 0], lambda x: x[:, 0], Domain(x=(0.0, 1.0))), **given)


@pytest.mark.parametrize("workers", [0, 1.5, True, "two"])
def test_workers_are_a_number(workers: Any) -> None:
    with pytest.raises(BadInput, match="workers must be a whole number of at least 1, got"):
        Calls(workers=workers)


def test_a_file_name_is_no_problem() -> None:
    with pytest.raises(
        BadInput, match=r"takes a supnorm.Problem, got 'problem.toml'; supnorm.open_problem reads"
    ):
        audit("problem.toml")  # type: ignore[arg-type]


def test_evaluations_and_the_seed_may_be_written_as_floats() -> None:
    problem = Problem(lambda x: x[:, 0] ** 2, lambda x: x[:, 0], Domain(x=(0.0, 1.0)))
    reports = [
        audit(problem, evaluations=n, seed=n, calls=Calls(workers=n / 300)) for n in (300, np.float64(3e2))
    ]  # type: ignore[arg-type]
    assert reports[0].document["budget"] == reports[1].document["budget"]
    assert reports[0].worst.error == reports[1].worst.error  # type: ignore[union-attr]


def test_a_function_that_works_in_its_argument_does_not_move_the_points_of_the_other() -> None:
    """One that clips its inputs in place would otherwise hide its error: the reference would get the clipped ones."""

    def clipped(x: Array) -> Array:
        x[x < 0.5] = 0.5
        return x[:, 0]

    report = audit(Problem(clipped, lambda x: x[:, 0], Domain(x=(0.0, 1.0))), evaluations=500)
    assert report.worst is not None
    assert report.worst.error == 0.5
    assert report.worst.x[0] == 0.0


def test_an_output_without_a_value_on_part_of_the_domain_is_told() -> None:
    """The other outputs have an error there, so the point is no failure: nothing else would say so."""

    def reference(x: Array) -> Array:
        return np.column_stack([x[:, 0], np.where(x[:, 0] > 0.5, np.nan, x[:, 0]), x[:, 0]])

    domain = Domain(x=(0.0, 1.0))
    model = lambda x: np.column_stack([x[:, 0]] * 3) + 0.1  # noqa: E731
    report = audit(Problem(model, reference, domain), evaluations=1000)
    (found,) = (f for f in report.record.findings if f.code == "output-without-value")
    assert set(found.values["outputs"]) == {"y2"}
    assert 70 < found.values["outputs"]["y2"] < 130  # of 200
    assert f"no value of y2 at {found.values['outputs']['y2']} of them." in found.text
    assert "y1" not in found.text
    assert report.document["failures"]["count"] == 0
    whole = audit(Problem(model, lambda x: np.column_stack([x[:, 0]] * 3), domain), evaluations=1000)
    assert not whole.document["findings"]
