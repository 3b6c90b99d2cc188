"""Settings of all tests."""

from __future__ import annotations

import gc
import re
import signal
import sys
import threading
from collections.abc import Generator, Iterator
from itertools import groupby, repeat
from pathlib import Path
from types import AsyncGeneratorType, CoroutineType, FunctionType
from typing import Any
from weakref import ref

import numpy as np
import pytest
from hypothesis import settings
from tests import seconds
from tests.schema import demand_as_published

from supnorm.results import encoding

# A busy machine is no failure: times belong to the benchmarks.
settings.register_profile("supnorm", settings.default, deadline=None)
settings.load_profile("supnorm")

# A suite that was started in the background ignores Ctrl-C, and so would the programs that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # started by nohup
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


WEAKENS = re.compile("weak|without_the_rule|dropped|would_be")  # in the names of tests that weaken a rule


def _every_result_as_published() -> None:
    """All JSON of results is made in one place: what is made there while tests run must be as its schema says."""
    made = encoding.in_json

    def checked(text: str) -> str:
        demand_as_published(text)
        return made(text)

    encoding.in_json = checked


_every_result_as_published()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Which cases are slow, which tests one worker runs, and how often the garbage collector looks through all objects."""
    sample(items, seconds.measured())
    _shared_by_one_worker(items)
    if getattr(config.option, "loadgroup", False):
        _named_by_group(items)
    # With Python's own thresholds, collections of garbage took a quarter of the time.
    gc.set_threshold(20_000, 20, 20)


def sample(items: list[pytest.Item], taken: dict[str, float]) -> None:
    """Mark cases, spread evenly: as slow those that ``make quick`` leaves out, as extra those that ``make test`` leaves out.

    Args:
        items: all that was collected.
        taken: the seconds of a case, by test function: ``make quick`` runs as many as `seconds.QUICK` allows, and k of a
            test that is marked ``sampled(k)``; ``make test`` runs k and as many as `seconds.SUITE` allows, at least one,
            and all of a test that is marked ``whole`` or that weakens a rule of a proof: each rule needs its test.
    """
    for _, group in groupby(items, lambda item: (item.path, getattr(item, "originalname", item.name))):
        cases = list(group)
        mark = cases[0].get_closest_marker("sampled")
        k = mark.args[0] if mark else None
        a_case = taken.get(seconds.function_of(cases[0].nodeid), 1e-9)
        _mark_all_but(min(k or len(cases), int(seconds.QUICK / a_case)), cases, "slow")
        if not (cases[0].get_closest_marker("whole") or WEAKENS.search(cases[0].name)):
            _mark_all_but(max(k or 1, int(seconds.SUITE / a_case)), cases, "extra")


def _mark_all_but(stay: int, cases: list[pytest.Item], name: str) -> None:
    kept = {*np.linspace(0, len(cases) - 1, min(stay, len(cases))).round().astype(int)}
    for i, case in enumerate(cases):
        if i not in kept:
            case.add_marker(name)


def _shared_by_one_worker(items: list[pytest.Item]) -> None:
    """What the tests of a file share (fixtures, caches, imports) is made in one worker, as are the results that all pages
    share; slow tests fill up the end, but for those that use a fixture of their file.
    """
    for item in items:
        alone = item.get_closest_marker("slow") is not None and not shares(item)
        if not alone and item.get_closest_marker("xdist_group") is None:
            file = item.nodeid.split("::")[0]
            item.add_marker(pytest.mark.xdist_group("pages" if file.startswith("tests/pages/") else file))


def shares(item: pytest.Item) -> bool:
    """Whether the test uses a fixture of its file that is made once for all tests: seconds, in each worker."""
    used = getattr(item, "_fixtureinfo", None)
    made = [used.name2fixturedefs.get(name) for name in item.fixturenames] if used else []  # type: ignore[attr-defined]
    return any(fixtures[-1].scope != "function" and fixtures[-1].baseid for fixtures in made if fixtures)


def _named_by_group(items: list[pytest.Item]) -> None:
    """Write the group of a test behind its id, where the scheduler of pytest-xdist reads it.

    pytest-xdist 3.8 writes it to an attribute in which pytest 9.2 no longer keeps the id: no group was kept together.
    """
    for item in items:
        groups = sorted({str(mark.args[0]) for mark in item.iter_markers("xdist_group")})
        if groups and hasattr(item, "_id"):
            item._id = type(item._id).parse(f"{item.nodeid}@{'_'.join(groups)}")


ROOT = Path(__file__).parent.parent
OURS, CAMPAIGNS = str(ROOT), str(ROOT / "benchmarks" / "soundness")
BITS = 53  # the precision of python-flint and of mpmath at the start


_STATES: dict[str, Any] = {}  # of the generator that a file's tests share, as the file made it


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Note what a test takes, where that is measured."""
    before = seconds.used()
    done = yield
    seconds.note(item.nodeid, seconds.used() - before)
    return done


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test draws the same random numbers whatever ran before it in this worker: the generators of its file and of torch
    start anew (one in 300 networks of a test had no branch in its domain).
    """
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
    made = getattr(getattr(item, "module", None), "rng", None)
    if isinstance(made, np.random.Generator):
        made.bit_generator.state = _STATES.setdefault(str(item.path), made.bit_generator.state)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """A test leaves the precision of ball arithmetic and of mpmath as it was: the bounds of a later test would depend on the
    order, and its oracle take a hundred times as long.
    """
    yield
    for name, place in (("flint", "ctx"), ("mpmath", "mp")):
        arithmetic = getattr(sys.modules.get(name), place, None)
        if arithmetic is not None and arithmetic.prec != BITS:
            left, arithmetic.prec = arithmetic.prec, BITS
            pytest.fail(
                f"the test left {name} with a precision of {left} bits instead of {BITS}", pytrace=False
            )


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    """A test that leaves signals blocked, or Ctrl-C ignored, makes later ones wait for ever: so do programs they start."""
    before = _signals()
    yield
    if (left := _signals()) != before:
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_SETMASK, before[0])
        signal.signal(signal.SIGINT, before[1])
        pytest.fail(f"the test left signals as {left} instead of {before}", pytrace=False)


def _signals() -> tuple[set[Any], Any]:
    """The signals that are blocked, and what Ctrl-C does."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ()) if hasattr(signal, "pthread_sigmask") else set()
    return blocked, signal.getsignal(signal.SIGINT)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test that fails says what of the process may differ from that in which it passes."""
    report = yield
    if report.failed:
        flint, jax = sys.modules.get("flint"), sys.modules.get("jax")
        state = {
            "tests before": len(_BEFORE),
            "the last": _BEFORE[-3:],
            "threads": [one.name for one in threading.enumerate()],
            "np.geterr": np.geterr(),
            "1 + 2^-53, 2^-1074 / 1": (
                float(np.float64(1.0) + 2.0**-53).hex(),
                float(np.float64(5e-324) / 1.0),
            ),
            "flint": flint and (flint.ctx.prec, str(flint.arb.pi()), str(flint.arb(0.7).sin())),
            "signals": _signals(),
            "jax": jax and (jax.config.jax_enable_x64, jax.config.jax_debug_nans),
        }
        report.sections.append(("State of the process", "\n".join(f"{k}: {v}" for k, v in state.items())))
    if report.when == "teardown":
        _BEFORE.append(item.nodeid)
    return report


_BEFORE: list[str] = []  # the tests that ran in this process


@pytest.fixture
def executions_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if code that asks whether it is read were compiled: its execution is not compared, only measured."""
    from supnorm.certification import executions

    for rule in ("demand_read", "demand_watched", "demand_same", "demand_followed", "demand_raised"):
        monkeypatch.setattr(executions, rule, lambda *given, **named: None)


@pytest.fixture
def one_row_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if code were read for one point alone: other rules have to see what it does with several."""
    from supnorm.program import rows

    monkeypatch.setattr(rows, "rows_of", lambda batch: ())


def _compare(wanted: bool) -> None:
    """`certify` compares what executes with what was read, or not."""
    recording = sys.modules.get("supnorm.program.recording")
    if recording is not None:
        ours = recording.__dict__.setdefault("_recordings_of_users", recording._recordings)
        recording._recordings = ours if wanted else list


def pytest_collection_finish() -> None:
    """`certify` compares what executes with what was read in tests marked `watched` only.

    It looks for functions among all objects of the process and traces JAX code without its cache. That takes 0.05 to 0.2 s
    where JAX and torch are loaded, five times that with all tests, and the tests call it thousands of times. This is decided
    before the fixtures of a file are made.
    """
    _compare(False)


_FROZEN: list[
    Any
] = []  # references to the user's functions and coroutines among the objects that were frozen


def _frozen_objects() -> list[Any]:
    """Those of the user that live. What was made since the last call is looked through once more, and frozen."""
    expressions, elsewhere = (sys.modules[f"supnorm.program.{name}"] for name in ("expressions", "elsewhere"))
    kinds = (FunctionType, CoroutineType, AsyncGeneratorType)
    gc.collect()  # garbage that is frozen stays
    every = (
        [one for one in gc.get_objects() if type(one) in kinds] if _FROZEN else expressions.objects_of(*kinds)
    )
    functions = [(one, one.__code__) for one in every if type(one) is FunctionType]
    _FROZEN.extend(ref(one) for one in every if type(one) is not FunctionType)
    _FROZEN.extend(ref(one) for one, _ in elsewhere._of_the_user(functions))
    gc.freeze()
    # supnorm asks before each proof whether anything is frozen, and Python counts them one by one: with millions of objects
    # that took 40 % of the time of the suite's second half. From now on something is. (No function of a file here: supnorm
    # looks for those among Python's own.)
    gc.get_freeze_count = repeat(1).__next__
    return [one for kept in _FROZEN if (one := kept()) is not None]


def _of_this_file(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `certify` looks for among all objects, without passing over those that were frozen at each proof.

    With all tests collected, a process has two million objects and a pass takes half a second; each proof makes four. Tests
    make as many again: without freezing them, too, forged certificates took 34 s late in a run and 5 s in a fresh process.
    The functions of other files of tests, benchmarks and examples are left out where another thread has run, as that of
    pytest-xdist always has: `certify` compiles their files, eight hundred for each proof.
    """
    expressions, elsewhere = (sys.modules[f"supnorm.program.{name}"] for name in ("expressions", "elsewhere"))
    all_of_them, frozen = elsewhere._of_the_user, _frozen_objects()

    def objects_of(*kinds: type) -> list[Any]:
        return [one for one in (*frozen, *gc.get_objects()) if type(one) in kinds]

    monkeypatch.setattr(expressions, "FEW", 0)  # the collector would look through all that is frozen
    monkeypatch.setattr(expressions, "objects_of", objects_of)
    monkeypatch.setattr(elsewhere, "objects_of", objects_of)
    monkeypatch.setattr(
        elsewhere,
        "_of_the_user",
        lambda functions: [
            one
            for one in all_of_them(functions)
            if OURS not in (its := one[1].co_filename) or its == file or its.startswith(CAMPAIGNS)
        ],
    )


@pytest.fixture(autouse=True)
def executions_compared_where_marked(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """See `pytest_collection_finish`."""
    marked = request.node.get_closest_marker("watched") is not None
    _compare(marked)
    if marked and "supnorm.program.elsewhere" in sys.modules:
        _of_this_file(str(request.node.path), monkeypatch)
    yield
    _compare(False)
