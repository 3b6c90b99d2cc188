"""Answers can be compared: those of a report and of the same report read again."""

from dataclasses import replace

import numpy as np

from supnorm.results import Witness


def test_witnesses_are_equal_where_all_their_numbers_are() -> None:
    """The comparison of two arrays has no truth value: == raised an error."""
    one = Witness(np.array([1.0, 2.0]), np.array([np.nan]), np.array([3.0]), np.inf)
    assert one == replace(one, x=one.x.copy(), model=one.model.copy())
    assert one != replace(one, x=np.array([1.0, 2.5]))
    assert one != replace(one, recheck_value=np.array([3.0]))
    # Two outputs: == of arrays has no truth value.
    assert one != replace(one, recheck_value=np.array([3.0, 4.0]))
    assert replace(one, recheck_value=np.array([3.0, 4.0])) != one
    assert one != replace(one, output=1)
    assert one != "a witness"
