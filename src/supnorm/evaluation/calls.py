"""How functions are called, the same for every verb: what a call costs, who makes it, and where its values are kept."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from supnorm.results.option import demand_number, documented, option

if TYPE_CHECKING:
    from supnorm.evaluation.store import EvaluationStore


@documented
@dataclass(frozen=True, kw_only=True)
class Calls:
    """How a verb calls model and reference; `audit`, `fit` and `budget` take it as ``calls``.

    ``cost`` is a word, or the seconds that a call takes a point: what takes more than 1 ms is expensive, which decides how a
    verb goes. ``executor`` is any ``concurrent.futures`` executor for expensive calls of the reference, in place of
    ``workers`` (Dask: ``client.get_executor()``). ``store`` keeps the values of expensive calls, for resuming.

    A proof evaluates programs and not the functions, so that `certify` has none of this.

    Raises:
        BadInput: for fewer than one worker.

    >>> from supnorm import Domain, Problem, audit
    >>> problem = Problem(lambda x: x[:, 0] ** 2, lambda x: x[:, 0], Domain(x=(0.0, 1.0)))
    >>> audit(problem, evaluations=200, calls=Calls(cost="expensive:64")).record.cost.rows
    64
    """

    cost: str | float | None = option(
        "--cost",
        "Whether a call takes more than 1 ms a point: cheap, expensive (the reference) or, in an audit, expensive-model or "
        "expensive-both; with :ROWS the rows of a call. [default: measured, and recorded]",
        default=None,
        metavar="WORD",
    )
    workers: int = option(
        "--workers", "Processes for an expensive reference. [default: 1]", default=1, kind=int, low=1
    )
    executor: Executor | None = None
    store: EvaluationStore | None = None

    def __post_init__(self) -> None:
        demand_number("workers", self.workers, 1, whole=True)
        object.__setattr__(self, "workers", int(self.workers))

    @classmethod
    def of(cls, calls: Calls | None) -> Self:
        """These calls as those of one verb, with its further fields; the defaults for None."""
        return calls if isinstance(calls, cls) else cls(**vars(calls or Calls()))
