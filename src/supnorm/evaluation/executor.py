"""Where expensive calls run: any ``concurrent.futures`` executor; here, processes or threads."""

from __future__ import annotations

from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

from supnorm.problem import Function


def make_executor(function: Function, workers: int) -> Executor | None:
    """An executor that suits the function, None when one worker or the function rules it out.

    Processes are spawned, not forked: JAX and torch hold threads that do not survive a fork.
    """
    if workers < 2 or function.parallel == "none":
        return None
    if function.parallel == "thread" or function.remake is None:
        return ThreadPoolExecutor(workers)
    import multiprocessing

    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
