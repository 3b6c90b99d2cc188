"""Arrays of a megabyte that come and go get the same memory again."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import numpy as np
import pytest

FAULTS = """
import resource, sys
import numpy as np
from supnorm.evaluation.freed_memory import keep_freed_memory
from supnorm.certification.narrowing import _bound

class Strategy:
    def bound(self, *arguments):
        for _ in range(100):
            np.ones(1 << 17) + np.ones(1 << 17)

class Batch:
    boxes = target = lower = None

if sys.argv[1] == "not":
    import supnorm.certification.narrowing as narrowing
    narrowing.keep_freed_memory = lambda: None
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
_bound(Strategy(), None, Batch())
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(how: str) -> int:
    # Dask's nanny sets one of these variables; then glibc keeps to it.
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    command = [sys.executable, "-c", FAULTS, how]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=ours)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_bounds_of_batches_do_not_ask_the_system_for_the_same_memory_again() -> None:
    kept, given_back = _faults("kept"), _faults("not")
    assert kept < 0.2 * given_back, (kept, given_back)
    assert kept * 4096 < 20 * np.ones(1 << 17).nbytes
