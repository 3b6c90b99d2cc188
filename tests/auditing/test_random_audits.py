"""A few problems of the campaign of random audits, and that its judge sees what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.soundness import audits


@pytest.mark.slow  # some seconds each
@pytest.mark.parametrize("number", [0, 2])  # 1 and 3, whose reference is modelled, take half a minute
def test_random_audits_hold(number: int, tmp_path: Path) -> None:
    problem = audits.drawn(np.random.default_rng([11, number]))
    assert audits.judged(problem, tmp_path / "one")[0] in ("held", "refused")


@pytest.mark.slow
def test_an_error_that_the_report_does_not_know_is_seen(tmp_path: Path, monkeypatch: Any) -> None:
    called = audits._called

    def smaller(arguments: list[str]) -> tuple[int, str, str]:
        code, out, err = called(arguments)
        document = json.loads(out)
        document["sup"]["lower"] *= 0.99
        return code, json.dumps(document), err

    drawn = (audits.drawn(np.random.default_rng([11, n])) for n in range(100))
    plain = next(
        p
        for p in drawn
        if p.words["faults"] == p.words["states"] == ["", ""] and p.words["kind"] == "absolute"
    )
    monkeypatch.setattr(audits, "_called", smaller)
    assert audits.judged(plain, tmp_path / "one")[0] == "below an error of the run"
