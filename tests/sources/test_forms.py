"""The forms of one model, and the largest difference between them, on cases whose difference is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import supnorm as sn
from supnorm.auditing.form_differences import differences
from supnorm.cli.compare_forms import remarks
from supnorm.results.compare import DifferenceRecord
from supnorm.sources.forms import Form, forms_of

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
Array = NDArray[np.float64]
LINE = sn.Domain(x=(0.0, 1.0))


def compared(
    model: Callable[[Array], Array], domain: sn.Domain = LINE
) -> tuple[list[DifferenceRecord], str, tuple[Form, ...]]:
    problem = sn.Problem(model, lambda x: 0.0 * x[:, 0], domain)
    forms = forms_of(problem)
    made = [(form.name, form.function) for form in forms if form.function is not None]
    pairs = differences(problem, made, [], seed=0, evaluations=400)
    return pairs, " ".join(one.text for one in remarks(pairs, forms)), forms


def test_digits_that_cancel_in_single_precision() -> None:
    """x + 1e8 is rounded to multiples of 8 in float32, so that x is lost: at x = 1 the difference is 1."""
    pairs, said, forms = compared(lambda x: (x[:, 0] * 1.0 + 1e8) - 1e8)
    assert [form.name for form in forms] == ["as it is", "compiled", "onnx", "float32"]
    assert (pairs[0].second, pairs[0].worst, pairs[0].at, pairs[0].second_value) == (
        "float32",
        1.0,
        {"x": 1.0},
        0.0,
    )
    assert pairs[-1].worst == 0.0  # as it is, and the graph in float64
    assert (
        "The largest difference found between two forms is 1 in y, at x = 1: as it is gives 1, float32 gives 0"
        in said
    )
    assert "there may be a larger one" in said
    assert "Not compared: compiled: torch.compile is for torch modules, and this model is not one." in said


def test_a_value_that_only_one_form_has_comes_first() -> None:
    """exp(100 x) overflows in float32 from x = 0.887 on."""
    pairs, said, _ = compared(lambda x: np.exp(100.0 * x[:, 0]))
    assert pairs[0].worst == np.inf
    assert {pairs[0].first_value, pairs[0].second_value} & {np.inf}
    assert "float32 gives infinite" in said or "float32 gives inf" in said


def test_forms_that_agree_to_the_last_bit_are_said_to_at_the_points_compared() -> None:
    whole = sn.Domain(x=sn.Axis(values=(0.0, 1.0, 2.0, 3.0)))
    pairs, said, _ = compared(lambda x: 2.0 * x[:, 0], whole)
    assert all(pair.worst == 0.0 for pair in pairs)
    assert "the forms gave the same values, bit for bit: as it is, onnx, float32" in said
    assert "largest difference" not in said


def test_a_form_that_cannot_be_made_says_why_and_a_table_has_none() -> None:
    def unread(x: Array) -> Array:
        return np.array([float(str(v)) for v in x[:, 0]])

    pairs, said, forms = compared(unread)
    assert [form.function is not None for form in forms] == [True, False, False, False]
    assert pairs == []
    assert "Only one form could be made" in said
    assert said.count("Not compared:") == 3
    table = sn.Function(table=([[0.0], [1.0]], [2.0, 3.0]))
    with pytest.raises(sn.BadInput, match="no table"):
        forms_of(sn.Problem(table, sn.Function(lambda x: x), LINE))


@pytest.mark.slow
def test_a_module_in_single_precision_has_a_twin_in_double() -> None:
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(1, 1)
    problem = sn.Problem(layer, lambda x: x[:, 0], LINE)
    names = {form.name: form for form in forms_of(replace(problem)) if form.name != "compiled"}
    assert [*names] == ["as it is", "onnx", "float64"]
    twin = names["float64"].function
    assert twin is not None
    x = np.array([[1 / 3]])
    exact = float(layer.weight.detach()) / 3 + float(layer.bias.detach())
    assert twin(x).item() == pytest.approx(exact, rel=1e-15)
    assert layer.weight.dtype == torch.float32  # the user's own module is left as it is


def test_jax_code_has_an_eager_form_and_its_own_twin() -> None:
    """In float32 the argument 1e4 x is rounded by up to 5e-4; compiled and eager code agree to rounding."""
    jnp = pytest.importorskip("jax.numpy")
    pairs, _, forms = compared(sn.from_jax(lambda x: jnp.sin(1e4 * x[:, 0])))
    assert [form.name for form in forms] == ["as it is", "eager", "onnx", "float32"]
    assert all(form.function is not None for form in forms), [form.why for form in forms]
    assert "float32" in (pairs[0].first, pairs[0].second)
    assert 1e-5 < pairs[0].worst < 2e-3
    between = next(pair for pair in pairs if {pair.first, pair.second} == {"as it is", "eager"})
    assert between.worst <= 1e-11


def test_jax_code_whose_loop_no_graph_holds_has_an_eager_form() -> None:
    jax = pytest.importorskip("jax")
    turns = lambda x: jax.lax.fori_loop(0, 5, lambda i, y: jax.numpy.cos(y), x[:, 0])  # noqa: E731
    _, said, forms = compared(sn.from_jax(turns))
    assert {form.name for form in forms if form.function is not None} >= {"as it is", "eager", "float32"}
    assert "Only one form" not in said
