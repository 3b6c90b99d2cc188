"""Page and terminal of a fit say by what its candidates are ranked, because the errors that they show may rank otherwise."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm.cli.fit import summary
from supnorm.pages.fit_page import fit_page, ranked
from supnorm.problem import Domain
from supnorm.training import FitCalls, NetworkFit, fit
from supnorm.training.fit_data import FixedFit

Array = NDArray[np.float64]
METHOD = NetworkFit(widths=(4, 6, 8), iterations=30)


def wave(x: Array) -> Array:
    return np.asarray(np.sin(5 * x[:, 0]) + x[:, 1] ** 2)


def of_samples(norm: str, seed: int = 0) -> Any:
    x = np.random.default_rng(seed).random((200, 2))
    return fit((x, wave(x)), norm=norm, method=METHOD, seed=seed)


def of_reference(norm: str) -> Any:
    box = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    return fit(
        wave, box, norm=norm, method=METHOD, max_evaluations=300, calls=FitCalls(audit_evaluations=300)
    )


@pytest.mark.parametrize("norm", ["sup", "l2"])
@pytest.mark.parametrize("make", [of_samples, of_reference])
def test_page_and_terminal_say_by_what_is_ranked(make: Any, norm: str) -> None:
    result = make(norm)
    words = ranked(result.record)
    error = "RMS" if norm == "l2" else "largest"
    if make is of_samples:
        assert words.startswith(
            f"The candidates are ranked by their {error} error on the 30 samples that choose"
        )
        assert "so that a candidate further down can show a smaller error" in words
    else:
        assert words.startswith(f"The winner is the candidate with the smallest {error} error")
    html = re.sub(r"\s+", " ", fit_page(result.record).replace("\u00a0", " "))
    assert words in html
    assert f"  {words}" in summary(result)


def test_one_candidate_has_no_rank() -> None:
    x = np.random.default_rng(0).random((60, 2))
    result = fit((x, wave(x)), method=NetworkFit(widths=(4,), iterations=20))
    assert len(result.candidates) == 1
    assert ranked(result.record) == ""


@pytest.mark.parametrize("norm", ["sup", "l2"])
def test_the_order_is_that_of_the_samples_that_choose(monkeypatch: pytest.MonkeyPatch, norm: str) -> None:
    """And with it the winner, whose held-out errors therefore are those of samples that did not choose it."""
    seen: list[FixedFit] = []
    run = FixedFit.run
    monkeypatch.setattr(FixedFit, "run", lambda self, methods: (run(self, methods), seen.append(self)))
    otherwise = 0
    for seed in range(6):
        result = of_samples(norm, seed)
        attempts = {id(a.approximation): a.errors.by(norm) for a in seen[-1].attempts}
        errors = [attempts[id(c.approximation)] for c in result.candidates]
        assert errors == sorted(errors)
        shown = [c.rms if norm == "l2" else c.sup_lower for c in result.candidates]
        otherwise += shown != sorted(shown)
    assert otherwise > 0  # why it has to be said
