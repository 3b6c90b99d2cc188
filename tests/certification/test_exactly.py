"""Exact combination of bounds: results are rounded outwards, and by little."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from supnorm.certification.exactly import down, fraction, root_down, root_up, up


def _random(rng, count):
    for _ in range(count):
        p, q = (int(v) for v in rng.integers(1, 2**62, 2))
        yield Fraction(p, q) * Fraction(2) ** int(rng.integers(-900, 900))


def test_rounding_is_outwards_and_close():
    rng = np.random.default_rng(0)
    for v in _random(rng, 500):
        for signed in (v, -v):
            low, high = down(signed), up(signed)
            assert Fraction(low) < signed < Fraction(high)
            assert math.isclose(low, high, rel_tol=3e-15)
        low, high = root_down(v), root_up(v)
        assert Fraction(low) ** 2 < v < Fraction(high) ** 2
        assert math.isclose(low, high, rel_tol=3e-15)


def test_floats_stay_as_they_are():
    rng = np.random.default_rng(1)
    for v in rng.normal(size=200).tolist():
        assert up(Fraction(v)) == down(Fraction(v)) == v
        square = Fraction(float(np.float32(v))) ** 2
        assert root_down(square) == abs(float(np.float32(v)))
        assert Fraction(root_up(square)) ** 2 >= square
    assert fraction(math.inf) is None


def test_numbers_beyond_float64():
    huge = Fraction(10) ** 400
    assert up(huge) == math.inf
    assert down(huge) == math.nextafter(math.inf, 0.0)
    assert up(-huge) == -math.nextafter(math.inf, 0.0)
    assert down(-huge) == -math.inf
    tiny = Fraction(1, 10**400)
    assert up(tiny) > 0 >= down(tiny)
    assert root_up(tiny) > 0
