"""How a fit calls the reference, and how often its audits do."""

from __future__ import annotations

from dataclasses import dataclass

from supnorm.evaluation.caller import Caller
from supnorm.evaluation.calls import Calls
from supnorm.results.option import demand_number
from supnorm.training.cost import cost_of, word_of


@dataclass(frozen=True, kw_only=True)
class FitCalls(Calls):
    """How a fit calls the reference. Each of its audits makes ``audit_evaluations``, fewer if calls are expensive.

    Raises:
        BadInput: for another cost, or audits of fewer than 100 evaluations.
    """

    audit_evaluations: int = 20_000  # 0.6 s of a cheap reference, as `POINT` in `fit.py` says

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cost is not None:
            cost_of(self.cost)
        demand_number("audit_evaluations", self.audit_evaluations, 100)


def in_audits(caller: Caller) -> Calls:
    """Calls for an audit that calls the reference in the same way, without timing it again."""
    store = None if caller.store is None else caller.store.only("reference")
    return Calls(cost=word_of(caller), workers=caller.workers, executor=caller.executor, store=store)
