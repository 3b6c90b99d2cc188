"""Numbers in two precisions are compared in the narrower one, unless that makes one number of two."""

import numpy as np
import pytest

from supnorm.problem import pairs
from supnorm.problem.narrower import in_narrower, narrower_of


@pytest.mark.parametrize(
    ("kinds", "narrower"),
    [
        (["", "float32"], "float32"),
        (["float16", ""], "float16"),
        (["", ""], ""),
        (["float32", "float16"], ""),
        (["float32"], ""),
    ],
)
def test_double_precision_has_no_name(kinds, narrower):
    assert narrower_of(kinds) == narrower


def test_numbers_that_stay_different_are_narrowed_and_others_not():
    one, other = in_narrower([np.array([0.1, 0.2, 0.1]), np.array([0.3])], "float32")
    assert one.dtype == other.dtype == np.float32
    assert one.tolist() == np.float32([0.1, 0.2, 0.1]).tolist()
    assert in_narrower([np.array([0.3]), np.array([1.0, np.nextafter(1.0, 2.0)])], "float32") is None
    assert in_narrower([np.array([1e39, 2e39])], "float32") is None  # both are infinite there


def test_whole_numbers_beyond_double_precision_stay_as_they_are():
    """Two keys would be one in double precision already, where nothing would see that single precision makes one of them."""
    large = [2**53, 2**53 + 1]
    assert pairs._in_one_type([large, [1.0, 2.0]], ["", "float32"]) == [large, [1.0, 2.0]]
    assert (
        pairs._in_one_type([[0.1, 0.2], [0.5, 0.25]], ["", "float32"])[0] == np.float32([0.1, 0.2]).tolist()
    )
