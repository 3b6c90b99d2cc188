"""Input and output scaling of a network; it is a part of the network and never stored separately.

Inputs are mapped to about [-1, 1]: g(x) = (l(x) - shift) / scale with l = log on logarithmic inputs. Outputs are
y = shift + scale * net. Because the scaling is inside the network, nobody can use its weights with another scaling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Domain
from supnorm.results import BadInput
from supnorm.results.powers import mean_and_deviation

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scaling:
    """Affine maps before and after a network.

    Args:
        input_shift, input_scale: shape ``(d,)``.
        output_shift, output_scale: shape ``(m,)``.
        log: for each input, whether its logarithm is taken first.

    Raises:
        BadInput: for shapes that do not fit, non-finite numbers or scales that are not positive.
    """

    input_shift: Array
    input_scale: Array
    output_shift: Array
    output_scale: Array
    log: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        for name in ("input_shift", "input_scale", "output_shift", "output_scale"):
            value = np.array(getattr(self, name), dtype=np.float64, ndmin=1)
            if value.ndim != 1 or not np.isfinite(value).all():
                raise BadInput(f"{name} must be finite numbers in one row, got {getattr(self, name)}")
            if name.endswith("scale") and not (value > 0).all():
                raise BadInput(f"{name} must be positive, got {value}")
            value.flags.writeable = False
            object.__setattr__(self, name, value)
        object.__setattr__(self, "log", tuple(map(bool, self.log)) or (False,) * self.d)
        if len(self.input_scale) != self.d or len(self.output_scale) != self.m or len(self.log) != self.d:
            raise BadInput(
                f"scaling needs one shift, scale and log flag per variable, got {self.d} and "
                f"{len(self.input_scale)} for inputs ({len(self.log)} log flags), {self.m} and "
                f"{len(self.output_scale)} for outputs"
            )

    @property
    def d(self) -> int:
        """Number of inputs."""
        return len(self.input_shift)

    @property
    def m(self) -> int:
        """Number of outputs."""
        return len(self.output_shift)

    @classmethod
    def none(cls, d: int, m: int) -> Scaling:
        """A scaling that changes nothing."""
        return cls(np.zeros(d), np.ones(d), np.zeros(m), np.ones(m))

    @classmethod
    def of_data(cls, x: Array, y: Array, log: tuple[bool, ...] = ()) -> Scaling:
        """Inputs to [-1, 1] by their range, outputs to mean 0 and standard deviation 1.

        A variable that never varies keeps the scale 1.

        >>> Scaling.of_data(np.array([[0.0], [4.0]]), np.array([[1.0], [3.0]])).input_shift
        array([2.])
        """
        z = _logged(x, log or (False,) * x.shape[1])
        half = 0.5 * (z.max(0) - z.min(0))
        mean, deviation = mean_and_deviation(y)
        return cls(0.5 * (z.max(0) + z.min(0)), _usable(half), mean, _usable(deviation), log)

    @classmethod
    def of_domain(cls, domain: Domain, y: Array) -> Scaling:
        """Inputs to [-1, 1] by the ends of the axes (for log axes of the logarithm), outputs to mean 0 and deviation 1."""
        ends = np.array([[a.low for a in domain.axes], [a.high for a in domain.axes]])
        inputs = cls.of_data(ends, np.zeros((2, 1)), tuple(a.log for a in domain.axes))
        mean, deviation = mean_and_deviation(y)
        return cls(inputs.input_shift, inputs.input_scale, mean, _usable(deviation), inputs.log)

    def enter(self, x: Array) -> Array:
        """Scaled inputs, shape ``(n, d)``."""
        return (_logged(x, self.log) - self.input_shift) / self.input_scale

    def enter_jax(self, x: Any) -> Any:
        """The same as `enter` for JAX arrays, shape ``(..., d)``."""
        import jax.numpy as jnp

        if any(self.log):
            log = np.array(self.log)
            x = jnp.where(log, jnp.log(jnp.where(log, x, 1.0)), x)
        return (x - self.input_shift) / self.input_scale

    def enter_slope(self, x: Array) -> Array:
        """Derivative of each scaled input by its input, shape ``(n, d)``."""
        slope = np.broadcast_to(1.0 / self.input_scale, x.shape)
        return np.where(self.log, slope / np.where(self.log, x, 1.0), slope) if any(self.log) else slope

    def leave(self, y: Any) -> Any:
        """Outputs in the user's units from scaled outputs, shape ``(n, m)``; NumPy or JAX."""
        return y * self.output_scale + self.output_shift


def _logged(x: Array, log: tuple[bool, ...]) -> Array:
    if not any(log):
        return x
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(log, np.log(np.where(log, x, 1.0)), x)


def _usable(scale: Array) -> Array:
    return np.where(scale > 0, scale, 1.0)
