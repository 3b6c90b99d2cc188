"""A power of each entry of its own, as polynomial features are written: ``x ** np.arange(5)``."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from onnx import parser

import supnorm as sn
from supnorm.program import lower_numpy, lower_onnx
from supnorm.program.jaxpr import lower_jaxpr
from supnorm.program.operations import Unsupported
from supnorm.program.torch import lower_torch

EXPONENTS = np.array([3.0, 0.0, 2.0, 1.0, 2.0])
WEIGHTS = np.array([1.0, 0.3, -0.5, 0.25, 0.125])
POINTS = np.array([[-1.5], [-0.2], [0.0], [0.7], [2.0]])
GRAPH = """<ir_version: 8, opset_import: ["" : 17]>
g (double[N,1] x) => (double[N,5] y) { e = Constant<value = double[5] {3.0, 0.0, 2.0, 1.0, 2.0}>() y = Pow(x, e) }
"""


def _features(x):
    return x[:, :1] ** EXPONENTS


def _by_torch(x):
    return x[:, :1] ** torch.tensor(EXPONENTS)


READERS = {
    "numpy": lambda: lower_numpy(_features, 1),
    "jax": lambda: lower_jaxpr(lambda x: x[:, :1] ** jnp.asarray(EXPONENTS), 1),
    "torch": lambda: lower_torch(_by_torch, 1),
    "onnx": lambda: lower_onnx(parser.parse_model(GRAPH)),
}


@pytest.mark.parametrize("reader", READERS)
def test_each_entry_has_its_own_power(reader):
    program = READERS[reader]()
    assert not {"exp", "log"} & set(program.operations)
    np.testing.assert_allclose(program.value(POINTS), POINTS**EXPONENTS, rtol=1e-14)


@pytest.mark.parametrize("exponent", ["inf", "nan"])
def test_a_power_of_onnx_that_is_not_finite_is_refused(exponent):
    """Infinity was read: 2 ** inf is infinite, and 0.5 ** inf is 0."""
    graph = GRAPH.replace("3.0, 0.0, 2.0, 1.0, 2.0", ", ".join([exponent] * 5))
    with pytest.raises(Unsupported, match=f"a power {exponent} .*a finite exponent"):
        lower_onnx(parser.parse_model(graph))


def test_entries_of_a_matrix_keep_their_places():
    exponents = np.array([[2.0, 3.0], [1.0, 2.0]])
    program = lower_numpy(lambda x: (x[:, None, :] ** exponents).sum(axis=2), 2)
    x = np.array([[-0.5, 2.0], [1.5, -0.25]])
    np.testing.assert_allclose(program.value(x), (x[:, None, :] ** exponents).sum(axis=2), rtol=1e-14)


def test_polynomial_features_have_a_bound_where_the_input_is_zero_or_negative():
    """They were read as exp(p log x), which has none there."""
    problem = sn.Problem(
        lambda x: _features(x) @ WEIGHTS,
        lambda x: x[:, 0] ** 3 + 0.3 - 0.375 * x[:, 0] ** 2 + 0.2501 * x[:, 0],
        sn.Domain(x=(-1.0, 1.0)),
    )
    result = sn.certify(problem, 1.1)
    assert result.lower == pytest.approx(1e-4, rel=1e-6)
    assert result.upper < 1.2e-4
