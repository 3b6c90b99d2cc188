"""Inputs that one side ignores and the other does not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

import supnorm as sn
from supnorm.results.audit import FindingRecord

Array = NDArray[np.float64]
BOX = {"a": (0.0, 1.0), "b": (0.0, 1.0), "c": (-1.0, 1.0)}


def found(
    model: Callable[[Array], Array],
    reference: Callable[[Array], Array],
    domain: sn.Domain | None = None,
    **options: object,
) -> list[FindingRecord]:
    problem = sn.Problem(model, reference, domain or sn.Domain(**BOX), **options)
    record = sn.audit(problem, evaluations=600, seed=1).record
    return [f for f in record.findings if f.code == "input-without-effect"]


def full(x: Array) -> Array:
    return np.asarray(np.sin(2 * x[:, 0]) + x[:, 1] ** 2 + 0.5 * x[:, 2])


def dropped(x: Array) -> Array:
    return np.asarray(np.sin(2 * x[:, 0]) + x[:, 1] ** 2)


def test_an_input_that_the_model_ignores_is_named_with_the_effect_that_it_has_on_the_reference() -> None:
    (one,) = found(dropped, full)
    assert (one.values["name"], one.values["model"], one.values["n"]) == ("c", True, 59)
    assert one.values["spread"] == pytest.approx(1.0)  # 0.5 from -1 to 1
    assert 0.049 < one.values["at_most"] < 0.05
    assert one.text.startswith("c seems to have no effect on the model, and has one on the reference.")
    assert (
        "This is an estimate: with 95 % confidence c changes the model in at most 5 % of such pairs."
        in one.text
    )


def test_an_input_that_the_reference_ignores() -> None:
    (one,) = found(full, dropped, sn.Domain(**BOX | {"c": (-1.0, 1.0, "K")}))
    assert (one.values["name"], one.values["model"]) == ("c", False)
    assert "has no effect" not in one.text
    assert "no effect on the reference, and has one on the model" in one.text


def test_a_constant_reference_is_meant_to_be_one_and_a_constant_model_is_not() -> None:
    zero = lambda x: 0 * x[:, 0]  # noqa: E731
    assert found(full, zero) == []
    assert {f.values["name"] for f in found(zero, full)} == {"a", "b", "c"}


def test_nothing_is_estimated_where_every_point_was_evaluated() -> None:
    lists = sn.Domain(**{name: sn.Axis(values=[0.0, 0.5, 1.0]) for name in BOX})
    assert found(dropped, full, lists) == []


@pytest.mark.parametrize(
    ("model", "reference"),
    [
        (full, lambda x: full(x) + 0.1 * x[:, 0]),  # both use it
        (dropped, lambda x: dropped(x) + 0.1 * x[:, 0]),  # neither does
        (dropped, lambda x: full(x) + 1e3 * x[:, 0]),  # its effect is below 1 % of the worst error
        # Flat in c along the line through the worst point, a = 1, and not elsewhere.
        (lambda x: dropped(x) + np.maximum(0.5 - x[:, 0], 0) * x[:, 2], lambda x: full(x) + 3 * x[:, 0]),
        # An effect of a millionth is one.
        (lambda x: dropped(x) + 1e-6 * x[:, 2], full),
    ],
)
def test_nothing_is_said_without_cause(
    model: Callable[[Array], Array], reference: Callable[[Array], Array]
) -> None:
    assert found(model, reference) == []


def test_of_several_outputs_the_model_ignores_it_in_all_or_nothing_is_said() -> None:
    def two(x: Array) -> Array:
        return np.stack([full(x), 1e-3 * full(x)], axis=1)

    (one,) = found(lambda x: np.stack([dropped(x), 1e-3 * dropped(x)], axis=1), two)
    assert one.values["outputs"] == 2
    assert "(all 2 outputs)" in one.text
    assert found(lambda x: np.stack([dropped(x), 1e-3 * full(x)], axis=1), two) == []


def test_lists_of_values_and_rounding_in_a_batch() -> None:
    """Pairs of the same value say nothing. A sum that is rounded otherwise in another row is no effect."""
    domain = sn.Domain(a=(0.0, 1.0), b=(0.0, 1.0), c=sn.Axis(values=(-1.0, 1.0)))
    assert found(dropped, full, domain) == []  # too few points of a cut say anything
    domain = sn.Domain(a=(0.0, 1.0), b=(0.0, 1.0), c=sn.Axis(values=tuple(np.linspace(-1, 1, 9))))
    (one,) = found(lambda x: dropped(x) * (1 + 1e-16 * np.sin(1e9 * x[:, 2])), full, domain)
    assert 40 <= one.values["n"] < 59


def test_where_no_pair_lies_in_the_domain_nothing_is_said() -> None:
    thin = sn.Domain(lambda x: np.abs(x[:, 2] - x[:, 0]) < 0.02, **BOX)
    assert found(dropped, full, thin) == []
