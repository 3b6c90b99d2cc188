"""What a mask hides has no value, at every door through which arrays of the user come in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.fields.rollout_state import numbers
from supnorm.fields.scan import unmasked as of_fields
from supnorm.mending.repair import samples_of
from supnorm.problem import ErrorMeasure
from supnorm.problem.function import real_numbers
from supnorm.problem.masked import unmasked
from supnorm.problem.rows import arrays_of
from supnorm.results import BadInput

X = np.arange(6.0)
HIDDEN = X == 4
DOORS: dict[str, Callable[[Any], Any]] = {
    "unmasked": unmasked,
    "function": lambda given: real_numbers(given, "f"),
    "table": lambda given: arrays_of((X, given), "model")[1].ravel(),
    "roll-out": numbers,
    "field": of_fields,
}


@pytest.mark.parametrize("kind", ["f8", "f4", "i8", "i2"])
@pytest.mark.parametrize("door", DOORS)
def test_a_hidden_number_is_nan_behind_every_door(door: str, kind: str) -> None:
    got = DOORS[door](np.ma.MaskedArray(X.astype(kind), mask=HIDDEN))
    assert np.array_equal(np.isnan(got), HIDDEN)
    assert np.array_equal(got[~HIDDEN], X[~HIDDEN])
    assert np.array_equal(DOORS[door](np.ma.MaskedArray(X.astype(kind))), X), "nothing is hidden"


def test_a_list_of_masked_arrays_keeps_its_masks() -> None:
    rows = [np.ma.MaskedArray([v], mask=[h]) for v, h in zip(X, HIDDEN, strict=True)]
    assert np.array_equal(np.isnan(real_numbers(rows, "f"))[:, 0], HIDDEN)


@pytest.mark.parametrize("side", ["truth", "prediction"])
def test_a_hidden_value_of_a_data_frame_is_missing(side: str) -> None:
    data: dict[str, Any] = {
        "x": X,
        "truth": X,
        "prediction": X,
        "site": np.ma.MaskedArray(list("ABABAB"), HIDDEN),
    }
    data[side] = np.ma.MaskedArray(X, mask=HIDDEN)
    report = sn.audit_table(data, truth="truth", prediction="prediction", by="site", tolerance=0.1)
    assert report.status.exit == (1 if side == "prediction" else 0)
    assert report.record.table is not None
    assert report.record.table.without_value[{"truth": "reference"}.get(side, "model")] == 1
    assert {g.value for g in report.record.table.groups} == {"A", "B", "(empty)"}


def test_a_mask_of_rows_that_hides_an_answer_is_refused() -> None:
    def odd(x: Any) -> Any:
        return np.ma.MaskedArray(x[:, 0] > 0.5, mask=x[:, 0] > 0.9)

    with pytest.raises(sn.BadInput, match="mask must return booleans"):
        ErrorMeasure(mask=odd).counts(np.linspace(0.0, 1.0, 20)[:, None], np.zeros((20, 1)))


HALVES = np.random.default_rng(0).random((40, 2))
BOX = sn.Domain(a=(0.0, 1.0), b=(0.0, 1.0))
TAKERS: dict[str, Callable[[Any], Any]] = {
    "budget": lambda x: sn.budget((x, HALVES[:, 0]), tolerance=0.1),
    "fit": lambda x: sn.fit((x, HALVES[:, 0])),
    "domain": sn.Domain.from_samples,
    "data": lambda x: sn.Problem(np.prod, np.prod, BOX, data=x),
    "repair": lambda x: samples_of((x, HALVES[:, 0]), sn.Problem(np.prod, np.prod, BOX)),
}


@pytest.mark.whole
@pytest.mark.parametrize("take", TAKERS.values(), ids=TAKERS)
@pytest.mark.parametrize("kind", ["U", "datetime64[D]", "complex"])
def test_text_and_dates_are_no_numbers(take: Callable[[Any], Any], kind: str) -> None:
    """NumPy reads the text "0.5" and counts days; a text that is no number ended some of them with a traceback."""
    given = HALVES.astype(kind)
    if kind == "complex":
        given += 1j
    with pytest.raises(BadInput, match="number"):
        take(given)
