"""A function that changes its number of outputs is refused with the point, both numbers and what to do."""

import numpy as np
import pytest

from supnorm.evaluation.guarded import guarded
from supnorm.results import BadInput


def test_another_number_of_outputs_is_refused_with_the_point():
    def widens(x):
        return x if (x[:, 0] > 0.9).any() else x[:, :1]

    y, messages = guarded(widens, np.array([[0.1, 0.2]]), 1)
    assert y.shape == (1, 1)
    assert not messages
    with pytest.raises(
        BadInput, match=r"returned 2 outputs for 1 points, the first of them \[0.95, 0.2\], and 1 before"
    ):
        guarded(widens, np.array([[0.95, 0.2]]), 1)
