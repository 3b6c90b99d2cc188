"""Upper bounds of e^x and (e^x - 1)/x as fractions.

Both are those of y = x/2^n with |y| <= 1/2, by their series and a bound of the rest, doubled n times:
e^(2y) = (e^y)^2 and phi(2y) = phi(y) (e^y + 1)/2. All of these are positive and grow with both, so bounds from above
stay so.
"""

from __future__ import annotations

from fractions import Fraction

BITS = 240  # of the numbers in between; a checker combines in balls of 320 bits, and claims are rounded to float64
TERMS = 48  # with these the rest is below `REST`
REST = Fraction(1, 2**240)  # above the rest of the series of phi, which is at most 2^-47/49! for |y| <= 1/2
LARGEST = 700  # beyond, e^x is no float
SMALLEST = 4096  # what is below -4096 counts as -4096, so that numbers stay short


def exponentials_up(x: Fraction) -> tuple[Fraction, Fraction] | None:
    """Numbers above e^x and (e^x - 1)/x, by a share of about 2^-200; None for x > 700.

    >>> [float(v) for v in exponentials_up(Fraction(1))]
    [2.718281828459045, 1.7182818284590453]
    >>> [float(v) for v in exponentials_up(Fraction(0))], exponentials_up(Fraction(701))
    ([1.0, 1.0], None)
    """
    if x > LARGEST:
        return None
    x = _up(max(x, Fraction(-SMALLEST)))  # both grow with x
    doublings = 0
    while abs(x) > Fraction(2**doublings, 2):
        doublings += 1
    y = x / 2**doublings
    power, phi = Fraction(1), Fraction(0)
    for k in range(TERMS):
        phi += power / (k + 1)
        power = power * y / (k + 1)
    e, phi = _up(1 + y * phi + REST), _up(phi + REST)
    for _ in range(doublings):
        phi, e = _up(phi * (e + 1) / 2), _up(e * e)
    return e, phi


def _up(v: Fraction) -> Fraction:
    """A fraction above with a numerator of some `BITS` bits."""
    if not v:
        return v
    shift = BITS - (v.numerator.bit_length() - v.denominator.bit_length())
    scaled = v * Fraction(2) ** shift
    return Fraction(-(-scaled.numerator // scaled.denominator)) / Fraction(2) ** shift
