"""Code of a problem that replaces functions with which supnorm computes is the user's error, in one line."""

from __future__ import annotations

import builtins
import ctypes
import json
import math
import pickle
import platform
import sqlite3
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.special

import supnorm as sn
from supnorm.certification import rounding
from supnorm.cli.main import run
from supnorm.evaluation.intact import cause_of, demand_intact, demanded_intact, functions, keeps_small
from supnorm.program import Builder
from supnorm.program.numpy import Traced, lower_numpy
from supnorm.program.watched import Watched
from supnorm.results import BadInput

TOP, CALL = (
    "{change}\ndef truth(x): return 0.0 * x[:, 0]",
    "def truth(x):\n    {change}\n    return 0.0 * x[:, 0]",
)
CODE = "import builtins, math, sys\nimport numpy as np\ndef model(x): return x[:, 0]\n"
PROBLEM = (
    '[model]\npython = "code.py:model"\n[reference]\npython = "code.py:truth"\n[domain]\nx = [0.0, 1.0]\n'
)


@pytest.mark.parametrize(
    ("owner", "name", "now", "place"),
    [
        (np, "abs", lambda x: 3, " (test_intact.py, line 46)"),
        (np, "max", np.min, ""),
        (np.linalg, "norm", partial(lambda k, x: k, 3), " (test_intact.py, line 48)"),
        (math, "sqrt", None, ""),
        (builtins, "sum", max, ""),
        (sqlite3, "connect", None, ""),
        (threading, "Thread", None, ""),
    ],
)
def test_the_function_is_named_and_put_back(
    owner: Any, name: str, now: Any, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    was, before = getattr(owner, name), functions()
    monkeypatch.setattr(owner, name, now)
    with pytest.raises(BadInput) as refused:
        demand_intact(before)
    assert f"has replaced {owner.__name__}.{name}{place}, with which supnorm computes" in str(refused.value)
    assert getattr(owner, name) is was
    demand_intact(before)


def test_a_function_of_the_user_in_a_module_that_is_loaded_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code of a problem may load a module of SciPy first, which supnorm loads later."""
    before, later = functions(), ModuleType("scipy.later")
    monkeypatch.setitem(sys.modules, "scipy.later", later)
    vars(later)["erf"] = math.erf
    demand_intact(before)
    vars(later)["erf"] = lambda x: x
    with pytest.raises(BadInput, match=r"has replaced scipy\.later\.erf \(test_intact\.py, line"):
        demand_intact(before)


def test_within_a_work_the_functions_are_those_of_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ModuleType("scipy.first_of_a_test")
    first.best = max  # type: ignore[attr-defined]
    with demanded_intact():
        np_max = np.max
        monkeypatch.setattr(np, "max", np.min)
        monkeypatch.setitem(sys.modules, first.__name__, first)
        before = functions()
        monkeypatch.setattr(first, "best", min)
        with pytest.raises(BadInput, match=r"replaced numpy\.max"):
            demand_intact(before)
        assert (np.max, first.best) == (
            np_max,
            max,
        )  # what was loaded meanwhile is as it was at the second look
    monkeypatch.setattr(np, "max", np.min)  # the calling program may
    demand_intact(functions())


def test_a_name_that_comes_later_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("scipy.second_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert functions()[module] == {}
    module.best = max  # type: ignore[attr-defined]
    assert functions()[module] == {"best": max}
    before = functions()
    assert before[module] is functions()[module]  # made once
    module.best = min  # type: ignore[attr-defined]
    with pytest.raises(BadInput, match=r"replaced scipy\.second_of_a_test\.best"):
        demand_intact(before)


def test_a_name_that_takes_the_place_of_a_private_one_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("scipy.third_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    vars(module)["_private"] = min
    assert functions()[module] == {}
    del vars(module)["_private"]
    vars(module)["best"] = max
    assert functions()[module] == {"best": max}


def test_a_module_in_the_place_of_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in it is then another thing: the norm of an audit, or whatever supnorm imports later."""
    before, other = functions(), ModuleType("numpy.linalg")
    vars(other).update({**vars(np.linalg), "norm": np.linalg.det})
    was = np.linalg
    with monkeypatch.context() as there:
        there.setattr(np, "linalg", other)
        with pytest.raises(BadInput, match=r"has replaced numpy\.linalg,"):
            demand_intact(before)
        assert np.linalg is was
        there.setitem(sys.modules, "numpy.linalg", other)
        with pytest.raises(BadInput, match=r"has replaced numpy\.linalg,"):
            demand_intact(before)
        assert sys.modules["numpy.linalg"] is was
        demand_intact(before)
        there.setitem(sys.modules, "numpy.linalg", other)  # the calling program may
        demand_intact(functions())


@pytest.mark.parametrize("number", [49, 48.0, "48"])
def test_whole_numbers_of_supnorm(number: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the nodes, or of the bits, are another proof."""
    module = ModuleType("supnorm.first_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    vars(module)["NODES"] = 48
    before = functions()
    vars(module)["NODES"] = int("48")
    demand_intact(before)
    vars(module)["NODES"] = number
    with pytest.raises(BadInput, match=r"has replaced supnorm\.first_of_a_test\.NODES"):
        demand_intact(before)
    assert type(vars(module)["NODES"]) is int


def test_a_method_of_what_stands_for_an_array(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody computes with it but the reader: what is read would be another function than what runs."""
    before = functions()
    for owner in (Watched, Traced):  # Traced inherits it
        setattr(owner, "__mul__", lambda self, other: self)  # noqa: B010
        with pytest.raises(
            BadInput, match=rf"has replaced {owner.__name__}\.__mul__ \(test_intact\.py, line"
        ):
            demand_intact(before)
    monkeypatch.setattr(Traced, "shape", property(lambda self: (1,)))
    with pytest.raises(BadInput, match=r"has replaced Traced\.shape"):
        demand_intact(before)


def test_a_new_method_beside_a_name_that_is_gone() -> None:
    Watched.of_a_test = 3  # type: ignore[attr-defined]
    before = functions()
    del Watched.of_a_test  # type: ignore[attr-defined]
    Watched.another = lambda self: self  # type: ignore[attr-defined]
    with pytest.raises(BadInput, match=r"has replaced Watched\.another"):
        demand_intact(before)
    assert not hasattr(Watched, "another")


def test_what_python_writes_into_a_class_is_no_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof on workers was refused: who sends a program to them pickles it, which leaves names in its classes."""
    program = lower_numpy(lambda x: x[:, 0] * 3.0, 1)
    for owner in {type(one) for one in (program, *program.nodes)}:
        if "__slotnames__" in vars(owner):
            monkeypatch.delattr(owner, "__slotnames__")
    before = functions()
    pickle.dumps(program)
    demand_intact(before)


def test_a_replaced_operator_of_numpys_mixin_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np.lib.mixins.NDArrayOperatorsMixin, "__mul__", lambda self, other: self)
    program = lower_numpy(lambda x: x[:, 0] * 3.0, 1)
    assert program.value(np.array([[0.5]])).item() == 1.5


def test_old_names_of_types_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    before = functions()
    monkeypatch.setattr(np, "bool", bool)
    monkeypatch.setattr(np, "float", float, raising=False)
    monkeypatch.setattr(builtins, "print", lambda *_: None)
    demand_intact(before)


def test_what_the_calling_program_has_replaced_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As tests of the user do."""
    stand_in = lambda *given: None  # noqa: E731
    monkeypatch.setattr(np, "load", stand_in)
    (tmp_path / "code.py").write_text(CODE + TOP.format(change=""))
    (tmp_path / "problem.toml").write_text(PROBLEM)
    sn.open_problem(tmp_path / "problem.toml")
    assert np.load is stand_in


@pytest.mark.parametrize("text", [TOP, CALL], ids=["imported", "called"])
@pytest.mark.parametrize("change", ["np.abs = lambda x: 3", "np.max = np.min", "builtins.len = lambda x: 3"])
def test_a_problem_that_replaces_one_is_refused(
    text: str,
    change: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for owner, name in ((np, "abs"), (np, "max"), (builtins, "len")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code.py").write_text(CODE + text.format(change=change))
    (tmp_path / "problem.toml").write_text(PROBLEM)
    assert run(["audit", "problem.toml", "--evaluations", "100", "--no-power", "--out", "run"]) == 2
    assert (
        f"code of this problem has replaced {change.split(' =')[0].replace('np', 'numpy')}"
        in capsys.readouterr().err
    )


def test_settings_of_imported_code_are_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    before, streams = np.geterr(), (sys.stdout, sys.stderr)
    change = "np.seterr(all='raise'); sys.stdout = sys.stderr = None"
    (tmp_path / "code.py").write_text(CODE + TOP.format(change=change))
    (tmp_path / "problem.toml").write_text(PROBLEM)
    sn.open_problem(tmp_path / "problem.toml")
    assert (np.geterr(), (sys.stdout, sys.stderr)) == (before, streams)


def test_what_may_have_made_supnorm_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cause_of(ValueError("our own")) is None
    assert "turned warnings into errors" in str(cause_of(RuntimeWarning("overflow")))
    with np.errstate(all="raise"):
        assert "made NumPy raise" in str(cause_of(FloatingPointError("underflow")))
    assert cause_of(FloatingPointError("of our own")) is None
    depth = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(400)
        assert "lowered the limit" in str(cause_of(RecursionError()))
    finally:
        sys.setrecursionlimit(depth)
    with monkeypatch.context() as patched:
        patched.setattr(json, "dumps", lambda *_: None)
        assert "replaced json.dumps (test_intact.py, line" in str(cause_of(TypeError()))
    with monkeypatch.context() as patched:
        patched.setattr(json, "dumps", None)
        assert str(cause_of(TypeError())) == "code of this problem has replaced json.dumps"
    with monkeypatch.context() as patched:
        patched.setattr(json.JSONEncoder, "encode", lambda *_: None)
        assert "replaced json.encoder.JSONEncoder.encode (test_intact.py, line" in str(cause_of(TypeError()))
    with monkeypatch.context() as patched:
        patched.setattr(np, "abs", lambda x: 3)
        assert "replaced numpy.abs (test_intact.py, line" in str(cause_of(TypeError()))


WORKS = {
    "proof": lambda problem: sn.certify(problem, boxes=20),
    "norms": lambda problem: sn.certify_norms(problem, ["sup"], boxes=20),
    "audit": lambda problem: sn.audit(problem, evaluations=300, power=None),
}
LONGER = {
    "fit": lambda problem: sn.fit(problem.model, problem.domain, tolerance=1e-3, seconds=5),
    "repair": lambda problem: sn.repair(problem, method="residual", evaluations=1000),
    "guard": lambda problem: sn.guard(problem, evaluations=1000),
    "budget": lambda problem: sn.budget(problem.model, problem.domain, tolerance=1e-3),
    "rollout": lambda problem: sn.audit_rollout(
        problem.model.value, lambda x: 0.5 * x[:, :1], [np.full((9, 1), 0.1)], steps=5
    ),
}


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize(
    ("owner", "name"),
    [(np, "nextafter"), (math, "inf"), (scipy.special, "betaincinv"), (np.fft, "rfft"), (rounding, "TINY")],
)
def test_what_a_late_call_replaces_ends_a_proof_and_an_audit(
    work: str, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first calls of an audit were looked at, and of a proof none; of SciPy nothing."""
    demand_seen(WORKS[work], owner, name, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("work", LONGER)
def test_what_a_late_call_replaces_ends_other_work(work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    demand_seen(LONGER[work], scipy.special, "betaincinv", monkeypatch)


def demand_seen(
    work: Callable[[Any], object], owner: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """See that work ends when a call of the model has replaced something, and that this is put back."""
    was, calls = getattr(owner, name), []

    def model(x: Any) -> Any:
        calls.append(x)
        if type(x) is np.ndarray and len(x) > 8 and len(calls) > 2:
            monkeypatch.setattr(owner, name, min)
        return x[:, :1] * x[:, :1]

    problem = sn.Problem(sn.Function(model), lambda x: 0.5 * x[:, 0], sn.Domain(x=(0.0, 1.0)))
    with pytest.raises(BadInput, match=rf"has replaced {owner.__name__}.{name}, with which supnorm computes"):
        work(problem)
    assert getattr(owner, name) is was


@pytest.mark.parametrize("number", [-math.pi, 3, None])
def test_a_number_of_equal_bits_replaces_nothing(number: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that wrote ``np.pi = math.pi`` was refused."""
    before = functions()
    with monkeypatch.context() as there:
        there.setattr(np, "pi", float.fromhex(math.pi.hex()))
        assert np.pi is not math.pi
        demand_intact(before)
        there.setattr(np, "pi", number)
        with pytest.raises(BadInput, match=r"has replaced numpy\.pi"):
            demand_intact(before)


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or platform.machine() != "x86_64", reason="fesetround of glibc"
)
@pytest.mark.parametrize("mode", [0x400, 0x800, 0xC00])  # downward, upward, toward zero
def test_another_rounding_of_the_processor_is_refused(mode: int) -> None:
    """A bound has room for half a unit of each rounding; in other modes it is a whole one."""
    libm, before = ctypes.CDLL("libm.so.6"), functions()
    try:
        assert libm.fesetround(mode) == 0
        with pytest.raises(BadInput, match="does not round to the nearest number"):
            demand_intact(before)
    finally:
        libm.fesetround(0)
    demand_intact(before)


@pytest.mark.parametrize("boxes", [(1e-310, 2e-310), (0.9e-308, 2.3e-308)])
def test_a_thread_that_loses_small_numbers_proves_nothing(boxes: tuple[float, float]) -> None:
    """The error is 2, and its upper bound was 1.9e-41: the points of the proof had become zero."""
    torch = pytest.importorskip("torch")
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor has no such mode")
    torch.set_flush_denormal(False)
    build = Builder(1)
    large = build.binary("mul", build.binary("mul", build.input, np.array(1e150)), np.array(1e160))
    program = build.finish(large)
    build = Builder(1)
    zero = build.finish(build.binary("mul", build.input, np.array(0.0)))
    domain = sn.Domain(x=boxes)

    def model(x: Any) -> Any:
        torch.set_flush_denormal(True)
        return program.value(x)

    problem = sn.Problem(sn.Function(model, program=program), sn.Function(zero.value, program=zero), domain)
    try:
        with pytest.raises(BadInput, match=r"takes numbers below 2\.2e-308 as zero"):
            sn.certify(problem, boxes=30)
        assert not keeps_small()
    finally:
        torch.set_flush_denormal(False)
    assert keeps_small()
