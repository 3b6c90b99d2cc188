"""Where two results differ: pytest's own difference of two whole results has thousands of lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def differences(a: Any, b: Any, at: str = "") -> Iterator[str]:
    """The places at which two trees of dictionaries and lists differ, with both values.

    >>> list(differences({"x": [1, 2], "y": 3}, {"x": [1, 4], "z": 3}))
    ['.x[1]: 2 and 4', '.y: 3 and nothing', '.z: nothing and 3']
    """
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted({*a, *b}):
            if key in a and key in b:
                yield from differences(a[key], b[key], f"{at}.{key}")
            else:
                yield f"{at}.{key}: {a.get(key, 'nothing')!s:.80} and {b.get(key, 'nothing')!s:.80}"
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        for i, (left, right) in enumerate(zip(a, b, strict=True)):
            yield from differences(left, right, f"{at}[{i}]")
    elif a != b:
        yield f"{at}: {a!s:.80} and {b!s:.80}"
