"""Sums that no order changes: against math.fsum, which rounds the exact sum once."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supnorm.fields.exact_sums import ExactSums

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)


def summed(values, cuts=()):
    parts = np.split(np.array(values), cuts)
    whole = ExactSums((1,))
    for part in parts:
        one = ExactSums((1,))
        for value in part:
            one.add(slice(None), np.array([value]))
        whole.merge(one)
    return float(whole.values[0])


@given(st.lists(FINITE.filter(lambda x: abs(x) < 1e300), max_size=20), st.randoms())
def test_the_exact_sum_is_rounded_once_in_any_order(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    assert summed(values) == summed(shuffled, [len(values) // 2]) == math.fsum(values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1e300, 1.0, -1e300], 1.0),
        ([5e-324, 5e-324], 1e-323),
        ([1.7e308, 1.7e308], math.inf),
        ([1.7e308, 1.7e308, -1.7e308], 1.7e308),  # no overflow on the way
        ([math.inf, 1.0], math.inf),
        ([math.inf, -math.inf], math.nan),
        ([math.nan, 1.0], math.nan),
        ([], 0.0),
    ],
)
def test_ends(values, expected):
    for order in (values, values[::-1]):
        np.testing.assert_equal(summed(order), expected)


def test_stored_and_taken_again():
    one = ExactSums((2, 3))
    one.add((1, slice(None)), np.array([0.1, -1e-320, math.inf]))
    other = ExactSums((2, 3))
    other.take(one.stored())
    for sums in (one, other):
        sums.add((1, slice(None)), np.array([0.2, 1.0, 1.0]))
    np.testing.assert_array_equal(one.values, other.values)
    assert other.values[1, 0] == math.fsum([0.1, 0.2])
    with pytest.raises(ValueError, match="invalid literal"):
        other.take(one.stored() | {"whole": np.array(["z"] * 6)})
