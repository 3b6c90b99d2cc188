"""What a worker answers to a call: which claims it has proved, and by which code.

Workers may be those of an executor of the caller, on other machines: with another version of supnorm, which proves by other
rules, or behind something that returns something else. Only an answer of this code to this call counts as a proof. All else
says nothing about the certificate, neither that it is true nor that it is false (`WorkerFault`). Workers that forge answers
on purpose cannot be told from others: whoever does not trust the workers proves without them.
"""

from __future__ import annotations

import hashlib
import math
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pickle import PickleError
from typing import Any

from supnorm.checker.rejected import MALFORMED, Rejected, TooCostly, WorkerFault

# What an executor may raise in place of an answer. `Answer` has what proofs raise; signals, and what says that all workers
# have ended, are left to whoever asked for the proof.
FAULTS = (*MALFORMED, ImportError, OSError, EOFError, PickleError, CancelledError)


@dataclass(frozen=True)
class Answer:
    """The answer to one call.

    Attributes:
        code: `code` of the worker.
        document: SHA-256 of what all proofs share, as the worker got it.
        leaves: the first leaf of each proof.
        seconds: processor seconds that they took.
        fault: why a claim is not proved; None if all are.
    """

    code: str
    document: str
    leaves: tuple[int, ...]
    seconds: float
    fault: Rejected | TooCostly | None = None


@cache
def code() -> str:
    """SHA-256 of the files of the checker."""
    seal = hashlib.sha256()
    for file in sorted(files("supnorm.checker").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".py"):
            text = file.read_bytes()
            seal.update(f"{file.name} {len(text)}\n".encode() + text)
    return seal.hexdigest()


def seconds_of(future: Future[Any], document: str, leaves: tuple[int, ...]) -> float:
    """Wait for the answer to a call about these leaves; the seconds that the proofs took.

    Raises:
        Rejected, TooCostly: as the worker found.
        WorkerFault: for any other answer.
    """
    try:
        answer = future.result()
    except FAULTS as error:
        raise WorkerFault(
            f"a worker has not answered ({_shown(f'{type(error).__name__}: {error}')})"
        ) from None
    if type(answer) is not Answer:
        raise WorkerFault(
            f"a worker answered {_shown(repr(answer))}, which says nothing about the leaves that it got"
        )
    if answer.code != code():
        raise WorkerFault(
            "a worker has another supnorm: the code of its checker is not the code of the checker here"
        )
    good = type(answer.seconds) is float and 0.0 <= answer.seconds < math.inf
    if (answer.document, answer.leaves) != (document, leaves) or not good:
        raise WorkerFault("a worker gave the answer to another call")
    if answer.fault is not None:
        raise answer.fault
    return answer.seconds


def _shown(text: str) -> str:
    return ascii(" ".join(text.split()))[1:-1][:120]
