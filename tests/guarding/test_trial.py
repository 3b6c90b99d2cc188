"""Which layers share the rejected inputs: chosen at points that no layer was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from supnorm.guarding.layers import Cuts, cuts_for
from supnorm.guarding.trial import LEAST, best_layers


@dataclass(frozen=True, eq=False)
class Column:
    """A layer whose score is one of the inputs."""

    name: str
    at: int

    def score(self, x: Any, y: Any) -> Any:
        return x[:, self.at]


KNOWS, HALF, OTHER, NOISE = (Column(name, k) for k, name in enumerate(("knows", "half", "other", "noise")))


def points(n: int, seed: int) -> tuple[Any, Any]:
    """Inputs, and an error that the first input is, and that the second or the third is, whichever is larger."""
    rng = np.random.default_rng(seed)
    half, other, noise = rng.random((3, n))
    x = np.column_stack([np.maximum(half, other), half, other, noise])
    return x, x[:, 0]


@pytest.mark.parametrize(
    ("layers", "best"),
    [
        ([KNOWS, NOISE], {"knows"}),
        ([NOISE, OTHER, KNOWS], {"knows"}),
        ([HALF, OTHER, NOISE], {"half", "other"}),
    ],
)
def test_layers_that_know_the_error_share(layers: list[Column], best: set[str]) -> None:
    unlabelled, (held, error) = points(5000, 1), points(4000, 2)
    y = np.zeros((5000, 1))
    assert best_layers(layers, [], (unlabelled[0], y), (held, y[:4000]), error, 0.2) == best


def test_what_no_search_can_judge_always_shares_and_few_points_choose_nothing() -> None:
    unlabelled, (held, error) = points(5000, 1), points(400, 2)
    y = np.zeros((5000, 1))
    asked = (unlabelled[0], y), (held, y[: len(held)]), error, 0.2
    assert best_layers([HALF, OTHER], [NOISE], *asked) >= {"noise"}
    few = (unlabelled[0], y), (held[: LEAST - 1], y[: LEAST - 1]), error[: LEAST - 1], 0.2
    assert best_layers([KNOWS, HALF], [NOISE], *few) == {"knows", "half", "noise"}


def test_a_layer_that_does_not_share_rejects_only_what_no_random_point_has() -> None:
    x, _ = points(5000, 3)
    scores = [x[:, 0], x[:, 3]]
    cuts = Cuts((KNOWS, NOISE), cuts_for(scores, 0.1, [True, False]))
    y = np.zeros((len(x), 1))
    assert np.mean(cuts.reasons(x, y) == 0) == pytest.approx(0.1, abs=1e-3)
    assert not np.any(cuts.reasons(x, y) == 1)
    assert cuts.reasons(np.array([[0.1, 0.1, 0.1, 1.1]]), y[:1]).tolist() == [1]
