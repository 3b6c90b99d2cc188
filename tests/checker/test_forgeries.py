"""A small campaign of forgeries (`python -m benchmarks.soundness forgeries`): nothing false is accepted, nothing crashes."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from benchmarks.soundness import forgeries
from benchmarks.soundness.honest import honest_files

from supnorm.checker import CheckResult

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return honest_files(tmp_path_factory.mktemp("honest"))


def test_no_false_file_is_accepted(files, tmp_path):
    rng, verdicts, used = np.random.default_rng(20), Counter(), Counter()
    for number in range(90):
        honest = files[number % len(files)]
        edits, data = forgeries.forged(honest, rng)
        path = tmp_path / "forged.json"
        path.write_text(json.dumps(data))
        found = forgeries.judged(honest, path, edits, data)
        assert found.verdict in ("rejected", "refused", "true accepted"), found
        assert "\n" not in found.reason
        verdicts[found.verdict] += 1
        used.update(edits)
    assert verdicts["true accepted"] >= 3  # else everything may be refused for another reason
    assert set(used) == set(forgeries.EDITS)


def test_honest_files_are_no_forgeries(files):
    kept = {honest.name: honest.data for honest in files}
    assert kept["declared"]["declared"]  # once it was read as a program, so no declaration was forged
    assert kept["deployed"]["deployed"]
    assert kept["units"]["error_unit"]
    for honest in files:
        assert not forgeries.is_false(honest, honest.copy())
        assert forgeries.is_false(honest, honest.nearer)
        looser = honest.copy()
        forgeries.looser(honest, looser, np.random.default_rng(0))
        assert not forgeries.is_false(honest, looser)


def test_a_checker_that_accepts_everything_is_found_out(files, tmp_path, monkeypatch):
    """The campaign can fail: it knows false files without the checker."""
    yes = CheckResult(
        accepted=True, reason="", leaf=None, leaves=1, lower=0.0, upper=1.0, problem_checked=True, seconds=0.0
    )
    monkeypatch.setattr(forgeries, "checked", lambda *given, **more: yes)
    rng = np.random.default_rng(0)
    for name in ("smaller", "neighbour", "conditions", "witness", "domain"):
        data = files[0].copy()
        forgeries.EDITS[name](files[0], data, rng)
        path = tmp_path / "f.json"
        assert (
            forgeries.judged(files[0], path, (name,), forgeries.sealed(data)).verdict == "FALSE ACCEPTED"
        ), name

    def fails(*given, **more):
        raise ZeroDivisionError("x")

    monkeypatch.setattr(forgeries, "checked", fails)
    crashed = forgeries.judged(files[0], path, ("smaller",), data)
    assert crashed.verdict == "CRASHED"
    assert "ZeroDivisionError" in forgeries.table([crashed])
