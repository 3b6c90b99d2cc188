"""The bound of a certified fit stands beside the error that its audit computed: it is never below it."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace

import numpy as np
import pytest

from supnorm.approximants import ChebyshevTensor
from supnorm.auditing.halt import Halt
from supnorm.certification import certify
from supnorm.certification.certificate import Certificate
from supnorm.certification.measured import Agreement, Difference
from supnorm.problem import Axis, Domain, Function, Law, Problem
from supnorm.program import lower_numpy
from supnorm.training import FitCalls, NetworkFit, fit

certified_fit = sys.modules["supnorm.training.certified_fit"]


def _proof(tolerance: float = 1e-2):
    code = lambda x: np.sin(x[:, 0]) + 1e-3 * np.cos(5 * x[:, 0])  # noqa: E731
    model = Function(lambda x: code(x)[:, None], program=lower_numpy(code, 1))
    return certify(Problem(model, lambda x: np.sin(x[:, 0]), Domain(x=(0.0, 3.0))), tolerance=tolerance)


def test_an_error_above_the_bound_takes_the_bound_away():
    proof = _proof()
    upper, kind, against = certified_fit._upper(proof, 1e-3)
    assert (upper, kind, against) == (proof.deployed_upper, "certified", "")
    upper, kind, against = certified_fit._upper(proof, 2.0 * proof.upper)
    assert (upper, kind) == (None, "none")
    assert "above the bound" in against


def test_a_bound_without_a_bound_of_the_rounding_is_one_in_exact_arithmetic(monkeypatch):
    """A proof of 1.566 that was cut short stood in fit.json as "upper": "inf", "upper_kind": "certified"."""
    monkeypatch.setattr(Certificate, "rounding", property(lambda self: math.inf))
    proof = _proof()
    assert proof.deployed_upper is None
    assert proof.runs  # a guard asks each box
    assert "has no bound on a part of the domain" in proof.assumptions[-1]
    upper, kind, against = certified_fit._upper(proof, 1e-3)
    assert (upper, kind, against) == (proof.upper, "exact-arithmetic", "")
    assert '"inf"' not in json.dumps(proof.record.to_dict()["sup"])


def test_a_bound_in_exact_arithmetic_gives_room_to_a_reference_in_float32():
    proof = _proof()
    side = Difference("reference", 1e-4, 1e-4, False, (1.0,), 1.0, 1.0, 0)
    single = replace(
        proof,
        agreement=Agreement((side,)),
        record=proof.record.changed(sup=proof.record.sup.changed(deployed_upper=None)),
    )
    upper, kind, _ = certified_fit._upper(single, single.upper + 1e-4)
    assert kind == "conditional"
    assert upper is not None
    assert single.upper + 1e-4 <= upper <= single.upper + 2.1e-4
    assert certified_fit.proves(single, single.upper, single.upper + 2.1e-4)
    assert not certified_fit.proves(single, single.upper, single.upper + 1.9e-4)


def test_a_fit_whose_audit_contradicts_its_proof_is_not_proved():
    """The result is there all the same, and says what contradicts what."""
    domain = Domain(x=(0.0, 3.0))
    result = fit(
        lambda x: np.sin(x[:, 0]),
        domain,
        tolerance=1e-2,
        certify=True,
        method=ChebyshevTensor(),
        calls=FitCalls(audit_evaluations=500),
    )
    assert result.winner.sup_upper is not None
    assert result.winner.sup_lower <= result.winner.sup_upper <= 1e-2
    broken = replace(result, winner=replace(result.winner, sup_lower=3.0 * result.winner.sup_upper))
    combined = certified_fit._combined(broken, result.certificate, 1.0, 1.0, False)
    assert combined.winner.sup_upper is None
    assert combined.status.code == "undecided"
    assert "above the bound" in combined.status.advice


LISTED = Domain(x=(0.0, 1.0), n=Axis(values=[1.0, 2.0, 4.0]))


@pytest.mark.parametrize("method", [ChebyshevTensor(), NetworkFit(widths=(8,), iterations=400)])
def test_a_fit_on_listed_values_is_proved(method):
    """It ended undecided: the proof is of the whole box, and between the values the model was anything."""
    result = fit(
        lambda x: np.sin(2 * x[:, 0]) * x[:, 1],
        LISTED,
        tolerance=1e-2,
        certify=True,
        method=method,
        seed=1,
        calls=FitCalls(audit_evaluations=500),
    )
    assert result.status.code == "within-tolerance"
    assert result.winner.sup_upper <= 1e-2
    assert any("between the listed values" in note for note in result.notes)
    assert all(peak.x[1] in (1.0, 2.0, 4.0) for peak in result.audit.peaks)
    assert result.winner.sup_lower in (result.certificate.lower, result.audit.worst.error)
    x = LISTED.from_unit(np.random.default_rng(0).random((2000, 2)))
    error = np.abs(result.model.value(x)[:, 0] - np.sin(2 * x[:, 0]) * x[:, 1]).max()
    assert error <= result.winner.sup_upper


def test_a_fit_on_listed_values_ends_where_its_second_audit_is_stopped(monkeypatch):
    """It began a proof, and ended with its verdict."""
    whole = certified_fit.audit_model
    monkeypatch.setattr(certified_fit, "audit_model", lambda *given: replace(whole(*given), halted=Halt()))
    proofs = []
    monkeypatch.setattr(certified_fit, "_prove", lambda *given: proofs.append(given))
    calls = FitCalls(audit_evaluations=500)
    result = fit(
        lambda x: x[:, 0] * x[:, 1],
        LISTED,
        tolerance=1e-2,
        certify=True,
        method=ChebyshevTensor(),
        calls=calls,
    )
    assert (result.status.code, int(result.status.exit)) == ("interrupted", 3)
    assert not proofs


@pytest.mark.parametrize(
    ("reference", "law"),
    [
        (lambda x: np.sqrt(np.abs(np.cos(np.pi * x[:, 1])) - 1.0 + 1e-9) * x[:, 0], False),
        (lambda x: x[:, 0] * x[:, 1], True),
    ],
)
def test_listed_values_stay_where_the_reference_or_the_law_knows_no_others(reference, law):
    given = Law("given", lambda n, rng: LISTED.from_unit(rng.random((n, 2)))) if law else None
    with np.errstate(invalid="ignore"):
        problem = Problem(None, reference, LISTED, tolerance=1e-2, law=given)
        assert certified_fit._whole_box(problem) is problem
        ranges = certified_fit._whole_box(Problem(None, lambda x: x[:, 0] * x[:, 1], LISTED, tolerance=1e-2))
    assert [axis.values for axis in ranges.domain.axes] == [None, None]
    assert (ranges.domain.axes[1].low, ranges.domain.axes[1].high) == (1.0, 4.0)
