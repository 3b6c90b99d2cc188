"""The word by which a cost is declared: ``cheap``, ``expensive``, ``expensive:64``.

The number is the number of rows of a call. The last digits of a function's values may depend on the batch, so that a number
of rows chosen by a measured time would give another result for the same seed. Without a number a call has `ROWS` rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from supnorm.evaluation.caller import EXPENSIVE
from supnorm.results import BadInput
from supnorm.results.option import demand_number

# Of a call that is declared to be expensive: a kill loses at most so many. A program that takes 0.1 s to start spends
# 6 ms a point on it.
ROWS = 16
MOST = 100_000


def cost_of_word(word: str | float, known: Collection[str], more: str = "") -> tuple[str, int | None]:
    """The class and the rows of a call, None for a cheap one.

    Args:
        word: the class, with or without the rows; or the seconds that a call takes a point.
        known: the known classes.
        more: text after the classes in the message.

    Raises:
        BadInput: for another class, or rows that are not a whole number from 1 to 100,000 or belong to a cheap call.

    >>> known = ("cheap", "expensive")
    >>> cost_of_word("cheap", known), cost_of_word("expensive", known), cost_of_word("expensive:64", known)
    (('cheap', None), ('expensive', 16), ('expensive', 64))
    >>> cost_of_word(2e-5, known), cost_of_word(0.3, known)
    (('cheap', None), ('expensive', 16))
    """
    if not isinstance(word, str):
        demand_number("cost", word, 0.0)
        word = "expensive" if word >= EXPENSIVE else "cheap"
    name, colon, digits = word.partition(":")
    if name not in known:
        words = " or ".join(known) if len(known) == 2 else f"one of {', '.join(known)}"
        raise BadInput(f"cost must be {words}{more}, got {word[:80]!r}")
    if not colon:
        return name, None if name == "cheap" else ROWS
    right = digits.isascii() and digits.isdigit() and len(digits) < 8 and 1 <= int(digits) <= MOST
    if name == "cheap" or not right:
        raise BadInput(
            f"cost: rows of a call are a whole number from 1 to {MOST:,} after an expensive one, as in expensive:64, got "
            f"{word[:80]!r}"
        )
    return name, int(digits)


def word_with_rows(name: str, rows: int | None) -> str:
    """The word with the rows of a call, so that a repeat cuts its calls alike.

    >>> word_with_rows("expensive", 64), word_with_rows("cheap", None)
    ('expensive:64', 'cheap')
    """
    return name if rows is None else f"{name}:{rows}"


def repeat_word(cost: Mapping[str, Any]) -> str:
    """The word that declares the cost which the key ``cost`` of a document records."""
    return word_with_rows(cost["class"], cost.get("rows"))
