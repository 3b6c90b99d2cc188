"""What a worker answers to a call: which claims it has proved, and by which code.

Workers may be those of an executor of the caller, on other machines: with another version of supnorm, which proves by other
rules, or behind something that returns something else. Only an answer of this code to this call counts as a proof. All else
says nothing about the certificate, neither that it is true nor that it is false (`WorkerFault`). A worker with too little
memory, or with another python-flint, refuses what is true: so what a worker refuses is proved again by who asked. Workers
that forge answers on purpose cannot be told from others: whoever does not trust the workers proves without them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass, fields
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
        part: SHA-256 of the proofs and of what they claim, as the worker got them.
        seconds: processor seconds that they took.
        fault: why a claim is not proved; None if all are.
    """

    code: str
    document: str
    part: str
    seconds: float
    fault: Rejected | TooCostly | None = None


FIELDS = {field.name for field in fields(Answer)}


@cache
def code() -> str:
    """SHA-256 of the files of the checker, when this process has imported it: they may be others later."""
    seal = hashlib.sha256()
    for file in sorted(files("supnorm.checker").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".py"):
            text = file.read_bytes()
            seal.update(f"{file.name} {len(text)}\n".encode() + text)
    return seal.hexdigest()


code()


def submitted(executor: Executor, call: Callable[[bytes, bytes], Answer], *given: bytes) -> Future[Answer]:
    """Hand a call to an executor.

    Raises:
        WorkerFault: when the executor does not take it.
    """
    try:
        return executor.submit(call, *given)
    except FAULTS as error:
        raise WorkerFault(f"a worker did not get its leaves ({_named(error)})") from None


def seconds_of(future: Future[Any], document: str, part: str) -> float:
    """Wait for the answer to a call; the seconds that the proofs took.

    Args:
        future: of the call.
        document: SHA-256 of what all proofs share.
        part: SHA-256 of the proofs that the worker got.

    Raises:
        Rejected, TooCostly: as the worker found.
        WorkerFault: for any other answer.
    """
    try:
        answer = future.result()
    except FAULTS as error:
        raise WorkerFault(f"a worker has not answered ({_named(error)})") from None
    if type(answer) is not Answer:
        raise WorkerFault(
            f"a worker answered {_answer_shown(answer)}, which says nothing about the leaves that it got"
        )
    # An answer of another version may have other fields.
    if {*vars(answer)} != FIELDS or answer.code != code():
        raise WorkerFault(
            "a worker has another supnorm: the code of its checker is not the code of the checker here"
        )
    good = type(answer.seconds) is float and 0.0 <= answer.seconds < math.inf
    good &= isinstance(answer.fault, Rejected | TooCostly | None)
    if (answer.document, answer.part) != (document, part) or not good:
        raise WorkerFault("a worker gave the answer to another call")
    if answer.fault is not None:
        raise answer.fault
    return answer.seconds


def _named(error: BaseException) -> str:
    return _shown(f"{type(error).__name__}: {error}")


def _answer_shown(answer: Any) -> str:
    try:
        return _shown(repr(answer))
    except Exception:
        return _shown(type(answer).__name__)


def _shown(text: str) -> str:
    return ascii(" ".join(text.split()))[1:-1][:120]
