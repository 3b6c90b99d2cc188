"""Sobol points where SciPy cannot read its table: one point again and again, without an exception."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import os, resource
import numpy as np
from scipy.stats import qmc
from supnorm.problem.sobol import sobol

def points():
    return len(np.unique(sobol(2, np.random.default_rng(0)).random_base2(3), axis=0))

resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
try:
    print(points())
except OSError as error:
    print(error.strerror)
for descriptor in held:
    os.close(descriptor)
print(points())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of open files")
def test_a_table_that_cannot_be_read_is_told() -> None:
    """An audit with few file handles ended with exit code 0 after a search of one point."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["Too many open files", "8"]
    assert done.stderr == ""
