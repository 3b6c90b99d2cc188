"""The error measure: absolute, relative, scaled, in ulp, or the user's own; masked, one-sided, per output.

Outputs reduce to one number by the maximum. With one tolerance (or none) that is the maximum of the errors;
with a tolerance per output it is the maximum of error / tolerance, and the tolerance of the result is 1.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.function import real_numbers
from supnorm.problem.masked import unmasked
from supnorm.results import BadInput
from supnorm.results.option import Allowed
from supnorm.results.printable import one_line

Array = NDArray[np.float64]
KINDS = ("absolute", "relative", "scaled", "ulp", "function")
PRECISIONS = {"float64": (52, -1022), "float32": (23, -126)}  # digits after the first one, least exponent
LARGEST = float(np.finfo(np.float64).max)
SIDES = ("both", "over", "under")
FAILURES = ("error", "ignore")


@dataclass(frozen=True)
class ErrorMeasure:
    """The error of a model against a reference.

    Attributes:
        kind: ``"absolute"`` |N - f|; ``"relative"`` |N - f| / max(|f|, floor); ``"scaled"`` |N - f| / scale;
            ``"ulp"`` |N - f| / `ulp_of` of max(|f|, floor);
            ``"function"`` the user's ``function(model, reference, x) -> (n,) or (n, m)``.
        side: ``"both"``; ``"over"`` counts only N > f, ``"under"`` only N < f.
        floor: for ``"relative"``; with 0 the error is infinite where f is 0 and N is not. For ``"ulp"`` the size of f
            below which the unit stays the same; None: only below the smallest normal number.
        precision: for ``"ulp"``: ``"float64"`` (None) or ``"float32"``, whose unit it is.
        scale: for ``"scaled"``: one number, or one for each output.
        function: for ``"function"``; it must return non-negative errors.
        mask: ``mask(x)`` or ``mask(x, reference)`` returns booleans ``(n,)``: where the error counts.
        tolerance: None, one number, or one for each output.
        failures: how a point counts where the model has no value and the reference has one (the model raises, takes too
            long, ends the program, or returns NaN or an infinite number): as an infinite ``"error"``, or not
            (``"ignore"``).

    Raises:
        BadInput: for an unknown kind, side, precision or failures, a missing or non-positive floor, scale or tolerance.

    >>> measure = ErrorMeasure("relative", floor=0.1)
    >>> measure(np.array([[1.1], [0.01]]), np.array([[1.0], [0.0]]), np.zeros((2, 1)))[0].round(3)
    array([0.1, 0.1])
    """

    kind: str = "absolute"
    side: str = "both"
    floor: float | None = None
    scale: tuple[float, ...] | None = None
    function: Callable[[Array, Array, Array], Any] | None = None
    mask: Callable[..., Any] | None = None
    tolerance: float | tuple[float, ...] | None = None
    failures: str = "error"
    precision: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(f"error kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.side not in SIDES:
            raise BadInput(f"error side must be one of {', '.join(SIDES)}, got {self.side!r}")
        if self.failures not in FAILURES:
            raise BadInput(f"error failures must be one of {', '.join(FAILURES)}, got {self.failures!r}")
        if self.kind == "relative" and self.floor not in Allowed(low=0):
            raise BadInput(
                "a relative error needs floor: the size of the reference below which the error counts "
                f"as absolute (0 for none), got {one_line(repr(self.floor), 60)}"
            )
        if self.kind == "scaled":
            object.__setattr__(self, "scale", _positive(self.scale, "scale"))
        if self.floor is not None and self.kind not in ("relative", "ulp"):
            raise BadInput(
                f'floor = {self.floor} has no effect for kind = "{self.kind}"; it is for "relative" and "ulp"'
            )
        self._demand_ulp()
        if self.scale is not None and self.kind != "scaled":
            raise BadInput(f'scale = {self.scale} has no effect for kind = "{self.kind}"; it is for "scaled"')
        if (self.kind == "function") != (self.function is not None):
            raise BadInput('give function = ... together with kind = "function", and only then')
        if self.tolerance is not None:
            tolerances = _positive(self.tolerance, "tolerance")
            single = np.ndim(self.tolerance) == 0
            object.__setattr__(self, "tolerance", tolerances[0] if single else tolerances)

    def _demand_ulp(self) -> None:
        """Check the options of an error in units in the last place."""
        if self.kind == "ulp" and self.floor is not None and self.floor not in Allowed(low=0):
            raise BadInput(
                "floor of an error in ulp is the size of the reference below which the unit stays the same; it must be 0 or "
                f"a positive number, got {one_line(repr(self.floor), 60)}"
            )
        if self.precision is not None and self.kind != "ulp":
            raise BadInput(
                f'precision = {self.precision!r} has no effect for kind = "{self.kind}"; it is for "ulp"'
            )
        if self.precision not in (None, *PRECISIONS):
            raise BadInput(
                f"precision of an error in ulp must be {' or '.join(PRECISIONS)}, got {self.precision!r}"
            )

    @property
    def per_output(self) -> bool:
        """Whether each output has its own tolerance: errors are then multiples of it."""
        return isinstance(self.tolerance, tuple)

    @property
    def limit(self) -> float | None:
        """The tolerance that reduced errors are compared with."""
        if self.tolerance is None or not isinstance(self.tolerance, tuple):
            return self.tolerance
        return 1.0

    def by_output(self, model: Array, reference: Array, x: Array) -> Array:
        """Error of each output, shape ``(n, m)``, not divided by tolerances; `in_units` gives the errors that are compared.

        It is ``inf`` (NaN with ``failures="ignore"``) where the model is not finite but the reference is, and NaN
        ("no value") where the reference is not finite.
        """
        with np.errstate(all="ignore"):
            return self._by_output(model, reference, x)

    def _by_output(self, model: Array, reference: Array, x: Array) -> Array:
        if self.kind == "absolute" and self.side == "both" and model.shape == reference.shape:
            # The common case, at every evaluation: if the sum is finite, all values are finite.
            size = model - reference
            np.abs(size, out=size)
            if math.isfinite(np.add.reduce(size, axis=None)):
                return size
        if self.function is not None:
            error = self._users(model, reference, x)
        else:
            gap = model - reference
            size = np.abs(gap) if self.side == "both" else np.maximum(self._sign * gap, 0.0)
            error = np.where(size == 0, 0.0, size / self.divisor(reference))
            if self.kind == "ulp":  # of two numbers, however far apart, it is a number: 1 is 2e323 units of 0
                error = np.minimum(error, LARGEST)
        lost, broken = ~np.isfinite(reference), ~np.isfinite(model)
        if error.shape != lost.shape:  # one error for all outputs
            lost, broken = (np.asarray(part.any(axis=1, keepdims=True)) for part in (lost, broken))
        error = np.where(broken, np.inf if self.failures == "error" else np.nan, error)
        return np.where(lost, np.nan, error)

    def in_units(self, model: Array, reference: Array, x: Array) -> Array:
        """Error of each output in the unit of the reduced error, shape ``(n, m)``: divided by its own tolerance if any.

        >>> two = ErrorMeasure(tolerance=(0.1, 10.0))
        >>> two.in_units(np.array([[1.0, 1.0]]), np.zeros((1, 2)), np.zeros((1, 1)))
        array([[10. ,  0.1]])
        """
        with np.errstate(all="ignore"):
            return self._in_units(model, reference, x)

    def _in_units(self, model: Array, reference: Array, x: Array) -> Array:
        errors = self._by_output(model, reference, x)
        return errors / self.tolerances(errors.shape[1]) if self.per_output else errors

    def tolerances(self, m: int) -> Array:
        """The tolerances by which errors of ``m`` outputs are divided, shape ``(m,)``; 1 if there is a single tolerance."""
        return (
            self.for_outputs(self.tolerance, m, "tolerance")
            if isinstance(self.tolerance, tuple)
            else np.ones(m)
        )

    def weights(self, m: int) -> Array:
        """The constant divisor of each output's error, shape ``(m,)``: its scale times its own tolerance."""
        return (
            self.tolerances(m)
            if self.scale is None
            else self.tolerances(m) * self.for_outputs(self.scale, m, "scale")
        )

    def __call__(self, model: Array, reference: Array, x: Array) -> tuple[Array, NDArray[np.intp]]:
        """The largest error of the outputs, and the output that has it, shapes ``(n,)``.

        The error is NaN where no output has a value, or where the mask says that the error does not count.
        """
        with np.errstate(all="ignore"):
            return self.reduced(model, reference, x)

    def reduced(self, model: Array, reference: Array, x: Array) -> tuple[Array, NDArray[np.intp]]:
        """The same for a caller that has already set ``np.errstate``, which takes as long as the error of 1000 points."""
        errors = self._in_units(model, reference, x)
        if errors.shape[1] == 1 and self.mask is None:
            return errors[:, 0], np.zeros(len(errors), dtype=np.intp)
        ranked = np.where(np.isnan(errors), -1.0, errors)
        output = np.argmax(ranked, axis=1)
        value = np.take_along_axis(errors, output[:, None], axis=1)[:, 0]
        counts = self.counts(x, reference)
        return np.where(counts, value, np.nan), output

    @property
    def masks_by_reference(self) -> bool:
        """Whether the mask takes the values of the reference in addition to the inputs."""
        if self.mask is None:
            return False
        parameters = inspect.signature(self.mask).parameters.values()
        return sum(p.default is p.empty for p in parameters) > 1

    def counts(self, x: Array, reference: Array) -> NDArray[np.bool_]:
        """Where the error counts by the mask, shape ``(n,)``."""
        if self.mask is None:
            return np.ones(len(x), dtype=bool)
        try:
            # Copies, because a mask that writes into its arguments must not change a point or a value of the run.
            counts = unmasked(
                self.mask(x.copy(), reference.copy()) if self.masks_by_reference else self.mask(x.copy())
            )
        except Exception as error:
            raise BadInput(f"the mask failed: {type(error).__name__}: {error}") from error
        if counts.reshape(-1).shape != (len(x),):
            raise BadInput(
                f"mask must return {len(x)} booleans for {len(x)} points, got shape {counts.shape}"
            )
        if counts.dtype != bool:
            raise BadInput(f"mask must return booleans (such as x[:, 0] > 0), got {counts.dtype}")
        return counts.reshape(-1)

    @property
    def differentiable(self) -> bool:
        """Whether `gradient` knows the derivative (all kinds but the user's own function)."""
        return self.function is None

    def gradient(self, model: Array, reference: Array, output: NDArray[np.intp]) -> tuple[Array, Array]:
        """Derivative of the reduced error with respect to model and reference, shapes ``(n, m)``.

        It is zero for all outputs except the one that has the error, and one-sided at kinks.
        """
        if self.kind == "absolute" and self.side == "both" and self.tolerance is None and model.shape[1] == 1:
            slope = np.sign(model - reference)
            return slope, -slope
        rows = np.arange(len(model))
        n, f = model[rows, output], reference[rows, output]
        gap = n - f
        sign = np.sign(gap) if self.side == "both" else np.where(self._sign * gap > 0, self._sign, 0)
        divisor = self.divisor(reference)[rows, output]
        if self.per_output:
            divisor = divisor * self.tolerances(model.shape[1])[output]
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            by_model = sign / divisor
            if self.kind == "ulp":
                by_model = np.clip(by_model, -LARGEST, LARGEST)
            by_reference = -by_model
            if self.kind == "relative":
                above = np.abs(f) > (self.floor or 0.0)
                by_reference = by_reference - np.where(above, sign * gap / (divisor * f), 0.0)
        weights = np.zeros_like(model), np.zeros_like(reference)
        weights[0][rows, output], weights[1][rows, output] = by_model, by_reference
        return weights

    @property
    def _sign(self) -> float:
        return 1.0 if self.side == "over" else -1.0

    def divisor(self, reference: Array) -> Array:
        """The divisor of the difference of model and reference, shape ``(n, m)``, without tolerances."""
        if self.kind == "relative":
            return np.maximum(np.abs(reference), self.floor or 0.0)
        if self.kind == "ulp":
            return ulp_of(np.maximum(np.abs(reference), self.floor or 0.0), self.precision or "float64")
        if self.scale is not None:
            return np.broadcast_to(self.for_outputs(self.scale, reference.shape[1], "scale"), reference.shape)
        return np.ones_like(reference)

    def _users(self, model: Array, reference: Array, x: Array) -> Array:
        assert self.function is not None
        try:
            # Copies, as for the mask: a difference taken in place would be reported as the model's value.
            given = self.function(model.copy(), reference.copy(), x.copy())
        except MemoryError:  # of the system, which is no fault of the function
            raise
        except Exception as failure:
            raise BadInput(
                f"the error function failed: {type(failure).__name__}: {failure}; it is called with model and "
                "reference (n, m) and the inputs (n, d)"
            ) from failure
        error = real_numbers(given, "the error function")
        error = error[:, None] if error.ndim == 1 else error
        if error.ndim != 2 or len(error) != len(x) or error.shape[1] not in (1, model.shape[1]):
            raise BadInput(
                f"the error function must return shape ({len(x)},) or ({len(x)}, m), got {error.shape} "
                f"for m = {model.shape[1]} outputs"
            )
        if np.any(error < 0):
            raise BadInput(
                f"the error function must not be negative, got {float(np.nanmin(error)):g}; "
                "return an absolute value"
            )
        return error

    @staticmethod
    def for_outputs(values: tuple[float, ...], m: int, what: str) -> Array:
        """One number for each output, shape ``(m,)``; ``what`` names the numbers in a message.

        Raises:
            BadInput: when ``values`` has neither one nor ``m`` numbers.
        """
        if len(values) not in (1, m):
            some = "1 output; give 1" if m == 1 else f"{m} outputs; give 1 or {m}"
            raise BadInput(f"{what} has {len(values)} numbers for {some}")
        return np.broadcast_to(np.asarray(values), (m,))


def ulp_of(size: Array, precision: str = "float64") -> Array:
    """The unit in the last place (ulp) of numbers: 2^(e - p) of a number of 2^e <= size < 2^(e + 1).

    p is 52 for float64 and 23 for float32. Below the smallest normal number, 2^-1022 or 2^-126, the unit is that of
    subnormal numbers, also at 0. Beyond the largest number exponents go on. (Muller et al., Handbook of Floating-Point
    Arithmetic, 2nd ed., section 2.3.2, Goldberg's unit.)

    Args:
        size: not negative, any shape.
        precision: ``"float64"`` or ``"float32"``.

    >>> ulp_of(np.array([1.0, 1.99, 2.0])) * 2.0**52
    array([1., 1., 2.])
    >>> ulp_of(np.array([0.0, 5e-324, 2.0**-1022])) / 5e-324
    array([1., 1., 1.])
    >>> ulp_of(np.array([1.0, 0.0]), "float32") == [2.0**-23, 2.0**-149]
    array([ True,  True])
    """
    digits, least = PRECISIONS[precision]
    exponent = np.frexp(size)[1] - 1  # of 0 it is no exponent
    return np.asarray(np.ldexp(1.0, np.where(size > 0, np.maximum(exponent, least), least) - digits))


def _positive(value: float | Sequence[float] | None, what: str) -> tuple[float, ...]:
    try:
        numbers = () if value is None else tuple(float(v) for v in np.atleast_1d(value))
    except (TypeError, ValueError, OverflowError):  # none, or a whole number that no float holds
        numbers = ()
    if not numbers or not all(0 < v < np.inf for v in numbers):
        raise BadInput(f"{what} must be positive and finite, got {value}")
    return numbers
