"""Records which instructions of the user's code are executed.

A reader runs the code once on an object that stands for an array. Code can ask what it is given and do something else with
an array. Then it runs instructions that were not executed while it was read. Python calls a trace function before each
instruction of a frame (`sys.settrace`, ``f_trace_opcodes``); the recording asks for it in the user's frames only, that is
in code outside of the folders of Python, packages and supnorm (`foreign_code`).

An `attempt` that fails leaves nothing in the recording: where NumPy's protocols cannot read a function and JAX can, only
what was executed for JAX was read.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import CodeType, FrameType
from typing import Any, Protocol

import numpy as np

from supnorm.program.executed import Executed
from supnorm.program.foreign_code import foreign_code
from supnorm.program.given import given

SETTINGS = np.errstate.__call__.__globals__["__name__"]


class Watch(Protocol):
    """Looks on while code is recorded."""

    def step(self) -> None:
        """Called before each instruction of the user's code."""

    def unheard(self) -> None:
        """Called before each line of NumPy's code for its settings: a function that it decorates runs with others."""

    def error(self, error: BaseException, frame: FrameType) -> None:
        """Called with each error in any code of Python, and the frame to which it comes; it may be caught there."""


# One thread at a time records, or lets functions report the values of their expressions: each changes what others would see.
ALONE = threading.RLock()
_ACTIVE = threading.local()  # the recordings of this thread, the innermost last
# Of all threads, each with its trace function: what a thread of the user records belongs to the latest.
_LATEST: list[tuple[Executed, Any]] = []
SET_TRACE = sys.settrace
# Code of libraries that was entered in this proof: its globals, and itself, by its identity, which nothing else gets while
# it is kept.
_OF_LIBRARIES: dict[int, dict[str, Any]] = {}
_KEPT: dict[int, CodeType] = {}
_NOTING, _NOTED = threading.Lock(), list[None]()  # one entry for each recording


def _recordings() -> list[Executed]:
    if not hasattr(_ACTIVE, "all"):
        _ACTIVE.all = []
    mine: list[Executed] = _ACTIVE.all
    return mine


def _recording() -> Executed | None:
    """The recording of this thread."""
    if mine := _recordings():
        return mine[-1]
    latest = _LATEST[-1:]
    return latest[0][0] if latest and sys.gettrace() is _in_threads else None


def steps() -> int:
    """How many instructions the recordings have that go on here: whether more were executed meanwhile."""
    latest = [one for one, _ in _LATEST[-1:]]
    return sum(one.steps for one in {id(one): one for one in (*_recordings(), *latest)}.values())


def is_followed() -> bool:
    """Whether what this thread executes is recorded."""
    return _recording() is not None


def see(number: int, value: Any) -> Any:
    """Record what an expression gave, and give it on."""
    if (seen := _recording()) is not None:
        seen.tell(number, given(value), seen.values.setdefault(number, []))
    return value


@contextmanager
def recorded(watch: Watch | None = None) -> Iterator[Executed]:
    """A context in which the instructions of the user's code are recorded, in this thread and in those that it starts.

    Args:
        watch: looks on, too.

    >>> def double(x): return 2 * x
    >>> with recorded() as seen:
    ...     double(3)
    6
    >>> [code.co_name for code in seen.offsets if code.co_name == "double"]
    ['double']
    """
    seen = Executed()
    trace = _tracer(seen, watch)
    with ALONE:
        before, before_in_threads = sys.gettrace(), threading.gettrace()
        active = _recordings()
        active.append(seen)
        latest = seen, trace
        _LATEST.append(latest)
        threading.settrace(_in_threads)
        try:
            with _noting_other_traces():
                SET_TRACE(trace)
                yield seen
        finally:
            SET_TRACE(before)
            threading.settrace(before_in_threads)
            active.remove(seen)
            _LATEST.remove(latest)


@contextmanager
def _noting_other_traces() -> Iterator[None]:
    """A context in which a recording notes whoever sets a trace function, as `test.support.no_tracing` does to end it."""
    with _NOTING:
        _NOTED.append(None)
        sys.settrace = _set_trace
    try:
        yield
    finally:
        with _NOTING:
            _NOTED.pop()
            if not _NOTED:
                sys.settrace = SET_TRACE


def _set_trace(function: Any) -> None:
    seen = None if function is _in_threads else _recording()  # a thread that starts has that one set
    if seen is not None:
        seen.ended = True
    SET_TRACE(function)


def _in_threads(frame: FrameType, event: str, argument: Any) -> Any:
    """The trace function of threads that start while one records: they may live on, and compute for the next recording."""
    latest = _LATEST[-1:]
    return latest[0][1](frame, event, argument) if latest else None


@contextmanager
def read_meanwhile() -> Iterator[Executed]:
    """A context that collects what readers execute in every `attempt` that does not fail, and nothing else."""
    seen = Executed()
    with ALONE:
        active = _recordings()
        active.append(seen)
        try:
            yield seen
        finally:
            active.remove(seen)


def is_recorded() -> bool:
    """Whether this thread records its instructions."""
    return bool(_recordings())


def is_dropped() -> bool:
    """Whether what this thread executes counts for nothing (`unrecorded`)."""
    return any(one.dropped for one in _recordings()[-1:])


def attempt(reader: str) -> AbstractContextManager[object]:
    """A context of a reader that may fail; what is executed in it counts for the recording around it if it does not."""
    return _attempt(reader) if _recordings() and not is_dropped() else nullcontext()


@contextmanager
def _attempt(reader: str) -> Iterator[None]:
    outer = _recordings()[-1]
    with recorded() as seen:
        yield
    seen.readers.add(reader)
    outer.join(seen)


@contextmanager
def unrecorded() -> Iterator[None]:
    """A context in which what is executed does not count for the recording around it, in threads that it starts neither."""
    if not _recordings():
        yield
        return
    before, before_in_threads = sys.gettrace(), threading.gettrace()
    with read_meanwhile() as dropped:
        dropped.dropped = True
        latest = dropped, _nowhere  # for threads that go on from before
        _LATEST.append(latest)
        # A thread that starts now is followed, into nothing: otherwise it would look like one that ran before.
        threading.settrace(_in_threads)
        SET_TRACE(None)
        try:
            yield
        finally:
            SET_TRACE(before)
            threading.settrace(before_in_threads)
            _LATEST.remove(latest)


def _nowhere(frame: FrameType, event: str, argument: Any) -> Any:
    """A trace function that follows no frame."""


def _tracer(seen: Executed, watch: Watch | None) -> Any:
    """A trace function; it follows the frames of the user's code, instruction by instruction."""
    # By identity, because a code object computes its hash and its equality from all of its instructions. What is kept
    # here keeps the objects alive, so that no other gets their identity.
    local: dict[tuple[int, int], tuple[Any, Any, Any, list[int]]] = {}
    of_libraries = _OF_LIBRARIES.get
    threads = {threading.get_ident(): 0}
    calls: dict[int, int] = {}  # the number of the call of each frame, by its identity

    def follow(code: CodeType, names: dict[str, Any]) -> Any:
        offsets, raised = seen.offsets.setdefault(code, {}), seen.raised.setdefault(code, Counter())
        seen.objects[id(code)], seen.names[id(code)] = code, names

        def each(frame: FrameType, event: str, argument: Any) -> Any:
            if event == "opcode":
                offsets[frame.f_lasti] = None
                seen.steps += 1
                if watch:
                    watch.step()
            elif event == "exception":
                # Python may point behind the instruction, if it has called a function of Python.
                at = max((one for one in offsets if one <= frame.f_lasti), default=frame.f_lasti)
                raised[at, argument[0]] += 1
                number = threads.setdefault(threading.get_ident(), len(threads))
                seen.failures.setdefault((code, number), []).append(
                    (calls.get(id(frame), 0), at, argument[0])
                )
                if watch:
                    watch.error(argument[1], frame)
            return each

        return each

    def beside(frame: FrameType, event: str, argument: Any) -> Any:
        """Follow code of a library for the one that looks on."""
        frame.f_trace_lines = frame.f_globals.get("__name__") == SETTINGS
        if event == "line" and watch:
            watch.unheard()
        if event == "exception" and watch:
            watch.error(argument[1], frame)
        return beside

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        # Called for each function that Python calls, thousands of times while JAX traces a small network.
        if of_libraries(id(frame.f_code)) is frame.f_globals:
            return beside(frame, event, argument) if watch else None
        try:
            _, _, each, entered = local[id(frame.f_code), id(frame.f_globals)]
        except KeyError:
            code, names = frame.f_code, frame.f_globals
            each = None if foreign_code(code, names) else follow(code, names)
            entered = seen.entered.setdefault((code, 0), [0]) if each is not None else [0]
            local[id(code), id(names)] = code, names, each, entered
        if each is None:
            _KEPT[id(frame.f_code)], _OF_LIBRARIES[id(frame.f_code)] = frame.f_code, frame.f_globals
            return beside(frame, event, argument) if watch else None
        if number := threads.setdefault(threading.get_ident(), len(threads)):
            entered = seen.entered.setdefault((frame.f_code, number), [0])
        entered[0] += 1
        calls[id(frame)] = entered[0]
        # First: from Python 3.12 on, instructions are asked for where a frame has one.
        frame.f_trace = each
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return each

    return trace


def forget_libraries() -> None:
    """Look again which code is of libraries: somebody may have loaded other modules under their names."""
    _OF_LIBRARIES.clear()
    _KEPT.clear()
