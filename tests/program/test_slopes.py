"""The derivative of every operation against differences of its values."""

import numpy as np
import pytest

from supnorm.program.operations import PARAMETERS, SECOND, SLOPE, UNARY

PARAMETER = {"slope": 0.2, "alpha": 1.3, "exponent": 3.0, "k": 3.0}
SMOOTH = sorted(op for op in SLOPE if op in UNARY and op not in ("floor", "ceil", "round", "sign"))


@pytest.mark.parametrize("op", SMOOTH)
def test_slopes_are_those_of_differences(op):
    generator = np.random.default_rng(3)
    x = (
        generator.uniform(0.15, 0.9, 40)
        if op in ("atanh", "asin", "acos", "erfinv", "betainc")
        else generator.uniform(0.2, 2.5, 40)
    )
    extra = (PARAMETER.get(str(PARAMETERS[op]), 2.0),) if op in PARAMETERS else ()
    extra += (1.7,) if op in SECOND else ()
    h = 1e-5
    with np.errstate(all="ignore"):
        slope = SLOPE[op](x, UNARY[op](x, *extra), *extra)
        differences = (UNARY[op](x + h, *extra) - UNARY[op](x - h, *extra)) / (2 * h)
    kinked = ~np.isfinite(differences)
    np.testing.assert_allclose(
        np.where(kinked, 0, slope), np.where(kinked, 0, differences), rtol=1e-6, atol=1e-6
    )


def test_slopes_below_zero_too():
    generator = np.random.default_rng(4)
    x = -generator.uniform(0.2, 3.0, 40)
    for op in ("tanh", "sigmoid", "softplus", "silu", "gelu", "gelu_tanh", "sin", "cos", "exp"):
        differences = (UNARY[op](x + 1e-5) - UNARY[op](x - 1e-5)) / 2e-5
        np.testing.assert_allclose(SLOPE[op](x, UNARY[op](x)), differences, rtol=1e-6, atol=1e-7, err_msg=op)
