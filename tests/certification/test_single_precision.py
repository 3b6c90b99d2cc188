"""Float32 arithmetic stays within its bound, in every order of summation, with functions at the limit of their accuracy."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from single_cases import random_program
from single_oracle import exact_value, run_single

from supnorm.certification import single_local, single_precision
from supnorm.certification.deployed import runs_in_single
from supnorm.certification.single_precision import rounding_in_single
from supnorm.problem import Domain, Problem
from supnorm.program import Node, Program
from supnorm.program.single_precision import Kernel, kernels

POINTS = 300
EVERY = {**kernels("torch"), "sin": Kernel(2.0), "tanh": Kernel(4.0)}


def largest_share(program, centre, half, rng, runs=4):
    """The largest float32 deviation on a box divided by its bound, None where there is no bound."""
    bound, _ = rounding_in_single(program, centre[None], half[None], EVERY)
    if not np.isfinite(bound).all():
        return None
    u = rng.uniform(-1, 1, (POINTS, len(centre)))
    u[: POINTS // 4] = np.sign(u[: POINTS // 4])
    x = centre + half * u
    exact = exact_value(program, x)
    share = 0.0
    for k in range(runs):
        run = run_single(program, x, rng, EVERY if k else None).astype(float)
        off = np.abs(run - exact)
        assert np.isfinite(off).all()
        share = max(share, float((off / np.maximum(bound, 1e-300)).max()))
    return share


@pytest.mark.sampled(2)
@pytest.mark.parametrize("block", range(8))
def test_no_deviation_is_above_its_bound(block):
    shares = []
    for seed in range(40 * block, 40 * block + 40):
        program, centre, half, words = random_program(seed)
        share = largest_share(program, centre, half, np.random.default_rng(seed))
        if share is not None:
            assert share <= 1.0, words
            shares.append(share)
    assert len(shares) >= 15
    assert max(shares) > 0.1  # the bound is no larger than it has to be by orders of magnitude


# -- each rule alone: its bound is nearly attained, so a rule that is weakened is caught --------------------


def _program(*nodes, d=1):
    return Program((Node("input", (), d), *nodes))


def _affine(arg, weight, bias=None):
    weight = np.atleast_2d(np.asarray(weight, dtype=float))
    bias = np.zeros(len(weight)) if bias is None else np.asarray(bias, dtype=float)
    return Node("affine", (arg,), len(weight), weight=weight, bias=bias)


def _taken(arg, column):
    return Node("take", (arg,), 1, columns=np.array([column]))


def _constant(*value):
    return Node("constant", (), len(value), value=np.array(value))


ALMOST = 1.0 + 0.9 * 2.0**-24  # float32 stores it as 1
LOST = np.array([1.0] + [0.99 * 2.0**-24] * 63)  # each small term is lost if it is added to a sum above 1
# name: (program, centre, half)
RULES = {
    "input": (_program(Node("neg", (0,), 1)), [ALMOST], [0.0]),
    "constant": (_program(_constant(ALMOST)), [1.0], [0.0]),
    "stored weight": (_program(_constant(1.0), _affine(1, [[ALMOST]])), [1.0], [0.0]),
    "stored bias": (_program(_constant(1.0), _affine(1, [[0.0]], [ALMOST])), [1.0], [0.0]),
    "products": (_program(_constant(1.0 + 2.0**-12), _affine(1, [[1.0 + 2.0**-12 - 2.0**-23]])), [1.0], [0.0]),
    "partial sums": (_program(_constant(*[1.0] * 64), _affine(1, [LOST.astype(np.float32)])), [1.0], [0.0]),
    "add": (_program(_constant(1000.123046875), Node("add", (0, 1), 1)), [1.0], [0.5]),
    "sub": (_program(_constant(1000.123046875), Node("sub", (0, 1), 1)), [1.0], [0.5]),
    "mul": (_program(_constant(1.7001953125), Node("mul", (0, 1), 1)), [1.0], [0.3]),
    "div": (_program(_constant(1.7001953125), Node("div", (1, 0), 1)), [1.0], [0.2]),
    "tanh": (_program(Node("tanh", (0,), 1)), [0.7], [1e-2]),
    "slope of tanh": (_program(_affine(0, [[1000.0]], [-499.5]), Node("tanh", (1,), 1)), [0.5], [1e-4]),
    "slope of exp": (_program(_affine(0, [[8.0]]), Node("exp", (1,), 1)), [1.3], [1e-3]),
    "slope of log": (_program(_affine(0, [[1000.0]], [-499.5]), Node("log", (1,), 1)), [0.5], [1e-4]),
    "slope of pow": (_program(Node("pow", (0,), 1, parameter=13.0)), [1.3], [1e-3]),
    "slope of sin": (_program(_affine(0, [[64.0]]), Node("sin", (1,), 1)), [0.5], [1e-3]),
    "abs": (_program(Node("sin", (0,), 1), Node("abs", (1,), 1)), [-0.3], [1e-3]),
    "relu": (_program(Node("sin", (0,), 1), Node("relu", (1,), 1)), [0.3], [1e-3]),
    "leaky_relu": (_program(Node("leaky_relu", (0,), 1, parameter=0.1)), [-0.3], [1e-2]),
    "max of the first": (_program(_constant(0.25), Node("sin", (0,), 1), Node("max", (2, 1), 1)), [0.3], [1e-3]),
    "max of the second": (_program(_constant(0.25), Node("sin", (0,), 1), Node("max", (1, 2), 1)), [0.3], [1e-3]),
    "min of the first": (_program(_constant(0.25), Node("sin", (0,), 1), Node("min", (2, 1), 1)), [0.2], [1e-3]),
    "min of the second": (_program(_constant(0.25), Node("sin", (0,), 1), Node("min", (1, 2), 1)), [0.2], [1e-3]),
    "factors of mul": (
        _program(_affine(0, [[1.0], [1.0]]), _taken(1, 0), _taken(1, 1), Node("mul", (2, 3), 1), Node("mul", (4, 4), 1)),
        [900.1], [1.0],
    ),
    "factors of div": (_program(_constant(1e-3), _affine(0, [[1.0]], [-1.0]), Node("div", (1, 2), 1)), [1.01], [1e-4]),
}  # fmt: skip


def _shares(name, runs=24):
    program, centre, half = RULES[name]
    return largest_share(program, np.array(centre), np.array(half), np.random.default_rng(1), runs)


@pytest.mark.parametrize("name", RULES)
def test_the_bound_of_a_rule_is_nearly_attained(name):
    assert 0.2 < _shares(name) <= 1.0


def _less(part):
    """A rule whose rounding is a part of the honest one."""
    return lambda honest: lambda *given: part * honest(*given)


def _flat(honest):
    """Factors a twentieth of the honest ones."""

    def weak(*given):
        p = honest(*given)
        return type(p)(0.05 * p.mid, 0.05 * p.rad)

    return weak


def _flat_pair(honest):
    def weak(*given):
        inverse, size = honest(*given)
        return type(inverse)(0.02 * inverse.mid, 0.02 * inverse.rad), size

    return weak


def _small_unit(honest):
    return 0.2 * honest


MUTANTS = {
    "roundings of sums": ("of_affine", _less(0.2), ("stored weight", "products", "partial sums")),
    "rounding of constants": ("of_constant", _less(0.2), ("constant",)),
    "accuracy of functions": ("of_function", _less(0.2), ("tanh",)),
    "slopes": ("slope", _flat, ("slope of tanh", "slope of exp", "slope of log", "slope of pow", "slope of sin")),
    "kinks": ("kink", _flat, ("abs", "relu")),
    "reciprocals": ("reciprocal", _flat_pair, ("factors of div",)),
    "the unit of rounding": ("SINGLE", _small_unit, ("input", "add", "sub", "mul", "div", "leaky_relu")),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_a_weakened_rule_is_caught(name, monkeypatch):
    what, weaken, cases = MUTANTS[name]
    monkeypatch.setattr(single_precision, what, weaken(getattr(single_precision, what)))
    for case in cases:
        assert _shares(case) > 1.0, case


def test_partial_sums_count(monkeypatch):
    """64 terms that cancel: the roundings of partial sums are most of the error."""
    monkeypatch.setattr(single_local, "SINGLE", 0.1 * single_local.SINGLE)
    assert _shares("partial sums") > 1.0


def test_the_errors_of_arguments_widen_the_ranges(monkeypatch):
    """log at 1e-7 after a sum that is off by as much: the slope at the exact values is far too small."""
    program = _program(_affine(0, [[1.0]], [-1.0]), Node("log", (1,), 1))
    centre, half = np.array([1.0 + 3e-7]), np.array([0.0])
    bound, _ = rounding_in_single(program, centre[None], half[None], EVERY)
    honest = single_local.Computed.wide
    monkeypatch.setattr(single_local.Computed, "wide", property(lambda self: (self.low, self.high)))
    weak, _ = rounding_in_single(program, centre[None], half[None], EVERY)
    assert bound[0, 0] > 1.3 * weak[0, 0]
    assert isinstance(honest, property)


# -- each term of a rule at its worst case -----------------------------------------------------------------


def _bound_of(*nodes, centre=1.0, half=0.0):
    bound, _ = rounding_in_single(_program(*nodes), np.array([[centre]]), np.array([[half]]), EVERY)
    return bound[0, 0]


def test_a_quotient_by_a_rounded_reciprocal_is_in_the_bound():
    a, b = np.float32(1.0092267990112305), np.float32(1.989013910293579)
    off = abs(Fraction(float(a * (np.float32(1.0) / b))) - Fraction(float(a)) / Fraction(float(b)))
    assert off > 1.92 * 2.0**-24 * Fraction(float(a)) / Fraction(float(b))
    assert _bound_of(_constant(float(a)), _constant(float(b)), Node("div", (1, 2), 1)) >= off


def test_a_quotient_that_is_flushed_to_zero_is_in_the_bound():
    small = _bound_of(_constant(2.0**-100), _constant(2.0**30), Node("div", (1, 2), 1))
    assert small >= 2.0**-130
    # The reciprocal of 2^127 is flushed, and with it a quotient of 1/2.
    assert _bound_of(_constant(2.0**126), _constant(2.0**127), Node("div", (1, 2), 1)) >= 0.5


def test_a_sum_or_product_that_is_flushed_to_zero_is_in_the_bound():
    nodes = _constant(1.5 * 2.0**-126), _constant(2.0**-126), Node("sub", (1, 2), 1)
    assert _bound_of(*nodes) >= 2.0**-127
    assert _bound_of(_constant(-(2.0**-120)), Node("leaky_relu", (1,), 1, parameter=2.0**-7)) >= 2.0**-127


def test_a_function_whose_value_is_flushed_to_zero_is_in_the_bound():
    assert _bound_of(_constant(-100.0), Node("exp", (1,), 1)) >= np.exp(-100.0) * (1.0 + 1e-6)


def test_the_stored_slope_of_leaky_relu_and_its_product_are_in_the_bound():
    s, x = 0.12504348881689956, np.float32(-1.0011988878250122)
    off = abs(Fraction(float(np.float32(s) * x)) - Fraction(s) * Fraction(float(x)))
    assert off > 1.96 * 2.0**-24 * Fraction(s)
    assert _bound_of(_constant(float(x)), Node("leaky_relu", (1,), 1, parameter=s)) >= off


def test_the_product_of_two_errors_is_in_the_bound():
    """1 + a - 1 - a is 0, and what float32 finds for it squared is all error."""
    a = np.float32(0.6 * 2.0**-23)
    run = (np.float32(1.0) + a) - np.float32(1.0) - a
    assert run > 0.3 * 2.0**-23
    nodes = _constant(1.0, float(a)), Node("take", (1,), 4, columns=np.array([0, 1, 0, 1]))
    found = _bound_of(*nodes, _affine(2, [[1.0, 1.0, -1.0, -1.0]]), Node("mul", (3, 3), 1))
    assert found >= float(run) ** 2


def test_an_error_goes_through_a_factor_whose_sign_is_not_certain():
    """|log x| near 1: the input alone is rounded, and the slope of the size is anywhere in [-1, 1]."""
    off = np.log(ALMOST)  # float32 takes the input for 1
    assert _bound_of(Node("log", (0,), 1), Node("abs", (1,), 1), half=1e-3) >= off


def _at(value, off=0.0):
    value = np.array([[value]])
    return single_local.Computed(value, value, np.array([[off]]))


def test_the_rounding_of_a_step_is_that_of_its_computed_arguments():
    """Exact values are zero: what is rounded is the error of the arguments."""
    zero, one, other = _at(0.0), _at(0.0, 1.0), _at(0.0, 0.9 * 2.0**-24)
    step = single_precision._elementwise(Node("add", (0, 1), 1), [one, other], zero, EVERY)
    assert step.local[0, 0] >= 0.9 * 2.0**-24  # is lost beside 1
    step = single_precision._elementwise(Node("sin", (0,), 1), [one], zero, EVERY)
    assert step.local[0, 0] >= 2.0 * 2.0**-23 * np.sin(1.0)


SLOPES = {
    "tanh": (lambda z: mp.sech(z) ** 2, (-3.3, 0.1, 7.7)),
    "sigmoid": (lambda z: mp.sech(z / 2) ** 2 / 4, (-3.3, 0.1, 7.7)),
    "softplus": (lambda z: 1 / (1 + mp.exp(-z)), (-30.3, 0.1, 7.7)),
    "erf": (lambda z: 2 / mp.sqrt(mp.pi) * mp.exp(-z * z), (-3.3, 0.1, 5.7)),
    "exp": (mp.exp, (-80.3, 0.1, 77.7)),
    "log": (lambda z: 1 / z, (1e-30, 0.1, 7.7)),
    "sqrt": (lambda z: 1 / (2 * mp.sqrt(z)), (1e-30, 0.1, 3e38)),
    "silu": (lambda z: (1 + mp.exp(-z) * (1 + z)) / (1 + mp.exp(-z)) ** 2, (-3.3, 0.1, 7.7)),
    "gelu": (lambda z: mp.ncdf(z) + z * mp.npdf(z), (-3.3, 0.1, 7.7)),
    "sin": (mp.cos, (-3.3, 0.1, 7777.7)),
    "cos": (lambda z: -mp.sin(z), (-3.3, 0.1, 7777.7)),
}
POWERS = (
    (3.0, (-1.1, 0.1, 7.7)),
    (-2.0, (-1.1, 0.1, 7.7)),
    (-3.1, (1e-30, 0.3, 1e38)),  # -4.1 is rounded
    (0.1, (1e-30, 0.3, 1e30)),
)


@pytest.mark.parametrize("op", [*SLOPES, "pow"])
def test_a_slope_holds_the_exact_one_at_every_point_of_its_interval(op):
    """At points nothing but rounding is in the radius; in intervals the slope at an end and between them counts too."""
    cases = [(None, *SLOPES[op])] if op != "pow" else [
        (p, lambda z, p=p: p * z ** mp.mpf(p - 1 if p.is_integer() else mp.mpf(p) - 1), at) for p, at in POWERS
    ]  # fmt: skip
    with np.errstate(all="ignore"), mp.workdps(50):
        for parameter, slope, points in cases:
            for z in points:
                for share in (0.0, 1e-12, 0.1, 0.9):
                    x = _at(z, share * abs(z))
                    low, high = (mp.mpf(float(v[0, 0])) for v in x.wide)
                    found = single_local.slope(op, parameter, x)
                    mid, rad = (mp.mpf(float(v[0, 0])) for v in (found.mid, found.rad))
                    for t in (0, mp.mpf(1) / 3, mp.mpf(1) / 2, mp.mpf(3) / 4, 1):
                        exact = slope(low + t * (high - low))
                        assert abs(exact - mid) <= rad, (op, parameter, z, share)


def test_both_slopes_of_a_kink_count_where_the_sign_is_not_certain():
    for op, parameter, slopes in (
        ("abs", None, (-1, 1)),
        ("relu", None, (0, 1)),
        ("leaky_relu", 0.3, (0.3, 1)),
    ):
        for x, some in (
            (_at(0.1, 0.2), slopes), (_at(-0.1, 0.2), slopes), (_at(0.2, 0.1), slopes[1:]), (_at(-0.2, 0.1), slopes[:1]),
        ):  # fmt: skip
            found = single_local.kink(op, parameter, x)
            assert all(abs(s - found.mid[0, 0]) <= found.rad[0, 0] for s in some)
            assert len(some) == 2 or found.rad[0, 0] < 1e-12


def test_a_divisor_that_may_be_zero_once_it_is_rounded_has_no_bound():
    nodes = _constant(1.0), _affine(0, [[1.0]], [-1.0]), Node("div", (1, 2), 1)
    assert np.isinf(_bound_of(*nodes, centre=1.0 + 3e-8))
    assert np.isinf(_bound_of(*nodes, centre=1.0 - 3e-8))
    assert np.isfinite(_bound_of(*nodes, centre=1.0 + 3e-6))


def test_the_range_of_a_function_that_rises_holds_its_exact_ends():
    exact = {"tanh": mp.tanh, "erf": mp.erf, "sigmoid": lambda z: 1 / (1 + mp.exp(-z)), "exp": mp.exp,
             "softplus": lambda z: mp.log1p(mp.exp(z))}  # fmt: skip
    ends = np.concatenate([np.linspace(-30.3, 30.3, 50), [-700.1]])[None]
    everything = np.full_like(ends, np.inf)
    with mp.workdps(330):
        for op, f in exact.items():
            low, high = single_local.narrowed(
                op, -everything, everything, single_local.Computed(ends, ends, 0.0 * ends)
            )
            for z, a, b in zip(ends[0].tolist(), low[0].tolist(), high[0].tolist(), strict=True):
                assert a <= f(mp.mpf(z)) <= b


# -- where there is no bound ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "centre", "half"),
    [
        ((Node("exp", (0,), 1),), 89.0, 0.1),  # overflows in float32, not in float64
        ((_affine(0, [[1e30]]), _affine(1, [[1e10]])), 1.0, 0.1),
        ((_affine(0, [[3e38, 3e38]]),), 1.0, 0.0),  # a partial sum overflows
        ((_constant(1.0), Node("div", (1, 0), 1)), 0.0, 1.0),
        ((Node("log", (0,), 1),), 1e-3, 1.1e-3),
        ((Node("sqrt", (0,), 1),), 0.5, 0.5),
        ((Node("pow", (0,), 1, parameter=-2.0),), 0.1, 0.2),
        ((Node("gelu_tanh", (0,), 1),), 0.1, 0.2),  # no runtime says how accurate it is
        ((_affine(0, [[1e39]]),), 1e-3, 0.0),  # a weight that float32 does not have
    ],
)
def test_overflow_poles_and_unknown_functions_have_no_bound(nodes, centre, half):
    d = 2 if nodes[0].op == "affine" and nodes[0].weight.shape[1] == 2 else 1
    program = _program(*nodes, d=d)
    bound, _ = rounding_in_single(program, np.full((1, d), centre), np.full((1, d), half), EVERY)
    assert np.isinf(bound).all()


def test_an_argument_beyond_the_assumed_accuracy_has_no_bound():
    program = _program(Node("sin", (0,), 1))
    for at, known in ((9.9e3, True), (1.1e4, False)):
        bound, _ = rounding_in_single(program, np.full((1, 1), at), np.zeros((1, 1)), kernels("onnxruntime"))
        assert np.isfinite(bound).all() == known


def test_underflow_is_in_the_bound():
    program = _program(Node("mul", (0, 0), 1))
    bound, _ = rounding_in_single(program, np.array([[1e-25]]), np.zeros((1, 1)), EVERY)
    assert bound[0, 0] >= 1e-50  # float32 gives 0
    tiny = _program(_affine(0, [[2.0**-100]]))
    bound, _ = rounding_in_single(tiny, np.array([[2.0**-30]]), np.zeros((1, 1)), EVERY)
    assert bound[0, 0] >= 2.0**-130  # also where subnormal numbers are flushed to zero


def test_weights_of_different_signs_cancel():
    """Layers of +1 and -1: products of |weights| grow by 8 a layer, the bound does not."""
    rng = np.random.default_rng(0)
    h = np.array([[1.0]])
    while len(h) < 8:
        h = np.block([[h, h], [h, -h]])
    nodes = [_affine(0, rng.normal(size=(8, 1)).astype(np.float32))]
    nodes += [_affine(k + 1, h) for k in range(6)]
    bounds = []
    for k in (1, 3, 5):
        bound, _ = rounding_in_single(_program(*nodes[:k]), np.ones((1, 1)), np.zeros((1, 1)), EVERY)
        bounds.append(bound.max())
    assert bounds[2] / bounds[1] < 24.0  # h h = 8: two layers multiply values by 8, products of |h| by 64


@pytest.mark.parametrize(
    ("exponent", "high"), [(10.1, 1e3), (1.3, 1e27), (-5.7, 1e3), (2.0, 1e3), (16777217.0, 2.0)]
)
def test_an_exponent_that_float32_does_not_hold_is_in_the_assumed_accuracy(exponent, high):
    """torch computes x^10.1 as x^10.1000004, which is 22 units of 2^-23 off at 1000; 16777217 is even in float32."""
    torch = pytest.importorskip("torch")

    class Power(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.one = torch.nn.Parameter(torch.ones(1))

        def forward(self, x):
            return (self.one * x[:, 0]) ** exponent

    problem = Problem(Power(), lambda x: x[:, 0], Domain(x=(high / 10, high)))
    assert problem.model.precision == "float32"
    runtime, functions = runs_in_single(problem.model, 1)
    x = np.linspace(high / 10, high, 2001, dtype=np.float32)
    run = torch.pow(torch.from_numpy(x), exponent).numpy().astype(float)
    with np.errstate(over="ignore"):
        exact = x.astype(np.longdouble) ** np.longdouble(exponent)
    use = np.isfinite(run) & (exact < 3e38) & (exact > 1e-37)
    off = np.abs(run[use] - exact[use]) / exact[use] * 2.0**23
    kernel = functions["square" if exponent == 2.0 else "pow"]
    assert runtime == "torch"
    assert kernel.ulps >= off.max(initial=0.0)
    assert (kernel.ulps <= 60) == (exponent != 16777217.0)
