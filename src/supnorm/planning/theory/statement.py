"""A statement of theory: a number or a rate about a *class* of functions, with its assumptions and its source.

A lower bound states that nobody who knows only the class of the function can promise the tolerance with less. It never
states that the user's function needs that much. An upper bound names a construction.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.results.budget import StatementRecord

Array = NDArray[np.float64]

GUARANTEE, CONSTRUCTION = "guarantee", "construction"


@dataclass(frozen=True)
class Adversary:
    """A member of the class that no method can tell from its negative (or from 0) by the given samples.

    Whatever a method answers on these samples, it errs by at least ``height`` on this function or on its
    negative, because both vanish at every sample.

    Attributes:
        value: the function on the unit cube, ``(n, d) -> (n,)``.
        height: the error that it forces, in the norm of the statement.
        peak: a point of the unit cube where ``|value|`` is largest, shape ``(d,)``.
        layers: weights and biases ``(W, b)``, layer by layer, where the adversary is a network.
    """

    value: Callable[[Array], Array]
    height: float
    peak: Array
    layers: tuple[tuple[Array, Array], ...] = ()

    def __call__(self, x: Array) -> Array:
        """Values at points of the unit cube, shape ``(n, d)``; returns shape ``(n,)``."""
        return self.value(np.atleast_2d(np.asarray(x, dtype=float)))


@dataclass(frozen=True, kw_only=True)
class ClassBound:
    """One statement of the theory.

    Attributes:
        name: short name, unique in a list of statements.
        line: ``"guarantee"`` (what nobody can promise with less) or ``"construction"`` (a named method and
            its count); the third line, the forecast, is measured and never comes from here.
        quantity: ``"samples"``, ``"weights"``, ``"coefficients"`` or ``"collocation points"``.
        log10: the count as a power of ten; None where only a rate is known.
        rate: how the count grows with the tolerance.
        function_class: the class of functions.
        assumptions: what else must hold.
        source: the origin of the statement and of its constant.
        status: ``"proved"`` (proof in the module docstring, adversary or method built here), ``"cited"``
            (a theorem of others; `seen` states which part of it was read), ``"conditional"`` (rests on a number that
            was estimated or supplied), ``"heuristic"`` (an observed law).
        seen: the part of a cited source that was read: ``"theorem"``, ``"abstract"``, ``"restated"`` (in a
            text of others) or ``"not seen"``; empty for what is proved here.
        vacuous: whether it says nothing at this tolerance; that does not mean "one sample is enough".
        adversary: builds the `Adversary` against given samples of the unit cube, shape ``(m, d)``.
    """

    name: str
    line: str
    quantity: str
    log10: float | None
    rate: str
    function_class: str
    assumptions: tuple[str, ...]
    source: str
    status: str
    vacuous: bool = False
    adversary: Callable[[Array], Adversary] | None = None
    seen: str = ""

    def record(self) -> StatementRecord:
        """The statement as data, which tells only whether an adversary can be built."""
        return StatementRecord(
            name=self.name,
            line=self.line,
            quantity=self.quantity,
            log10=self.log10,
            rate=self.rate,
            class_=self.function_class,
            assumptions=self.assumptions,
            source=self.source,
            status=self.status,
            vacuous=self.vacuous,
            adversary=self.adversary is not None,
            seen=self.seen,
        )


def known_rate(
    name: str,
    rate: str,
    function_class: str,
    source: str,
    *assumptions: str,
    line: str = CONSTRUCTION,
    quantity: str = "weights",
    status: str = "cited",
    seen: str = "not seen",
) -> ClassBound:
    """A statement from the literature of which only the rate is known."""
    return ClassBound(
        name=name,
        line=line,
        quantity=quantity,
        log10=None,
        rate=rate,
        function_class=function_class,
        assumptions=assumptions,
        source=source,
        status=status,
        seen=seen,
    )


def strict_floor(x: float) -> int:
    """The largest integer strictly below ``x``, and at least 0.

    >>> strict_floor(3.0), strict_floor(3.2), strict_floor(-1.0)
    (2, 3, 0)
    """
    return max(int(np.ceil(x)) - 1, 0)


def log10_power(base: int, exponent: int) -> float:
    """log10 of ``base ** exponent`` without forming it.

    >>> log10_power(10, 400)
    400.0
    """
    return exponent * math.log10(base)  # of whole numbers of any size
