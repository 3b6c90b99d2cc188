"""A result that was edited is refused where a verdict is told from it: a page, and what a build server reads."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fields.archives import analysis, forecast
from tests.mending.cases import line_guard, line_problem

import supnorm as sn
from supnorm.approximants import PolynomialLeastSquares
from supnorm.cli.report import command as report
from supnorm.cli.report import result_in
from supnorm.pages.reading import drawn_record
from supnorm.results import Status
from supnorm.results.certify import CertifyRecord
from supnorm.results.other_contradictions import other_contradiction
from supnorm.results.record import Result

Edits = dict[str, Any]


def refused(document: dict[str, Any], edits: Edits, words: str) -> None:
    """Edit a copy by dotted keys."""
    edited = copy.deepcopy(document)
    for key, value in edits.items():
        *path, last = [int(part) if part.isdigit() else part for part in key.split(".")]
        at: Any = edited
        for part in path:
            at = at[part]
        at[last] = value
    with pytest.raises(sn.BadInput, match=words):
        drawn_record(edited)


@pytest.fixture(scope="module")
def fields() -> dict[str, Any]:
    truth = analysis()
    found: dict[str, Any] = json.loads(sn.audit_fields(forecast(truth), truth, tolerance=0.1).to_json())
    return found


@pytest.fixture(scope="module")
def fitted() -> dict[str, Any]:
    x = np.random.default_rng(0).random((30, 1))
    made = sn.fit((x, np.abs(x[:, 0] - 0.4)), tolerance=1e-9, method=PolynomialLeastSquares())
    found: dict[str, Any] = json.loads(made.to_json())
    return found


WITHIN = {"code": "within-tolerance", "advice": "", "exit": 0}


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"status": WITHIN}, "status is within-tolerance, the largest error"),
        ({"status": WITHIN, "variables.0.tolerance": None}, "there is no tolerance"),
        ({"status.exit": 0}, "the exit code is 0"),
        ({"status.code": "excellent"}, "does not end with the status excellent"),
        ({"variables.0.sup.lower": 0.01}, "the largest error of t2m is 0.01"),
        ({"variables.0.sup.upper": 0.01}, "the upper bound of t2m is 0.01"),
        ({"variables.0.sup.upper": None}, "the upper bound of t2m is None and its kind exact"),
        (
            {"status": WITHIN, "variables.0.tolerance": 1e9, "variables.0.missing": 3},
            "t2m has 3 missing values",
        ),
    ],
)
def test_fields(fields: dict[str, Any], edits: Edits, words: str) -> None:
    assert drawn_record(fields).to_dict() == fields
    refused(fields, edits, words)


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"status": {"code": "nothing-found", "advice": "", "exit": 0}}, "the largest error"),
        ({"status": WITHIN, "tolerance": None}, "there is no tolerance"),
        ({"winner.sup.upper": 1e-9}, "its kind none"),
        (
            {"winner.sup.upper": 1e-9, "winner.sup.upper_kind": "certified"},
            "a lower bound is .* and the upper bound",
        ),
    ],
)
def test_fit(fitted: dict[str, Any], edits: Edits, words: str) -> None:
    assert drawn_record(fitted).to_dict() == fitted
    refused(fitted, edits, words)


def test_report_names_the_file_and_every_verb_has_its_exit_codes(
    fitted: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "fit.json").write_text(json.dumps(fitted | {"status": WITHIN}))
    with pytest.raises(sn.BadInput, match=r"fit\.json: the result contradicts itself: the status is within"):
        result_in(tmp_path)


@pytest.mark.xdist_group("line guard")
@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"worst_unguarded": 0.0}, "the largest error at an accepted input is"),
        ({"rejected": -1.0}, "a share is"),
        ({"layers.0.rejected": 7.0}, "a share is 7"),
        ({"proved_share": 0.5}, "0 cells are proved, a share of 0.5"),
        ({"promise.count": 10**6}, "errors above the level are at 1,?000,?000 of"),
        ({"promise.count": 5, "promise.fraction_at_most": 1e-4}, "errors above the level are at 5 of"),
        ({"promise.fraction_at_most": 2.0}, "errors above the level are at"),
        ({"promise.n": 10**9}, "points are accepted"),
        ({"promise.confidence": 1.5}, "a share is 1.5"),
        ({"promise.above": 1e-9}, "the promise is about errors above"),
        ({"status": {"code": "tolerance-exceeded", "advice": "", "exit": 1}, "worst_accepted": 0.0}, "accepted input 0"),
    ],
)  # fmt: skip
def test_guard(edits: Edits, words: str) -> None:
    document = json.loads(line_guard().record.to_json())
    assert drawn_record(document).to_dict() == document
    refused(document, edits, words)


@pytest.fixture(scope="module")
def repaired() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(sn.repair(line_problem(), evaluations=1500).to_json())
    return made


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"worst_before": 0.0}, "was accepted, and its largest error is"),
        ({"harm.growth": 5.0}, "the error grew from .* by 5"),
        (
            {"harm.before": 0.0, "harm.after": 99.0, "harm.growth": 99.0},
            "was accepted, and its error grew by 99",
        ),
        ({"compared.grew": 10**6}, "the error grew at 1,?000,?000 of"),
        ({"compared.grew": 1900, "compared.grew_at_most": 0.1}, "the error grew at 1,?900 of"),
        ({"compared.n": -1}, "the error grew at"),
    ],
)
def test_repair(repaired: dict[str, Any], edits: Edits, words: str) -> None:
    assert repaired["accepted"]
    assert drawn_record(repaired).to_dict() == repaired
    refused(repaired, edits, words)


def proof() -> dict[str, Any]:
    """A small result of `certify`."""
    part = {"points": 0, "difference": 0.0, "beyond_rounding": 0.0, "sides": [], "worst": None}
    return {
        "schema": CertifyRecord.SCHEMA,
        "status": {"code": "proved", "advice": "", "exit": 0},
        "sup": {"lower": 1.0, "upper": 1.01, "upper_kind": "exact-arithmetic", "deployed_upper": None},
        "deployed": None,
        "agreement": part,
        "ratio": 1.01,
        "target": 1.05,
        "rounding": 0.0,
        "proved_volume": 1.0,
        "witness": None,
        "boxes": 1,
        "tried": 1,
        "believed": 0,
        "seconds": 0.1,
        "certificate": None,
        "assumptions": [],
        "versions": {},
    }


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"sup.upper": 0.5}, "a lower bound is 1 and the upper bound 0.5"),
        ({"sup.upper": "inf", "sup.upper_kind": "none"}, "there is no upper bound"),
        ({"believed": 2}, "2 bounds were not proved"),
        ({"status.exit": 4}, "the exit code is 4"),
    ],
)
def test_certify(edits: Edits, words: str) -> None:
    document = proof()
    held: Result = drawn_record(document)
    assert isinstance(held, CertifyRecord)
    refused(document, edits, words)


@pytest.mark.parametrize(
    ("stated", "sup", "words"),
    [
        (1.01, {}, ""),
        (1.0, {}, ""),
        (1.02, {}, "it is not the proof of 1.01 in this result"),
        (
            1.02,
            {"upper": "inf", "upper_kind": "none"},
            "states the bound 1.02, which this result does not have",
        ),
        (math.inf, {}, ""),
    ],
)
def test_report_says_where_the_certificate_beside_a_result_is_of_another_bound(
    stated: float, sup: dict[str, Any], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = proof()
    document |= {"sup": document["sup"] | sup, "status": {"code": "undecided", "advice": "", "exit": 4}}
    (tmp_path / "certify.json").write_text(json.dumps(document))
    (tmp_path / "certificate.json").write_text(json.dumps({"upper": stated.hex()}))
    assert report(tmp_path, form="junit") == 0
    said = capsys.readouterr().err
    assert (words in said, bool(said)) == (True, bool(words))
    assert report(tmp_path) == 0
    page = (tmp_path / "certify.html").read_text()
    assert (words in page, "certificate.json states" in page) == (True, bool(words))


def test_rollout() -> None:
    made = sn.audit_rollout(lambda u: u * 0.9, lambda u: u, [np.ones(3)], steps=3, tolerance=0.01)
    document: dict[str, Any] = json.loads(made.record.to_json())
    assert drawn_record(document).to_dict() == document
    end = {"code": "nothing-found", "advice": "", "exit": 0}
    refused(document, {"status": end}, "a step has the fault tolerance")
    refused(document, {"status": end, "first": []}, "the largest error")
    refused(document, {"status.exit": 0}, "the exit code is 0")


def test_comparison() -> None:
    f = lambda x: x[:, 0]  # noqa: E731
    report = sn.audit(
        sn.Problem(lambda x: 1.1 * x[:, 0], f, sn.Domain(x=(0.0, 1.0)), tolerance=1.0), evaluations=200
    )
    audited = report.record
    row = {
        "title": "m", "model": "m", "rms": 0.1, "q999": 0.1, "worst": 2.0, "no_value": 0, "finite": None, "at": None,
        "row": None, "tolerance": 1.0, "status": "tolerance-exceeded", "folder": "m", "seed": 0, "budget": 1,
    }  # fmt: skip
    held = json.loads(audited.to_json())
    document = {
        "schema": "supnorm.compare/1",
        "reference": "f",
        "axes": held["axes"],
        "measure": held["measure"],
    }
    document["rows"] = [row]
    drawn_record(document)
    refused(document, {"rows.0.status": "nothing-found"}, "the largest error 2 and the tolerance 1")


def test_proofs_of_several_parts() -> None:
    norm = {
        "norm": "sup",
        "input": None,
        "output": None,
        "lower": 1.0,
        "upper": 1.01,
        "x": None,
        "boxes": 1,
        "tried": 1,
    }
    norms = {
        "schema": "supnorm.norms/1", "status": {"code": "proved", "advice": "", "exit": 0}, "norms": [norm],
        "ratio": 1.05, "law": "", "believed": 0, "seconds": 0.1, "certificate": None, "assumptions": [], "versions": {},
    }  # fmt: skip
    drawn_record(norms)
    refused(norms, {"norms.0.upper": "inf"}, "there is no upper bound")
    refused(norms, {"believed": 1}, "1 bounds were not proved")
    answer = {
        "property": "monotone", "output": "y", "status": "undecided", "text": "", "margin": None, "constant": None,
        "extremes": [], "runs": [], "rest": None,
    }  # fmt: skip
    rest = ("status", "believed", "seconds", "certificate", "assumptions", "versions")
    properties = {"schema": "supnorm.properties/1", "answers": [answer]} | {
        name: norms[name] for name in rest
    }
    drawn_record(properties | {"status": {"code": "undecided", "advice": "", "exit": 4}})
    refused(properties, {}, "1 properties are undecided")
    refused(properties, {"answers.0.status": "refuted"}, "1 properties are refuted")


def test_claim() -> None:
    problem = sn.Problem(
        lambda x: x[:, 0] + 0.5, lambda x: x[:, 0], sn.Domain(x=(0.0, 1.0)), tolerance=0.1,
        recheck=lambda x: x[:, 0] + 1e-9,
    )  # fmt: skip
    words = {name: "w" for name in ("says", "published", "of", "source", "reference", "second")}
    record = sn.Claim.of(problem, **words).test(evaluations=200).record
    assert not other_contradiction(record)
    assert record.worst is not None
    for code, words_of in (
        ("not-refuted", "the largest error"),
        ("proved", "the largest error"),
        ("splendid", "end with"),
    ):
        assert words_of in other_contradiction(record.changed(status=Status(code, "")))
    told = record.changed(worst=record.worst.changed(confirmed=False))
    assert "no error above the tolerance is confirmed" in other_contradiction(told)
    small = record.changed(status=Status("proved", ""), worst=record.worst.changed(error=0.01))
    assert "no proof of the tolerance" in other_contradiction(small)
