"""A statement of theory: a number or a rate about a *class* of functions, with its assumptions and its source.

A lower bound states that nobody who knows only the class of the function can promise the tolerance with less. It never
states that the user's function needs that much. An upper bound names a construction.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

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


Build = Callable[[Array], Adversary]


class ClassBound(StatementRecord):
    """One statement of the theory, as it stands in the result; it can also build its fooling functions.

    ``status`` is ``"proved"`` (proof in the module docstring, adversary or method built here), ``"cited"`` (a theorem of
    others; ``seen`` states which part of it was read: ``"theorem"``, ``"abstract"``, ``"restated"`` in a text of others or
    ``"not seen"``), ``"conditional"`` (rests on a number that was estimated or supplied) or ``"heuristic"`` (an observed
    law). A statement that is ``vacuous`` says nothing at this tolerance; that does not mean "one sample is enough". The
    third line, the forecast, is measured and never comes from here.
    """

    _build: Build | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, *, build: Build | None = None, vacuous: bool = False, seen: str = "", **fields: Any) -> Self:
        """A statement.

        Args:
            build: makes the `Adversary` against given samples of the unit cube, shape ``(m, d)``.
            vacuous: whether it says nothing at this tolerance.
            seen: the part of a cited source that was read; empty for what is proved here.
            fields: the other fields of `StatementRecord`.
        """
        bound = cls(vacuous=vacuous, seen=seen, adversary=build is not None, **fields)
        bound._build = build
        return bound

    def changed(self, **fields: Any) -> Self:
        """A copy with other values of some fields, as `Record.changed`, that builds the same fooling functions."""
        copy = super().changed(**fields)
        copy._build = self._build
        return copy

    def fooling_function(self, x: Array) -> Adversary:
        """The adversary against samples of the unit cube, shape ``(m, d)``; only of a statement with ``adversary``."""
        assert self._build is not None, f"{self.name} builds no fooling function"
        return self._build(x)


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
    return ClassBound.of(
        name=name,
        line=line,
        quantity=quantity,
        log10=None,
        rate=rate,
        class_=function_class,
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
