"""Certificate rows of two checkouts in turn: which rows there are, when they are repeated, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.certify import paired, table

BEFORE, NETWORKS = Path("before"), Path("networks")


def _faked(monkeypatch: pytest.MonkeyPatch, seconds: dict[Path, list[float]]) -> list[Path]:
    """Runs that take the given seconds, over and over; the checkouts in the order in which they were run."""
    order: list[Path] = []

    def run(name: str, checkout: Path, networks: Path) -> dict[str, object]:
        order.append(checkout)
        mine = seconds[checkout]
        return {"seconds": mine[(order.count(checkout) - 1) % len(mine)], "boxes": 7, "code": "proved"}

    monkeypatch.setattr(paired, "run", run)
    return order


@pytest.mark.slow  # imports JAX
def test_every_stored_row_has_a_problem() -> None:
    assert set(paired.names(1e9, "")) <= {name for name, *_ in paired.rows()}
    assert all("CROWN" not in name and "interval" not in name for name in paired.names(1e9, ""))


def test_the_two_take_turns_and_a_slower_row_is_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    order = _faked(monkeypatch, {BEFORE: [1.0], paired.ROOT: [1.05]})
    row = paired.pairs("a", BEFORE, NETWORKS, 2)
    assert order == [paired.ROOT, BEFORE, BEFORE, paired.ROOT]  # the first one trains the networks
    assert row["ratio"] == 1.05
    order = _faked(monkeypatch, {BEFORE: [1.0], paired.ROOT: [1.3, 1.3, 1.05]})
    assert paired.pairs("a", BEFORE, NETWORKS, 2)["ratio"] == 1.05  # the third pair says that it was noise
    assert len(order) == 6
    order = _faked(monkeypatch, {BEFORE: [1.0], paired.ROOT: [1.3]})
    assert paired.pairs("a", BEFORE, NETWORKS, 2)["ratio"] == 1.3
    assert len(order) == 2 * paired.MORE


def test_what_is_said_of_the_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    _faked(monkeypatch, {BEFORE: [1.0], paired.ROOT: [1.2]})
    slow = paired.pairs("a", BEFORE, NETWORKS, 1)
    _faked(monkeypatch, {BEFORE: [3.0], paired.ROOT: [2.0]})
    fast = paired.pairs("b", BEFORE, NETWORKS, 1)
    said = table.paired({"before": "1234567", "rows": {"a": slow, "b": fast}})
    assert said["slower"] == "1 of 2"
    assert (said["largest"], said["total"], said["boxes"]) == ("1.20", "0.80", "2 of 2")
