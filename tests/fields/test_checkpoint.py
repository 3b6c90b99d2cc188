"""Checkpoints of fields whose file is no whole one any more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from supnorm.fields.checkpoint import Checkpoints
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
