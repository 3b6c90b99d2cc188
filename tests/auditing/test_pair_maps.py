"""Maps of pairs against the maxima that a loop over all points finds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from supnorm.auditing import pair_maps
from supnorm.auditing.pair_maps import PairMaps, covering


@pytest.mark.parametrize("d", [1, 2, 3, 4, 7, 8, 13])
def test_every_pair_is_in_a_group(d: int) -> None:
    groups = covering(d)
    assert all(list(group) == sorted(set(group)) for group in groups)
    held = {pair for group in groups for pair in itertools.combinations(group, 2)}
    assert held == set(itertools.combinations(range(d), 2))
    assert len(groups) <= max(1, d * (d - 1) // 4)


def test_many_inputs_have_a_small_table_each_pair() -> None:
    maps = PairMaps(100, 16)
    assert sum(table.nbytes for table in maps._tables) == 4950 * 16 * 16 * 8


@pytest.mark.parametrize("d", [2, 3, 5, 18])
def test_each_cell_holds_the_largest_error_of_its_points(d: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_maps, "MANY", 500)
    rng = np.random.default_rng(d)
    maps, along = PairMaps(d, 5), 5
    wanted = np.full((len(maps.pairs), along, along), -np.inf)
    for _ in range(6):
        cell, score = rng.integers(along, size=(d, 300)).astype(np.int32), rng.random(300)
        for n, (i, j) in enumerate(maps.pairs):
            np.maximum.at(wanted[n], (cell[j], cell[i]), score)
        high = score > maps.lowest
        maps.add(cell[:, high], score[high])
    assert 0 < maps.lowest <= wanted.min()
    for n in range(len(maps.pairs)):
        assert np.array_equal(maps.panel(n), wanted[n])
