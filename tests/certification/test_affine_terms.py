"""Each term of each operation on affine models by itself: what it covers, and that it is not far from attained.

Models are made by hand, with one kind of uncertainty at a time: rounded centres, slopes, inherited remainders,
inherited errors of evaluation, values far from the centre. The truth is arithmetic of 50 digits at the ends.
"""

import mpmath as mp
import numpy as np
import oracle
import pytest

from supnorm.certification import affine_model as am
from supnorm.certification.affine_model import AffineModel

SCALES = np.array([1.0, 3.0])
W = 24
COLUMN, BIAS = np.random.default_rng(5).normal(size=(W, 1)), np.random.default_rng(6).normal(size=W)
WEIGHT = np.random.default_rng(7).normal(size=(W, W))


def _model(rng, centre=1.0, slope=0.0, eps=0.0, err=0.0):
    """Features of one box in one variable; sizes of what is uncertain."""
    size = rng.uniform(0.5, 1.5, (4, W))
    c = centre * size[0] * rng.choice([-1.0, 1.0], W)
    rest = np.repeat(eps * size[2:3, None], 2, axis=1)
    return AffineModel(c[None], slope * size[1][None, :, None], rest, err * size[3:], SCALES)


def _points(model, s, sign):
    """Exact values that features may have: (y, values) at the ends of the box, or on the polydisc for s = 1."""
    for turn in (1, -1) if s == 0 else (1, -1, mp.mpc(0, 1), mp.mpc(0.6, 0.8)):
        y = mp.mpf(SCALES[s]) * turn
        rows = zip(model.c[0], model.J[0, :, 0], model.eps[0, s], strict=True)
        yield y, [mp.mpf(c) + mp.mpf(j) * y + sign * mp.mpf(e) for c, j, e in rows]


SIGNS = ((1, 1), (1, -1), (-1, 1), (-1, -1))


def _positive(u):
    return u if mp.re(u) > 0 else mp.mpf(0)


OPERATIONS = {  # on models, on exact numbers (lists), on floats
    "affine": (lambda x, y: am.affine(x.select(np.array([0])), COLUMN, BIAS),
               lambda a, b: [mp.mpf(w) * a[0] + mp.mpf(t) for w, t in zip(COLUMN[:, 0], BIAS, strict=True)],
               lambda a, b: COLUMN[:, 0] * a[0] + BIAS),
    "weights": (lambda x, y: am.affine(x.select(np.array([0])), COLUMN, 0 * BIAS),
                lambda a, b: [mp.mpf(w) * a[0] for w in COLUMN[:, 0]], lambda a, b: COLUMN[:, 0] * a[0]),
    "bias": (lambda x, y: am.affine(x.select(np.array([0])), 1e-3 * COLUMN, 1e3 * BIAS),
             lambda a, b: [mp.mpf(w) * a[0] + mp.mpf(t) for w, t in zip(1e-3 * COLUMN[:, 0], 1e3 * BIAS, strict=True)],
             lambda a, b: 1e-3 * COLUMN[:, 0] * a[0] + 1e3 * BIAS),
    "layer": (lambda x, y: am.affine(x, WEIGHT, 0 * BIAS),
              lambda a, b: [mp.fdot([mp.mpf(w) for w in row], a) for row in WEIGHT], lambda a, b: WEIGHT @ a),
    "add": (am.add, lambda a, b: [u + v for u, v in zip(a, b, strict=True)], np.add),
    "sub": (lambda x, y: am.add(x, y, -1.0), lambda a, b: [u - v for u, v in zip(a, b, strict=True)], np.subtract),
    "scale": (lambda x, y: am.scale(x, 1.7), lambda a, b: [mp.mpf(1.7) * u for u in a], lambda a, b: 1.7 * a),
    "mul": (am.multiply, lambda a, b: [u * v for u, v in zip(a, b, strict=True)], np.multiply),
    "relu": (lambda x, y: am.relu(x), lambda a, b: list(map(_positive, a)), lambda a, b: np.maximum(a, 0.0)),
}  # fmt: skip
for _name in ("tanh", "sigmoid", "softplus", "silu", "gelu", "erf", "sin", "cos", "exp"):
    OPERATIONS[_name] = (
        lambda x, y, n=_name: am.smooth(n, x),
        lambda a, b, n=_name: [oracle.UNARY[n](u) for u in a],
        lambda a, b, n=_name: am.AT_POINT[n](np.asarray(a))[0],
    )


def _pair(rng, parts):
    """Two models of the same kind; or the first a constant, where ``constant`` says so."""
    given = dict(parts)
    constant = given.pop("constant", False)
    return _model(rng) if constant else _model(rng, **given), _model(rng, **given)


def _remainder(name, s, **parts):
    """The largest |f - c - J y| over eps."""
    rng, worst = np.random.default_rng(0), 0.0
    x, y = _pair(rng, parts)
    on_models, exact, _ = OPERATIONS[name]
    with np.errstate(all="ignore"):
        found = on_models(x, y)
    with mp.workdps(50):
        for first, second in SIGNS:
            for (at, a), (_, b) in zip(_points(x, s, first), _points(y, s, second), strict=True):
                for k, value in enumerate(exact(a, b)):
                    off = abs(value - mp.mpf(found.c[0, k]) - mp.mpf(found.J[0, k, 0]) * at)
                    worst = max(worst, float(off / mp.mpf(max(found.eps[0, s, k], 1e-300))))
    return worst


def _evaluated(name, end, **parts):
    """The largest |computed - exact| over err; arguments at an end of their box, and off by their own errors."""
    rng, worst = np.random.default_rng(1), 0.0
    x, y = _pair(rng, parts)
    on_models, exact, computed = OPERATIONS[name]
    with np.errstate(all="ignore"):
        found = on_models(x, y)
    a, b = (m.c[0] + end * m.J[0, :, 0] for m in (x, y))
    with mp.workdps(50):
        values = exact([mp.mpf(v) for v in a], [mp.mpf(v) for v in b])
        for first, second in SIGNS:
            got = computed(a + first * x.err[0], b + second * y.err[0])
            for v, w, err in zip(values, got.tolist(), found.err[0], strict=True):
                worst = max(worst, float(abs(v - mp.mpf(w)) / mp.mpf(max(err, 1e-300))))
    return worst


FUNCTIONS = ("tanh", "sigmoid", "softplus", "silu", "gelu", "erf", "sin", "cos", "exp")
EXACT = ("affine", "weights", "bias", "layer", "add", "sub", "scale", "mul", "relu")
REMAINDERS = {  # what is uncertain, and how much of eps is used at least, by whom
    "rounded centres": ({}, 0.15, ("affine", "weights", "bias", "add", "sub", "scale", "mul")),
    "rounded slopes": ({"centre": 0.0, "slope": 1.0}, 0.15, ("affine", "weights", "add", "scale")),
    "rounded slopes of a multiple": ({"constant": True, "centre": 0.0, "slope": 1.0}, 0.15, ("mul",)),
    "rounded values and slopes": ({}, 0.02, FUNCTIONS),
    "inherited": ({"eps": 0.01}, 0.99, ("affine", "weights", "bias", "add", "sub", "scale", "mul", *FUNCTIONS)),
    "inherited by a layer": ({"eps": 0.01}, 0.4, ("layer",)),
    "products of slopes": ({"centre": 0.0, "slope": 1.0}, 0.99, ("mul",)),
    "products of slopes and remainders": ({"centre": 0.0, "slope": 1.0, "eps": 0.5}, 0.99, ("mul",)),
    "bent and inherited": ({"slope": 0.1, "eps": 0.01}, 0.75, FUNCTIONS),
    "bent far": ({"slope": 0.5, "eps": 0.2}, 0.0, FUNCTIONS),
    "kinks": ({"slope": 1.0}, 0.99, ("relu",)),
    "kinks and inherited": ({"slope": 1.0, "eps": 0.3}, 0.95, ("relu",)),
}  # fmt: skip
EVALUATIONS = {
    "its own": ({}, 0.02, ("affine", "weights", "bias", "add", "sub", "scale", "mul", *FUNCTIONS)),
    "far from the centre": ({"centre": 0.0, "slope": 1.0}, 0.02, ("affine", "weights", "add", "scale", "mul", *FUNCTIONS)),
    "inherited": ({"err": 1e-3}, 0.75, ("affine", "weights", "bias", "add", "sub", "scale", "mul", "relu", *FUNCTIONS)),
    "inherited by a layer": ({"err": 1e-3}, 0.4, ("layer",)),
    "inherited far from the centre": ({"centre": 0.0, "slope": 1.0, "err": 1e-3}, 0.25, ("mul", "exp", "softplus", *EXACT)),
}  # fmt: skip


def _cases(table):
    return [(what, name) for what, (_, _, names) in table.items() for name in dict.fromkeys(names)]


@pytest.mark.sampled(20)
@pytest.mark.parametrize(("what", "name"), _cases(REMAINDERS))
def test_remainders(what, name):
    parts, least, _ = REMAINDERS[what]
    worst = [_remainder(name, s, **parts) for s in (0, 1)]
    assert least < max(worst) <= 1.0


@pytest.mark.parametrize(("what", "name"), _cases(EVALUATIONS))
def test_errors_of_evaluation(what, name):
    parts, least, _ = EVALUATIONS[what]
    worst = [_evaluated(name, end, **parts) for end in (1, -1)]
    assert least < max(worst) <= 1.0 + 1e-12  # the arguments here are rounded themselves


def test_a_long_sum_may_lose_all_small_terms():
    """1 + u + u + ..: in floats most of them are lost, each with half an ulp."""
    k = 400
    c = np.full((1, k), 0.9 * 2.0**-53)
    c[0, 0] = 1.0
    x = AffineModel(c, np.zeros((1, k, 1)), np.zeros((1, 2, k)), np.zeros((1, k)), SCALES)
    found = am.affine(x, np.ones((1, k)), np.zeros(1))
    with mp.workdps(50):
        off = float(abs(mp.fsum(map(mp.mpf, c[0])) - mp.mpf(float(found.c[0, 0]))))
    assert off > 4 * 2.0**-53
    assert off <= min(found.eps[0, 0, 0], found.err[0, 0])


def test_inputs_are_off_by_the_rounding_of_nodes():
    """Nodes of a rule are computed as centre + half t: the program's inputs are not the exact nodes."""
    rng = np.random.default_rng(0)
    centre, half, t = (
        rng.normal(size=(1, 200)),
        rng.uniform(0.5, 2, size=(1, 200)),
        rng.uniform(-1, 1, (1, 200)),
    )
    found = am.variables(centre, half, SCALES)
    with mp.workdps(50):
        rows = zip(centre[0], half[0], t[0], (centre + half * t)[0], found.err[0], strict=True)
        used = [abs(mp.mpf(c) + mp.mpf(h) * mp.mpf(s) - mp.mpf(x)) / mp.mpf(e) for c, h, s, x, e in rows]
    assert 0.1 < max(used) < 1.0


def test_a_function_without_a_finite_value_has_no_bound():
    x = AffineModel(
        np.array([[800.0, -1.0]]), np.zeros((1, 2, 1)), np.zeros((1, 2, 2)), np.zeros((1, 2)), SCALES
    )
    with np.errstate(all="ignore"):
        for found in (am.smooth("exp", x.select(np.array([0]))), am.smooth("log", x.select(np.array([1])))):
            assert np.isinf(found.eps).all()
            assert np.isinf(found.err).all()
            assert (found.c == 0).all()


def test_a_kink_of_what_has_no_bound_has_none():
    x = AffineModel(
        np.ones((1, 1)), np.zeros((1, 1, 1)), np.full((1, 2, 1), np.inf), np.zeros((1, 1)), SCALES
    )
    with np.errstate(all="ignore"):
        found = am.relu(x)
    assert np.isinf(found.eps).all()
    assert np.isinf(found.err).all()


def test_bounds_on_the_line_are_none_on_polydiscs():
    """tanh has a pole 1.57 away: the remainder that holds on a real interval of any length says nothing beside it."""
    x = AffineModel(np.zeros((1, 1)), np.ones((1, 1, 1)), np.zeros((1, 2, 1)), np.zeros((1, 1)), SCALES)
    with np.errstate(all="ignore"):
        found = am.smooth("tanh", x)
    assert np.isfinite(found.eps[0, 0]).all()
    assert np.isinf(found.eps[0, 1]).all()


def test_gelu_loses_digits_far_below_zero():
    """The exponent of its density is rounded: values at -37 are off by 1500 units, and the library is not to blame."""
    c = np.random.default_rng(0).uniform(-37.0, -20.0, 40)
    x = AffineModel(c[None], np.zeros((1, 40, 1)), np.zeros((1, 2, 40)), np.zeros((1, 40)), SCALES)
    found = am.smooth("gelu", x)
    with mp.workdps(40):
        exact = [mp.mpf(z) * mp.erfc(-mp.mpf(z) / mp.sqrt(2)) / 2 for z in c]
        off = np.array([float(abs(e - mp.mpf(v))) for e, v in zip(exact, found.c[0], strict=True)])
    assert 0.05 < (off / found.eps[0, 0]).max() <= 1.0
    assert 0.05 < (off / found.err[0]).max() <= 1.0


def test_kinks_cross_wherever_their_argument_may_change_sign():
    """Arguments that reach just beyond zero, on the box and on the polydisc, are not taken as they are."""
    c = np.array([[0.95, -0.95, 2.95, -2.95]])
    x = AffineModel(c, np.ones((1, 4, 1)), np.zeros((1, 2, 4)), np.zeros((1, 4)), SCALES)
    found = am.relu(x)
    ends = c[0] + np.array([[-1.0], [1.0]])
    off = np.abs(np.maximum(ends, 0) - found.c[0] - found.J[0, :, 0] * np.array([[-1.0], [1.0]]))
    assert (off <= found.eps[0, 0] + 1e-300).all()
    assert found.eps[0, 0, :2].min() > 1e-3
    assert np.isinf(found.eps[0, 1]).all()


@pytest.mark.parametrize(("name", "low", "high"), [("erf", 12.0, 26.0), ("gelu", -37.0, -20.0)])
def test_slopes_of_bell_curves_lose_digits_far_out(name, low, high):
    c = np.random.default_rng(1).uniform(low, high, 40)
    _, slope, _, allowed = am.AT_POINT[name](c)
    with mp.workdps(60):
        points = [mp.mpf(z) for z in c]
        if name == "erf":
            exact = [2 / mp.sqrt(mp.pi) * mp.exp(-z * z) for z in points]
        else:
            exact = [mp.erfc(-z / mp.sqrt(2)) / 2 + z * mp.npdf(z) for z in points]
        used = np.array(
            [float(abs(e - mp.mpf(s)) / mp.mpf(a)) for e, s, a in zip(exact, slope, allowed, strict=True)]
        )
    assert used.max() <= 1.0
    assert (used * (1.0 + c * c)).max() > 1.0  # without the square it would not be enough
