"""How long something takes, in words."""

from __future__ import annotations

from supnorm.results.numbers import num


def duration(seconds: float) -> str:
    """Seconds in two digits.

    >>> duration(2.8e-7), duration(0.031), duration(12.3), duration(200.0), duration(9000.0)
    ('0.28 µs', '31 ms', '12 s', '3.3 min', '2.5 h')
    """
    for factor, unit in ((3600.0, "h"), (60.0, "min"), (1.0, "s")):
        if seconds >= 1.5 * factor:
            return f"{float(f'{seconds / factor:.2g}'):g} {unit}"
    if seconds >= 0.1:
        return f"{seconds:.2g} s"
    return f"{1e3 * seconds:.2g} ms" if seconds >= 1e-4 else f"{num(1e6 * seconds, 2)} µs"
