"""What a worker does for one call: it makes the function from its recipe, once, and calls it."""

from __future__ import annotations

import functools
import importlib
import pickle
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.guarded import Messages, guarded
from supnorm.problem import Function
from supnorm.results import BadInput

Array = NDArray[np.float64]


def of_folder(folder: str, module: str, name: str, *given: object) -> object:
    """The result of a function of a module that lies in a folder and not in an installed package."""
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return getattr(importlib.import_module(module), name)(*given)


def timed(value: Callable[[Array], Array], x: Array, outputs: int | None) -> tuple[Array, Messages, float]:
    """Values (n, m) at points ``x`` (n, d), messages by row, seconds."""
    start = time.perf_counter()
    y, messages = guarded(value, x, outputs)
    return y, messages, time.perf_counter() - start


@functools.lru_cache(maxsize=8)
def remade(recipe: bytes) -> Function:
    """The function of a recipe; a worker makes it once and keeps it."""
    # The recipe was pickled by this program a moment ago; it never comes from a file.
    function = pickle.loads(recipe)()
    if not isinstance(function, Function):
        raise BadInput(f"remake must make a Function, got {type(function).__name__}")
    return function


def made_ready(recipe: bytes) -> None:
    """Make the function before its first call."""
    remade(recipe)


def ready_in(
    seconds: float, executor: Executor, workers: int, recipe: Callable[[], bytes]
) -> threading.Timer:
    """Have each worker make the function after some seconds; what goes wrong is said by its first call."""

    def get_ready() -> None:
        with suppress(Exception):
            for _ in range(workers):
                executor.submit(made_ready, recipe())

    timer = threading.Timer(seconds, get_ready)
    timer.daemon = True
    timer.start()
    return timer


def remote(recipe: bytes, x: Array, outputs: int | None) -> tuple[Array, Messages, float]:
    """As `timed`, for the function of a recipe."""
    return timed(remade(recipe).value, x, outputs)


def several(
    call: Callable[..., tuple[Array, Messages, float]],
    given: Any,
    pieces: tuple[Array, ...],
    outputs: int | None,
) -> list[tuple[Array, Messages, float]]:
    """What `timed` or `remote` give for each piece; the function gets each alone, as if it had been sent alone."""
    return [call(given, x, outputs) for x in pieces]
