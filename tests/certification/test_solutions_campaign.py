"""A small campaign of equations with known solutions (`python -m benchmarks.soundness solutions`): nothing is false."""

from __future__ import annotations

import pytest
from benchmarks.soundness import million, solutions


@pytest.mark.slow
def test_brackets_hold_with_values_and_with_fluxes_on_faces(monkeypatch, tmp_path):
    """4 has a flux on one face: the campaign could not draw it, because its code takes one point and was read for more."""
    monkeypatch.setattr(million, "POINTS", 20_000)
    monkeypatch.setattr(million, "PART", 5_000)
    found = [solutions.judged(number, 120202, tmp_path / "c.json") for number in (1, 2, 4)]
    assert {one.verdict for one in found} == {"true and accepted"}, found
    assert "faces nv" in found[2].words


@pytest.mark.slow
def test_a_periodic_axis_alone_has_no_faces(monkeypatch, tmp_path):
    """Its collocation ended as a bug of supnorm: there was nothing to concatenate."""
    monkeypatch.setattr(million, "POINTS", 20_000)
    monkeypatch.setattr(million, "PART", 5_000)
    one = solutions.judged(40, 120201, tmp_path / "c.json")
    assert "faces p," in one.words
    assert one.verdict == "true and accepted", one
