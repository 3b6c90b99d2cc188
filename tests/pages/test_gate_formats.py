"""Markdown, JUnit XML, SARIF and badge: what they say is the record's, hostile names do no harm, undecided is no pass."""

import json
from xml.etree import ElementTree

import pytest
from tests.pages.cases import record

from supnorm.pages.comparison import comparison_page
from supnorm.pages.gate import gate_of
from supnorm.pages.gate_formats import FORMATS, badge, junit, markdown, sarif
from supnorm.pages.terminal import comparison
from supnorm.results.compare import CompareRecord, RowRecord
from supnorm.results.status import ExitCode, Status

HOSTILE = "a</script>|<img src=x>`**\x1b[2J\x00]]>&\"'\u202e"
NAMES = ["coarse 1", "coarse 2", "table", "failed", "points", "infinite"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", FORMATS)
def test_every_case_in_every_format(name, form):
    gate = gate_of(record(name))
    text = FORMATS[form](gate, "problem.toml")
    assert text.endswith("\n")
    if form in ("junit", "badge"):
        ElementTree.fromstring(text)
    if form == "sarif":
        json.loads(text)


def test_the_summary_has_the_words_of_the_page():
    gate, text = gate_of(record("coarse 1")), markdown(gate_of(record("coarse 1")))
    assert gate.kind == "over"
    assert text.startswith("### ▲ ")
    assert "Tolerance exceeded" in text
    assert "is wrong by" in text
    assert "worst found" in text
    assert "supnorm audit problem.toml --seed 0" in text


def _with(status):
    return gate_of(record("coarse 1").changed(status=status))


def test_nothing_undecided_looks_like_a_pass():
    for code in ExitCode:
        status = Status("word", "what to do", code)
        suite = ElementTree.fromstring(junit(_with(status)))
        failures, errors = int(suite.attrib["failures"]), int(suite.attrib["errors"])
        assert (failures, errors) == (int(code == 1), int(code not in (0, 1))), code
        assert len(suite.findall(".//failure")) == failures
        assert len(suite.findall(".//error")) == errors
        assert bool(json.loads(sarif(_with(status)))["runs"][0]["results"]) or not code
    undecided = gate_of(record("failed").changed(status=Status("no-value", "look", ExitCode.UNDECIDED)))
    (result,) = json.loads(sarif(undecided))["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("supnorm/no-value", "warning")


def test_sarif_has_a_result_for_each_point_above_the_tolerance():
    audit = record("coarse 1")
    log = json.loads(sarif(gate_of(audit), "models/problem.toml"))
    results = log["runs"][0]["results"]
    above = [peak.error for peak in audit.peaks if peak.error > audit.tolerance][:10]
    assert [float(result["properties"]["error"]) for result in results] == above
    where = results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert where == "models/problem.toml"
    rules = {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in results} <= rules


def test_the_badge_claims_no_more_than_was_found():
    searched = record("coarse 3").changed(tolerance=None)
    assert "found" in badge(gate_of(searched))
    assert "proven" not in badge(gate_of(searched))
    assert "&gt;" in badge(gate_of(record("coarse 1")))


def test_hostile_names_do_no_harm():
    audit = record("coarse 1")
    hostile = audit.changed(
        title=HOSTILE, command=f"supnorm audit {HOSTILE}", status=Status(HOSTILE, HOSTILE, ExitCode.EXCEEDED)
    )
    gate = gate_of(hostile)
    text = markdown(gate)
    assert "<img" not in text.partition("```")[0]
    assert "\x1b" not in text + sarif(gate) + badge(gate) + junit(gate)
    assert "\u202e" not in text
    for form in (junit, badge):
        root = ElementTree.fromstring(form(gate, HOSTILE))
        assert not root.findall(".//img")
    assert "a</script>" in json.loads(sarif(gate, "p.toml"))["runs"][0]["results"][0]["message"]["text"]


@pytest.mark.parametrize(
    ("codes", "exit_"),
    [
        (("within-tolerance", "nothing-found", "no-tolerance"), 0),
        (("nothing-found", "tolerance-exceeded", "interrupted"), 1),
        (("nothing-found", "no-value"), 4),
        (("reference-fault", "no-value"), 5),
        (("interrupted",), 3),
    ],
)
def test_a_comparison_ends_as_the_worst_of_its_models(codes, exit_):
    """It has no status of its own, and a model above the tolerance was a pass."""
    audit = record("coarse 1")
    row = RowRecord(
        title="a", model="a", rms=1.0, q999=1.0, worst=1.0, no_value=0, finite=None, at=None, row=None,
        tolerance=0.1, status="", folder="a", seed=0, budget=None,
    )  # fmt: skip
    compared = CompareRecord(
        reference="", axes=audit.axes, measure=audit.measure, rows=tuple(row.changed(status=c) for c in codes)
    )
    gate = gate_of(compared)
    assert gate.exit == exit_
    suite = ElementTree.fromstring(junit(gate))
    assert (int(suite.attrib["failures"]), int(suite.attrib["errors"])) == (exit_ == 1, exit_ > 1)


@pytest.mark.parametrize(
    ("absent", "code", "words"),
    [
        ({"refused": {"b": "b.toml: no such file"}}, 2, "Not audited: b: b.toml: no such file"),
        ({"left_out": ("b", "c")}, 3, "Not audited, because the run was cut short: b, c."),
    ],
)
def test_a_comparison_that_lacks_a_model_is_no_pass(absent, code, words):
    """Of two models one was refused: the command ended with 2, and the report of its folder was a passed test."""
    audit = record("coarse 1")
    row = RowRecord(
        title="a", model="a", rms=1.0, q999=1.0, worst=1.0, no_value=0, finite=None, at=None, row=None,
        tolerance=2.0, status="nothing-found", folder="a", seed=0, budget=None,
    )  # fmt: skip
    compared = CompareRecord(reference="", axes=audit.axes, measure=audit.measure, rows=(row,), **absent)
    gate = gate_of(compared)
    assert gate.exit == code
    assert words in gate.sentences
    assert ElementTree.fromstring(junit(gate)).attrib["errors"] == "1"
    assert words in comparison(compared)
    assert words in comparison_page(compared)
    above = compared.changed(rows=(row.changed(worst=3.0, status="tolerance-exceeded"),))
    assert gate_of(above).exit == 1
