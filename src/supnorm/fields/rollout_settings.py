"""How a roll-out is judged and stepped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from supnorm.results import BadInput
from supnorm.results.option import Allowed
from supnorm.results.settings import Limits, Settings


class Stepped(NamedTuple):
    """What a stepper returns that guards itself: the next state, and the share of it for which another one stood in."""

    state: Any
    flagged: float


@dataclass(frozen=True)
class RolloutSettings(Settings):
    """Settings of `audit_rollout`.

    Attributes:
        numbered: steppers are called as ``step(state, k)`` with the number of the step, from 0.
        fallback: the reference takes the steps of which the guard flags anything.
        kappa: an error above so many RMS errors of its step is an outlier. The RMS of a normal law is exceeded five times in
            one of two million cells.
        reach: the largest error is followed from step to step while it moves by at most so many cells along each axis.
        axes: names of the axes of a field, the last one last; each with coordinates, or None for indices.
        periodic: names of axes that close on themselves.
        seconds: ends the work early, after a step.
        x64: JAX computes in its 64-bit mode, as everywhere in supnorm; False leaves it as the caller set it.

    Raises:
        BadInput: for numbers that cannot be used, or a periodic axis without a name among the axes.
    """

    numbered: bool = False
    fallback: bool = False
    kappa: float = 5.0  # the docstring says what is expected beyond it
    # A peak that moves farther in one step counts as a new one: a definition, as `kappa` is.
    reach: int = 3
    axes: Mapping[str, Any] = field(default_factory=dict)
    periodic: tuple[str, ...] = ()
    seconds: float | None = None
    x64: bool = True

    LIMITS: ClassVar[Limits] = {
        "kappa": Allowed(above=0),
        "reach": Allowed(low=0, whole=True),
        "seconds": Allowed(above=0),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.periodic:
            if name not in self.axes:
                raise BadInput(
                    f"periodic names {name!r}, which is no axis; the axes are {', '.join(self.axes) or 'not named'}"
                )

    def at(self, index: tuple[int, ...]) -> dict[str, float]:
        """A cell by names: of the named axes where they fit from the last one on, ``axis 1`` and so on before them."""
        names = list(self.axes)[-len(index) :] if index else []
        free = len(index) - len(names)
        made: dict[str, float] = {f"axis {k + 1}": float(index[k]) for k in range(free)}
        for name, k in zip(names, index[free:], strict=True):
            values = self.axes[name]
            made[name] = float(k) if values is None else float(np.asarray(values)[k])
        return made

    def distance(self, a: tuple[int, ...], b: tuple[int, ...], shape: tuple[int, ...]) -> int:
        """The largest number of cells between two cells along an axis."""
        names = list(self.axes)[-len(shape) :] if shape else []
        closed = [False] * (len(shape) - len(names)) + [name in self.periodic for name in names]
        gaps = [abs(i - j) for i, j in zip(a, b, strict=True)]
        return max(
            (min(g, n - g) if c else g for g, n, c in zip(gaps, shape, closed, strict=True)), default=0
        )

    def demand_axes(self, name: str, shape: tuple[int, ...]) -> None:
        """See that coordinates fit a field.

        Raises:
            BadInput: naming the axis and both lengths.
        """
        names = list(self.axes)[-len(shape) :] if shape else []
        for axis, n in zip(names, shape[len(shape) - len(names) :], strict=True):
            values = self.axes[axis]
            if values is not None and np.shape(values) != (n,):
                raise BadInput(
                    f"axis {axis} has {np.size(values)} coordinates, and the field {name} of shape {shape} has {n} "
                    f"cells there"
                )
