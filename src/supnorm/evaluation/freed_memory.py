"""Has the C library keep the memory of arrays that are freed, for the next arrays."""

from __future__ import annotations

from functools import cache

import numpy as np

BYTES = 31 << 20  # of at most 32 MB glibc takes notice


@cache
def keep_freed_memory() -> None:
    """Have glibc keep freed blocks of up to 31 MB, at most twice as much.

    With another C library nothing changes, nor where the environment says otherwise (``MALLOC_TRIM_THRESHOLD_``, as Dask's
    nanny sets it).

    At first glibc gives each freed block of more than 128 kB back to the system, which clears every page of it when it is
    used again. Where arrays come and go, that is up to a quarter of the time (``python -m benchmarks.certify.paired``). When
    a larger block is freed, glibc takes its size as the new limit (``mallopt(3)``, M_MMAP_THRESHOLD). Nobody writes into
    this one, so it takes no memory.

    >>> keep_freed_memory()
    """
    np.empty(BYTES, dtype=np.uint8)
