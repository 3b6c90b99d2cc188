"""What makes a peak a glitch: far above nearly everything, small, and isolated.

A peak is a *glitch* when its error is at least 3 times the 99.9 % quantile, the region where the error is at
least half of the peak fills at most 1 % of the domain, and its prominence is at least 5 RMS. Prominence is the
peak minus the highest saddle towards a higher peak, over the RMS; for the highest peak minus the 99.9 %
quantile. Saddles are taken from straight and bent paths, so a prominence is an estimate from above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape
from supnorm.auditing.statistics import Sample
from supnorm.results import Witness
from supnorm.results.settings import Settings

Array = NDArray[np.float64]
PATH = 41  # points of a path
BENDS = 6  # bent paths beside the straight one


@dataclass(frozen=True)
class GlitchRule(Settings):
    """The definition, as numbers."""

    above_quantile: float = 3.0  # the definition of a glitch in docs/glossary.md
    volume: float = 1e-2
    prominence: float = 5.0

    def holds(self, witness: Witness, sample: Sample) -> bool:
        """Whether a peak is a glitch. Without a measured volume or prominence it is not called one."""
        if witness.prominence is None:
            return False
        small = witness.volume is not None and witness.volume <= self.volume
        if witness.error == np.inf:
            return small
        q = sample.quantile(0.999)
        return bool(
            witness.error >= self.above_quantile * q and small and witness.prominence >= self.prominence
        )


def prominences(
    landscape: Landscape,
    u: Sequence[Array],
    witnesses: Sequence[Witness],
    sample: Sample,
    rng: np.random.Generator,
) -> list[float | None]:
    """Prominence of each peak in multiples of the RMS, that of an infinite error or over an RMS of 0 being infinite.

    None when the budget is used up, or of a finite error where the RMS is infinite.

    Args:
        u: the peaks in the unit box, highest first.
    """
    rms = sample.rms().value
    result: list[float | None] = []
    for i, witness in enumerate(witnesses):
        if witness.error == np.inf:
            result.append(np.inf)
        elif not 0 <= rms < np.inf or not witness.error > 0 or landscape.affordable() < PATH * (BENDS + 1):
            result.append(None)
        elif i == 0:
            result.append(_over(witness.error - sample.quantile(0.999), rms))
        else:
            higher = sorted(range(i), key=lambda j: float(np.linalg.norm(u[j] - u[i])))[:2]
            saddle = max(_saddle(landscape, u[i], u[j], rng) for j in higher)
            saddle = max(saddle, sample.quantile(0.5))
            known = not landscape.late
            result.append(_over(max(witness.error - saddle, 0.0), rms) if known else None)
    return result


def _over(height: float, rms: float) -> float:
    """``height`` in multiples of the RMS; infinite over an RMS of 0, where random points saw no error at all."""
    return float(height / rms) if rms > 0 else np.inf if height > 0 else 0.0


def _saddle(landscape: Landscape, a: Array, b: Array, rng: np.random.Generator) -> float:
    """The highest, over straight and bent paths from ``a`` to ``b``, of the lowest error on the path."""
    t = np.linspace(0, 1, PATH)[:, None]
    paths = [a + t * (b - a)]
    length = float(np.linalg.norm(b - a))
    for _ in range(BENDS):
        bend = rng.standard_normal(len(a))
        bend *= 0.5 * length * rng.random() / np.linalg.norm(bend)
        paths.append(np.clip(a + t * (b - a) + 4 * t * (1 - t) * bend, 0.0, 1.0))
    if landscape.affordable() < PATH * len(paths):
        paths = paths[:1]
    score = landscape.score(np.concatenate(paths)).reshape(len(paths), PATH)
    return float(score.min(axis=1).max())


def mark(witness: Witness, sample: Sample, rule: GlitchRule) -> Witness:
    """The witness with the tag ``"glitch"`` in front where the rule holds."""
    if not rule.holds(witness, sample):
        return witness
    return replace(witness, tags=("glitch", *(t for t in witness.tags if t != "glitch")))


def rms_floor(witnesses: Sequence[Witness]) -> float:
    """A floor of the true RMS (uniform law) from the glitches: the largest sqrt(v) peak/2.

    Not their sum: the regions of peaks on one discontinuity may overlap. v is the lower limit of each volume; the limits of
    all peaks hold together with 95 % confidence, and so does the floor.
    """
    parts = [
        float(np.sqrt(w.volume_at_least)) * w.error / 2
        for w in witnesses
        if "glitch" in w.tags and w.volume_at_least and np.isfinite(w.error)
    ]
    return max(parts, default=0.0)
