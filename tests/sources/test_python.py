"""Python callables: what an object is decides how it is called; single points fail alone."""

from __future__ import annotations

import math
import multiprocessing
import pickle
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm.problem import Function, PartialFailure
from supnorm.problem.specification import SourceSpec
from supnorm.program import Unsupported
from supnorm.program.source import program_of
from supnorm.results import BadInput
from supnorm.sources import from_jax
from supnorm.sources.open import open_function
from supnorm.sources.python import per_point, takes_separate
from supnorm.sources.userfile import UserFunction

X = np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]])


def opened(folder: Path, code: str, name: str, **table: Any) -> Function:
    (folder / "user.py").write_text(code)
    probe = np.random.default_rng(0).random((4, 2))
    spec = SourceSpec(python=f"user.py:{name}", **table)
    return open_function(spec, folder, ("a", "b"), probe, where="problem.toml: [model]")


def test_points_that_raise_fail_alone() -> None:
    function = per_point(lambda a, b: math.log(a) + b, 2, "f")
    with pytest.raises(PartialFailure) as caught:
        function.value(X)
    assert set(caught.value.messages) == {0}
    assert caught.value.messages[0].startswith("exception: ValueError")
    np.testing.assert_allclose(caught.value.values[1:, 0], np.log([1.0, 2.0]) + X[1:, 1])


@pytest.mark.slow
def test_points_that_take_too_long_fail_alone() -> None:
    function = per_point(lambda a, b: time.sleep(60 * (a == 1)) or a, 2, "f", timeout=1.0)
    start = time.monotonic()
    with pytest.raises(PartialFailure) as caught:
        function.value(X)
    assert time.monotonic() - start < 50  # and not the 60 s that it sleeps
    assert caught.value.messages == {1: "timeout: no answer within 1 s"}


def test_a_point_is_tried_again() -> None:
    tried: list[float] = []

    def now_and_then(a: float, b: float) -> float:
        tried.append(a)
        if tried.count(a) == 1:
            raise RuntimeError("first time")
        return a

    np.testing.assert_array_equal(per_point(now_and_then, 2, "f", retries=1)(X)[:, 0], X[:, 0])
    assert len(tried) == 6


def test_a_changing_number_of_outputs_is_bad_input() -> None:
    with pytest.raises(BadInput, match="2 numbers at one point and 1 at another"):
        per_point(lambda a, b: [a, b] if a < 1 else [a], 2, "f").value(X)


def test_how_points_are_given() -> None:
    assert takes_separate(lambda x, y=1.0: x, 2)
    assert not takes_separate(lambda x: x, 2)
    assert takes_separate(lambda x: x, 1)
    assert takes_separate(max, 2)
    np.testing.assert_array_equal(per_point(lambda x: x, 2, "f")(X), X)


def test_a_batched_function_given_one_point_at_a_time_is_told(tmp_path: Path) -> None:
    function = opened(tmp_path, "def f(x): return 1.0\n", "f")
    with pytest.raises(BadInput, match="per_point = true"):
        function(X)
    function = opened(tmp_path, "def f(x): return 'high'\n", "f")
    with pytest.raises(BadInput, match="must return numbers"):
        function(X)


def test_numpy_functions_beside_jax_stay_numpy(tmp_path: Path) -> None:
    code = (
        "import jax.numpy as jnp, numpy as np\n"
        "def plain(x): return np.sin(x[:, 0])\n"
        "def arithmetic(x): return x[:, 0] * x[:, 1]\n"
        "def traced(x): return jnp.sin(x[:, 0])\n"
        "table = jnp.array([0.1, 0.2])\n"
        "def constant(x): return x @ table\n"
    )
    assert opened(tmp_path, code, "plain").vjp is None
    assert opened(tmp_path, code, "arithmetic").vjp is None
    assert opened(tmp_path, code, "traced").vjp is not None
    np.testing.assert_allclose(opened(tmp_path, code, "constant")(X)[:, 0], X @ [0.1, 0.2], rtol=1e-15)


def test_code_in_single_precision_says_so(tmp_path: Path) -> None:
    """It was ignored, and such a model refused: its values depend on the other points by their last digits."""
    from supnorm.evaluation.caller import Caller
    from supnorm.evaluation.probe import probe

    code = (
        "import numpy as np\ndef f(x): return (x[:, 0] + 1).astype(np.float32) * np.float32(1 + 2e-7 * (len(x) > 1))\n"
        "class M:\n    def predict(self, x): return f(x)\nm = M()\n"
        "def wide(x): return f(x).astype(float)\n"
        "class W:\n    def predict(self, x): return wide(x)\nw = W()\n"
    )
    for name, more in (("f", {}), ("f", {"inputs": ["b", "a"]}), ("f", {"outputs": ["y"]}), ("m", {})):
        known = opened(tmp_path, code, name, **more)
        assert known.precision == "float64"  # until it has been called
        probe(Caller(known, "model"), X)
        assert known.precision == "float32"
        assert replace(known, name="another").precision == "float32"
    for name in ("wide", "w"):  # what they return hides it: it is measured
        caller = Caller(opened(tmp_path, code, name), "model")
        probe(caller, X)
        assert 1e-8 < caller.noise < 1e-6
        single = opened(tmp_path, code, name, precision="float32")
        assert single.precision == "float32"
        probe(Caller(single, "model"), X)


@pytest.mark.slow
def test_jax_stays_as_it_was_and_compiles_few_sizes() -> None:
    import jax
    import jax.numpy as jnp

    sizes: list[int] = []

    def f(x: Any) -> Any:
        sizes.append(len(x))
        return jnp.exp(-(x[:, 0] ** 2)) + x[:, 1]

    function = from_jax(f)
    assert function.vjp is not None
    for n in range(1, 70):
        x = np.random.default_rng(n).random((n, 2))
        np.testing.assert_allclose(function(x)[:, 0], np.exp(-(x[:, 0] ** 2)) + x[:, 1], rtol=1e-15)
    assert sizes == [1, 2, 4, 8, 16, 32, 64, 128]
    y, pull = function.vjp(X)
    weights = np.array([[1.0], [2.0], [-1.0]])
    expected = weights * np.stack([-2 * X[:, 0] * np.exp(-(X[:, 0] ** 2)), np.ones(3)], axis=1)
    np.testing.assert_allclose(pull(weights), expected, rtol=1e-14)
    np.testing.assert_array_equal(y, function(X))
    assert jnp.zeros(1).dtype == np.float32
    assert not jax.config.jax_enable_x64


def test_jax_in_float32_is_float32() -> None:
    import jax.numpy as jnp

    function = from_jax(lambda x: jnp.sin(x[:, 0]), precision="float32")
    assert function.precision == "float32"
    error = np.abs(function(X)[:, 0] - np.sin(X[:, 0])).max()
    assert 0 < error < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "name", "said"),
    [
        ("class C:\n    def __init__(self, n): pass\n", "C", "constructor takes arguments"),
        ("def build(): raise OSError('no weights')\n", "build", "OSError: no weights"),
        ("class A: pass\na = A()\n", "a", "is of type A"),
        ("class A:\n    x = 3\n", "A.x", "is of type int"),
        ("a = 3.0\n", "a.predict", "has no name a.predict; it has: nothing public"),
    ],
)
def test_objects_that_cannot_be_called(tmp_path: Path, code: str, name: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        opened(tmp_path, code, name)
    assert f'problem.toml: [model] python = "user.py:{name}"' in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_everything_goes_to_other_processes(tmp_path: Path) -> None:
    code = "def f(x): return x[:, 0] * x[:, 1]\ndef inside(x): return x[:, 0] < 1.5\n"
    function = opened(tmp_path, code, "f")
    constraint = UserFunction("user.py:inside", tmp_path, "problem.toml: [constraints] python")
    assert function.remake is not None
    assert pickle.loads(pickle.dumps(constraint))(X).tolist() == [True, True, False]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        there = pool.submit(call_there, function.remake, X).result()
    np.testing.assert_array_equal(there, function(X))


def call_there(remake: Any, x: Any) -> Any:
    return remake()(x)


def test_code_that_catches_its_own_exceptions_does_not_escape_the_time_limit() -> None:
    def swallows(x: Any) -> float:
        while True:  # a solver that tries again, whatever goes wrong
            try:
                time.sleep(5)
            except Exception:
                continue

    def returns(x: Any) -> float:
        try:
            time.sleep(5)
        except:  # noqa: E722
            return 0.0
        return 1.0

    for slow in (swallows, returns):
        with pytest.raises(PartialFailure) as caught:
            per_point(slow, 1, "f", timeout=0.05).value(X[:1, :1])
        assert caught.value.messages == {0: "timeout: no answer within 0.05 s"}


def test_a_time_out_of_the_code_itself_is_an_exception_like_any_other() -> None:
    def asks(x: Any) -> float:
        raise TimeoutError("no licence server")

    with pytest.raises(PartialFailure) as caught:
        per_point(asks, 1, "f").value(X[:1, :1])
    assert caught.value.messages[0].startswith("exception: TimeoutError: no licence server")


@pytest.mark.parametrize("value", [np.complex128(1 + 2j), np.array([1 + 2j]), "1_000"])
def test_a_point_whose_value_is_no_real_number_has_none(value: Any) -> None:
    with pytest.raises(PartialFailure) as caught:
        per_point(lambda x: value, 1, "f").value(X[:1, :1])
    assert "must return numbers" in caught.value.messages[0]


def test_a_function_of_one_point_that_cannot_be_read_is_told_what_can() -> None:
    with pytest.raises(Unsupported, match=r"ratio of one point \(per_point = true\) .* without per_point"):
        program_of(per_point(lambda a, b: np.sin(a) / b, 2, "ratio"), 2)
    for readable in (lambda a, b: a / b, lambda x: np.cos(x[..., 0]) / x[..., 1]):
        assert "div" in program_of(per_point(readable, 2, "ratio"), 2).operations
