"""A guard whose rejected share is chosen by a risk."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.mending.cases import LINE, line, line_problem, peak

import supnorm as sn
from supnorm.guarding import choosing
from supnorm.guarding.choosing import SHARES, choose, demand_enough, with_share
from supnorm.guarding.judging import labelled_points
from supnorm.pages import guard_summary
from supnorm.results import BadInput
from supnorm.results.guarding import GuardRecord

pytestmark = pytest.mark.slow  # one guard is made for all: 3 s


@pytest.fixture(scope="module")
def made() -> sn.Guard:
    """Rejects the least share with which at most 2 % of the accepted inputs have an error above 0.01."""
    return sn.guard(
        line_problem(), reject=sn.Risk(risk=0.02, level=0.01), evaluations=1500, calibration=1000, seed=3
    )


@pytest.mark.slow
def test_the_least_share_with_the_promise_is_chosen_and_said(made: sn.Guard) -> None:
    choice, promise = made.record.choice, made.record.promise
    assert choice is not None
    assert choice.share in (0.1, 0.15, 0.2, 0.3)  # the peak above 0.01 fills some 15 % of the domain
    assert choice.tested[0] == 0.5
    assert promise.above == 0.01
    assert promise.fraction_at_most == 0.02
    said = " ".join(guard_summary(made.record))
    assert "at most 2 % of the accepted inputs have an error above 0.01" in said
    assert "The guard rejects the least share with which these points show this" in said
    assert "after all of the guard but the rejected share was fixed" in said
    assert GuardRecord.from_dict(made.record.to_dict()) == made.record


@pytest.mark.slow
def test_what_is_promised_is_true_at_other_points(made: sn.Guard) -> None:
    x = np.random.default_rng(9).uniform(-1.0, 1.0, (20_000, 1))
    error = np.abs(line()[0].value(x)[:, 0] - peak(x))
    assert (error[made.accepts(x)] > 0.01).mean() <= 0.02
    assert (error > 0.01).mean() > 0.05  # without the guard it is not


@pytest.mark.slow
def test_the_guard_accepts_what_its_cuts_of_the_chosen_share_accept(made: sn.Guard) -> None:
    """The points that decided are accepted and rejected as the tests of the shares had it."""
    assert made.record.choice is not None
    problem = line_problem()
    points = labelled_points(problem, 1000, 3)
    accepted = made.accepts(points.x)
    assert accepted.sum() == made.record.promise.n
    assert (points.error[accepted] > 0.01).sum() == made.record.promise.count


def test_shares_reject_more_and_more(made: sn.Guard) -> None:
    x = np.random.default_rng(5).uniform(-1.0, 1.0, (4000, 1))
    y = made.model.value(x)
    scores = [layer.score(x, y) for layer in made.cuts.layers]
    before = np.zeros(len(x), dtype=bool)
    for share in SHARES:
        accepted = with_share(made, scores, share).accepts(x)
        assert not (before & ~accepted).any()
        assert 1.0 - accepted.mean() <= share + 1e-3
        before = accepted


@pytest.mark.slow
def test_a_risk_that_no_share_shows_is_said_and_rejects_most() -> None:
    """Half of the inputs have an error of 1 that nothing of the guard can foresee."""

    def ragged(x: Any) -> Any:
        return (np.modf(np.abs(x[:, 0]) * 1e7)[0] > 0.5).astype(float)

    problem = sn.Problem(ragged, lambda x: np.zeros(len(x)), LINE)
    found = sn.guard(problem, reject=sn.Risk(risk=0.05, level=0.5), evaluations=1000, calibration=500)
    assert found.record.choice is not None
    assert found.record.choice.share is None
    assert found.record.rejected > 0.4
    assert found.record.promise.fraction_at_most > 0.05
    assert found.record.status.exit == 1  # what it accepts is as bad
    assert "show for no rejected share" in found.record.status.advice
    assert "these points show it for none" in " ".join(guard_summary(found.record))


@pytest.mark.slow
def test_without_a_bad_accepted_input_the_risk_alone_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "fixed_sequence", lambda *a: None)
    problem = line_problem(0.5)
    found = sn.guard(problem, reject=sn.Risk(risk=0.05), evaluations=1000, calibration=300)
    assert found.record.status.code == "risk-not-shown"
    assert found.record.status.exit == 4


@pytest.mark.parametrize(
    ("risk", "words"),
    [
        (lambda: sn.Risk(risk=0.0), "risk must lie between 0 and 1"),
        (lambda: sn.Risk(risk=0.1, level=-1.0), "level must be a finite number above 0"),
        (lambda: sn.guard(line_problem(), reject=sn.Risk(risk=0.1)), "give the level"),
        (lambda: sn.guard(line_problem(0.1), reject=sn.Risk(risk=1e-4)), "calibration = 59912"),
    ],
)
def test_what_cannot_be_promised_is_refused_before_anything_is_called(risk: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        risk()


@pytest.mark.slow
def test_the_choice_is_wrong_in_at_most_5_of_100_simulated_calibrations(made: sn.Guard) -> None:
    """1,000 calibrations of the same guard against a level whose true risks are known at each share."""
    grid = np.linspace(-1.0, 1.0, 20_001)[:, None]
    error = np.abs(line()[0].value(grid)[:, 0] - peak(grid))
    y = made.model.value(grid)
    scores = [layer.score(grid, y) for layer in made.cuts.layers]
    accepted = {share: with_share(made, scores, share).accepts(grid) for share in SHARES}
    true = {share: float((error[a] > 0.005).mean()) for share, a in accepted.items()}
    asked = sn.Risk(risk=0.02, level=0.005)
    rng, wrong, chosen = np.random.default_rng(4), 0, 0
    for _ in range(1000):
        rows = rng.integers(len(grid), size=400)
        share = chosen_share(accepted, rows, error, asked)
        chosen += share is not None
        wrong += share is not None and true[share] > asked.risk
    assert chosen > 500
    assert wrong <= 72  # 50 expected at most; 72 has a chance below 0.002


def chosen_share(accepted: Any, rows: Any, error: Any, asked: sn.Risk) -> float | None:
    """What `choose` chooses, with the acceptance of the grid in the place of the layers."""

    class Counted:
        def __init__(self, share: float) -> None:
            self.share = share

        def accepts(self, x: Any) -> Any:
            return accepted[self.share][rows]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choosing, "with_share", lambda made, scores, share: Counted(share))
        made, record = choose(None, [], error[rows], error[rows], asked, asked.level, 0.95)  # type: ignore[arg-type]
    assert made.share == (0.5 if record.share is None else record.share)  # type: ignore[attr-defined]
    return record.share


def test_so_many_points_are_demanded_as_could_show_the_risk() -> None:
    demand_enough(0.001, 2995, 0.95)
    with pytest.raises(BadInput, match="it takes 2995 accepted ones"):
        demand_enough(0.001, 2994, 0.95)
