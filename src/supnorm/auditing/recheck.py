"""The truth can be wrong too: every reported witness against a second or refined reference.

* ``confirmed``: both references agree that the model is wrong there; also when both have a value and the model none.
* ``reference-fault``: the second reference agrees with the model and not with the reference.
* ``unresolved``: anything else; also when the reference takes the second one's value within a millionth of the
  domain: at a jump that two codes place slightly apart, which side is right has no sharp answer.

Of several outputs only the one that carries the error has a say, unless the error is a function of the user's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation import Evaluator
from supnorm.evaluation.caller import Caller
from supnorm.evaluation.limit import Limit
from supnorm.problem import ErrorMeasure, Problem, draw_inside
from supnorm.results import BadInput, Witness
from supnorm.results.settings import Settings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Recheck(Settings):
    """The rule, as numbers.

    Attributes:
        agree: two references agree when they differ by at most this share of the error.
        near: how far a jump may lie away, in the unit box.
    """

    # Both numbers are definitions of the three words above.
    agree: float = 0.3
    near: float = 1e-6

    def run(
        self, evaluator: Evaluator, second: Caller, witness: Witness, limit: Limit
    ) -> tuple[Witness, str]:
        """The witness with its verdict and the second reference's values; why there are none, else an empty text.

        The limit is of the calls that look for a jump next to the witness: without them it stays unresolved.
        """
        problem: Problem = evaluator.problem
        if not np.isfinite(witness.x).all():
            return replace(witness, recheck="unresolved"), "the row lacks an input"
        y, failed = second.values(witness.x[None], "recheck")
        evaluator.count("recheck", 1)
        judged, value = in_its_output(problem.error, witness, y)
        if failed or value is None:
            why = failed.get(0, "the value is not finite")
            return replace(witness, recheck="unresolved", recheck_value=y[0]), why
        word = self.word(problem.error, judged, value)
        if word == "reference-fault":
            small = self._small(judged.error)
            unknown = limit.over or self._jump_nearby(evaluator, problem, judged, value, small)
            word = "unresolved" if unknown else word
        return replace(witness, recheck=word, recheck_value=y[0]), ""

    def word(self, measure: ErrorMeasure, witness: Witness, y: Array) -> str:
        """The verdict of the values (1, m) of `in_its_output`, if the reference has no jump next to the witness."""
        x, f, n = witness.x[None], witness.reference[None], witness.model[None]
        error = witness.error
        if (np.isfinite(f) & ~np.isfinite(n)).any():
            return "confirmed"
        # The first reference divides in both, so that the three numbers have one scale.
        apart = float(measure(y, f, x)[0][0])
        remains = remaining(measure, n, f, y, x)
        if measure.side != "both":
            apart = max(apart, float(measure(2 * f - y, f, x)[0][0]))
        small = self._small(error)
        if apart <= small and remains > 0.5 * min(error, 1e300):
            return "confirmed"
        if not agrees_with_model(measure, witness, y, small) or apart <= 0.5 * min(error, 1e300):
            return "unresolved"
        return "reference-fault"

    def _small(self, error: float) -> float:
        """How far two references that agree may differ."""
        return self.agree * error if np.isfinite(error) else 0.0

    def _jump_nearby(
        self, evaluator: Evaluator, problem: Problem, witness: Witness, y: Array, small: float
    ) -> bool:
        """Whether the reference takes the second one's value next door."""
        if problem.reference.table is not None:
            return False
        domain = problem.domain
        u = domain.to_unit(witness.x[None]).clip(0, 1)
        steps = self.near * np.concatenate([np.eye(domain.d), -np.eye(domain.d)])
        points = domain.from_unit(np.clip(u + steps, 0, 1))
        f, _ = evaluator.reference.values(points, "recheck")
        evaluator.count("recheck", len(points))
        both, here = replace(problem.error, side="both"), witness.reference[None]
        f = np.where(_with_a_say(both, witness), f, here)
        apart = [remaining(both, row[None], here, y, x[None]) for row, x in zip(f, points, strict=True)]
        return bool(np.any(np.array(apart) <= max(small, 1e-300)))


def in_its_output(measure: ErrorMeasure, witness: Witness, second: Array) -> tuple[Witness, Array | None]:
    """The witness, and a second reference's values (1, m), with the first one's in all outputs that have no say.

    None for the values where one that has a say is not finite.
    """
    say = _with_a_say(measure, witness)
    model = np.where(say, witness.model, witness.reference)
    known = bool(np.isfinite(second[:, say]).all())
    return replace(witness, model=model), np.where(say, second, witness.reference) if known else None


def _with_a_say(measure: ErrorMeasure, witness: Witness) -> NDArray[np.bool_]:
    """Which outputs decide, shape (m,)."""
    outputs = np.arange(len(witness.reference))
    return outputs == witness.output if measure.function is None else outputs >= 0


def remaining(measure: ErrorMeasure, value: Array, reference: Array, second: Array, x: Array) -> float:
    """The error of a value were the second reference right; all of shape (1, m), ``x`` (1, d).

    In the scale of the first reference: where a relative one is nearly zero, any other would dwarf its error.
    """
    if measure.function is None:
        return float(measure(reference + value - second, reference, x)[0][0])
    return float(measure(value, second, x)[0][0])


def agrees_with_model(measure: ErrorMeasure, witness: Witness, second: Array, small: float) -> bool:
    """Whether the model is right within ``small``, or within the tolerance, by a second reference (1, m)."""
    x, f, n = witness.x[None], witness.reference[None], witness.model[None]
    if remaining(measure, n, f, second, x) <= small:
        return True
    return measure.limit is not None and bool(measure(n, second, x)[0][0] <= measure.limit)


def recheck(
    evaluator: Evaluator, witnesses: list[Witness], limit: Limit
) -> tuple[list[Witness], list[str], int]:
    """The witnesses with their verdicts, and what was said where the second reference has no value.

    Unchanged when the problem has no second reference, and where there is no time to call it, which the last number counts;
    it is called at the first witness at least.
    """
    second = evaluator.recheck
    if second is None:
        return witnesses, [], 0
    second.outputs = second.outputs or evaluator.outputs  # of one that has failed until now
    done, late = [], 0
    for i, witness in enumerate(witnesses):
        if i and limit.over:
            late += 1
            done.append((witness, ""))
        else:
            done.append(Recheck().run(evaluator, second, witness, limit))
    return [w for w, _ in done], [why for _, why in done if why], late


def check_outputs(evaluator: Evaluator) -> None:
    """Before the search: the tolerances are as many as the outputs, and so many has the second reference, called once.

    Raises:
        BadInput: when they are not. A call that fails says nothing here.
    """
    problem: Problem = evaluator.problem
    problem.check_tolerances(evaluator.outputs)
    if evaluator.recheck is None:
        return
    y, failed = evaluator.recheck.values(draw_inside(problem.domain, 1, np.random.default_rng(0)), "recheck")
    evaluator.count("recheck", 1)
    m = evaluator.reference.outputs
    if not failed and m is not None and y.shape[1] != m:
        hint = f"{problem.source.name}: " if problem.source else ""
        raise BadInput(
            f"{hint}the recheck has {y.shape[1]} outputs and the reference {m}; they must be the same ones"
        )
