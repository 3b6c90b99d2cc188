"""Small campaigns: code that hides something, and extreme magnitudes (`python -m benchmarks.soundness`)."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.soundness import extreme, hidden

SEED = 5
NUMBERS = [
    number
    for number, place in enumerate(np.random.default_rng(SEED).permutation(len(hidden.KINDS)))
    if hidden.KINDS[place][0] == "numpy" and hidden.KINDS[place] not in hidden.DISGUISED
]


@pytest.mark.slow
def test_nothing_false_is_said_of_what_is_hidden(tmp_path):
    found = []
    for number in NUMBERS[::4]:
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append(hidden.judged(number, SEED, folder))
    assert not [f for f in found if f.verdict in ("FALSE", "CRASHED")]
    assert {"refused", "true"} <= {f.verdict for f in found}


@pytest.mark.slow
def test_extreme_magnitudes_by_every_strategy():
    found = extreme.campaign(SEED, 3)
    assert len(found) == 9
    assert not [f for f in found if f.verdict in ("FALSE", "CRASHED")]
    assert sum(f.verdict == "true" for f in found) >= 6
