"""A guarded model: it answers where it can be trusted, asks the reference where not, and says which of both it did."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.certificate import Certificate
from supnorm.guarding.cells import ProvedCells, demand_program
from supnorm.guarding.layers import Cuts, KnownGlitches, LearnedError
from supnorm.guarding.patient import AT_ONCE, Patient
from supnorm.guarding.saving import save
from supnorm.problem import Domain, Function
from supnorm.problem.masked import plain_numbers
from supnorm.results import BadInput, Status
from supnorm.results.guard import cause
from supnorm.results.guarding import GuardRecord

Array = NDArray[np.float64]
PATIENCE = 60.0  # seconds that a call of the reference for the flagged rows of a batch may take


class Flag(IntEnum):
    """What a row of an answer is."""

    ACCEPTED = 0  # the model's value
    FALLBACK = 1  # the reference's value
    REFUSED = 2  # no value


class Answer(NamedTuple):
    """What a guarded model answers to ``n`` points.

    Attributes:
        y: values ``(n, m)``; NaN where refused.
        flag: `Flag` of each row, shape ``(n,)``.
        estimate: for accepted rows an estimate of the error, NaN elsewhere: 95 % of the accepted inputs by the law of the
            problem have a smaller error. It is not a bound, and not for one point alone.
        reason: for each row why the model's value was not taken; empty where it was, or ``"proven"`` where a certificate
            proves that the error is within the tolerance.
    """

    y: Array
    flag: NDArray[np.int64]
    estimate: Array
    reason: list[str]


@dataclass(frozen=True, eq=False)
class Guard:
    """A model with its guard; make it with `supnorm.guard` or read it with `supnorm.load_guard`.

    Attributes:
        model, reference: the functions; the reference is called for flagged rows. None: they are refused.
        domain: the inputs for which the model was made.
        cuts: the layers and where each rejects.
        cells: proved cells, accepted without another test; None without a certificate.
        factor: the estimate of the error over the learned error.
        record: what is known of the guard.
        patience: seconds for the calls of the reference for one batch.
        certificate: the proof of the cells; None without one, and for a guard that was read from a file.
    """

    model: Function
    reference: Function | None
    domain: Domain
    cuts: Cuts
    cells: ProvedCells | None
    factor: float
    record: GuardRecord
    patience: float = PATIENCE
    certificate: Certificate | None = None
    _patient: Patient | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        if self.reference is not None:
            at_once = AT_ONCE if self.reference.parallel == "thread" else 1
            object.__setattr__(self, "_patient", Patient(self.reference.columns, self.patience, at_once))

    def __deepcopy__(self, memo: Any) -> Guard:
        """The guard itself: it never changes, and a model may be one that cannot be copied."""
        return self

    def __repr__(self) -> str:
        """One line."""
        layers = ", ".join(layer.name for layer in self.cuts.layers)
        return f"Guard({self.record.status.code!r}, rejected={self.record.rejected:.3g}, layers=({layers}))"

    @property
    def status(self) -> Status:
        """How making it ended: a word, advice and an exit code."""
        return self.record.status

    def __call__(self, x: Any, fallback: bool = True) -> Answer:
        """Values at points ``x (n, d)``, or ``(d,)`` for one point.

        Args:
            x: the points; a row that is not finite or outside of the domain is flagged and leaves the others untouched.
            fallback: whether flagged rows get the value of the reference; otherwise they are refused.

        Raises:
            BadInput: for an array of another width, or one that holds no numbers.
        """
        answer = self._screened(self._points(x))
        return self.fall_back(x, answer) if fallback else answer

    def _screened(self, x: Array) -> Answer:
        """The answer without calls of the reference."""
        y, reason = self._looked_at(x)
        flag = np.where([bool(r) and r != "proven" for r in reason], Flag.REFUSED, Flag.ACCEPTED).astype(
            np.int64
        )
        flagged = flag == Flag.REFUSED
        estimate = np.full(len(x), np.nan)
        if not flagged.all():
            estimate[~flagged] = self._estimate(x[~flagged], y[~flagged])
        y[flagged] = np.nan
        return Answer(y, flag, estimate, reason)

    def fall_back(self, x: Any, answer: Answer) -> Answer:
        """The answer to points ``x``: where the guard refused, the reference gives the values, as far as it has some."""
        x = self._points(x)
        usable = (answer.flag == Flag.REFUSED) & np.isfinite(x).all(axis=1)
        if self.reference is None or not usable.any():
            return answer
        y, flag, rows = answer.y.copy(), answer.flag.copy(), np.flatnonzero(usable)
        value = self.reference_values(x[usable])
        answered = np.isfinite(value).all(axis=1)
        y[rows[answered]] = value[answered]
        flag[rows[answered]] = Flag.FALLBACK
        return answer._replace(y=y, flag=flag)

    def reference_values(self, x: Array, last: bool = False) -> Array:
        """Values ``(n, m)`` of the reference at points ``x (n, d)``; NaN where it gives none within the patience.

        ``last``: calls for answers go first.
        """
        if self._patient is None:
            return np.full((len(x), self.record.outputs), np.nan)
        return self._patient.values(x, self.record.outputs, last)

    def accepts(self, x: Array) -> NDArray[np.bool_]:
        """Whether the model's value is taken at each point of ``x (n, d)``."""
        _, reason = self._looked_at(self._points(x))
        return np.array([r in ("", "proven") for r in reason], dtype=bool)

    def predict(self, x: Any) -> Array:
        """Values as scikit-learn has them, shape ``(n,)`` or ``(n, m)``: of the reference where the model is not trusted."""
        y = self(x).y
        return y[:, 0] if y.shape[1] == 1 else y

    def predict_or_refuse(self, x: Any) -> Array:
        """The same without calls of the reference: NaN where the model is not trusted."""
        y = self(x, fallback=False).y
        return y[:, 0] if y.shape[1] == 1 else y

    def save(self, path: Path | str) -> None:
        """Write the file ``.guard``, which `supnorm.load_guard` reads; the model is not in it."""
        save(Path(path), self.domain, self.cuts, self.cells, self.factor, self.record)

    def _points(self, x: Any) -> Array:
        wanted = f"the points must be real numbers of shape (n, {self.domain.d})"
        try:
            points = plain_numbers(x)
        except Exception as error:  # an object may raise anything when it is asked for its numbers
            raise BadInput(f"{wanted}, got {type(x).__name__} ({cause(error)})") from None
        points = points[None] if points.ndim == 1 else points
        if points.ndim != 2 or points.shape[1] != self.domain.d:
            raise BadInput(f"the points must have shape (n, {self.domain.d}), got {np.shape(x)}")
        return points

    def _looked_at(self, x: Array) -> tuple[Array, list[str]]:
        """The model's values (NaN where it was not called), and the reason of each row."""
        reason = np.full(len(x), "", dtype=object)
        finite = np.isfinite(x).all(axis=1)
        reason[~finite] = "not finite"
        inside = np.zeros(len(x), dtype=bool)
        inside[finite] = self.domain.contains(x[finite])
        reason[finite & ~inside] = "outside"
        rows = np.flatnonzero(inside)
        y = np.full((len(x), self.record.outputs), np.nan)
        if len(rows):
            y[rows] = self._values(x[rows])
        known = np.isfinite(y).all(axis=1)
        reason[inside & ~known] = "no value"
        rows = np.flatnonzero(inside & known)
        if len(rows):
            reason[rows] = self._reasons(x[rows], y[rows])
        return y, reason.tolist()

    def _values(self, x: Array) -> Array:
        try:
            value = self.model.columns(x)
        except KeyboardInterrupt:
            raise
        except BaseException:  # a model that raises for one row must not take the others with it
            if len(x) == 1:
                return np.full((1, self.record.outputs), np.nan)
            half = len(x) // 2
            return np.concatenate([self._values(x[:half]), self._values(x[half:])])
        if value.shape != (len(x), self.record.outputs):
            raise BadInput(
                f"the model returned shape {value.shape} for {len(x)} points, the guard is for {self.record.outputs} outputs"
            )
        return value

    def _reasons(self, x: Array, y: Array) -> Array:
        names = np.array([*(layer.name for layer in self.cuts.layers), ""], dtype=object)
        number = self.cuts.reasons(x, y)
        reasons = names[number]
        for k, layer in enumerate(self.cuts.layers):
            if isinstance(layer, KnownGlitches) and (number == k).any():
                near = layer.nearest(x[number == k])
                reasons[number == k] = [f"{layer.name}:{i + 1}" for i in near]
        if self.cells is not None:
            reasons[self.cells.hold(x, self.domain)] = "proven"
        return reasons

    def _estimate(self, x: Array, y: Array) -> Array:
        learned = next(layer for layer in self.cuts.layers if isinstance(layer, LearnedError))
        return np.asarray(self.factor * 10.0 ** learned.score(x, y))

    def with_reference(self, reference: Function | None) -> Guard:
        """The same guard with another fallback.

        Raises:
            BadInput: when the guard has proved cells, and the error is proved against another reference.
        """
        if self.cells is not None and reference is not None:
            demand_program(reference, self.domain, self.cells.reference, "reference")
        return replace(self, reference=reference)
