"""The budget as text: verdict first, then the three lines under their own headings, then the caveats.

Rows of the guarantee line that rest on sampled bounds have a heading of their own: they are no guarantee.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from supnorm.planning.guarantees import ESTIMATED, derivative_bounds
from supnorm.planning.theory.statement import ClassBound

if TYPE_CHECKING:
    from supnorm.planning.result import BudgetResult


def count(log10: float | None) -> str:
    """A count from its logarithm.

    >>> count(2.0), count(16.25), count(None), count(math.inf)
    ('100', '1.8e+16', 'rate only', 'none is enough')
    """
    if log10 is None:
        return "rate only"
    if math.isinf(log10):
        return "none is enough"
    if log10 < 6:
        return f"{10**log10:,.0f}"
    exponent = math.floor(log10)
    return f"{10 ** (log10 - exponent):.1f}e+{exponent:d}"


def text(result: BudgetResult) -> str:
    """All of it."""
    lines = [
        f"Budget: {result.title or 'numbers alone'}, "
        f"tolerance {result.tolerance:.4g} in the {result.norm} norm"
    ]
    lines += [f"  {note}" for note in result.notes]
    lines += ["", f"VERDICT on a network: {result.verdict.word}; tool: {result.verdict.tool}"]
    lines += [f"  - {fact}" for fact in result.verdict.evidence]
    held = tuple(row for row in result.guarantee if row.status != "conditional")
    guessed = tuple(row for row in result.guarantee if row.status == "conditional")
    lines += ["", "GUARANTEE: what nobody can promise with less, about a class of functions, not about yours"]
    lines += _rows(held, at_least=True)
    if guessed:
        lines += [
            "",
            "CONDITIONAL: the same, if the class is as a sample of your function suggests: no guarantee",
        ]
        lines += _estimated(result)
        lines += _rows(guessed, at_least=True)
    lines += [
        f"  against the {f.points} given points ({f.name}): a member of the class is 0 at all of them and "
        f"{f.height:.3g} at {', '.join(f'{k} = {v:.4g}' for k, v in f.peak.items())}"
        for f in result.fooling_functions
    ]
    lines += ["", "CONSTRUCTION: named methods and what they need"]
    lines += _rows(result.construction, at_least=False)
    lines += ["", "FORECAST: measured on this function, with an interval"]
    lines += _forecast(result)
    lines += ["", "EXCEPTIONS"]
    lines += [f"  {c.name}: {c.outcome} -> {c.effect}" for c in result.caveats]
    return "\n".join([*lines, "", result.status.advice])


def _estimated(result: BudgetResult) -> list[str]:
    if result.profile is None or not any(ESTIMATED in row.assumptions for row in result.guarantee):
        return []
    bounds = enumerate(derivative_bounds(result.profile, result.p))
    return ["  on the unit cube, estimated: " + ", ".join(f"L_{k} = {v:.3g}" for k, v in bounds)]


def _rows(rows: tuple[ClassBound, ...], at_least: bool) -> list[str]:
    if not rows:
        return ["  nothing applies"]
    found, last = [], ""
    for row in rows:
        value = "the theory says nothing here" if row.vacuous else count(row.log10)
        if row.log10 is not None and not row.vacuous and not math.isinf(row.log10):
            value = f"{'at least' if at_least else 'about'} {value} {row.quantity}"
        found.append(f"  {row.name}: {value}, {row.rate}  [{row.status}]")
        if row.function_class != last:
            found.append(f"      class: {row.function_class}")
        last = row.function_class
        found.append(f"      {row.source}; assumes: {'; '.join(row.assumptions)}")
    return found


def _forecast(result: BudgetResult) -> list[str]:
    if not result.learning_curves:
        return ["  no learning curve was measured: nothing is forecast"]
    found = []
    for curve in result.learning_curves:
        alpha, low, high = curve.exponent
        name = f"{curve.name}: " if curve.name else ""
        found.append(
            f"  {name}{curve.metric} error ~ {curve.axis}^{-alpha:.2f} [{-high:.2f}, {-low:.2f}] at the largest size; "
            f"{curve.regime}"
        )
        top = float(curve.by_size.size[-1])
        for ahead in (2.0, 4.0, 8.0):
            f = curve.forecast(ahead * top)
            found.append(
                f"  at {ahead * top:g} {curve.axis}: {f.value:.3g} [{f.lower:.3g}, {f.upper:.3g}] "
                f"({100 * f.level:.0f} %)"
            )
        for h in curve.holdouts:
            word = "caught" if h.caught == len(h.errors) else "missed"
            found.append(
                f"  held out {h.size:g} (x{h.ahead:g}): {word}, {h.caught} of {len(h.errors)} runs inside"
            )
        widened = curve.forecast(top).widened
        if widened > 1.0:
            found.append(f"  what was held out lay outside: every interval is widened by x{widened:.2g}")
        need = curve.need(result.tolerance)
        found.append("  " + _need(need.reached, need.samples, need.weights, need.iterations))
    return found


def _need(reached: str, samples: int | None, weights: int | None, iterations: int | None) -> str:
    if reached == "floor":
        return "the tolerance lies below the floor of this learning curve: more of this does not help"
    if reached == "beyond":
        return "the upper end of the interval does not reach the tolerance within 8 times the largest size: no number"
    triple = ((samples, "samples"), (weights, "weights"), (iterations, "iterations"))
    return f"the tolerance is reached ({reached}) with {', '.join(f'{n} {word}' for n, word in triple if n)}"
