"""Float boxes contain their cells, of any size."""

from fractions import Fraction

import numpy as np
import pytest

from supnorm.certification.boxes import Boxes

LEAST = 5e-324
ENDS = [
    (0.0, LEAST), (0.0, 3 * LEAST), (0.0, 2.923755834e-315), (7 * LEAST, 12 * LEAST), (-5 * LEAST, 8 * LEAST), (0.0, 3e-308),
    (1e8, 1e8 + 1.0), (1.0, float(np.nextafter(1.0, 2.0))), (-1e-300, 2e-300), (-3.0, 7.0), (1e-155, 1e155),
]  # fmt: skip


@pytest.mark.parametrize(("low", "high"), ENDS)
def test_a_float_box_contains_its_cell(low, high):
    rng = np.random.default_rng(1)
    level = rng.integers(0, 12, 200)
    index = rng.integers(0, 2**level)
    centre, half = Boxes(level[:, None], index[:, None], np.full(200, np.inf)).centre_and_half(
        np.array([low]), np.array([high])
    )
    for k, i, c, h in zip(level.tolist(), index.tolist(), centre[:, 0], half[:, 0], strict=True):
        width = Fraction(high) - Fraction(low)
        start = Fraction(low) + width * Fraction(i, 2**k)
        assert Fraction(c) - Fraction(h) <= start
        assert start + width * Fraction(1, 2**k) <= Fraction(c) + Fraction(h)
