"""Two runs of audits: the verdict from their folders, and what the models are asked besides."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.auditing import AuditReport, load_report
from supnorm.gates.common_rows import common_rows
from supnorm.gates.run_peaks import FAR, NEAR, peak_changes
from supnorm.gates.run_points import demand_same_question, errors_at
from supnorm.pages import runs_gate, runs_summary
from supnorm.results.compare_runs import CompareRunsRecord
from supnorm.sources.reference_code import reference_code

CODE = """
import numpy as np
def truth(x): return np.sin(x[:, 0]) * x[:, 1]
def good(x): return truth(x) + 1e-3 * np.exp(-((x[:, 0] - 0.5) ** 2 + (x[:, 1] - 0.4) ** 2) / 0.05)
def bad(x): return truth(x) + 0.2 * np.exp(-((x[:, 0] - 0.3) ** 2 + (x[:, 1] - 0.6) ** 2) / 0.05)
def nowhere(x): return np.where(x[:, 0] > 0.29, np.nan, truth(x))
def other(x): return truth(x) + 1e-2
def left(x): return x[:, 0] < 0.2
def right(x): return x[:, 0] > 0.25
"""
PROBLEM = """
[model]
python = "code.py:{model}"
[reference]
python = "code.py:truth"
[domain]
a = [0.0, 1.0]
b = [0.0, 1.0]
"""
Audit = Callable[..., Path]


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    """Audit a model of the code into a folder of its own; returns the folder."""

    def audited(name: str, model: str, evaluations: int = 400, **changes: str) -> Path:
        base = tmp_path / f"{name}-files"
        base.mkdir()
        (base / "code.py").write_text(CODE)
        text = PROBLEM.replace("{model}", model)
        for old, new in changes.values() if changes else ():
            text = text.replace(old, new)
        (base / "problem.toml").write_text(text)
        problem = sn.open_problem(base / "problem.toml")
        folder = tmp_path / name
        sn.audit(problem, evaluations=evaluations, power=False).save(folder)
        sn.save_problem(problem, folder / "problem.toml")
        return folder

    return audited


def rewritten(folder: Path, **fields: Any) -> Path:
    """The folder with other fields of its record."""
    report = load_report(folder)
    AuditReport(report.record.changed(**fields), report.points).save(folder)
    return folder


def verdict(old: Path, new: Path, factor: float = 1.0) -> CompareRunsRecord:
    """The comparison, which reads back as it was and can be told everywhere."""
    record = sn.compare_runs(old, new, factor)
    assert CompareRunsRecord.from_dict(record.to_dict()).to_dict() == record.to_dict()
    assert runs_summary(record)[0] == record.status.advice == runs_gate(record).sentences[0]
    return record


@pytest.mark.slow
def test_worse_and_better_are_each_measured_at_the_decisive_point(audit: Audit) -> None:
    good, bad = audit("good", "good"), audit("bad", "bad")
    worse = verdict(good, bad)
    assert (worse.status.code, worse.basis, int(worse.status.exit)) == ("worse", "measured", 1)
    assert worse.new.other is not None
    assert worse.new.other < 1e-3 < 0.19 < worse.new.worst
    assert {peak.change for peak in worse.peaks} == {"new", "gone"}
    gone = next(peak for peak in worse.peaks if peak.change == "gone")
    x = np.array([[gone.x_old[n] for n in "ab"]])  # type: ignore[index]
    there = float(sn.open_problem(bad / "problem.toml").error_at(x)["error"][0])
    assert gone.new == pytest.approx(there)
    better = verdict(bad, good)
    assert (better.status.code, better.basis, int(better.status.exit)) == ("better", "measured", 0)
    assert better.old.other == worse.new.other
    same = verdict(bad, bad)
    assert (same.status.code, int(same.status.exit)) == ("no-difference-found", 0)
    assert {peak.change for peak in same.peaks} == {"same"}


@pytest.mark.slow
def test_a_smaller_search_is_not_better(audit: Audit) -> None:
    small = verdict(audit("bad", "bad", 2000), audit("good", "good", 200))
    assert (small.status.code, small.basis, int(small.status.exit)) == ("undecided", "smaller-search", 4)
    assert "fewer-evaluations" in {remark.code for remark in small.remarks}


@pytest.fixture
def edited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results that a test writes anew in part, which are refused otherwise as contradicting themselves."""
    monkeypatch.setattr("supnorm.auditing.report.contradiction", lambda record: None)
    monkeypatch.setattr("supnorm.auditing.report.other_points", lambda *given: None)


@pytest.mark.usefixtures("edited")
def test_runs_that_were_interrupted_decide_nothing_but_worse(audit: Audit) -> None:
    """Of two searches that were cut short after eight evaluations no difference was found, with exit code 0."""
    stopped = sn.Status("interrupted", "Stopped by you.", sn.ExitCode.INTERRUPTED)
    good, bad = (rewritten(audit(name, name), status=stopped) for name in ("good", "bad"))
    for old, new in ((good, good), (bad, good)):
        found = verdict(old, new)
        assert (found.status.code, found.basis, int(found.status.exit)) == ("undecided", "interrupted", 4)
        assert "interrupted" in found.status.advice
    assert verdict(good, bad).status.code == "worse"


@pytest.mark.slow
@pytest.mark.usefixtures("edited")
def test_an_error_that_the_old_search_missed_is_no_regression(audit: Audit) -> None:
    """The old record states the error of another point: without the new witness, the new model would look worse."""
    old, new = audit("old", "bad"), audit("new", "bad")
    record = load_report(old).record
    assert record.witness is not None
    x = {"a": 0.9, "b": 0.9}
    row = sn.open_problem(old / "problem.toml").error_at(x)
    error = float(row["error"][0])
    missed = record.witness.changed(
        x=x, model=(row["model_y"][0],), reference=(row["reference_y"][0],), error=error
    )
    rewritten(old, sup=record.sup.changed(lower=error), witness=missed, peaks=(missed,))
    found = verdict(old, new)
    assert found.status.code == "no-difference-found"
    assert found.old.raised
    assert found.old.found == error < 0.01
    assert found.old.worst == found.new.worst > 0.19
    assert "raised" in {remark.code for remark in found.remarks}
    assert verdict(new, old).new.raised, "nor is the other order an improvement"
    assert verdict(new, old).status.code == "no-difference-found"


@pytest.mark.slow
def test_a_model_file_that_was_changed_since_is_not_taken_for_the_old_model(audit: Audit) -> None:
    good, bad = audit("good", "good"), audit("bad", "bad")
    for folder in (good, bad):
        code = folder.parent / f"{folder.name}-files" / "code.py"
        code.write_text(CODE.replace("1e-3", "0.3"))
    worse = verdict(good, bad)
    assert (worse.status.code, worse.basis) == ("worse", "unmatched")
    assert "may have missed" in worse.status.advice
    assert not worse.old.evaluated
    assert "changed since the run" in worse.old.left_out
    assert verdict(bad, good).status.code == "undecided"
    (good / "problem.toml").unlink()
    assert "does not exist" in verdict(good, bad).old.left_out


@pytest.mark.slow
@pytest.mark.usefixtures("edited")
def test_a_model_that_gives_other_values_now_is_not_evaluated(audit: Audit) -> None:
    """Its file is the same: a fingerprint does not see what a function reads when it is called."""
    good, bad = audit("good", "good"), audit("bad", "bad")
    record = load_report(good).record
    assert record.witness is not None
    witness = record.witness.changed(error=2e-3, model=(record.witness.reference[0] + 2e-3,))
    rewritten(good, witness=witness, sup=record.sup.changed(lower=2e-3))
    assert "does not give the run's own worst error again" in verdict(good, bad).old.left_out


@pytest.mark.slow
@pytest.mark.usefixtures("edited")
def test_a_model_without_a_value_at_the_old_witness_is_infinitely_worse(audit: Audit) -> None:
    bad, nowhere = audit("bad", "bad"), audit("nowhere", "nowhere")
    record = load_report(nowhere).record
    inside = next(p for p in (record.witness, *record.peaks) if p is not None)
    x = {"a": 0.1, "b": 0.1}
    value = math.sin(0.1) * 0.1
    seen = inside.changed(x=x, model=(value,), reference=(value,), error=0.0)
    rewritten(nowhere, sup=record.sup.changed(lower=0.0), witness=seen, peaks=(seen,), finite=None)
    worse = verdict(bad, nowhere)
    assert (worse.status.code, worse.basis) == ("worse", "measured")
    assert math.isinf(worse.new.worst)
    assert worse.new.raised


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ("b = [0.0, 1.0]", "b = [0.0, 1.5]"),
            r"the ranges of b differ: 0 to 1(.5)? in \S+ and 0 to 1(.5)? in",
        ),
        (("b = [0.0, 1.0]", "c = [0.0, 1.0]"), r"the inputs differ: \S+ has [bc] and \S+ has [bc];"),
        (("[domain]", '[error]\nkind = "relative"\nfloor = 0.1\n[domain]'), "the error measures differ"),
        (("code.py:truth", "code.py:other"), "the references differ"),
        (("b = [0.0, 1.0]", 'b = [0.0, 1.0]\n[constraints]\npython = "code.py:left"'), "the domains differ"),
    ],
)
def test_runs_of_other_questions_are_refused_in_one_line(
    audit: Audit, change: tuple[str, str], words: str
) -> None:
    one, other = audit("one", "good"), audit("other", "bad", change=change)
    for runs in ((one, other), (other, one)):
        with pytest.raises(sn.BadInput, match=words):
            sn.compare_runs(*runs)


def test_a_report_in_place_of_its_folder_is_refused_in_one_line(audit: Audit) -> None:
    with pytest.raises(
        sn.BadInput, match=r"new must be the folder of an audit, which report.save\(folder\) writes"
    ):
        sn.compare_runs(audit("one", "good"), object())  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_reference_of_the_same_name_with_other_values_is_refused(audit: Audit) -> None:
    one, other = audit("one", "good"), audit("other", "bad")
    code = other.parent / "other-files" / "code.py"
    code.write_text(CODE.replace("return np.sin", "return 1.5 * np.sin"))
    problem = sn.open_problem(other.parent / "other-files" / "problem.toml")
    sn.audit(problem, evaluations=400, power=False).save(other)
    with pytest.raises(sn.BadInput, match="the references differ"):
        sn.compare_runs(one, other)


@pytest.mark.slow
def test_a_worst_point_outside_the_other_domain_is_refused(audit: Audit) -> None:
    """Both domains have the same axes and constraints of their own, which no record holds."""
    start = "b = [0.0, 1.0]"
    one, other = (
        audit(name, "bad", change=(start, f'{start}\n[constraints]\npython = "code.py:{name}"'))
        for name in ("left", "right")
    )
    for runs in ((one, other), (other, one)):
        with pytest.raises(sn.BadInput, match="outside the domain of the other"):
            sn.compare_runs(*runs)
    record = load_report(one).record
    assert record.witness is not None
    peaks = [record.witness, record.witness.changed(x={"a": 0.9, "b": 0.1})]
    with pytest.raises(sn.BadInput, match=r"'a': 0.9, .* outside the domain of the other"):
        demand_same_question(sn.open_problem(one / "problem.toml"), record, peaks, call=False)


@pytest.mark.slow
def test_an_expensive_reference_is_not_called(audit: Audit) -> None:
    good, bad = audit("good", "good"), audit("bad", "bad")
    assert "reference-not-called" not in {remark.code for remark in verdict(good, bad).remarks}
    for folder in (good, bad):
        cost = load_report(folder).record.cost
        assert cost is not None
        rewritten(folder, cost=cost.changed(class_="expensive"))
    (remark,) = (remark for remark in verdict(good, bad).remarks if remark.code == "reference-not-called")
    assert "hashes of its code, its name and its stored values" in remark.text
    held = load_report(bad).record.reference_code
    assert {*held} == {"[reference]", "code.py:truth"}
    # Nothing is known of an older version's result.
    for code, expected in (
        ({**held, "code.py:truth": "0" * 12}, "undecided"),
        ({}, "worse"),
        (held, "worse"),
    ):
        rewritten(bad, reference_code=code)
        assert verdict(good, bad).status.code == expected
        if expected == "undecided":
            judged = verdict(good, bad)
            assert (judged.basis, judged.status.exit) == ("other-references", 4)
            assert (judged.old.evaluated, judged.old.raised, judged.new.raised) == (False, False, False)
            assert f"code.py:truth ({held['code.py:truth']}, now 000000000000)" in judged.status.advice
    calls = []
    problem = sn.open_problem(good / "problem.toml")
    counted = replace(
        problem, reference=replace(problem.reference, value=lambda x: calls.append(len(x)) or x[:, :1])
    )
    record = load_report(bad).record
    assert record.witness is not None
    demand_same_question(counted, record, [record.witness], call=False)
    assert not calls
    assert errors_at(counted, record, [record.witness])[0] < 1e-3
    assert not calls
    with pytest.raises(sn.BadInput, match="the references differ"):
        demand_same_question(counted, record, [record.witness], call=True)
    assert calls == [1]


@pytest.mark.slow
def test_bounds_decide_and_conditional_ones_do_not(audit: Audit) -> None:
    good, bad = audit("good", "good"), audit("bad", "bad", 100)
    sup = load_report(good).record.sup
    rewritten(good, sup=sup.changed(upper=0.01, upper_kind="certified"))
    worse, better = verdict(good, bad), verdict(bad, good)
    assert (worse.status.code, worse.basis) == ("worse", "proved")
    assert (better.status.code, better.basis) == ("better", "proved")
    rewritten(good, sup=sup.changed(upper=0.01, upper_kind="conditional", assumptions=("a",)))
    assert verdict(good, bad).basis == "measured"
    assert "conditional" in {remark.code for remark in verdict(good, bad).remarks}
    rewritten(bad, sup=load_report(bad).record.sup.changed(upper=1e-4, upper_kind="certified"))
    with pytest.raises(sn.BadInput, match="above the upper bound"):
        sn.compare_runs(good, bad)


@pytest.mark.slow
def test_tables_are_compared_row_by_row(tmp_path: Path) -> None:
    x = np.linspace(0.0, 1.0, 50)

    def run(name: str, height: float, **more: Any) -> Path:
        path = tmp_path / f"{name}.csv"
        shown = np.column_stack([x, x**2, x**2 + height * (x > 0.7)])[: more.get("rows", 50)]
        if "change" in more:
            shown[more["change"][:2]] = more["change"][2]
        np.savetxt(path, shown, delimiter=",", header="x,power,guess", comments="")
        (tmp_path / f"{name}.toml").write_text(
            f'[model]\nfile = "{name}.csv"\ninputs = ["x"]\noutputs = ["guess"]\n[reference]\nfile = "{name}.csv"\n'
            'inputs = ["x"]\noutputs = ["power"]\n[domain]\nx = [0.0, 1.0]\n'
        )
        problem = sn.open_problem(tmp_path / f"{name}.toml")
        sn.audit(problem).save(tmp_path / name)
        sn.save_problem(problem, tmp_path / name / "problem.toml")
        return tmp_path / name

    one, two = run("one", 0.1), run("two", 0.2)
    assert (verdict(one, two).status.code, verdict(one, two).basis) == ("worse", "proved")
    assert (verdict(two, one).status.code, verdict(two, one).basis) == ("better", "proved")
    assert verdict(one, two).new.upper_kind == "exact"
    assert "larger only above 3 times the other one" in verdict(one, two, 3.0).status.advice
    assert not any("cannot be compared" in remark.text for remark in verdict(one, two).remarks)
    less = verdict(one, run("less", 0.2, rows=40))
    assert (less.status.code, less.basis, int(less.status.exit)) == ("undecided", "other-rows", 4)
    assert any("numbers of rows differ" in remark.text for remark in less.remarks)
    with pytest.raises(sn.BadInput, match="row 4 has other inputs or another reference"):
        sn.compare_runs(one, run("other", 0.2, change=(3, 1, 7.0)))
    mostly = verdict(one, run("mostly", 0.2, change=(slice(20, None), 1, 0.5)))  # its peaks lie there, too
    assert (mostly.status.code, mostly.basis) == ("undecided", "other-rows")
    other = run("another", 0.2, change=(3, 1, 0.5))
    for name in ("two", "another"):
        (tmp_path / f"{name}.csv").unlink()
    assert (verdict(one, two).status.code, verdict(one, two).basis) == ("worse", "proved")  # by the hashes
    with pytest.raises(sn.BadInput, match="have other rows"):
        sn.compare_runs(one, other)


def test_tables_of_two_months_stand_side_by_side_without_a_verdict(tmp_path: Path) -> None:
    def run(name: str, n: int, shift: float, tolerance: float = 0.25) -> Path:
        x = np.linspace(shift, 1.0 + shift, n)
        data = {
            "x": x,
            "site": list("AB" * (n // 2)),
            "power": x,
            "guess": x + 0.1 + 0.2 * (np.arange(n) == 5),
        }
        report = sn.audit_table(data, truth="power", prediction="guess", by="site", tolerance=tolerance)
        return report.save(tmp_path / name)

    found = sn.compare_runs(run("may", 20, 0.0), run("june", 40, 0.5))
    assert (found.status.code, found.basis, int(found.status.exit)) == ("undecided", "other-rows", 4)
    held = {(one.code, *one.of.values()): (one.old, one.new) for one in found.statistics}
    assert held["rows",] == (20, 40)
    assert held["mae", "power"] == pytest.approx((0.1 + 0.2 / 20, 0.1 + 0.2 / 40))
    assert held["bias", "power"] == pytest.approx((0.1 + 0.2 / 20, 0.1 + 0.2 / 40))
    assert held["above",] == pytest.approx((1 / 20, 1 / 40))
    assert held["group-worst", "site", "B"] == pytest.approx((0.3, 0.3))
    assert held["group-worst", "site", "A"] == pytest.approx((0.1, 0.1))
    assert "x 0 to 1 before, 0.5 to 1.5 now" in " ".join(remark.text for remark in found.remarks)
    text = "\n".join(runs_summary(found))
    assert "site B: worst error" in text
    assert "evaluations of the search" not in text
    assert sn.compare_runs(tmp_path / "may", tmp_path / "may").statistics == ()


@pytest.mark.slow
def test_truths_that_were_called_are_part_of_the_rows(tmp_path: Path) -> None:
    """Without problem files two runs of a table, whose truths a function gave, were compared whatever these truths were."""
    x = np.linspace(0.0, 1.0, 60)[:, None]
    model = sn.Function(table=(x, 1.1 * x), inputs=("x",), outputs=("y",), name="rows")

    def run(name: str, height: float) -> Path:
        truth = sn.Function(lambda x: x + height * (x == 0.0), outputs=("y",), name="truth")
        sn.audit(sn.Problem(model, truth, sn.Domain(x=(0.0, 1.0)))).save(tmp_path / name)
        return tmp_path / name

    first = run("first", 0.2)  # its worst row is none of the worst rows of the other run
    assert sn.compare_runs(first, run("again", 0.2)).status.code == "no-difference-found"
    with pytest.raises(sn.BadInput, match="other truths"):
        sn.compare_runs(first, run("other", 0.0))


def test_only_statistics_over_the_same_rows_are_compared(tmp_path: Path) -> None:
    """Of two runs that leave out rows without a prediction, the largest error of one is no bound for those of the other."""

    def run(name: str, missing: tuple[int, ...], wrong: dict[int, float]) -> Path:
        guess = np.arange(6.0) + 0.1
        guess[[*wrong]] += [*wrong.values()]
        guess[[row - 1 for row in missing]] = np.nan
        data = {"x": np.arange(6.0), "y": np.arange(6.0), "guess": guess}
        report = sn.audit_table(
            data, truth="y", prediction="guess", inputs="x", tolerance=0.5, failures="ignore"
        )
        return report.save(tmp_path / name)

    old, new = run("old", (2,), {3: 5.0}), run("new", (4,), {1: 2.0})
    # The worst row of the old run has no prediction in the new one, and the other way round.
    found = verdict(old, new)
    assert (found.status.code, found.basis, found.exceedance) == ("undecided", "unmatched", ())
    assert (found.old.upper, found.new.upper) == (None, None)
    (words,) = (r.text for r in found.remarks if "cannot be compared" in r.text)
    assert "old run only: 2. Rows without a prediction in the new run only: 4." in words
    same = verdict(old, run("again", (2,), {3: 1.0}))  # the same row is missing, and the files are gone
    assert (same.status.code, same.new.upper_kind, len(same.exceedance) > 0) == ("better", "exact", True)


def test_rows_in_which_both_runs_have_an_error_are_compared_with_each_other() -> None:
    """RMS, largest errors, and how many rows are worse, by hand."""
    x = np.arange(6.0)[:, None]

    def problem(*errors: float) -> sn.Problem:
        sides = (sn.Function(table=(x, x + np.array(e)[:, None]), inputs=("x",)) for e in (errors, [0.0] * 6))
        return sn.Problem(*sides, sn.Domain(x=(0.0, 4.0)))

    gap = np.nan
    found = common_rows(problem(1.0, 2.0, gap, 0.0, 2.0, 9.0), problem(3.0, 1.0, 5.0, 0.0, gap, 9.0))
    assert found == {
        "common": 3,
        "rms_old": pytest.approx((5 / 3) ** 0.5),
        "rms_new": pytest.approx((10 / 3) ** 0.5),
        "worst_old": 2.0,
        "worst_new": 3.0,
        "larger": 1,
    }
    assert common_rows(problem(*[gap] * 6), problem(*[1.0] * 6)) == {}
    assert common_rows(None, problem(*[1.0] * 6)) == {}


@pytest.mark.slow
def test_peaks_of_two_seeds_are_the_same_and_one_a_tenth_away_is_another(audit: Audit) -> None:
    """The distances that `NEAR` and `FAR` name: two short searches of one smooth peak end within `NEAR`."""
    one = audit("one", "bad")
    record = load_report(one).record
    again = sn.audit(sn.open_problem(one / "problem.toml"), evaluations=400, power=False, seed=1)
    assert record.witness is not None
    assert again.worst is not None
    at = np.array([record.witness.x[n] for n in "ab"])
    assert np.abs(at - again.worst.x).max() < 0.5 * NEAR
    for step, change in ((0.5 * NEAR, ["same"]), (0.5 * FAR, ["moved"]), (2.0 * FAR, ["gone", "new"])):
        moved = record.peaks[0].changed(x={"a": record.peaks[0].x["a"] + step, "b": record.peaks[0].x["b"]})
        changed = record.changed(peaks=(moved,))
        assert [
            c.change for c in peak_changes(record.changed(peaks=record.peaks[:1]), changed, (), ())
        ] == change


@pytest.mark.slow
def test_truths_of_a_function_are_compared_in_all_rows(tmp_path: Path) -> None:
    """Two runs of one table, whose truths differ where neither run has a worst row, passed for runs of one question."""
    x = np.linspace(0.0, 1.0, 60)
    np.savetxt(
        tmp_path / "rows.csv", np.column_stack([x, x + 0.1 * x**2]), delimiter=",", header="x,y", comments=""
    )

    def run(name: str, truth: str) -> Path:
        (tmp_path / f"{name}.py").write_text(
            f"import numpy as np\ndef truth(x):\n    x = x[:, 0]\n    return {truth}\n"
        )
        (tmp_path / f"{name}.toml").write_text(
            '[model]\nfile = "rows.csv"\ninputs = ["x"]\noutputs = ["y"]\n[reference]\n'
            f'python = "{name}.py:truth"\noutputs = ["y"]\n[domain]\nx = [0.0, 1.0]\n'
        )
        problem = sn.open_problem(tmp_path / f"{name}.toml")
        sn.audit(problem).save(tmp_path / name)
        sn.save_problem(problem, tmp_path / name / "problem.toml")
        return tmp_path / name

    one, same, other = run("one", "x"), run("same", "1.0 * x"), run("other", "x + 0.05 * (x == 0.0)")
    assert verdict(one, same).status.code == "no-difference-found"
    for first, second in ((one, other), (other, one)):
        with pytest.raises(
            sn.BadInput, match=r"row 1 has .* another reference in the other run: \[0.0.*\] and \[0.0"
        ):
            sn.compare_runs(first, second)
    # With an expensive reference nothing is called: the largest error over rows with other truths is no bound.
    for folder in (one, other):
        taken = load_report(folder).record.seconds_per_point
        rewritten(folder, seconds_per_point=taken.changed(reference=2.0))
    unknown = verdict(one, other)
    assert "truths-not-compared" in {remark.code for remark in unknown.remarks}
    assert (unknown.new.upper, unknown.exceedance, unknown.basis) == (None, (), "search")


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("edit", "differs"),
    [
        (("x[:, 1]\n", "x[:, 1] ** 2\n"), "code.py:truth"),
        (("GAIN = 1.0", "GAIN = 2.0"), "code.py:truth"),
        (("1e-3 *", "2e-3 *"), ""),
        (("def bad(x)", "# of the model\ndef bad(x)"), ""),
        (("def bad(x)", "print(end='')\ndef bad(x)"), "code.py:truth"),
        (("np.where(x[:, 0] > 0.29", "np.where(x[:, 0] > 0.3"), ""),
        (None, "table.txt"),
        (None, "helper.py"),
        (None, "[reference]"),
    ],
)
def test_expensive_references_of_one_name_and_other_code_are_not_compared(
    tmp_path: Path, edit: tuple[str, str] | None, differs: str
) -> None:
    """What the reference needs of its file counts, and not the model beside it."""
    records = []
    text = CODE.replace(
        "def truth(x): return np",
        "import helper\nGAIN = 1.0\ndef truth(x): return GAIN * (1 + helper.A) * np",
    )
    text += "from pathlib import Path\nHERE = Path(__file__).parent\n"
    text += (
        "DATA, OTHER = (HERE / 'table.txt').read_text(), 1.0\nWEIGHTS = (HERE / 'model.txt').read_text()\n"
    )
    text = text.replace("x[:, 1]\n", "x[:, 1] + float(DATA)\n", 1) if differs == "table.txt" else text
    for number in (0, 1):
        base = tmp_path / str(number)
        base.mkdir()
        (base / "code.py").write_text(text.replace(*edit, 1) if number and edit else text)
        (base / "helper.py").write_text(f"A = {number if differs == 'helper.py' else 0}\n")
        (base / "table.txt").write_text(str(number if differs == "table.txt" else 0))
        (base / "model.txt").write_text(str(number))
        line = "\nprecision = 'float32'" * (number and differs == "[reference]") + f"\ntimeout = {1 + number}"
        (base / "problem.toml").write_text(PROBLEM.format(model="good").replace('truth"', f'truth"{line}'))
        records.append(reference_code(sn.open_problem(base / "problem.toml")))
    assert {name for name in records[0] if records[0][name] != records[1][name]} == (
        {differs} if differs else set()
    )
