"""A repair goes on until the tolerance is proved, and keeps what was proved if it is stopped."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from tests.mending.cases import LINE, line, peak

import supnorm as sn
from supnorm.certification import CertifyResult
from supnorm.mending import proving
from supnorm.mending.tunable import TunableNetwork

GRID = np.linspace(-1.0, 1.0, 50_001)[:, None]


def problem(tolerance: float) -> sn.Problem:
    def reference(x: Any) -> Any:
        return jnp.sin(2.0 * x[:, 0]) + jnp.exp(-((x[:, 0] - 0.5) ** 2) / 0.005)

    return sn.Problem(line()[0].as_function(), sn.from_jax(reference), LINE, tolerance=tolerance)


@pytest.fixture
def weak(monkeypatch: pytest.MonkeyPatch) -> list[CertifyResult]:
    """The first proof has few boxes, so that it does not reach the tolerance; the list has all proofs."""
    proofs: list[CertifyResult] = []
    made = proving.prove

    def prove(*args: Any, **options: Any) -> CertifyResult:
        proofs.append(made(*args, **(options if proofs else options | {"boxes": 6})))
        return proofs[-1]

    monkeypatch.setattr(proving, "prove", prove)
    return proofs


@pytest.mark.slow
def test_the_worst_boxes_of_a_proof_go_back_into_the_rounds(
    weak: list[CertifyResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    report, trained = sn.audit(problem(1e-2), evaluations=2000), []
    tuned = TunableNetwork.tuned

    def watched(self: TunableNetwork, x: Any, y: Any, limit: Any) -> TunableNetwork:
        trained.append(x)
        return tuned(self, x, y, limit)

    monkeypatch.setattr(TunableNetwork, "tuned", watched)
    mended = sn.repair(problem(1e-2), report, evaluations=1500, certify=True)
    assert mended.status.code == "within-tolerance"
    first, second = weak
    assert first.upper > 1e-2 >= second.upper
    assert mended.certificate is second
    assert np.abs(mended.model.value(GRID)[:, 0] - peak(GRID)).max() <= second.upper
    boxes = first.by_box[0].boxes
    centres = -1.0 + 2.0 * (boxes.index + 0.5) * np.exp2(-boxes.level.astype(float))
    assert np.isin(centres.round(9), trained[-1].round(9)).all()
    assert not np.isin(centres.round(9), trained[0].round(9)).all()
    assert mended.verdict is not None
    assert mended.verdict.after.record.seed == 2 * 1_000_003
    assert mended.record.evaluations["audit"] > sum(n for _, n in mended.verdict.after.record.evaluations)


@pytest.mark.slow
def test_an_interruption_of_the_further_rounds_keeps_what_was_accepted(
    weak: list[CertifyResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    report, mend, calls = sn.audit(problem(1e-2), evaluations=2000), sn.Exchange.mend, []

    def stopped(self: sn.Exchange, *args: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return mend(self, *args)

    monkeypatch.setattr(sn.Exchange, "mend", stopped)
    mended = sn.repair(problem(1e-2), report, evaluations=1500, certify=True)
    assert mended.accepted
    assert mended.status.code == "interrupted"
    assert "the mended model was accepted before" in mended.status.advice
    assert mended.certificate is weak[0]
    assert mended.model is not problem(1e-2).model


@pytest.mark.slow
def test_a_further_candidate_that_is_not_accepted_is_dropped(
    weak: list[CertifyResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from supnorm.mending import work
    from supnorm.wording import fact

    report, judge = sn.audit(problem(1e-2), evaluations=2000), work.judge

    def against(*args: Any) -> Any:
        verdict = judge(*args)
        return (
            replace(verdict, against=(fact("not-smaller", before=1.0, after=2.0),)) if args[-1] else verdict
        )

    monkeypatch.setattr(work, "judge", against)
    mended = sn.repair(problem(1e-2), report, evaluations=1500, certify=True)
    assert mended.accepted
    assert mended.status.code == "undecided"
    assert len(weak) == 1
    assert mended.certificate is weak[0]


@pytest.mark.slow
def test_a_tolerance_that_is_out_of_reach_ends_and_says_so() -> None:
    mended = sn.repair(problem(1e-13), evaluations=800, certify=True, seconds=5.0)
    assert mended.status.code == "tolerance-exceeded"
    assert mended.accepted
    assert not mended.notes
