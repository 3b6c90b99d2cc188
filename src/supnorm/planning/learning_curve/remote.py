"""A function and its trainer on other processes: where the trainings of a learning curve run.

Trainings are independent, so each is a task of an executor. The task carries a recipe: the worker makes the function again
(`Function.remake`), or imports it by name if it is a function of a module. If neither is possible (a lambda, a function
typed at a prompt, a trainer whose state cannot be pickled), the trainings run here, one after the other. Cost: a pickle for
each task.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.caller import Caller
from supnorm.evaluation.calls import Calls
from supnorm.evaluation.processes import Processes
from supnorm.planning.profile.target import Target
from supnorm.problem import Domain, Function, as_function
from supnorm.problem.coded import Coded

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RemoteTarget:
    """One output of a function on the unit cube, ``(n, d) -> (n,)``, that can be pickled.

    Attributes:
        recipe: pickled by this program, builds the function; it never comes from a file.
        domain, output: as in `Target`.
    """

    recipe: bytes
    domain: Domain
    output: int

    def __call__(self, u: Array) -> Array:
        """Values at points of the unit cube; NaN where there is none."""
        return Target(Caller(_made(self.recipe), "reference"), self.domain, self.output)(u)


@lru_cache(maxsize=8)
def _made(recipe: bytes) -> Function:
    function: Function = pickle.loads(recipe)()
    return function


@contextmanager
def training_ground(
    target: Target, trainer: Any, calls: Calls
) -> Iterator[tuple[Callable[[Array], Array], Executor | None]]:
    """The function as the trainings see it, and the executor that they run on; None runs them here.

    Args:
        target: the function.
        trainer: travels with it.
        calls: of the reference. Of its executors threads are not used, since functions may not be called from several;
            processes are started where there is no other.
    """
    executor = calls.executor
    only_threads = executor is None or isinstance(executor, ThreadPoolExecutor)
    remote = _remote(target, trainer) if not only_threads or calls.workers > 1 else None
    if remote is None:
        yield target, None
    elif executor is not None and not only_threads:
        yield remote, executor
    else:
        with Processes(calls.workers) as pool:
            yield remote, pool


def _remote(target: Target, trainer: Any) -> RemoteTarget | None:
    function = target.caller.function
    recipe: Any = function.remake
    if recipe is None:
        plain = function.value.code if isinstance(function.value, Coded) else function.value
        main = sys.modules["__main__"]
        if getattr(plain, "__module__", None) == "__main__" and not hasattr(main, "__file__"):
            return None  # typed at a prompt: another process cannot import it
        recipe = partial(as_function, plain, "reference")
    try:
        remote = RemoteTarget(pickle.dumps(recipe), target.domain, target.output)
        pickle.dumps((remote, trainer))
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
    return remote
