"""Special functions and further compositions: every reader's names give the program, and what has no bounds is refused."""

import random
from functools import partial

import jax
import jax.numpy as jnp
import jax.scipy.special as js
import numpy as np
import pytest
import torch
from flint import arb
from onnx import TensorProto, helper, numpy_helper
from scipy import special

from supnorm.program import Program, Unsupported, lower_jaxpr, lower_numpy, lower_onnx, program_of
from supnorm.program import special as balls
from supnorm.program.ball_precision import precision

rng = np.random.default_rng(0)
X = rng.uniform(0.2, 0.9, (9, 2))

NUMPY = {
    **{name: getattr(np, name) for name in ("arctan", "cbrt", "arcsin", "arccos", "arcsinh", "arctanh")},
    "degrees": lambda x: np.radians(x) + np.degrees(x),
    "arccosh": lambda x: np.arccosh(1.0 + x),
    "arctan2": lambda x: np.arctan2(x[:, 0] - 0.5, x[:, 1] - 0.1),
    "cumsum": lambda x: np.cumsum(np.stack([x[:, 0], x[:, 1], x[:, 0]], axis=1), axis=1),
    "cumsum of all": lambda x: np.cumsum(np.stack([x[:, 0], x[:, 1]], axis=1), axis=-1)[:, ::-1],
    "einsum": lambda x: np.einsum("ni,nj,ij->n", x, x, np.arange(4.0).reshape(2, 2)),
    "einsum with axes of one entry": lambda x: np.einsum("nij,nij->ni", x[:, None, :], np.sin(x)[:, :, None]),
    "einsum with a diagonal": lambda x: np.einsum("nii->ni", np.stack([x, x[:, ::-1]], axis=1)),
    "einsum without an arrow": lambda x: np.einsum("ai,ij", x, np.arange(4.0).reshape(2, 2)),
    "differences": lambda x: np.diff(np.stack([x[:, 0] ** 2, x[:, 1], x[:, 0]], axis=1), n=2, axis=1),
    "moved": lambda x: np.tile(np.roll(np.flip(np.swapaxes(x[:, None], 1, 2), axis=1), 1, axis=1), (1, 1, 2)).reshape(-1, 4),
    "xlogy": lambda x: special.xlogy(x[:, 0], x[:, 1]) + special.xlog1py(x[:, 1], x[:, 0]),
    **{name: getattr(special, name) for name in (
        "gammaln", "loggamma", "psi", "digamma", "gamma", "rgamma", "erfc", "erfcx", "erfinv", "erfcinv", "exp1",
        "ndtr", "ndtri", "log_ndtr", "logit", "log_expit", "entr", "exp10", "j0", "j1", "y0", "y1", "i0", "i1",
        "k0", "k1", "i0e", "i1e", "k0e", "k1e")},
    **{f"{name} of order {order}": partial(getattr(special, name), order)
       for name in ("jv", "yv", "iv", "kv", "ive", "kve", "gammainc", "gammaincc") for order in (2, 0.5)},
    "betainc": lambda x: special.betainc(2.5, 0.5, x),
    "yn": lambda x: special.yn(3, x),
    "kn": lambda x: special.kn(3, x),
}  # fmt: skip


@pytest.mark.parametrize("name", NUMPY)
def test_numpy_and_scipy(name):
    f = NUMPY[name]
    expected = np.concatenate([np.asarray(f(row[None])).reshape(1, -1) for row in X])
    np.testing.assert_allclose(lower_numpy(f, 2).value(X), expected, rtol=3e-13, atol=1e-15)


JAX = {
    **{name: getattr(jnp, name) for name in ("arctan", "cbrt", "arcsin", "arccos", "arcsinh", "arctanh", "cumsum")},
    **{name: getattr(js, name) for name in ("gammaln", "digamma", "erfc", "erfinv", "logit", "i0", "i1", "i0e", "i1e")},
    "betainc": lambda x: js.betainc(2.5, 0.5, x),
    "gammainc": lambda x: js.gammainc(2.0, x),
    "gammaincc": lambda x: js.gammaincc(0.5, x),
    "arctan2": lambda x: jnp.arctan2(x[:, 0], x[:, 1]),
    "hypot": lambda x: jnp.hypot(x[:, 0], x[:, 1]),
    "einsum": lambda x: jnp.einsum("ni,nj,ij->n", x, x, jnp.arange(4.0).reshape(2, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", JAX)
def test_jax(name):
    f = JAX[name]
    with jax.enable_x64(True):
        expected = np.asarray(f(jnp.asarray(X[:1]))).reshape(1, -1)
        found = lower_jaxpr(f, 2).value(X[:1])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_a_function_of_the_same_name_that_is_not_the_librarys_is_not_taken_for_it():
    @jax.jit
    def hypot(x, y):
        return jnp.sin(x) * y

    with jax.enable_x64(True):
        found = lower_jaxpr(lambda x: hypot(x[:, 0], x[:, 1]), 2).value(X[:1])
    np.testing.assert_allclose(found[:, 0], np.sin(X[:1, 0]) * X[:1, 1], rtol=1e-15)


class _Torch(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


TORCH = {
    **{name: getattr(torch, name) for name in ("atan", "asin", "acos", "asinh", "atanh", "lgamma", "digamma", "i0")},
    **{name: getattr(torch.special, name) for name in (
        "erfc", "erfcx", "erfinv", "ndtr", "ndtri", "log_ndtr", "entr", "modified_bessel_i0",
        "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0", "i0e", "i1", "i1e")},
    "atan2": lambda x: torch.atan2(x[:, :1], x[:, 1:]),
    "cumsum": lambda x: torch.cumsum(x, 1),
    "einsum": lambda x: torch.einsum("ni,ij->nj", x, torch.arange(6.0, dtype=torch.float64).reshape(2, 3)),
    "gammainc": lambda x: torch.special.gammainc(torch.full_like(x, 2.0), x),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", TORCH)
def test_torch(name):
    from supnorm.program.torch import lower_torch

    f = TORCH[name]
    expected = f(torch.tensor(X)).numpy()
    found = lower_torch(_Torch(f).double(), 2, "float64").value(X)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


ONNX = {
    **{op: ([], {}, 0.0) for op in ("Atan", "Asin", "Acos", "Asinh", "Atanh", "Sinh", "Cosh", "Tan")},
    "Acosh": ([], {}, 1.0),
    "CumSum": ([np.array(1)], {}, 0.0),
    "CumSum backwards": ([np.array(-1)], {"reverse": 1, "exclusive": 1}, 0.0),
    "Einsum": ([np.arange(6.0).reshape(2, 3)], {"equation": "ni,ij->nj"}, 0.0),
}


@pytest.mark.parametrize("name", ONNX)
def test_onnx(name):
    import onnxruntime

    constants, attributes, shift = ONNX[name]
    inputs = [f"c{i}" for i in range(len(constants))]
    graph = helper.make_graph(
        [helper.make_node(name.split()[0], ["x", *inputs], ["y"], **attributes)],
        "one operator",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", 2])],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["n", None])],
        [numpy_helper.from_array(np.asarray(c), n) for c, n in zip(constants, inputs, strict=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    program = lower_onnx(model)
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString())
        expected = session.run(None, {"x": X + shift})[0]
    except Exception:  # onnxruntime has no float64 kernel for it
        from onnx.reference import ReferenceEvaluator

        expected = ReferenceEvaluator(model).run(None, {"x": X + shift})[0]
    np.testing.assert_allclose(program.value(X + shift), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: special.jv(x[:, 0], x[:, 1]), "varying order"),
        (lambda x: special.jv(-0.5, x[:, 0]), "parameter -0.5"),
        (lambda x: special.gammainc(0.0, x[:, 0]), "parameter 0"),
        (lambda x: special.yv(200.0, x[:, 0]), "parameter 200"),
        (lambda x: special.betainc(0.0, 1.0, x[:, 0]), "shapes 0 and 1"),
        (lambda x: special.betainc(x[:, 1], 1.0, x[:, 0]), "varying shapes"),
        (lambda x: special.zeta(x[:, 0], 1.0), "zeta"),
        (lambda x: np.einsum("...i->...", x), "ellipsis"),
    ],
)
def test_what_has_no_bounds_is_refused_by_name(function, words):
    with pytest.raises(Unsupported, match=words):
        program_of(function, 2)


def test_without_python_flint_special_functions_are_refused_and_the_others_are_read(monkeypatch):
    from supnorm.program import composed

    monkeypatch.setattr(composed, "has_balls", lambda: False)
    with pytest.raises(Unsupported, match="pip install 'python-flint"):
        program_of(lambda x: special.j0(x[:, 0]), 1)
    assert "atan" in program_of(lambda x: np.arcsin(x[:, 0]), 1).operations


def test_a_program_is_written_and_read():
    program = lower_numpy(
        lambda x: (
            special.jv(2.5, x[:, 0])
            + special.gammainc(1.5, x[:, 1])
            + special.betainc(1.5, 2.5, x[:, 1]) * special.betainc(1.5, 0.5, x[:, 1])
        ),
        2,
    )
    again = Program.from_json(program.to_json())
    assert again.hash == program.hash
    assert np.array_equal(again.value(X), program.value(X))


@pytest.mark.parametrize("name", ["jv", "yv", "iv", "kv"])
def test_derivatives_agree_with_differences(name):
    program = lower_numpy(lambda x: getattr(special, name)(1.5, x[:, 0]), 2)
    _, pull = program.vjp(X)
    step = np.array([[1e-6, 0.0]])
    slope = (program.value(X + step) - program.value(X - step))[:, 0] / 2e-6
    np.testing.assert_allclose(pull(np.ones((len(X), 1)))[:, 0], slope, rtol=1e-7)


def test_values_outside_the_domain_are_no_numbers():
    assert np.isnan(balls.value("bessel_k", np.array([-1.0, 0.0]), 1.0)).all()
    assert np.isnan(balls.value("lgamma", np.array([-0.5]))).all()
    assert balls.value("gammainc", np.array([0.0]), 2.0)[0] == 0.0


def test_series_of_incomplete_functions_hold_what_is_left_out(monkeypatch):
    """With few terms the rest of the series counts; with a smaller rest, values are missed."""

    def missed():
        rng, wrong = random.Random(3), 0
        for _ in range(60):
            a, b, s = (10.0 ** rng.uniform(-1.5, 1.5) for _ in range(3))
            z = rng.random()
            with precision(80):
                held = balls._lower_beta(arb(z), arb(a), arb(b)), balls._lower_gamma(s * arb(z), arb(s))
            with precision(300):
                wrong += not held[0].overlaps(arb(z).beta_lower(arb(a), arb(b), regularized=1))
                wrong += not held[1].overlaps(1 - (s * arb(z)).gamma_upper(arb(s), regularized=1))
        return wrong

    assert missed() == 0
    monkeypatch.setattr(balls, "_last_bit", lambda: arb("0.1"))
    assert missed() == 0
    sound = balls._rising
    monkeypatch.setattr(balls, "_rising", lambda x, a, b: sound(x, a, b) * 0.99)
    assert missed()


def test_a_ball_of_the_incomplete_beta_function_has_the_values_at_both_ends():
    with precision(120):
        held = balls._lower_beta(arb(0.05, 0.01), arb("2.5"), arb("40.3"))
        for z in ("0.0400000001", "0.05", "0.0599999999"):
            assert held.overlaps(arb(z).beta_lower(arb("2.5"), arb("40.3"), regularized=1))


def test_tiny_orders_of_bessel_functions_are_refused():
    """FLINT takes half a minute for one value of K."""
    with pytest.raises(Unsupported, match="at least 8"):
        lower_numpy(lambda x: special.kv(1e-300, x), 1)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1"])
def test_bessel_functions_of_torch_are_refused_where_they_are_wrong(name):
    """They are off by up to 8e-7 beyond 5, so that a proof about the functions is none about what runs."""
    from supnorm.program.torch import lower_torch

    function = getattr(torch.special, name)
    x = np.linspace(5.0, 20.0, 200)
    exact = getattr(special, name.removeprefix("bessel_"))(x)
    if np.abs(function(torch.tensor(x)).numpy() - exact).max() < 1e-12:
        pytest.skip("a later torch has them right")
    with pytest.raises(Unsupported, match="off by up to 1e-6 beyond 5"):
        lower_torch(_Torch(function).double(), 2, "float64")


@pytest.mark.parametrize("name", ["gammainc", "gammaincc"])
def test_incomplete_gamma_functions_of_torch_are_read_up_to_order_20(name):
    from supnorm.program.torch import lower_torch

    def of(order):
        function = lambda x: getattr(torch.special, name)(torch.full_like(x, order), x)  # noqa: E731
        return lower_torch(_Torch(function).double(), 2, "float64")

    x = np.random.default_rng(0).uniform(10.0, 30.0, (200, 2))
    np.testing.assert_allclose(of(20.0).value(x), getattr(special, name)(20.0, x), rtol=1e-12, atol=1e-15)
    with pytest.raises(Unsupported, match="of an order above 20"):
        of(20.5)
