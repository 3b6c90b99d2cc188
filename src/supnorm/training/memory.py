"""How much memory is free; checked before a dense matrix is made."""

from __future__ import annotations

from pathlib import Path

from supnorm.results import BadInput
from supnorm.results.numbers import num


def available_bytes() -> int:
    """Memory that is available without swapping; 4 GiB if the system does not tell."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    return 4 * 2**30


def require_memory(needed: float, what: str, instead: str) -> None:
    """Refuse a matrix that would take more than 60 % of the free memory.

    Raises:
        BadInput: naming the matrix, its size, what is free and what to use instead.
    """
    free = available_bytes()
    if needed > 0.6 * free:
        raise BadInput(
            f"{what} needs {num(needed / 2**30, 2)} GiB and {num(free / 2**30, 2)} GiB is free; {instead}"
        )
