"""Incomplete gamma and beta functions in ball arithmetic, by series of positive terms where FLINT's own take seconds.

The terms of a series are added until one is below the last bit and its ratio to the one before it is below 1; the rest is at
most a geometric series.
"""

from __future__ import annotations

from typing import Any

from flint import arb, ctx

Ball = Any
# FLINT may take a second and more on balls beyond: E1, Q and 1 - P are below e^-1000 there, and no float64 program has I.
FAR = 1000.0


def up_to(size: Ball) -> Ball:
    """The ball from 0 to a bound."""
    return size.upper() * arb(0.5, 0.5)


def last_bit() -> Ball:
    """A term of a series of sum 1 that counts no more."""
    return arb(2) ** -ctx.prec


def q(z: Ball, s: Ball) -> Ball:
    """Q(s, z) = Gamma(s, z)/Gamma(s).

    Far out, with t = z + u, Gamma(s, z) = z^(s - 1) exp(-z) times the integral of (1 + u/z)^(s - 1) exp(-u), at most
    1/(1 - (s - 1)/z) for s >= 1, since 1 + u/z <= exp(u/z), and at most 1 for s < 1.
    """
    if not z > 2 * s + FAR:
        return z.gamma_upper(s, regularized=1)
    return up_to((z.log() * (s - 1) - z - s.lgamma()).exp() / (1 - (s - 1).max(arb(0)) / z))


def p(z: Ball, s: Ball) -> Ball:
    """P(s, z) = 1 - Q(s, z); below s + 1 by the series of DLMF 8.11.4, whose terms are positive.

    FLINT's own takes a second near z = s, and for some balls of small z.
    """
    if not z < s + 1:
        return 1 - q(z, s)
    total, term, k = arb(1), arb(1), 0
    while not term < last_bit():
        k += 1
        term = term * z / (s + k)  # each is below the one before it, since z < s + k
        total += term
    ratio = z / (s + k + 1)
    return (z.log() * s - z - (s + 1).lgamma()).exp() * (total + up_to(term * ratio / (1 - ratio)))


def beta(z: Ball, a: Ball, b: Ball) -> Ball:
    """I_z(a, b), 0 < z < 1, which rises from 0 to 1: a ball has the values between those of its ends.

    FLINT's own takes up to 20 s. The series of DLMF 8.17.8 has positive terms, each the one before it times
    z (a + b + k)/(a + 1 + k), which goes to z and only rises or only falls. 1 - I_(1-z)(b, a) is the same where the series
    is long, and where the value is not small.
    """
    if not z.is_exact():
        return beta(z.lower(), a, b).union(beta(z.upper(), a, b))
    if not (z < 0.5 or (z < 0.9 and z * (a + b) < a)):
        return 1 - _beta_series(1 - z, b, a)
    return _beta_series(z, a, b)


def _beta_series(z: Ball, a: Ball, b: Ball) -> Ball:
    """I_z(a, b) for z well below 1."""
    total, term, ratio, k = arb(1), arb(1), arb(1), 0
    while not (term < total * last_bit() and ratio < 1):
        ratio = z * (a + b + k) / (a + 1 + k)
        term, k = term * ratio, k + 1
        total += term
    most = ratio.max(z)  # of this ratio and all later ones
    scale = (z.log() * a + (1 - z).log() * b + (a + b).lgamma() - (a + 1).lgamma() - b.lgamma()).exp()
    return scale * (total + up_to(term * most / (1 - most)))
