"""The linear relaxations of the benchmark `dynamics`, as Marabou gets them: they hold at points, and cells cover the box."""

import numpy as np
import pytest
from benchmarks.certify import linearised as module
from benchmarks.certify.dynamics import NUMPY, SYSTEMS
from benchmarks.certify.dynamics_marabou import _halves, grid
from benchmarks.certify.linearised import Linearised, linearised


def _excess(name, boxes=60):
    """How far a right-hand side leaves its relaxation, over the width of the relaxation."""
    system, rng = SYSTEMS[name], np.random.default_rng(3)
    low, high = np.array(system.box).T
    worst = -np.inf
    for k in range(boxes):
        centre = low + (high - low) * rng.random(len(low))
        half = np.minimum(centre - low, high - centre) * (1.0 if k % 3 == 0 else rng.random(len(low)))
        x = centre + half * rng.uniform(-1.0, 1.0, (300, len(low)))
        exact = np.stack(np.broadcast_arrays(*system.outputs(list(x.T), NUMPY)), 1)
        for j, model in enumerate(linearised(system.outputs, centre, half)):
            rest = exact[:, j] - model.c - (x - centre) @ model.g
            width = model.high - model.low + 1e-9
            worst = max(worst, (rest.max() - model.high) / width, (model.low - rest.min()) / width)
    return worst


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_right_hand_side_lies_within_its_relaxation(name):
    assert _excess(name) <= 1e-6


def test_a_weaker_remainder_is_noticed(monkeypatch):
    honest = Linearised.bent
    monkeypatch.setattr(
        module.Linearised, "bent", lambda self, v, s, r: honest(self, v, s, (0.3 * r[0], 0.3 * r[1]))
    )
    assert _excess("exponential") > 1e-3


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_first_cells_and_their_halves_cover_the_box(name):
    system, rng = SYSTEMS[name], np.random.default_rng(4)
    low, high = np.array(system.box).T
    cells = grid(system)
    halves = []
    for cell in cells:
        model = linearised(system.outputs, cell.centre, cell.half)[cell.output]
        halves += _halves(system, model, cell, system.bent[cell.output])
    for x in low + (high - low) * rng.random((200, len(low))):
        for j in range(len(system.bent)):
            for some in (cells, halves):
                inside = [c for c in some if c.output == j and (abs(x - c.centre) <= c.half + 1e-12).all()]
                assert inside
