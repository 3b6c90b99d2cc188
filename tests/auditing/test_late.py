"""What the advice says of the last third of a search."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from supnorm.auditing.run import Run
from supnorm.auditing.verdict import _late
from supnorm.wording import Narrator
from supnorm.wording.verdict import TEMPLATES


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (1.0, 1.0, "The last third of the search did not raise the worst error."),
        (1.0, 1.0 + 1e-9, "The last third of the search raised the worst error by less than 0.1 %."),
        (1.0, 1.03, "The last third of the search raised the worst error by 3 %."),
        (1.0, 1.06, "The worst error still grew after 90 evaluations: search longer."),
    ],
)
def test_the_advice_says_how_much_the_last_third_gained(before: float, after: float, words: str) -> None:
    evaluator = SimpleNamespace(history=[(10, before), (90, after)], worst=after, spent=lambda part: 0)
    run = cast(Any, SimpleNamespace(evaluator=evaluator, searched=100))
    assert [Narrator(TEMPLATES).text(found) for found in _late(cast(Run, run))] == [words]
