"""The same problem has the same proof again: no clock decides what is proved, unless a limit of time is given."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import supnorm as sn

PROBLEMS: dict[str, Callable[[], sn.Problem]] = {
    # Chebyshev certificates need 65,535 boxes, composed ones 61: both work in turn until it is clear.
    "a formula, by two strategies in turn": lambda: sn.Problem(
        lambda x: (-1.8 * np.log10((x[:, 1] / 3.7) ** 1.11 + 6.9 / x[:, 0])) ** -2.0,
        lambda x: (-2.0 * np.log10(x[:, 1] / 3.7 + 5.74 / x[:, 0] ** 0.9)) ** -2.0,
        sn.Domain(Re=sn.Axis(4e3, 1e8, scale="log"), roughness=sn.Axis(1e-6, 0.05, scale="log")),
        error=sn.ErrorMeasure("relative", floor=0.0),
    ),
    "a root": lambda: sn.Problem(
        lambda x: x[:, 0] + 0.3 * np.sin(x[:, 0]),
        sn.root(lambda x, y: y - 0.3 * np.sin(y) - x[:, 0], between=(-1.0, 5.0)),
        sn.Domain(M=(0.0, 3.0)),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_slow_machine_gives_the_same_certificate(
    name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = []
    for factor in (1.0, 1e6):
        for clock in ("perf_counter", "process_time", "monotonic"):
            real = getattr(time, clock)
            monkeypatch.setattr(time, clock, lambda real=real, factor=factor: factor * real())
        sn.certify(PROBLEMS[name]()).certificate.save(tmp_path / f"{factor}.json")
        files.append((tmp_path / f"{factor}.json").read_bytes())
        monkeypatch.undo()
    assert files[0] == files[1]
