"""Further training of a large torch module on random batches of its samples, by Adam, in the precision that it runs in.

For modules of hundreds of thousands of weights a step on all samples in double precision takes as long as a hundred steps on
batches. The rate begins low, because the means of Adam know nothing yet and the model is nearly right already, and falls to
a hundredth at the end.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.limit import Limit
from supnorm.training.decay import half_cosine

Array = NDArray[np.float64]
ROWS = 1024  # of a batch: the time of a step grows with it from here on, the noise of the gradient falls with its root
# The network of examples/heston, 1,600 steps at 3e-4: RMS error .0020 to .0011, and no round that ends worse than it began.
RATE, FINAL = 3e-4, 1e-2
# Steps in which the rate rises: Adam's mean of the squared gradient is of some 50 gradients then.
WARMING = 50


def trained_on_batches(module: Any, x: Array, y: Array, limit: Limit) -> Any:
    """A copy of a module after at most ``limit.evaluations`` steps on samples ``x (n, d)``, ``y (n, m)``.

    Half and quarter precision are trained in single precision, as their sums would be lost otherwise.
    """
    import torch

    trained = copy.deepcopy(module)
    kinds = {p.dtype for p in trained.parameters() if p.is_floating_point()}
    kind = torch.float64 if torch.float64 in kinds else torch.float32
    trained = trained.to(kind)
    parameters = [p for p in trained.parameters() if p.requires_grad and p.is_floating_point()]
    scale = y.std(axis=0) if len(y) > 1 else np.ones(y.shape[1])
    weights = torch.from_numpy(1.0 / np.where(scale > 0, scale, 1.0)).to(kind)
    points, labels = (torch.from_numpy(np.ascontiguousarray(a)).to(kind) for a in (x, y))
    optimiser = torch.optim.Adam(parameters, lr=RATE)
    rng, steps = np.random.default_rng([len(x), 17]), limit.evaluations
    for step in range(steps):
        if limit.over:
            break
        for group in optimiser.param_groups:
            group["lr"] = half_cosine(RATE, FINAL, step / steps) * min(1.0, (step + 1) / WARMING)
        rows = torch.from_numpy(rng.integers(len(x), size=min(ROWS, len(x))))
        found = trained(points[rows])
        gap = ((found[:, None] if found.ndim == 1 else found) - labels[rows]) * weights
        loss = (gap * gap).mean()
        if not math.isfinite(float(loss.detach())):
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return trained
