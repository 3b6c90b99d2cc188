"""How every verb calls functions: the cost of a call, the workers, and the store of values."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from supnorm.evaluation.cluster import LEAST_PATIENCE, PATIENCE, Cluster, is_client
from supnorm.evaluation.scheduler import connected
from supnorm.results import BadInput
from supnorm.results.option import documented, option
from supnorm.results.printable import one_line
from supnorm.results.settings import Settings

if TYPE_CHECKING:
    from supnorm.evaluation.store import EvaluationStore


@documented
@dataclass(frozen=True, kw_only=True)
class Calls(Settings):
    """How a verb calls model and reference; `audit`, `fit` and `budget` take it as ``calls``.

    ``cost`` is a word, or the seconds of a call for each point. A function that takes more than 1 ms is expensive, and a
    verb then spends its budget differently. ``executor`` is any ``concurrent.futures`` executor for expensive calls of the
    reference, instead of ``workers``, or a Dask ``Client``; ``dask`` is the address of a scheduler. A call whose worker
    gives no sign of life for ``patience`` seconds is handed to another worker (`Cluster`, `Processes`). ``store`` stores
    the values of expensive calls, so that a run can be resumed. With ``budget_by_cost=False`` the measured time of a call
    does not choose the budget of an audit that was given none: an expensive function then gets 400 evaluations, whatever
    a call takes.

    A proof evaluates programs instead of functions, so `certify` takes no ``calls``.

    Raises:
        BadInput: for fewer than one worker, for a number of another field that is none, and when no scheduler answers.

    >>> from supnorm import Domain, Problem, audit
    >>> problem = Problem(lambda x: x[:, 0] ** 2, lambda x: x[:, 0], Domain(x=(0.0, 1.0)))
    >>> audit(problem, evaluations=200, calls=Calls(cost="expensive:64")).record.cost.rows
    64
    """

    cost: str | float | None = option(
        "--cost",
        "What a call of the reference costs: cheap, or expensive (more than 1 ms a point). More words: docs/audit.md. "
        "[default: measured]",
        default=None,
        metavar="WORD",
    )
    workers: int = option(
        "--workers",
        "Processes for an expensive reference; with --dask how many calls at a time. [default: 1; all of the scheduler]",
        default=1,
        kind=int,
        low=1,
    )
    dask: str | None = option(
        "--dask",
        "Run expensive calls on the workers of a Dask scheduler (docs/cluster.md).",
        default=None,
        metavar="ADDRESS",
    )
    executor: Executor | None = None
    patience: float = option(
        "--patience",
        "Seconds without a sign of life of a worker after which another gets its calls. [default: 300]",
        default=PATIENCE,
        kind=float,
        low=LEAST_PATIENCE,
    )
    store: EvaluationStore | None = None
    budget_by_cost: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.dask, str):
            if self.executor is not None:
                raise BadInput("give dask or executor, not both: the address of a scheduler is an executor")
            object.__setattr__(self, "executor", connected(self.dask))
            object.__setattr__(self, "dask", None)  # so that these calls can be made again from their fields
        if is_client(self.executor):
            declared = None if self.workers == 1 else self.workers
            cluster = Cluster(self.executor, self.patience, declared)
            object.__setattr__(self, "executor", cluster)
            object.__setattr__(self, "workers", cluster.workers)
        if not (self.executor is None or callable(getattr(self.executor, "submit", None))):
            got = one_line(repr(self.executor), 60)
            raise BadInput(f"executor must be one of concurrent.futures, or a Dask Client, got {got}")
        if not (self.store is None or callable(getattr(self.store, "load", None))):
            raise BadInput(
                f"store must be an EvaluationStore(path, name), got {one_line(repr(self.store), 60)}"
            )
        super().__post_init__()  # after what has better words

    @classmethod
    def of(cls, calls: Calls | None) -> Self:
        """The calls as an object of this class, which may have further fields; None gives the defaults.

        Raises:
            BadInput: for what is no `Calls`.
        """
        if not (calls is None or isinstance(calls, Calls)):
            raise BadInput(f"calls must be a {cls.__name__}(...), got {one_line(repr(calls), 60)}")
        return calls if isinstance(calls, cls) else cls(**vars(calls or Calls()))
