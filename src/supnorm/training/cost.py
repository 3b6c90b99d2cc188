"""The cost of a call of the reference, which is declared or measured once, and recorded in the result.

A reference that takes 1 ms a point or more is *expensive*: its fit has fewer and smaller audits, no fresh points after
Ctrl-C, and stores the calls. A clock decides this only if the user declares nothing. Fitted models count as cheap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.caller import EXPENSIVE, NEAR, Caller
from supnorm.evaluation.cost_word import cost_of_word, whole_word
from supnorm.evaluation.probe import cost_of as timed_again
from supnorm.results.fit import FitCostRecord
from supnorm.wording import Fact, fact

Array = NDArray[np.float64]
COSTS = {"cheap": False, "expensive": True}  # whether the reference takes more than 1 ms a point


def cost_of(word: str | float) -> tuple[bool, int | None, bool | None, int | None]:
    """Whether a declared cost is expensive, the rows of a call, whether workers get points one by one, and for how many.

    Raises:
        BadInput: for a word that is none of `COSTS`, alone or with a number of rows.
    """
    name, rows, one_by_one, ahead = cost_of_word(word, COSTS, " (what is called is the reference)")
    return COSTS[name], rows, one_by_one, ahead


def cost_seen(caller: Caller, x: Array) -> float:
    """Seconds a point by the last call. Another process may have held it up, so a point (1, d) is called again, up to three
    times, before a reference counts as expensive because of it: the least of these times."""
    if caller.measured or caller.decided is not None:
        return caller.cost
    return timed_again(caller, x, caller.expensive_from)[0]


def take_over(caller: Caller, before: Caller) -> None:
    """Give another caller of the same function the cost that was decided before."""
    caller.cost, caller.measured = before.cost, before.measured
    caller.decided, caller.declared, caller.rows = before.decided, before.declared, before.rows
    caller.one_by_one, caller.ahead = before.one_by_one, before.ahead


def word_of(caller: Caller) -> str:
    """The decided cost as the word that declares it."""
    if not caller.expensive:
        return "cheap"
    return whole_word("expensive", caller.rows, _one_by_one(caller), _ahead(caller))


def _one_by_one(caller: Caller) -> bool | None:
    return bool(caller.one_by_one) if caller.ahead and caller.expensive else None


def _ahead(caller: Caller) -> int | None:
    return caller.ahead if _one_by_one(caller) else None


def cost_record(caller: Caller) -> FitCostRecord:
    """The decided cost, and whether it was declared or measured."""
    return FitCostRecord(
        class_="expensive" if caller.expensive else "cheap",
        rows=caller.rows if caller.expensive else None,
        one_by_one=_one_by_one(caller),
        ahead=_ahead(caller),
        by="declared" if caller.declared else "measured",
        reference_ms=1e3 * caller.cost,
    )


def cost_notes(caller: Caller) -> list[Fact]:
    """For a timing so near to 1 ms that it may come out otherwise next time."""
    if caller.declared or not EXPENSIVE / NEAR < caller.cost < EXPENSIVE * NEAR:
        return []
    word = "expensive" if caller.expensive else "cheap"
    return [fact("cost-by-time", milliseconds=1e3 * caller.cost, cost=word, costs=" | ".join(COSTS))]
