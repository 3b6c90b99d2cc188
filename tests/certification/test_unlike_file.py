"""Code that does not look like what its file has, and JAX's own functions that reach code of the user, are compared, too."""

from __future__ import annotations

import dis
import importlib
import inspect
import sys
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax._src.nn import functions as of_jax
from jax.extend.random import define_prng_impl

from supnorm import Domain, Problem, certify
from supnorm.certification import instructions
from supnorm.program import asking, copies, jaxpr_caches, recording
from supnorm.program.expressions import has_source, is_changed
from supnorm.program.given import given
from supnorm.results import BadInput

pytestmark = pytest.mark.watched

H, C, W = 1e-2, 0.4123, 1e-7  # a bump that no random point meets
DOMAIN = Domain(x=(0.0, 1.0))
HERE = sys.modules[__name__]


def base(x):
    return np.exp(-(x[:, 0] ** 2))


def bump(x):
    return H * np.exp(-(((x[:, 0] - C) / W) ** 2))


def by_rows(x):
    return base(x) + bump(x) * (len(x) > 100)


def beside_nan(x):
    nothing = 1e999 - 1e999  # Python makes one constant of it, which is not equal to itself
    return base(x) + bump(x) * (len(x) > 100 or nothing == 0.0)


def beside_nans(x):
    nothing = (1e999 * 0, 1.0, 1e999j - 1e999j)
    return base(x) + bump(x) * (len(x) > 100 or nothing == 0.0)


def around_nan(x):
    def inner():
        nothing = 1e999 - 1e999
        return base(x) + bump(x) * (len(x) > 100 or nothing == 0.0)

    return inner()


def problem(model: Any) -> Problem:
    return Problem(model, base, DOMAIN)


@pytest.mark.parametrize("model", [by_rows, beside_nan, beside_nans, around_nan])
def test_code_with_nan_as_a_constant_is_watched(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_source(model.__code__)
    with pytest.raises(BadInput, match=r"len\(x\) > 100.* gives True with several points"):
        certify(problem(model), tolerance=1e-3)
    if model is not by_rows:
        monkeypatch.setattr(copies, "comparable", lambda code: code)
        monkeypatch.setattr(instructions, "is_changed", lambda code: False)
        copies._copies.cache_clear()
        assert certify(problem(model), tolerance=1e-3).upper < H
        copies._copies.cache_clear()


def test_changed_code_of_a_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    code = by_rows.__code__
    for other in (
        code.replace(co_consts=(*code.co_consts, 17)),
        code.replace(co_firstlineno=code.co_firstlineno + 1),
    ):
        model = FunctionType(other, vars(HERE))
        assert is_changed(other)
        assert not has_source(other)
        with pytest.raises(BadInput, match=r"test_unlike_file.py line \d+ \(by_rows\) is not what stands in"):
            certify(problem(model), tolerance=1e-3)
    with monkeypatch.context() as patch:
        patch.setattr(instructions, "is_changed", lambda code: False)
        assert certify(problem(model), tolerance=1e-3).upper < H


def test_code_of_a_file_that_was_edited_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "edited_model.py"
    text = "import numpy as np\n\n\ndef model(x):\n    return np.exp(-(x[:, 0] ** 2)) + 0.0 * len(x)\n"
    file.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    model = importlib.import_module("edited_model").model
    assert certify(problem(model), tolerance=1e-3).upper < 1e-3
    file.write_text(text.replace("0.0", "0.00"))
    with pytest.raises(
        BadInput, match=r"edited_model.py line 4 \(model\) is not what stands in this file now"
    ):
        certify(problem(model), tolerance=1e-3)


def test_a_whole_file_that_is_loaded_meanwhile_is_code_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "loaded.py"
    file.write_text("def f(x):\n    return x\n\n\ny = 1e999 - 1e999\n")
    code = compile(file.read_text(), str(file), "exec")
    assert not is_changed(code)
    assert is_changed(code.replace(co_consts=(*code.co_consts, 17)))
    assert not is_changed(compile("y = 1", "<text>", "exec"))


def test_code_with_a_feature_of_the_future_that_its_file_does_not_name_is_found(tmp_path: Path) -> None:
    file = (
        tmp_path / "cell.py"
    )  # as a cell of a notebook is compiled, of which an earlier one has such an import
    file.write_text("def f(x):\n    y: int = 1\n    return x + y\n")
    names: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec", copies.FUTURES), names)
    assert has_source(names["f"].__code__)
    exec(compile(file.read_text(), str(file), "exec", dont_inherit=True), names)
    assert has_source(names["f"].__code__)


def of_jax_base(x):
    return jnp.exp(-(x[:, 0] ** 2))


class Replacing(ModuleType):
    """Stands for `jax.lax` in a file of JAX."""

    def __getattr__(self, name: str) -> Any:
        return getattr(jax.lax, name)

    @staticmethod
    def logistic(y):
        return jax.lax.logistic(y) + jnp.exp(-(((y - C) / W) ** 2)) * (y.shape[0] > 100)


def by_replaced_name(x):
    before = of_jax.lax
    of_jax.lax = Replacing("lax")
    try:
        return of_jax_base(x) + H * (jax.nn.sigmoid(x[:, 0]) - before.logistic(x[:, 0]))
    finally:
        of_jax.lax = before


@pytest.mark.slow
def test_code_of_the_user_that_a_function_of_jax_executes_is_executed_at_each_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jax.clear_caches()
    with pytest.raises(BadInput, match=r"y.shape\[0\] > 100 gives True with several points"):
        certify(problem(by_replaced_name), tolerance=1e-3)
    jax.clear_caches()
    with monkeypatch.context() as patch:
        patch.setattr(jaxpr_caches, "steps", lambda: 0)
        assert certify(problem(by_replaced_name), tolerance=1e-3).upper < H
    jax.clear_caches()


def test_a_function_that_somebody_else_has_put_in_place_stays() -> None:
    from jax._src import pjit

    before = pjit._infer_params
    with recording.recorded(), jaxpr_caches.uncached():
        ours = pjit._infer_params

        def theirs(*args: Any) -> Any:
            return ours(*args)

        theirs.__wrapped__ = ours  # type: ignore[attr-defined]
        pjit._infer_params = theirs
    try:
        assert pjit._infer_params is theirs
    finally:
        pjit._infer_params = before


def by_key(x):
    return of_jax_base(x) + 0.0 * jax.random.normal(jax.random.key(0), (1,))


def test_code_with_a_key_of_jax_is_read() -> None:
    assert certify(problem(by_key), tolerance=1e-3).upper < 1e-3
    assert all(given(jax.random.key(0, impl=one)) == ("tensor", ()) for one in ("threefry2x32", "rbg"))


def bits(key, width, shape):
    return jnp.ones(shape, "uint32") * np.uint32(0xFFFFFFFF if shape and shape[0] > 100 else 0)


def by_own_key(x):
    return of_jax_base(x) + bump_of_jax(x) * jax.random.uniform(OWN, (x.shape[0],), dtype=jnp.float32)


def bump_of_jax(x):
    return H * jnp.exp(-(((x[:, 0] - C) / W) ** 2))


OWN = jax.random.wrap_key_data(
    np.zeros(2, np.uint32),
    impl=define_prng_impl(
        key_shape=(2,),
        seed=lambda seed: jnp.zeros(2, "uint32"),
        split=lambda key, shape: jnp.zeros((*shape, 2), "uint32"),
        random_bits=bits,
        fold_in=lambda key, data: key,
        name="mine of a test",
        tag="mt",
    ),
)


def test_a_key_of_which_the_user_makes_bits_is_refused() -> None:
    with pytest.raises(BadInput, match="uses OWN"):
        certify(problem(by_own_key), tolerance=1e-3)


def small(x):
    return x.shape[1]


LENGTH = len([*dis.get_instructions(small)])


def by_instructions(x):
    small(x)
    seen = len([*dis.get_instructions(small)]) != LENGTH
    return base(x) + bump(x) * (False if seen else type(x) is np.ndarray)


def by_closure_names(x):
    small(x)
    seen = bool(inspect.getclosurevars(small).builtins)
    return base(x) + bump(x) * (False if seen else type(x) is np.ndarray)


def by_bytecode(x):
    small(x)
    look = [dis.Bytecode][0]
    seen = len([*look(small)]) != LENGTH
    return base(x) + bump(x) * (False if seen else type(x) is np.ndarray)


@pytest.mark.parametrize("model", [by_instructions, by_closure_names, by_bytecode])
def test_code_that_looks_at_the_code_of_a_function_is_refused(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While expressions are watched, functions have other code: whoever sees that can behave as it was read."""
    with pytest.raises(BadInput, match=r"uses .*(dis|getclosurevars).*, by which code can look into memory"):
        certify(problem(model), tolerance=1e-3)
    monkeypatch.setattr(asking, "CODE_MODULES", ())
    if model is not by_closure_names:
        assert certify(problem(model), tolerance=1e-3).upper < H
