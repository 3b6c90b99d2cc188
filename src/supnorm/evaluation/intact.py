"""Whether code of the user has put other objects in the place of functions of Python or NumPy, with which supnorm computes.

Such code changes the numbers of supnorm itself: with another `numpy.max` a worst error can be anything, and with another
`scipy.special.betaincinv` a bound of a share. So it is refused when a problem is opened, after the first calls of a
function, and at the end of whatever calls it: an audit, a proof, a check, a fit (`demand_intact`). Looked at are Python's
own functions and those of NumPy, SciPy, supnorm and what else bounds are computed with, and how the processor
rounds. When supnorm fails, `cause_of` looks further, at all modules of Python, NumPy and SciPy and at settings that make
their functions raise.
"""

from __future__ import annotations

import builtins
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from operator import is_
from pathlib import Path
from struct import pack
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from supnorm.foreign import is_foreign
from supnorm.results import BadInput

LIBRARIES = frozenset({*sys.stdlib_module_names, "numpy", "scipy"})
OWNERS = (builtins, math, np, np.linalg, np.random)  # whose functions are looked at after any error
# All that is loaded of these is compared before and after: a bound or an interval of an estimate may come from each.
PACKAGES = frozenset({"fractions", "flint", "mpmath", "numpy", "scipy", "supnorm"})
# Of Python's functions some are often replaced, by notebooks too; supnorm computes nothing with them.
FREE = frozenset({"breakpoint", "exit", "help", "input", "open", "print", "quit"})
# Code for older versions of NumPy gives these the names that they had there: ``np.bool = bool``.
ALIASES = (bool, int, float, complex, object, str)
_NONE = object()  # what a class had before under a name that is new
# What Python itself writes into a class: names for a pickled object, annotations that somebody has asked for.
_NOTES = frozenset({"__slotnames__", "__annotations__", "__annotations_cache__"})
LEAST_DEPTH = 500  # of calls: Python allows 1,000
# Their classes stand for arrays while code is read: a method of the user there changes what is read, and not what runs.
READING = "supnorm.program."
# Objects that cannot be called and are looked at, too: ``np.linalg = ..`` replaces what is in it.
KINDS = frozenset({float, property, ModuleType})
OF_OURS = KINDS | {bool, int, str, tuple, frozenset}  # such as numbers of bits or nodes
Functions = dict[ModuleType | type, dict[str, Any]]


def _facts(owners: Iterable[ModuleType | type]) -> Functions:
    return {owner: _looked_at(owner) for owner in owners}


def _originals() -> Callable[[Any], Any]:
    """What gives NumPy's own function for one that stands for it while another thread reads code.

    The reader is asked only where it is loaded: a worker that calls functions does without it.
    """
    reader = sys.modules.get("supnorm.program.numpy_arrays")
    given: Callable[[Any], Any] = getattr(reader, "original_of", lambda value: value)
    return given


def _looked_at(owner: ModuleType | type) -> dict[str, Any]:
    """What is looked at of a module, its public names, or of a class, all names: the same dictionary as the last time where
    no name has another object now, since to make it takes several times as long.
    """
    facts, all_names = vars(owner), isinstance(owner, type)
    names, last, known = _KNOWN.get(owner, (-1, None, {}))
    # A name that is new is the last one: as many as before are others where one of those that are not looked at is gone.
    if names != len(facts) or last != next(reversed(facts), None) or not _hold(known, facts):
        of_now = [*facts.items()]
        original = _originals()
        known = {
            name: original(v) for name, v in of_now if all_names or not (name.startswith("_") or name in FREE)
        }
        _KNOWN[owner] = len(of_now), of_now[-1][0] if of_now else None, known
    return known


def _hold(known: dict[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether each name is that of the object that it was."""
    return all(map(is_, known.values(), map(facts.get, known)))  # tens of thousands of names


def _classes(modules: Iterable[tuple[str, ModuleType]]) -> Iterator[type]:
    """The classes of the modules that read code."""
    for title, module in modules:
        if title.startswith(READING):
            yield from (v for v in [*vars(module).values()] if isinstance(v, type) and v.__module__ == title)


def _libraries(titles: Iterable[str], packages: frozenset[str]) -> list[tuple[str, ModuleType]]:
    """The modules of these packages among the loaded ones."""
    return [
        (title, module)
        for title in titles
        if title.partition(".")[0] in packages and isinstance(module := sys.modules.get(title), ModuleType)
    ]


# Of `_looked_at`, with how many names and the last one.
_KNOWN: dict[ModuleType | type, tuple[int, str | None, dict[str, Any]]] = {}
_BEGUN: ContextVar[Functions] = ContextVar("begun")  # what the outermost `demanded_intact` began with
# This file is imported before any code of a problem.
_FIRST = _facts(OWNERS)
_SEEN = {*sys.modules}
_FURTHER = _facts(module for _, module in _libraries(_SEEN, LIBRARIES))


def functions() -> Functions:
    """The functions as they are now, and numbers such as ``math.inf``: a program that uses supnorm may have put its own
    there, as tests do. Inside of `demanded_intact` they are what they were when it began: a user's code may have run since.
    """
    later = [title for title in [*sys.modules] if title not in _SEEN]  # such as sqlite3
    _SEEN.update(later)
    _FURTHER.update(_facts(module for _, module in _libraries(later, LIBRARIES)))
    modules = _libraries([*sys.modules], PACKAGES)
    owners: list[ModuleType | type] = [*OWNERS, *(module for _, module in modules), *_classes(modules)]
    begun = _BEGUN.get({})
    return begun | _facts(owner for owner in owners if owner not in begun)


def demand_intact(before: Functions, proof: bool = False) -> None:
    """Check that the functions are those that they were before code of a problem ran; these are put back.

    Args:
        before: what `functions` returned.
        proof: whether a bound was proved: then this thread has to keep small numbers as well.

    Raises:
        BadInput: naming the first one that is another now, and by which code; of the other modules of Python that were
            loaded first, the first one that cannot be called any more; of modules that were loaded since, the first one
            that stands in a file of the user; or saying that this thread rounds otherwise than to the nearest number, or
            loses small ones.
    """
    if not rounds_to_nearest():
        raise BadInput(
            "this process does not round to the nearest number, as every bound of supnorm assumes: code of this problem, or "
            "of a library, has changed how the processor rounds (fesetround)"
        )
    if proof and not keeps_small():
        raise BadInput(
            "this process takes numbers below 2.2e-308 as zero, and proofs of supnorm assume that it does not: code of this "
            "problem, or of a library, has set so (torch.set_flush_denormal, or a library compiled with -ffast-math)"
        )
    if replaced := _put_back(before) or _module_put_back(before) or next(_brought(before), None):
        raise BadInput(
            f"code of this problem has replaced {replaced}, with which supnorm computes: leave it as it is, and give "
            "your own function another name"
        )


def rounds_to_nearest() -> bool:
    """Whether sums of float64 numbers are rounded to the nearest one, of two to the even one.

    >>> rounds_to_nearest()
    True
    """
    # Of the distance of 1 to the next number: a half, and three quarters.
    half, more = np.ldexp(1.0, -53), np.ldexp(3.0, -54)
    return all(sign + sign * half == sign and abs(sign + sign * more) > 1.0 for sign in np.array([1.0, -1.0]))


def keeps_small() -> bool:
    """Whether results and arguments below the smallest normal number are kept, as IEEE 754 has it.

    >>> keeps_small()
    True
    """
    normal, small = np.array([2.0**-1022]), np.array([5e-324])
    return bool((normal * 0.5 * 2.0 == normal).all() and (small + small > small).all())


@contextmanager
def demanded_intact(proof: bool = False) -> Iterator[None]:
    """A context, or a decorator, of work that calls code of the user: what this code replaced meanwhile ends it.

    Args:
        proof: whether it proves bounds.

    Raises:
        BadInput: as `demand_intact`, also in place of an error, of which it may be the cause.
    """
    before = functions()
    token = _BEGUN.set(before)
    try:
        yield
    except Exception:
        demand_intact(before, proof)
        raise
    finally:
        _BEGUN.reset(token)
    demand_intact(before, proof)


def _put_back(before: Functions) -> str | None:
    """Put back the functions that are others now than before; the name of the first one, and by which code it is another."""
    replaced = [
        (owner, name, was)
        for owner, name, was, now in _changed(before)
        if not _same(now, was) and not any(now is alias for alias in ALIASES)
    ]
    replaced += _broken(before)
    shown = [f"{owner.__name__}.{name}{_where(vars(owner).get(name))}" for owner, name, _ in replaced]
    for owner, name, was in replaced:
        if was is _NONE:
            delattr(owner, name)
        else:
            setattr(owner, name, was)
    return next(iter(shown), None)


def _changed(before: Functions) -> Iterator[tuple[ModuleType | type, str, Any, Any]]:
    """Each function and number that is another object now: its module or class, its name, what it was and what it is."""
    for owner, known in [*before.items()]:
        facts = vars(owner)
        hold = _hold(known, facts)  # nearly always, and in a quarter of the time of the last loop
        if isinstance(owner, type) and not (hold and len(facts) == len(known)):
            # a method in the place of an inherited one
            new = ((name, now) for name, now in [*facts.items()] if name not in known and name not in _NOTES)
            yield from ((owner, name, _NONE, now) for name, now in new)
        if hold:
            continue
        original = _originals()
        kinds = OF_OURS if owner.__name__.startswith("supnorm.") else KINDS
        yield from (
            (owner, name, was, facts.get(name))
            for name, was in known.items()
            if original(facts.get(name)) is not was and (callable(was) or type(was) in kinds)
        )


def _brought(before: Functions) -> Iterator[str]:
    """Functions in files of the user in modules that were loaded since: supnorm may load the same modules later."""
    for title, module in _libraries([*sys.modules], PACKAGES):
        if module not in before:
            yield from (f"{title}.{name}{at}" for name, one in [*vars(module).items()] if (at := _where(one)))


def _module_put_back(before: Functions) -> str | None:
    """Put back the modules that are others now in ``sys.modules``, where supnorm looks; the title of the first one."""
    others = {
        title: owner
        for owner in before
        # A module without an entry, which is imported anew, is looked at as one that is loaded meanwhile. What the calling
        # program had put in the place of one is in ``before``, too.
        if isinstance(owner, ModuleType)
        and (now := sys.modules.get(title := owner.__name__, owner)) is not owner
        and not any(now is known for known in before)
    }
    sys.modules.update(others)
    return next(iter(others), None)


def _same(now: Any, was: Any) -> bool:
    """Whether what has a name is what had it; of numbers the bits count: ``np.pi = math.pi`` changes nothing."""
    if type(now) is not type(was) or type(was) not in OF_OURS - KINDS | {float}:
        return now is was
    return pack("d", now) == pack("d", was) if type(was) is float else bool(now == was)


def cause_of(error: BaseException) -> str | None:
    """What code of the user has done to this process that may be the cause of an error in supnorm; None for nothing."""
    if isinstance(error, Warning):
        return "code of this problem has turned warnings into errors (warnings.simplefilter)"
    if isinstance(error, FloatingPointError) and "raise" in np.geterr().values():
        return "code of this problem has made NumPy raise errors (numpy.seterr)"
    if isinstance(error, RecursionError) and sys.getrecursionlimit() < LEAST_DEPTH:
        return "code of this problem has lowered the limit of recursion (sys.setrecursionlimit)"
    name = _put_back(_FIRST)
    if name is None and not isinstance(error, BadInput):  # which says itself what is wrong
        name = next(_of_user(), None)
    return None if name is None else f"code of this problem has replaced {name}"


def _of_user() -> Iterator[str]:
    """Functions of Python, NumPy and SciPy, and of their classes, that are none any more or stand in files of the user."""
    yield from (f"{owner.__name__}.{name}" for owner, name, _ in _broken({}))
    for title, module in _libraries([*sys.modules], LIBRARIES):
        for name, value in [*vars(module).items()]:
            owned = [(name, value)]
            if isinstance(value, type) and value.__module__ == title:
                owned += [(f"{name}.{inner}", one) for inner, one in [*vars(value).items()]]
            yield from (f"{title}.{full}{_where(one)}" for full, one in owned if _where(one))


def _broken(before: Functions) -> Iterator[tuple[ModuleType | type, str, Any]]:
    """Functions of Python, NumPy and SciPy that cannot be called any more, as after ``sqlite3.connect = None``; but for
    those in ``before``, which must be the same objects.
    """
    further = {owner: known for owner, known in _FURTHER.items() if before.get(owner) is not known}
    for owner, name, was, now in _changed(further):
        if callable(was) and not callable(now) and name in vars(owner):
            yield owner, name, was


def _where(value: Any) -> str:
    """The file of the user and the line where a function stands; empty for another object."""
    value = value.func if isinstance(value, partial) else value
    if not isinstance(value, FunctionType):
        return ""
    file = value.__code__.co_filename
    if file.startswith("<") or is_foreign(file) or not Path(file).is_absolute():
        return ""
    return f" ({Path(file).name}, line {value.__code__.co_firstlineno})"
