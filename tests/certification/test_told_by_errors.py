"""Code that is told of values by errors, or computes with what supnorm does not read, is refused."""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import interpolate
from scipy.interpolate import PPoly, interp1d

from supnorm.certification.silence import _catches
from supnorm.problem import Function
from supnorm.program import Unsupported, lower_numpy, program_of
from supnorm.sources import from_jax, from_torch
from supnorm.sources.custom_rules import custom_rule


class Twice:
    """A context that goes on after each error."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return True


def _returns(x):
    try:
        return 1.0 / x
    finally:
        return x  # noqa: B012, SIM107


def _local(x, error=FloatingPointError):
    try:
        return x**2
    except error:
        return x


def _second(x, error=FloatingPointError):
    try:
        return x**2
    except KeyError:
        return x
    except (IndexError, error):
        return -x


def _by_name(x):
    with contextlib.suppress(ArithmeticError):
        return x**2


def _all(x):
    try:
        return x**2
    except:  # noqa: E722
        return x


def _key(x):
    try:
        return {}["a"]
    except KeyError:
        return x


def _again(x):
    try:
        return x**2
    finally:
        x = 0.0


def _context(x):
    with np.errstate(all="ignore"):
        return x**2


@pytest.mark.parametrize("function", [_returns, _local, _second, _by_name, _all, Twice.__exit__])
def test_code_that_goes_on_after_an_error(function):
    assert _catches(function.__code__, function.__globals__, FloatingPointError)


@pytest.mark.parametrize("function", [_key, _again, _context])
def test_code_that_does_not(function):
    assert not _catches(function.__code__, function.__globals__, FloatingPointError)


class Otherwise(np.float64):
    """A number that adds where it is to multiply."""

    __rmul__ = np.float64.__radd__


@pytest.mark.parametrize("module", ["of the user", "numpy", "builtins", "torch", "jax", None])
def test_a_number_with_arithmetic_of_its_own_is_refused(module):
    kind = type("Otherwise", (Otherwise,), {"__module__": module})  # a class can say that it is of any module
    assert np.float64(3.0) * kind(0.0) == 3.0
    with pytest.raises(Unsupported, match="Otherwise"):
        lower_numpy(lambda x: np.stack([row[0] * kind(0.0) for row in x]), 1)


def test_a_table_of_the_user_that_says_it_is_scipys_is_refused():
    class PPoly(interpolate.PPoly):
        __module__ = "scipy.interpolate._interpolate"

        def _evaluate(self, x, nu, extrapolate, out):
            out[:] = 7.0

    table = PPoly(np.array([[0.0, 0.0]]), np.array([0.0, 0.5, 1.0]))
    assert table([0.75]) == [7.0]
    with pytest.raises(Unsupported, match="not as SciPy makes it"):
        lower_numpy(lambda x: table(x[:, 0]), 1)


def test_code_of_an_object_that_says_it_is_of_supnorm_is_not_read_in_the_place_of_its_call():
    class Values:
        __module__ = "supnorm.problem.coded"
        kind = ""

        def code(self, x):
            return 0.0 * x[:, 0]

        def __call__(self, x):
            return x[:, 0] + 1.0

    assert program_of(Function(Values()), 1).value(np.array([[2.0]])) == 3.0


def test_a_table_that_scipy_evaluates_otherwise_is_refused():
    flat, steep = (PPoly(np.array([[0.0, slope]]), np.array([0.0, 0.5, 1.0])) for slope in (0.0, 2.0))
    assert lower_numpy(lambda x: flat(x[:, 0]), 1).value(np.array([[0.75]])) == 0.0
    flat._evaluate = steep._evaluate
    with pytest.raises(Unsupported, match="not as SciPy makes it"):
        lower_numpy(lambda x: flat(x[:, 0]), 1)
    line = interp1d([0.0, 0.5, 1.0], [0.0, 0.0, 0.0], fill_value="extrapolate")
    line._call = type(line)._call_nearest
    with pytest.raises(Unsupported, match="evaluated otherwise"):
        lower_numpy(lambda x: line(x[:, 0]), 1)
    line.y = np.array([0.0, 1.0, 0.0])
    with pytest.raises(Unsupported, match="not as SciPy makes it"):
        lower_numpy(lambda x: line(x[:, 0]), 1)


def test_derivatives_that_jax_code_stops_are_a_rule_of_its_own():
    stopped = from_jax(lambda x: jax.lax.stop_gradient(jnp.sin(x[:, 0])) - jnp.sin(x[:, 0]))
    assert custom_rule(stopped, 1) == "jax.lax.stop_gradient"
    by_jax = from_jax(lambda x: jax.tree.map(jax.lax.stop_gradient, jnp.sin(x[:, 0])) - jnp.sin(x[:, 0]))
    assert custom_rule(by_jax, 1) == "jax.lax.stop_gradient"  # code of JAX that calls what it is given
    for honest in (jax.nn.softmax, jax.nn.log_softmax, jax.nn.logsumexp, jax.nn.standardize):
        assert custom_rule(from_jax(lambda x, f=honest: f(x, axis=1)), 2) is None


def test_derivatives_that_torch_code_stops_are_a_rule_of_its_own():
    torch = pytest.importorskip("torch")

    def without(x):
        with torch.no_grad():
            held = torch.sin(x[:, 0])
        return held - torch.sin(x[:, 0])

    def hooked(x):
        y = torch.sin(x[:, 0])
        if y.requires_grad:
            y.register_hook(torch.zeros_like)
        return y

    for code in (without, hooked, lambda x: x[:, 0].detach() + x[:, 0], lambda x: x.data[:, 0] + x[:, 0]):
        assert "stops or changes" in (custom_rule(from_torch(code, precision="float64"), 1) or "")
    layers = torch.nn.Sequential(torch.nn.Linear(1, 3), torch.nn.Softmax(dim=1), torch.nn.Dropout()).double()
    assert custom_rule(from_torch(layers.eval()), 1) is None
