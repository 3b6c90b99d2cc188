"""Checkpoints of fields whose file is no whole one any more."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.fields.archives import analysis, forecast

from supnorm.evaluation.limit import Limit
from supnorm.fields.checkpoint import Checkpoints, identity_of
from supnorm.fields.compared_again import demand_same_data
from supnorm.fields.pairing import Pair, PairingOptions, pair
from supnorm.fields.work import Share, compare, shares_of
from supnorm.results import BadInput


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00v\x00", b"text"])
def test_a_damaged_checkpoint_is_told_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "000.npz").write_bytes(content)
    with pytest.raises(BadInput, match=r"000\.npz is damaged.*; delete it and start again without --resume"):
        Checkpoints(tmp_path, {}).read(0, [])


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    np.savez(tmp_path / "state" / "000.npz", identity=np.array("other"), shares=np.array(0))
    with pytest.raises(BadInput, match="belongs to a run of other data"):
        Checkpoints(tmp_path, {}).read(0, [])


def compared(added: float = 0.0) -> tuple[Pair, list[Share]]:
    truth = analysis(times=4)
    wrong = forecast(truth, inits=(0,), leads=(1, 2))
    wrong["t2m"].values[...] += added
    one = pair("t2m", "t2m", wrong["t2m"], truth["t2m"], PairingOptions())
    shares = shares_of(one, (-np.inf, np.inf), 1)
    assert compare(one, shares, 0, Limit(), lambda n: None)
    return one, shares


def test_an_edited_checkpoint_is_refused(tmp_path: Path) -> None:
    """The error of an edited file was taken over."""
    (_, shares), kept = compared(), Checkpoints(tmp_path, {})
    kept.write(0, shares)
    kept.read(0, shares)
    path = tmp_path / "state" / "000.npz"
    with np.load(path) as arrays:
        edited = dict(arrays)
    edited["0.pair_error"] = edited["0.pair_error"] / 2
    np.savez(path, **edited)
    with pytest.raises(BadInput, match=r"000\.npz is damaged: .*not as it was stored"):
        kept.read(0, shares)


def test_data_that_are_others_than_those_compared_are_refused() -> None:
    """The largest errors of two data sets became one."""
    one, shares = compared()
    demand_same_data(one, shares)
    other, _ = compared(1.0)
    with pytest.raises(
        BadInput, match=r"variable t2m: the data are not those .* was [\d.]+ and is [\d.]+; start"
    ):
        demand_same_data(other, shares)


def test_a_checkpoint_of_other_coordinates_or_weights_is_that_of_another_run() -> None:
    """Areas of two grids were added up where the data lie in memory, and weights beyond what an array shows of itself."""
    one, _ = compared()
    grid, number = one.grid, np.arange(len(one.grid.y)) == 1
    others = [
        replace(one, grid=replace(grid, y=grid.y + 1e-9 * number)),
        replace(one, grid=replace(grid, weights=grid.weights * (1 + 1e-12 * number))),
        replace(one, inits=("another", *one.inits[1:])),
        replace(one, truth_init=one.truth_init[::-1] + 1),
        replace(one, mean=not one.mean),
    ]
    identities = [json.dumps(identity_of([p], {}, {})) for p in (one, compared()[0], *others)]
    assert identities[0] == identities[1]
    assert len({*identities}) == 1 + len(others)


def test_what_a_kill_left_of_a_checkpoint_is_cleared_with_it(tmp_path: Path) -> None:
    """The folder stayed beside the result for good."""
    _, shares = compared()
    kept = Checkpoints(tmp_path, {})
    kept.write(0, shares)
    (tmp_path / "state" / ".000.npz.k2x").write_bytes(b"PK")
    kept.clear()
    assert list(tmp_path.iterdir()) == []
