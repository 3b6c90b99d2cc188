"""Findings and notes reach the terminal: a float32 model, a domain wider than the data."""

from __future__ import annotations

import numpy as np

from supnorm.auditing import audit
from supnorm.pages import summary
from supnorm.problem import Domain, Function, Problem


def test_findings_and_notes_are_printed_within_the_width() -> None:
    model = Function(lambda x: (x[:, :1] ** 2).astype(np.float32).astype(float), precision="float32")
    problem = Problem(model, lambda x: x[:, 0], Domain(x=(0.0, 1.0)), data=np.linspace(0.2, 0.6, 9)[:, None])
    text = summary(audit(problem, evaluations=500), width=72)
    assert "finding  The declared domain exceeds the range of the data in x" in text
    assert "note     The model runs in float32" in text
    assert max(map(len, text.splitlines())) <= 72
