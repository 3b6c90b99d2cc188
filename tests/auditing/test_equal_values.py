"""An audit without any difference says that the reference may be the model itself."""

from __future__ import annotations

import pytest

from supnorm.auditing import audit
from supnorm.problem import Domain, ErrorMeasure, Problem

WORDS = "the reference is not the model itself"


@pytest.mark.parametrize(
    ("difference", "side", "said"), [(0.0, "both", True), (1e-15, "both", False), (-1.0, "over", False)]
)
def test_a_model_beside_itself_is_noted(difference, side, said):
    problem = Problem(
        lambda x: x[:, 0] + difference,
        lambda x: x[:, 0],
        Domain(x=(0.0, 1.0)),
        error=ErrorMeasure(tolerance=1e-3, side=side),
    )
    report = audit(problem, evaluations=100, power=None)
    assert any(WORDS in note for note in report.document["notes"]) == said
