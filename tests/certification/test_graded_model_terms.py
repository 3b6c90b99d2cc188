"""Operations on graded models made by hand, against the same rules in ball arithmetic of 200 bits: the checker's.

The checker's rules are tested against the truth by themselves (`checker/test_graded_terms`). What float64 adds is rounding:
no norm may be below the exact one, and what is lost of the parts that are taken as exact must be in the remainder. Parts
of sizes far apart make every term of a rule the largest once.
"""

import numpy as np
import pytest
from flint import arb, arb_poly, ctx

from supnorm.certification import graded_model as gm
from supnorm.certification.affine_model import AffineModel
from supnorm.certification.graded_rule import rule
from supnorm.checker import graded
from supnorm.checker.graded_rule import verify_rule

D, W = 3, 8
FORMS = D * (D + 1) // 2


@pytest.fixture(autouse=True)
def _precision():
    old, ctx.prec = ctx.prec, 200
    yield
    ctx.prec = old


def _model(seed, c=1.0, J=0.0, H=0.0, s=0.0, rem=0.0, degrees=range(2, gm.TOP + 1)):
    rng = np.random.default_rng(seed)

    def draw(size, *shape):
        return size * rng.uniform(0.3, 1.0, shape) * rng.choice([-1.0, 1.0], shape)

    parts = np.zeros((gm.TOP + 1, 1, W))
    parts[list(degrees)] = np.abs(draw(s, len(list(degrees)), 1, W))
    return gm.Graded(draw(c, 1, W), draw(J, 1, W, D), draw(H, FORMS, 1, W), parts, np.abs(draw(rem, 1, W)))


def _exactly(x):
    """The same models for the checker."""
    return [
        graded.Graded(
            arb(x.c[0, k]), tuple(map(arb, x.J[0, k].tolist())), tuple(map(arb, x.H[:, 0, k].tolist())),
            arb_poly(list(map(arb, x.s[:, 0, k].tolist()))), arb(x.rem[0, k]),
        )
        for k in range(x.c.shape[1])
    ]  # fmt: skip


def _compare(mine, theirs, room=1e-6):
    """Norms and remainders together cover the exact ones and all that is lost, and are hardly larger.

    Returns:
        The largest share of what the remainder has beyond the exact one that was lost in the exact parts.
    """
    used = [0.0]
    for k, exact in enumerate(theirs):
        if exact.rem is None:
            assert mine.rem[0, k] == np.inf
            continue
        pairs = [(mine.c[0, k], exact.c), *zip(mine.J[0, k].tolist(), exact.J, strict=True),
                 *zip(mine.H[:, 0, k].tolist(), exact.H, strict=True)]  # fmt: skip
        lost = sum((abs(arb(v) - e) for v, e in pairs), arb(0)).mid()
        gaps = [exact.s[j].mid() - arb(mine.s[j, 0, k]) for j in range(2, gm.TOP + 1)]
        beyond = (arb(mine.rem[0, k]) - exact.rem).mid()
        missing = sum((g for g in gaps if g > 0), arb(0))  # what is not in a norm must be in the remainder
        assert beyond >= (lost + missing) * (1 - arb(2) ** -100)
        size = sum((abs(e) for _, e in pairs), arb(0)) + exact.rem + exact.s(arb(1))
        assert beyond - sum((g for g in gaps if g < 0), arb(0)) <= size * room + arb("1e-280")
        used.append(float(lost / (beyond + arb("1e-300"))))
    return max(used)


KINDS = {  # sizes of the parts
    "constants": {}, "slopes": {"c": 0.0, "J": 1.0}, "forms": {"c": 0.0, "H": 1.0}, "parts": {"c": 0.0, "s": 1.0},
    "remainders": {"rem": 1e-3}, "small remainders": {"rem": 1e-14}, "all": {"J": 0.5, "H": 0.3, "s": 0.1, "rem": 0.1},
    "all of another size": {"c": 1e-6, "J": 1e3, "H": 1e-3, "s": 1e2, "rem": 1e-9},
    "high degrees": {"J": 0.1, "s": 1.0, "degrees": (7, 12, 13)},
    "nothing but a high degree": {"c": 0.0, "s": 1.0, "degrees": (13,)},
}  # fmt: skip
TWO = {
    "add": (gm.add, graded.plus),
    "sub": (lambda x, y: gm.add(x, y, -1.0), lambda x, y: graded.plus(x, graded.times(y, arb(-1)))),
    "mul": (gm.multiply, graded.multiply),
}


@pytest.mark.sampled(60)
@pytest.mark.parametrize("name", TWO)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "other", ["constants", "slopes", "forms", "parts", "remainders", "all", "high degrees"]
)
def test_two_models(name, kind, other):
    x, y = _model(0, **KINDS[kind]), _model(1, **KINDS[other])
    mine, theirs = TWO[name]
    used = _compare(mine(x, y), [theirs(a, b) for a, b in zip(_exactly(x), _exactly(y), strict=True)])
    if kind == other and kind in ("constants", "slopes", "forms") and name != "mul":
        assert used > 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_multiples(kind):
    x = _model(2, **KINDS[kind])
    used = _compare(gm.scale(x, -1.7), [graded.times(v, arb(-1.7)) for v in _exactly(x)])
    if kind in ("constants", "slopes", "forms"):
        assert used > 0.2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("large", ["weights", "biases"])
def test_layers(kind, large):
    rng = np.random.default_rng(3)
    one = _model(4, **KINDS[kind])
    x = gm.Graded(one.c[:, :1], one.J[:, :1], one.H[:, :, :1], one.s[:, :, :1], one.rem[:, :1])
    size = (1.0, 1e-3) if large == "weights" else (1e-3, 1.0)
    weight, bias = size[0] * rng.normal(size=(40, 1)), size[1] * rng.normal(size=40)
    found = gm.affine(x, weight, bias)
    exact = [
        graded.plus(graded.times(v, arb(w)), graded.Graded(arb(b), (arb(0),) * D, (arb(0),) * FORMS, arb_poly([]), arb(0)))
        for v in _exactly(x) for w, b in zip(weight[:, 0].tolist(), bias.tolist(), strict=True)
    ]  # fmt: skip
    used = _compare(found, exact)
    if kind == "constants" or (kind in ("slopes", "forms") and large == "weights"):
        assert used > 0.1


def test_long_layers():
    rng = np.random.default_rng(5)
    x = _model(6, **KINDS["all"])
    weight = rng.normal(size=(W, W))
    found = gm.affine(x, weight, np.zeros(W))
    exact = []
    for row in weight.tolist():
        total = None
        for w, v in zip(row, _exactly(x), strict=True):
            one = graded.times(v, arb(w))
            total = one if total is None else graded.plus(total, one)
        exact.append(total)
    _compare(found, exact)


@pytest.mark.parametrize("kind", KINDS)
def test_kinks(kind):
    for at in (0.5, 3.0, 30.0, 3e4):
        x = _model(7, **{**KINDS[kind], "c": at})
        _compare(gm.relu(x), [graded.relu(v) for v in _exactly(x)])


ARGUMENTS = {
    "slopes": {"J": 0.2}, "wide slopes": {"J": 0.6}, "remainders": {"rem": 1e-2},
    "slopes and remainders": {"J": 0.1, "rem": 1e-2},
    "forms": {"J": 0.1, "H": 0.1}, "forms and parts": {"J": 0.1, "H": 0.05, "s": 0.02, "rem": 1e-3},
    "wide slopes and parts": {"J": 1.5, "s": 0.2, "degrees": (2, 4)},
    "parts": {"s": 0.05}, "large parts": {"J": 0.05, "s": 0.3, "degrees": (2, 3)},
    "high degrees": {"J": 0.1, "s": 0.1, "degrees": (9, 13)},
}  # fmt: skip
FUNCTIONS = {
    "tanh": (), "sigmoid": (), "softplus": (), "silu": (), "gelu": (), "erf": (), "sin": (), "cos": (), "exp": (),
    "log": (), "sqrt": (), "reciprocal": (), "pow": (1.7,), "pow ": (3.0,), "pow  ": (-2.0,),
}  # fmt: skip


@pytest.mark.sampled(40)
@pytest.mark.parametrize("op", FUNCTIONS)
@pytest.mark.parametrize("kind", ARGUMENTS)
def test_functions(op, kind):
    x, extra = _model(8, **ARGUMENTS[kind]), FUNCTIONS[op]
    op = op.strip()
    if op in ("log", "sqrt", "reciprocal") or extra:
        x = gm.Graded(np.abs(x.c) + 4.0, x.J, x.H, x.s, x.rem)
    with np.errstate(all="ignore"):
        found = gm.smooth(op, x, *extra)
    # The checker's bound of a logarithm on an ellipse is the smaller one: it does without its middle.
    room = 1e-4 if op == "log" else 1e-6
    _compare(found, [graded.smooth(op, v, *extra) for v in _exactly(x)], room)


@pytest.mark.parametrize("m", [3, 4])
@pytest.mark.parametrize("err", [0.0, 1e-3])
@pytest.mark.parametrize("kind", ["all", "slopes"])
def test_tightening(m, err, kind):
    mine = rule(D, m)
    theirs = verify_rule(D, m, tuple(map(tuple, mine.representatives.tolist())))
    place = {node: i for i, node in enumerate(map(tuple, mine.nodes.tolist()))}
    order = [place[node] for node in theirs.nodes]
    assert 1.0 <= mine.lebesgue / float(theirs.lebesgue) < 1.0 + 1e-6
    x = _model(9, **KINDS[kind])
    values = np.random.default_rng(10).normal(size=(1, len(mine.nodes), W))
    zero = np.zeros((1, W))
    bound = AffineModel(zero, np.zeros((1, W, D)), np.zeros((1, 1, W)), zero + err, np.ones(1))
    found = gm.tighten(x, values, bound, mine)
    exact = [
        graded.tightened(v, theirs.coefficients(list(map(arb, values[0, order, k].tolist()))), theirs)
        for k, v in enumerate(_exactly(x))
    ]
    inherited = arb(mine.lebesgue) * arb(err)
    exact = [graded.Graded(e.c, e.J, e.H, e.s, e.rem + inherited) for e in exact]
    _compare(found, exact)


def test_tails_and_sizes_count_every_part():
    x = _model(11, J=0.5, H=0.3, s=0.1, rem=0.1)
    for k, exact in enumerate(_exactly(x)):
        for degree in (1, 2, 3, 7, 12, 13):
            assert 0.0 <= x.tail(degree)[0, k] - float(exact.tail(degree)) <= 1e-13
        assert 0.0 <= x.bent[0, k] - float(exact.bent) <= 1e-13
        assert 0.0 <= x.slope[0, k] - float(exact.slope) <= 1e-13
        assert 0.0 <= x.curve[0, k] - float(exact.curve) <= 1e-13


def test_models_without_bound_stay_so():
    known = _model(12, **KINDS["all"])
    lost = gm.Graded(0.0 * known.c, 0.0 * known.J, 0.0 * known.H, 0.0 * known.s, np.inf + known.rem)
    high = gm.Graded(known.c + 800.0, known.J, known.H, known.s, known.rem)
    below = gm.Graded(-1.0 - np.abs(known.c), 0.1 * known.J, 0.1 * known.H, 0.0 * known.s, 0.0 * known.rem)
    with np.errstate(all="ignore"):
        for found in (
            gm.add(known, lost), gm.add(lost, known, -1.0), gm.multiply(known, lost), gm.multiply(lost, known),
            gm.smooth("tanh", lost), gm.relu(lost), gm.affine(lost, np.eye(W), np.zeros(W)), gm.smooth("exp", high),
            gm.smooth("log", below), gm.smooth("sqrt", below), gm.smooth("pow", below, 1.5),
        ):  # fmt: skip
            assert (found.rem == np.inf).all()
            assert (found.tail(13) == np.inf).all()


def test_functions_of_large_numbers_hold_the_rounding_of_their_nodes():
    """At 700 a node is off by 700 u, and so is exp of its value, beside which the rounding of exp is small."""
    for op, at in (("exp", 690.0), ("exp", -690.0), ("sin", 7e4), ("cos", 7e4)):
        one = _model(13, J=0.1)
        x = gm.Graded(at + one.c, one.J, one.H, one.s, one.rem)
        with np.errstate(all="ignore"):
            found = gm.smooth(op, x)
        _compare(found, [graded.smooth(op, v) for v in _exactly(x)])


def test_the_logarithm_of_a_huge_or_tiny_number_holds_the_rounding_of_its_shift():
    """A little below a power of two what is left for the series is near zero, and so is the rounding of that."""
    exponent = np.array([[900, 1000, 1023, -700, -900, -1000, 901, -901]])
    zero = _model(14, c=0.0)
    x = gm.Graded(np.ldexp(1.0 - 2.0**-30, exponent), zero.J, zero.H, zero.s, zero.rem)
    with np.errstate(all="ignore"):
        found = gm.smooth("log", x)
    for value, c, rem in zip(x.c[0].tolist(), found.c[0].tolist(), found.rem[0].tolist(), strict=True):
        assert abs(arb(value).log() - arb(c)) <= arb(rem)
        assert rem < 1e-11
