"""The word that declares the cost of a call: ``cheap``, ``expensive``, ``expensive:64``, ``expensive:64:one-by-one``.

The number is the number of rows of a call. The last digits of a function's values may depend on the batch. If a measured
time chose the number of rows, the same seed could give another result. Without a number a call has `ROWS` rows. The last
part says how a search sends points to workers, one by one or in rounds; the points that it chooses depend on this. Without
the last part a measured time decides, and the run records the decision.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from supnorm.evaluation.caller import EXPENSIVE
from supnorm.results import BadInput
from supnorm.results.option import demand_number

# Rows of a call that is declared to be expensive: a kill loses at most so many points. A program that takes 0.1 s to start
# then spends 6 ms a point on starting.
ROWS = 16
MOST = 100_000
SENT = {"one-by-one": True, "in-rounds": False}
Cost = tuple[str, int | None, bool | None]


def cost_of_word(word: str | float, known: Collection[str], more: str = "") -> Cost:
    """The class, the rows of a call (None for a cheap one), and whether workers get points one by one (None: measured).

    Args:
        word: the class, with or without the rows; or the seconds that a call takes a point.
        known: the known classes.
        more: text after the classes in the message.

    Raises:
        BadInput: for another class, rows that are not a whole number from 1 to 100,000 or belong to a cheap call, or
            another last part.

    >>> known = ("cheap", "expensive")
    >>> cost_of_word("cheap", known), cost_of_word("expensive", known), cost_of_word("expensive:64", known)
    (('cheap', None, None), ('expensive', 16, None), ('expensive', 64, None))
    >>> cost_of_word("expensive:1:one-by-one", known), cost_of_word(0.3, known)
    (('expensive', 1, True), ('expensive', 16, None))
    """
    if not isinstance(word, str):
        demand_number("cost", word, 0.0)
        word = "expensive" if word >= EXPENSIVE else "cheap"
    name, colon, digits = word.partition(":")
    digits, last, sent = digits.partition(":")
    if name not in known:
        words = " or ".join(known) if len(known) == 2 else f"one of {', '.join(known)}"
        raise BadInput(f"cost must be {words}{more}, got {word[:80]!r}")
    if not colon:
        return name, None if name == "cheap" else ROWS, None
    right = digits.isascii() and digits.isdigit() and len(digits) < 8 and 1 <= int(digits) <= MOST
    if name == "cheap" or not right:
        raise BadInput(
            f"cost: the rows of an expensive call are a whole number from 1 to {MOST:,}, as in expensive:64, got "
            f"{word[:80]!r}"
        )
    if last and sent not in SENT:
        raise BadInput(
            f"cost: after the rows of a call comes {' or '.join(SENT)} (how workers get points), or nothing, got "
            f"{word[:80]!r}"
        )
    return name, int(digits), SENT.get(sent)


def whole_word(name: str, rows: int | None, one_by_one: bool | None) -> str:
    """The word with the rows of a call and how workers get points, so that a repeated run has the same calls.

    >>> whole_word("expensive", 64, None), whole_word("cheap", None, None), whole_word("expensive", 1, True)
    ('expensive:64', 'cheap', 'expensive:1:one-by-one')
    """
    if rows is None:
        return name
    return f"{name}:{rows}" + "".join(f":{word}" for word, sent in SENT.items() if sent is one_by_one)


def repeat_word(cost: Mapping[str, Any]) -> str:
    """The word that declares the cost recorded under the key ``cost`` of a document."""
    return whole_word(cost["class"], cost.get("rows"), cost.get("one_by_one"))
