"""The name that was probably meant where a name is not known: keys, columns, verbs of schemas."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice

MOST = 10_000  # names that are compared, in a tenth of a second; a table may have a million columns
LIKENESS = 0.7  # of difflib; at its 0.6 "low" would suggest "flow", which is another key of the same table


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message, or an empty text if no known name is alike.

    >>> did_you_mean("tolerence", ["kind", "tolerance"]), did_you_mean("Power", ["power"]), did_you_mean("x", ["y"])
    ('; did you mean tolerance?', '; did you mean power?', '')
    """
    names = list(islice(dict.fromkeys(known), MOST))
    folded = {n.lower().replace("-", "_"): n for n in reversed(names)}
    word = name.lower().replace("-", "_")
    near = [word] if word in folded else difflib.get_close_matches(word, folded, 1, LIKENESS)
    return f"; did you mean {folded[near[0]]}?" if near else ""
