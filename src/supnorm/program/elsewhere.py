"""Finds code of the user that runs in threads whose execution is not recorded.

`recorded` follows the thread that calls it and the threads that start meanwhile. A thread that ran before (of a pool, beside
a queue, of an event loop) can compute for the code that is read, unseen. So where another thread has run meanwhile, all
functions of the user get for a while code that notes the threads in which it is entered, and frames and coroutines that
began before are compared: have they gone on?
"""

from __future__ import annotations

import _thread
import ast
import builtins
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, FunctionType
from typing import Any

import supnorm
from supnorm.program.collector import objects_of
from supnorm.program.copies import copy_of
from supnorm.program.foreign_code import MAKER, foreign_code
from supnorm.program.recording import is_followed

NAME = "__supnorm_entered__"
CALLS = str(
    Path(supnorm.__file__).parent / "evaluation"
)  # through it supnorm calls functions in other threads
Clocks = dict[int, str | None]
Spot = tuple[CodeType, int, str]  # code, line, name of the thread


def clocks() -> Clocks | None:
    """For each other thread of Python a text that changes when it runs, None where unknown; None for unknown threads."""
    every = threading.enumerate()
    others = (threading._MainThread, threading._DummyThread)  # type: ignore[attr-defined]
    if _thread._count() > sum(
        not isinstance(t, others) for t in every
    ):  # one was started without `threading`
        return None
    me = threading.get_ident()
    return {t.ident: _clock(t) for t in every if t.ident is not None and t.ident != me}


def others_ran(before: Clocks | None) -> bool:
    """Whether a thread may have run since; False only if all were waiting, as Linux tells."""
    now = clocks()
    if before is None or now is None:
        return True
    return any(clock is None or now.get(ident) != clock for ident, clock in before.items())


def _clock(thread: threading.Thread) -> str | None:
    """How often a thread that waits was taken from the processor."""
    try:
        lines = Path(f"/proc/self/task/{thread.native_id}/status").read_text().splitlines()
    except OSError:
        return None
    switches = [line for line in lines if "ctxt_switches" in line]
    waits = any(line.startswith("State:") and "S (" in line for line in lines)
    return " ".join(switches) if switches and waits else None


@contextmanager
def unfollowed() -> Iterator[list[Spot]]:
    """A context after which the list has the places where the user's code ran in threads that are not recorded."""
    unrecorded: list[Spot] = []
    objects = objects_of(FunctionType, CoroutineType, AsyncGeneratorType)
    functions = _of_the_user([(f, f.__code__) for f in objects if type(f) is FunctionType])
    gone_on = [_stack(*one) for one in sys._current_frames().items() if one[0] != threading.get_ident()]
    gone_on += [_suspended(o) for o in objects if type(o) is not FunctionType]
    del objects

    def entered() -> None:
        frame = sys._getframe(1)
        if not is_followed() and not _supnorm_calls(frame):
            unrecorded.append((frame.f_code, frame.f_lineno, threading.current_thread().name))

    # Functions may have built-in names of their own.
    names = {id(n): n for f, _ in functions if isinstance(n := getattr(f, "__builtins__", None), dict)}
    names[id(builtins.__dict__)] = builtins.__dict__
    for its in names.values():
        its[NAME] = entered
    try:
        for function, code in functions:
            copy = copy_of(code, _Note)
            if copy is not None and len(copy.co_freevars) == len(code.co_freevars):
                function.__code__ = copy
        yield unrecorded
    finally:
        for function, code in functions:
            function.__code__ = code
        for its in names.values():
            its[NAME] = _unseen
        unrecorded += [spot for moved in gone_on for spot in moved()]


def _of_the_user(functions: list[tuple[FunctionType, CodeType]]) -> list[tuple[FunctionType, CodeType]]:
    """Those whose code is the user's.

    A process with JAX, torch, scikit-learn and pandas has 63,000 functions of 2,400 modules, so a module is judged once.
    """
    known: dict[tuple[object, ...], bool] = {}
    theirs = []
    for function, code in functions:
        key = (id(function.__globals__), code.co_filename, code.co_names == MAKER)
        if key not in known:
            known[key] = foreign_code(code, function.__globals__)
        if not known[key]:
            theirs.append((function, code))
    return theirs


def _unseen() -> None:
    return None


def _supnorm_calls(frame: FrameType | None) -> bool:
    """Whether supnorm called the function, for another problem in another thread."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(CALLS):
            return True
        frame = frame.f_back
    return False


def _stack(ident: int, top: FrameType) -> Callable[[], list[Spot]]:
    """A function that gives the user's frames of a thread that have gone on since."""
    if _supnorm_calls(top):
        return list
    known = {t.ident: t for t in threading.enumerate()}.get(ident)
    clock = known and _clock(known)
    before = [(f, f.f_lasti, f.f_lineno, called) for f, called in _frames(top)]

    def moved() -> list[Spot]:
        now = dict(_frames(sys._current_frames().get(ident)))
        name = known.name if known else str(ident)
        return [
            (frame.f_code, line, name)
            for frame, last, line, called in before
            if frame not in now
            or frame.f_lasti != last
            or now[frame] is not called
            or (called is None and (clock is None or known is None or _clock(known) != clock))
        ]

    return moved


def _frames(frame: FrameType | None) -> Iterator[tuple[FrameType, FrameType | None]]:
    """The user's frames of a stack, each with the frame that it called."""
    called = None
    while frame is not None:
        if not foreign_code(frame.f_code, frame.f_globals):
            yield frame, called
        called, frame = frame, frame.f_back


def _suspended(one: Any) -> Callable[[], list[Spot]]:
    """A function that gives the place of a coroutine of the user that waited for something, if it has gone on since."""
    prefix = "cr_" if type(one) is CoroutineType else "ag_"
    frame, waits = getattr(one, f"{prefix}frame"), getattr(one, f"{prefix}await")
    if frame is None or getattr(one, f"{prefix}running") or foreign_code(frame.f_code, frame.f_globals):
        return list
    last, line = frame.f_lasti, frame.f_lineno or 0

    def moved() -> list[Spot]:
        same = getattr(one, f"{prefix}await") is waits and frame.f_lasti == last
        return [] if same else [(frame.f_code, line, "of an event loop")]

    return moved


class _Note(ast.NodeTransformer):
    """Makes every function note the thread in which it is entered."""

    def __init__(self, file: str, source: str) -> None:
        self.file = file

    def visit_FunctionDef(self, node: Any) -> Any:
        """The function, with a call before its first statement."""
        self.generic_visit(node)
        at = 0 if ast.get_docstring(node, clean=False) is None else 1
        node.body.insert(at, ast.copy_location(ast.Expr(_call()), node.body[0]))
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        """The same; the call gives None, so that ``or`` gives the lambda's value."""
        self.generic_visit(node)
        node.body = ast.copy_location(ast.BoolOp(ast.Or(), [_call(), node.body]), node.body)
        return node


def _call() -> ast.Call:
    return ast.Call(ast.Name(NAME, ast.Load()), [], [])
