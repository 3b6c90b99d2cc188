"""How a fit calls the reference: what a call costs, who makes it, and where its values are kept."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from supnorm.evaluation import EvaluationStore
from supnorm.evaluation.caller import Caller
from supnorm.problem import Function
from supnorm.results import BadInput
from supnorm.training.cost import cost_of, word_of


@dataclass(frozen=True, eq=False, kw_only=True)
class FitCalls:
    """How a fit calls the reference.

    Args:
        audit_evaluations: of each audit; less for expensive references.
        cost: ``"cheap"`` or ``"expensive"``: whether a call of the reference takes more than 1 ms a point, which decides
            how the fit goes; by default the first calls tell, and the result says what was decided.
        workers, executor: for expensive references, as in `audit`.
        store: where calls of an expensive reference are kept, for resuming.

    Raises:
        BadInput: for another cost, or audits of fewer than 100 evaluations.
    """

    audit_evaluations: int = 20_000
    cost: str | None = None
    workers: int = 1
    executor: Executor | None = None
    store: EvaluationStore | None = None

    def __post_init__(self) -> None:
        if self.cost is not None:
            cost_of(self.cost)
        if self.audit_evaluations < 100:
            raise BadInput(f"audit_evaluations must be at least 100, got {self.audit_evaluations}")

    def caller(self, reference: Function) -> Caller:
        """The reference, called so.

        Raises:
            BadInput: when the run that is resumed decided for another cost.
        """
        caller = Caller(reference, "reference", self.store, self.executor, self.workers)
        if self.cost is not None:
            caller.declare(*cost_of(self.cost))
        return caller


def in_audits(caller: Caller) -> dict[str, Any]:
    """Keywords of an audit that calls the reference in the same way: no other clock decides what has been decided."""
    return {
        "store": None if caller.store is None else caller.store.only("reference"),
        "workers": caller.workers,
        "executor": caller.executor,
        "cost": word_of(caller),
    }
