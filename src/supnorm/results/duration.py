"""How long something takes, in words."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Seconds in two digits.

    >>> duration(0.031), duration(12.3), duration(200.0), duration(9000.0)
    ('31 ms', '12 s', '3.3 min', '2.5 h')
    """
    for factor, unit in ((3600.0, "h"), (60.0, "min"), (1.0, "s")):
        if seconds >= 1.5 * factor:
            return f"{float(f'{seconds / factor:.2g}'):g} {unit}"
    return f"{seconds:.2g} s" if seconds >= 0.1 else f"{1e3 * seconds:.2g} ms"
