"""Boosting, also called multistage training: a second network is fitted to the residual of the first one.

The residual is small and oscillates faster than the reference. So the second network fits the residual divided by its
root mean square, and its first layer starts with a higher frequency. Two networks of the same depth side by side
are one network with block-diagonal weights: the sum is a `Network` again and can be saved, exported and certified.

Choose it in 1-D and 2-D when the error of one network no longer falls; in six dimensions it gained nothing (``python -m
benchmarks.fit --part published``; docs/evidence/fits.md has the table). Sources:
Michaud, Liu & Tegmark, Precision machine learning (2023); Wang & Lai,
Multi-stage neural networks (arXiv 2307.08934).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import add

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.limit import Limit
from supnorm.networks import Architecture, Network, Part, Scaling
from supnorm.results import BadInput
from supnorm.results.powers import rms, unit
from supnorm.results.settings import Settings
from supnorm.training.optimiser import Optimiser
from supnorm.training.stopping import FLOOR
from supnorm.training.train import Trained, check_samples, optimise

Array = NDArray[np.float64]
# Of the limit, for each frequency that is tried. With 0.02, 0.1, 0.3 of 600 iterations the RMS of two functions, of one and
# of two inputs, ended at 3.6e-4, 3.8e-3, 1.2e-4 and 1.1e-3, 1.1e-3, 1.1e-3: without an order, so that little is spent.
TRIED = 0.1


@dataclass(frozen=True)
class Boosting(Settings):
    """Adds one network that is fitted to the residual.

    Args:
        width: width of its hidden layers.
        frequency: scale of its first layer; None to try the ones of ``frequencies`` for a tenth of the limit.
        frequencies: tried when ``frequency`` is None.
        optimiser: self-scaled Broyden by default.
    """

    # Largest errors after the second network (600 iterations), medians of 3 seeds of log-sin and I.6.2 of `benchmarks.fit`:
    # 5.4e-6 and 1.7e-4. Width 10: 4.7e-4, 1.1e-4; width 40: 3.7e-6, 4.9e-5, but an iteration costs more. Half of the
    # frequencies: 7.3e-6, 5.7e-5; twice the frequencies: 7.7e-5 for log-sin.
    width: int = 20
    frequency: float | None = None
    frequencies: tuple[float, ...] = (2.0, 6.0, 15.0)
    optimiser: Optimiser | None = None

    def add(self, network: Network, x: Array, y: Array, limit: Limit, rng: np.random.Generator) -> Trained:
        """``network`` plus one trained on its residuals at samples ``x (n, d)``, ``y (n, m)``.

        If this does not lower the mean square (at the float64 floor), the result is ``network`` itself.

        Raises:
            BadInput: for residual connections, Fourier features, several activations or unusable samples.

        >>> x = np.linspace(-1.0, 1.0, 80)[:, None]
        >>> y = np.sin(9 * x)
        >>> start = Network.init(np.random.default_rng(0), 1, 1, 5, 1, scaling=Scaling.of_data(x, y))
        >>> first = optimise(start, x, y, limit=Limit(evaluations=40)).network
        >>> both = Boosting(8).add(first, x, y, Limit(evaluations=200), np.random.default_rng(1)).network
        >>> before, after = (float(np.abs(n.value(x) - y).max()) for n in (first, both))
        >>> after < 0.3 * before, both.widths
        (True, (13,))
        """
        _require_plain(network)
        x, y = check_samples(network, x, y)
        left = y - network.value(x)
        size = rms(left, axis=0)
        scaling = Scaling(
            network.scaling.input_shift,
            network.scaling.input_scale,
            np.zeros(left.shape[1]),
            np.where(size > 0, size, 1.0),
            network.scaling.log,
        )
        trials = self.frequencies if self.frequency is None else (self.frequency,)
        starts = [self._start(network, scaling, f, rng) for f in trials]
        if len(starts) > 1:
            tried = [optimise(s, x, left, self.optimiser, limit.within(TRIED)) for s in starts]
            starts = [min(tried, key=lambda t: t.minimum.loss).network]
        trained = optimise(starts[0], x, left, self.optimiser, limit)
        joined = side_by_side(network, trained.network)
        after = y - joined.value(x)
        whole = max(unit(left, 2.0), unit(after, 2.0))
        if not np.mean((after / whole) ** 2) < np.mean((left / whole) ** 2):
            return Trained(network, replace(trained.minimum, theta=network.flat, reason=FLOOR))
        return replace(trained, network=joined)

    def _start(
        self, network: Network, scaling: Scaling, frequency: float, rng: np.random.Generator
    ) -> Network:
        a = network.parts[0].architecture
        widths = (self.width,) * len(a.widths)
        return Network.init(
            rng, a.d, a.m, widths, activation=a.activations, scaling=scaling, frequency=frequency
        )


def side_by_side(first: Network, second: Network) -> Network:
    """The sum of two networks of the same depth, activations and input scaling, as one network.

    Raises:
        BadInput: when they differ in one of these.
    """
    (p,), (q,) = first.parts, second.parts
    a, b = p.architecture, q.architecture
    s, t = first.scaling, second.scaling
    same_inputs = np.array_equal(s.input_shift, t.input_shift) and np.array_equal(
        s.input_scale, t.input_scale
    )
    if a.activations != b.activations or (a.d, a.m) != (b.d, b.m) or not same_inputs or s.log != t.log:
        raise BadInput("only networks of the same depth, activations and input scaling can be joined")
    layers = []
    for i, ((w, c), (v, e)) in enumerate(zip(p.layers, q.layers, strict=True)):
        if i == len(p.layers) - 1:
            ratio = t.output_scale / s.output_scale
            shift = (t.output_shift) / s.output_scale
            layers.append((np.hstack([w, v * ratio[:, None]]), c + e * ratio + shift))
        elif i == 0:
            layers.append((np.vstack([w, v]), np.concatenate([c, e])))
        else:
            corner = np.zeros((len(w), v.shape[1])), np.zeros((len(v), w.shape[1]))
            layers.append((np.block([[w, corner[0]], [corner[1], v]]), np.concatenate([c, e])))
    widths = tuple(map(add, a.widths, b.widths))
    joined = Architecture(a.d, a.m, widths, a.activations)
    return replace(first, parts=(Part(joined, tuple(layers)),))


def can_be_boosted(network: Network) -> bool:
    """Whether the network has one part, hidden layers, and neither residual connections nor Fourier features."""
    a = network.parts[0].architecture
    return not network.takes and bool(a.widths) and not (a.residual or a.fourier)


def _require_plain(network: Network) -> None:
    if not can_be_boosted(network):
        raise BadInput("boosting needs a plain network: hidden layers, no residual or Fourier connections")
