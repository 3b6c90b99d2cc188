"""The word that declares the cost of a call: ``cheap``, ``expensive``, ``expensive:64``, ``expensive:64:one-by-one:4``.

The number is the number of rows of a call. The last digits of a function's values may depend on the batch. If a measured
time chose the number of rows, the same seed could give another result. Without a number a call has `ROWS` rows. The next
part says how a search sends points to workers, one by one or in rounds, and the last one for how many workers it chooses
points one by one; the points that it chooses depend on both. Without them a measured time and the number of workers decide,
and the run records the decisions. With all parts a search chooses the same points on any number of workers, one included.
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
Cost = tuple[str, int | None, bool | None, int | None]


def cost_of_word(word: str | float, known: Collection[str], more: str = "") -> Cost:
    """The class, the rows of a call (None for a cheap one), whether workers get points one by one (None: measured), and for
    how many workers points are then chosen (None: those of the run).

    Args:
        word: the class, with or without the rows; or the seconds that a call takes a point.
        known: the known classes.
        more: text after the classes in the message.

    Raises:
        BadInput: for another class, rows that are not a whole number from 1 to 100,000 or belong to a cheap call, or
            other words after the rows.

    >>> known = ("cheap", "expensive")
    >>> cost_of_word("cheap", known), cost_of_word("expensive", known), cost_of_word("expensive:64", known)
    (('cheap', None, None, None), ('expensive', 16, None, None), ('expensive', 64, None, None))
    >>> cost_of_word("expensive:1:one-by-one", known), cost_of_word("expensive:1:one-by-one:4", known)
    (('expensive', 1, True, None), ('expensive', 1, True, 4))
    """
    if not isinstance(word, str):
        demand_number("cost", word, 0.0)
        word = "expensive" if word >= EXPENSIVE else "cheap"
    name, colon, digits = word.partition(":")
    digits, last, sent = digits.partition(":")
    sent, further, ahead = sent.partition(":")
    if name not in known:
        words = " or ".join(known) if len(known) == 2 else f"one of {', '.join(known)}"
        raise BadInput(f"cost must be {words}{more}, got {word[:80]!r}")
    if not colon:
        return name, None if name == "cheap" else ROWS, None, None
    if name == "cheap" or not _is_count(digits):
        raise BadInput(
            f"cost: the rows of an expensive call are a whole number from 1 to {MOST:,}, as in expensive:64, got "
            f"{word[:80]!r}"
        )
    if last and sent not in SENT:
        raise BadInput(
            f"cost: after the rows of a call comes {' or '.join(SENT)} (how workers get points), or nothing, got "
            f"{word[:80]!r}"
        )
    if further and not (SENT[sent] and _is_count(ahead)):
        raise BadInput(
            f"cost: after one-by-one comes the number of workers for which points are chosen, from 1 to {MOST:,}, or "
            f"nothing; after in-rounds nothing, got {word[:80]!r}"
        )
    return name, int(digits), SENT.get(sent), int(ahead) if further else None


def _is_count(digits: str) -> bool:
    return digits.isascii() and digits.isdigit() and len(digits) < 8 and 1 <= int(digits) <= MOST


def whole_word(name: str, rows: int | None, one_by_one: bool | None, ahead: int | None = None) -> str:
    """The word with all that a repeated run needs to have the same calls.

    >>> whole_word("expensive", 64, None), whole_word("cheap", None, None), whole_word("expensive", 1, False)
    ('expensive:64', 'cheap', 'expensive:1:in-rounds')
    >>> whole_word("expensive", 1, True), whole_word("expensive", 1, True, 4)
    ('expensive:1:one-by-one', 'expensive:1:one-by-one:4')
    """
    if rows is None:
        return name
    sent = "".join(f":{word}" for word, sent in SENT.items() if sent is one_by_one)
    return f"{name}:{rows}{sent}" + (f":{ahead}" if one_by_one and ahead else "")


def repeat_word(cost: Mapping[str, Any]) -> str:
    """The word that declares the cost recorded under the key ``cost`` of a document."""
    return whole_word(cost["class"], cost.get("rows"), cost.get("one_by_one"), cost.get("ahead"))
