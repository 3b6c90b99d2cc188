"""Special functions of the checker: coefficients and bounds against mpmath, forgeries, what is refused."""

import hashlib
import json
import math
import random
import sys
import time
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from flint import arb, ctx
from scipy import special

sys.path.insert(0, str(Path(__file__).parents[1] / "certification"))
from special_cases import SPECIAL, by_function, cases, coefficients, known, parameters, sizes

from supnorm.certification import certify
from supnorm.checker import incomplete, special_functions
from supnorm.checker.check import check
from supnorm.checker.operation import Operation
from supnorm.checker.program_cost import Size
from supnorm.checker.special_functions import NAMES, bound
from supnorm.problem import Domain, Problem


def test_both_sides_know_the_same_functions():
    assert set(NAMES) == set(SPECIAL)


@pytest.mark.slow
@pytest.mark.parametrize("op", NAMES)
def test_coefficients_contain_those_of_mpmath(op):
    with mp.workdps(30):
        for low, high, _, (*p,) in cases(op, 10, seed=4):
            z = 0.5 * (low + high)
            found = special_functions.coefficients(op, arb(z), 6, given(p))
            exact = coefficients(op, mp.mpf(z), tuple(p), 0.02)
            lost = known(op, z, tuple(p), 0.02, exact)
            for ball, value, unknown in zip(found, exact, lost, strict=False):
                middle, off = mp.mpf(str(ball.mid().str(40, radius=False))), mp.mpf(float(ball.rad()))
                assert abs(mp.re(value) - middle) <= off * (1 + 1e-6) + abs(value) * 1e-25 + unknown


def given(p):
    """Parameters as the checker has them."""
    return (tuple(p) if len(p) > 1 else p[0]) if p else None


def _shares(op, count):
    worst = [0.0] * 7
    seed = (
        5 if op == "bessel_i" else 0
    )  # those of the certifier's test, made once; none of these comes near for bessel_i
    for ends, p, found in sizes(op, count, seed):
        bounds = [bound(op, i, *map(arb, ends), given(p)) for i in range(7)]
        for at_point in found:
            for i, size in enumerate(at_point):
                worst[i] = max(worst[i], float(size / mp.mpf(float(bounds[i]))))
    return worst


@pytest.mark.slow
@pytest.mark.parametrize("op", by_function(NAMES))
def test_coefficients_on_rectangles_are_bounded(op):
    assert max(_shares(op, 40)) <= 1.0 + 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("op", by_function(NAMES))
def test_a_weakened_bound_is_noticed(op, monkeypatch):
    honest = special_functions._BOUNDS[op]
    monkeypatch.setitem(special_functions._BOUNDS, op, lambda i, *a: 0.6 * honest(i, *a))
    assert min(_shares(op, 40)[1:]) > 1.0


@pytest.mark.parametrize("op", NAMES)
def test_no_bound_on_a_pole_or_a_cut(op):
    for p in parameters(op):
        if not special_functions.entire(op, given(p)):
            low, high, h = {"atan": (-0.5, 0.5, 1.0), "erfinv": (0.5, 0.95, 0.4)}.get(op, (-0.5, 0.5, 0.1))
            assert all(bound(op, i, arb(low), arb(high), arb(h), given(p)) is None for i in range(1, 7))


def test_wide_balls_have_no_value_because_they_take_seconds():
    for op in set(NAMES) - {"erfc"}:  # which has its values from both ends
        for p in parameters(op):
            assert special_functions.coefficients(op, arb("1e300", "1e299"), 2, given(p))[0].is_nan()


def _outside():
    """How often a coefficient of erfc at a point of a wide ball is outside of what is said of the ball; the sizes said."""
    rng, wrong, sizes = np.random.default_rng(8), [0] * 6, []
    with mp.workdps(40):
        for _ in range(200):
            middle = float(
                rng.normal() * 10.0 ** rng.uniform(-1, 1) if rng.random() < 0.7 else rng.normal() * 1e30
            )
            radius = max(abs(middle), 1.0) * 10.0 ** float(rng.uniform(-2, 0.3))
            found = special_functions.coefficients("erfc", arb(middle, radius), 6)
            sizes.append(float(found[0].rad()))
            ends = [(b.lower().man_exp(), b.upper().man_exp()) for b in found]
            for part in (-1.0, -0.7, 0.0, 0.4, 1.0):
                z = mp.mpf(middle) + mp.mpf(radius) * part
                exact = [mp.erfc(z)]
                density = 2 / mp.sqrt(mp.pi) * mp.exp(-z * z)
                exact += [(-1) ** i * density * mp.hermite(i - 1, z) / mp.factorial(i) for i in range(1, 6)]
                for i, ((low, a), (high, b)) in enumerate(ends):
                    inside = (
                        mp.mpf(int(low)) * mp.mpf(2) ** int(a)
                        <= exact[i]
                        <= mp.mpf(int(high)) * mp.mpf(2) ** int(b)
                    )
                    wrong[i] += not inside
    return wrong, sizes


@pytest.mark.sampled(1)
@pytest.mark.parametrize("bits", [53, 80])
def test_erfc_of_a_wide_ball_has_the_values_and_slopes_at_its_points(bits, monkeypatch):
    monkeypatch.setattr(ctx, "prec", bits)
    wrong, sizes = _outside()
    assert wrong == [0] * 6
    assert max(sizes) <= 1.0 + 1e-6  # and no wider than erfc is


@pytest.mark.slow
def test_weakened_values_and_slopes_of_a_wide_ball_are_noticed(monkeypatch):
    honest = special_functions._wide_erfc
    monkeypatch.setattr(
        special_functions, "_wide_erfc", lambda z, n: honest(arb(z.mid(), 0.9 * float(z.rad())), n)
    )
    assert _outside()[0][0] > 50
    monkeypatch.setattr(special_functions, "_wide_erfc", lambda z, n: [0.4 * v for v in honest(z, n)])
    assert min(_outside()[0]) > 5


def test_erfc_of_what_is_no_number_is_none():
    for z in (arb("nan"), arb(0, "inf"), arb("inf"), arb("-inf")):
        assert not special_functions.coefficients("erfc", z, 6)[0].is_finite()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("special") / "c.json"
    problem = Problem(
        lambda x: 1.0 - 0.24 * x[:, 0] ** 2, lambda x: special.j0(x[:, 0]), Domain(x=(0.1, 2.0))
    )
    certify(problem, ratio=1.05).certificate.save(path)
    return path


def _sha(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


FORGERIES = {
    "another order": lambda node: node.update(order=(1.0).hex()),
    "another function": lambda node: node.update(op="bessel_i"),
    "a negative order": lambda node: node.update(order=(-1.0).hex()),
    "an order that takes long": lambda node: node.update(order=(1e6).hex()),
    "no order": lambda node: node.pop("order"),
    "a shape beside it": lambda node: node.update(shape=(1.0).hex()),
    "an order that is no number": lambda node: node.update(order="nan"),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_forgeries(what, saved, tmp_path):
    data = json.loads(saved.read_text())
    for program in (*data["programs"], *data["point_programs"]):
        FORGERIES[what](next(node for node in program["nodes"] if node["op"] == "bessel_j"))
    data["hashes"] = [_sha(program) for program in data["programs"]]
    data["digest"] = _sha({k: v for k, v in data.items() if k != "digest"})
    (tmp_path / "c.json").write_text(json.dumps(data))
    result = check(tmp_path / "c.json")
    assert not result.accepted
    assert "\n" not in result.reason


def test_the_honest_file_is_accepted(saved):
    assert check(saved).accepted


@pytest.fixture(scope="module")
def of_beta(tmp_path_factory):
    """Two incomplete beta functions whose first shapes are the same."""
    path = tmp_path_factory.mktemp("beta") / "c.json"
    problem = Problem(
        lambda x: 0.3 * special.betainc(1.5, 2.0, x[:, 0]),
        lambda x: special.betainc(1.5, 2.5, x[:, 0]),
        Domain(x=(0.2, 0.8)),
    )
    certify(problem, ratio=1.1).certificate.save(path)
    assert check(path).accepted
    return path


OF_BETA = {
    "another second shape": lambda node: node.update(second_shape=(2.0).hex()),
    "exchanged shapes": lambda node: node.update(shape=node["second_shape"], second_shape=node["shape"]),
    "no second shape": lambda node: node.pop("second_shape"),
    "a second shape of 0": lambda node: node.update(second_shape=(0.0).hex()),
    "a second shape that takes long": lambda node: node.update(second_shape=(1e6).hex()),
    "a second shape that is no number": lambda node: node.update(second_shape="nan"),
    "another function": lambda node: (node.update(op="gammainc"), node.pop("second_shape")),
}


@pytest.mark.parametrize("what", OF_BETA)
def test_forgeries_of_a_function_with_two_shapes(what, of_beta, tmp_path):
    data = json.loads(of_beta.read_text())
    for program in (*data["programs"], *data["point_programs"]):
        nodes = [n for n in program["nodes"] if n["op"] == "betainc"]
        assert len({n["second_shape"] for n in nodes}) == 2
        OF_BETA[what](next(n for n in nodes if float.fromhex(n["second_shape"]) == 2.5))
    data["hashes"] = [_sha(program) for program in data["programs"]]
    data["digest"] = _sha({k: v for k, v in data.items() if k != "digest"})
    (tmp_path / "c.json").write_text(json.dumps(data))
    result = check(tmp_path / "c.json")
    assert not result.accepted
    assert "\n" not in result.reason


def test_a_forged_inverse_of_erf_is_rejected(tmp_path):
    """A proof about erfinv is none about erfc, and the other way round."""
    problem = Problem(lambda x: 0.95 * x[:, 0], lambda x: special.erfinv(x[:, 0]), Domain(x=(-0.6, 0.6)))
    result = certify(problem, ratio=1.1)
    result.certificate.save(tmp_path / "c.json")
    data = json.loads((tmp_path / "c.json").read_text())
    assert check(tmp_path / "c.json").accepted
    for program in (*data["programs"], *data["point_programs"]):
        next(n for n in program["nodes"] if n["op"] == "erfinv").update(op="erfc")
    data["hashes"] = [_sha(program) for program in data["programs"]]
    data["digest"] = _sha({k: v for k, v in data.items() if k != "digest"})
    (tmp_path / "c.json").write_text(json.dumps(data))
    assert not check(tmp_path / "c.json").accepted


def test_what_special_functions_cost_is_counted():
    def cost(op, p):
        chain = (Operation("input", (), 1), Operation(op, (0,), 1, parameter=p))
        return Size.of(chain).values(1.0).operations

    assert cost("bessel_y", 1.0) > 50 * cost("exp", None)


def test_cbrt_next_to_zero(monkeypatch):
    """Values, slopes and bounds at subnormal numbers, where float64 has few digits and a ball may hold zero."""
    monkeypatch.setattr(ctx, "prec", 80)
    for z in (5e-324, -5e-324, 3e-320, -2.3e-308, 1e-300):
        value, slope = special_functions.coefficients("cbrt", arb(z), 2)
        with mp.workdps(40):
            root = mp.cbrt(abs(mp.mpf(z)))
            assert abs(float(value) - math.copysign(float(root), z)) <= 1e-15 * float(root)
            assert abs(float(slope.log()) - float(mp.log(root / (3 * abs(mp.mpf(z)))))) < 1e-10
    for ball in (arb(0), arb(5e-324, 1e-323), arb(0, 1e-300), arb(-1e-310, 1e-300)):  # zero may be inside
        value, slope = special_functions.coefficients("cbrt", ball, 2)
        assert not slope.is_finite()
        assert value.contains(0)
        for end in (ball.lower(), ball.upper()):  # cubes of the ends of the value
            root = value.upper() if end > 0 else value.lower()
            assert abs(root) ** 3 * (1 + arb(2) ** -40) >= abs(end)
        assert abs(value).upper() ** 3 <= abs(ball).upper() * (1 + arb(2) ** -20)
        assert bound("cbrt", 1, ball.lower(), ball.upper(), arb(0)) is None
    near = arb(5e-324)
    assert bound("cbrt", 1, near, 2 * near, arb(0)) >= near.root(3) / (3 * near)


def test_cbrt_of_large_numbers():
    """Their balls are wide in units of 1, and as precise as others."""
    for z in (7.5e31, -7.5e31, 1e300):
        ball = arb(z) * (arb(1) / 3) * 3
        value, slope = special_functions.coefficients("cbrt", ball, 2)
        root = math.copysign(abs(z) ** (1 / 3), z)
        assert abs(value / root - 1) < 1e-12
        assert abs(3 * z * slope / root - 1) < 1e-12


@pytest.mark.parametrize("shape", [160.5, 165.0, 178.5, 200.0, 400.0, 999.0])
def test_bounds_of_incomplete_gamma_functions_do_not_underflow(shape, monkeypatch):
    """Certificates of shapes above 158 that were made with bounds that underflowed are proved again by these."""
    monkeypatch.setattr(ctx, "prec", 80)
    with mp.workdps(60):
        for low in (0.05 * shape, 0.4 * shape, 0.9 * shape, 1.5 * shape, 900.0):
            for i in (1, 2, 4, 6):
                s = mp.mpf(shape)
                terms = [
                    mp.binomial(s - 1, j)
                    * mp.mpf(low) ** (s - 1 - j)
                    * (-1) ** (i - 1 - j)
                    / mp.factorial(i - 1 - j)
                    for j in range(i)
                ]
                exact = abs(mp.exp(-mp.mpf(low) - mp.loggamma(s)) * mp.fsum(terms) / i)
                held = bound("gammainc", i, arb(low), arb(1.1 * low), arb(0), shape)
                assert held is not None
                assert mp.log(exact) <= mp.mpf(float(held.log().upper())) + 1e-12


def test_no_argument_makes_a_call_take_seconds():
    """FLINT's own P(s, z) took a second for z near s, and Q, E1 and I up to minutes for balls far out."""
    start = time.process_time()
    for op, p, z in (
        ("gammainc", 30.3, arb(30.3, 1e-4)),
        ("gammainc", 999.5, arb(1000.0)),
        ("gammainc", 418.0, arb(3629660176106.725, 2.0**-11)),
        ("gammaincc", 418.0, arb(3629660176106.725, 2.0**-11)),
        ("exp1", None, arb(7392876101460.442, 7e-4)),
        ("bessel_i", 1.0, arb(347679683014877.56, 2.0**-11)),
        ("bessel_i", 1e-10, arb(742.8293350964843, 2.0**-11)),
        ("bessel_k", 63.9999999, arb(7.676e-237, 7.496e-240)),
        ("betainc", (2.0, 1000.0), arb(0.5099837955637693, 5.8e-14)),
        ("betainc", (2.0, 1e-300), arb(0.9999985390037575, 7.7e-19)),
    ):
        value = special_functions.coefficients(op, z, 1, p)[0]
        assert value.is_finite() == (not op.startswith("bessel"))
    assert not special_functions.allowed("bessel_k", 1e-300)  # half a minute
    assert time.process_time() - start < 10.0


def test_incomplete_gamma_functions_are_those_of_flint_in_more_bits():
    rng, before = random.Random(5), ctx.prec
    try:
        for _ in range(60):
            s = 10.0 ** rng.uniform(-2.0, 2.5)
            near, far = (
                s * 10.0 ** rng.uniform(-3.0, 0.8),
                (2.0 * s + special_functions.FAR) * rng.uniform(1.001, 4.0),
            )
            for z in (near, far):
                ctx.prec = 80
                p, q = (
                    special_functions.coefficients(op, arb(z), 1, s)[0] for op in ("gammainc", "gammaincc")
                )
                ctx.prec = 900
                exact = arb(z).gamma_upper(arb(s), regularized=1)
                assert q.contains(exact)
                assert p.contains(1 - exact) or p.overlaps(1 - exact)
                assert z == far or p.rel_accuracy_bits() > 60
            ctx.prec = 80
            one = special_functions.coefficients("exp1", arb(far), 1)[0]
            ctx.prec = 900
            assert one.contains(arb(far).expint(1))
    finally:
        ctx.prec = before


def _missed(of, draws=60):
    """How often the incomplete beta function or P, summed to a tenth, is outside of its ball."""
    rng, missed, before = random.Random(3), 0, ctx.prec
    try:
        for _ in range(draws):
            a, b, s = (10.0 ** rng.uniform(-1.5, 1.5) for _ in range(3))
            z = rng.random() if rng.random() < 0.8 else 1.0 - 10.0 ** rng.uniform(-12.0, -2.0)
            ctx.prec = 80
            held = of.beta(arb(z), arb(a), arb(b)), of.p(s * arb(z), arb(s))
            ctx.prec = 300
            exact = arb(z).beta_lower(arb(a), arb(b), regularized=1)
            missed += not held[0].overlaps(exact)
            missed += not held[1].overlaps(1 - (s * arb(z)).gamma_upper(arb(s), regularized=1))
    finally:
        ctx.prec = before
    return missed


def test_series_of_incomplete_functions_hold_what_is_left_out(monkeypatch):
    """With few terms the rest of the series counts; without it, or by the last ratio alone, values are missed."""
    monkeypatch.setattr(incomplete, "last_bit", lambda: arb("0.1"))
    assert _missed(incomplete) == 0
    with monkeypatch.context() as patch:
        patch.setattr(incomplete, "up_to", lambda size: 0.7 * size.upper() * arb(0.5, 0.5))
        assert _missed(incomplete)
    monkeypatch.undo()
    assert _missed(incomplete) == 0


def test_incomplete_beta_functions_of_balls_have_the_values_at_both_ends(monkeypatch):
    monkeypatch.setattr(ctx, "prec", 120)
    a, b = arb("2.5"), arb("40.3")
    held = incomplete.beta(arb(0.05, 0.01), a, b)
    for z in ("0.0400000001", "0.05", "0.0599999999"):
        assert held.overlaps(arb(z).beta_lower(a, b, regularized=1))
    assert held.rad() < 0.2


def test_bounds_of_bessel_k_have_whole_coefficients_in_the_checkers_own_bits():
    """Those of the orders from 61 on have more than 80 bits: honest files of such orders were called malformed."""
    before, ctx.prec = ctx.prec, 80
    try:
        size = bound("bessel_k", 6, arb(40.0), arb(41.0), arb(0), 64.0)
        value = special_functions.coefficients("bessel_k", arb(40.5), 7, 64.0)[6]
    finally:
        ctx.prec = before
    assert abs(value) < size < 1e3 * abs(value)


@pytest.mark.parametrize("op", ["bessel_j", "bessel_y"])
@pytest.mark.parametrize("order", [0.0, 0.5, 2.5, 7.3])
def test_balls_of_bessel_functions_stay_narrow_and_hold_the_values(op, order):
    """FLINT's series made a ball of radius 1e-20 around 30 one of 1e-8; an honest file was rejected."""
    function, radius = getattr(mp, {"bessel_j": "besselj", "bessel_y": "bessely"}[op]), 1e-12
    for middle in (4.5, 15.0, 30.0, 60.0, 200.0):
        ball, slope = special_functions.coefficients(op, arb(middle, radius), 2, order)
        assert float(ball.rad()) < 200.0 * radius
        with mp.workdps(50):
            for at in (-1.0, 0.3, 1.0):
                z = mp.mpf(middle) + at * mp.mpf(radius)
                assert _distance(ball, function(order, z)) <= float(ball.rad()) * (1 + 1e-9)
                true = function(order - 1, z) - order / z * function(order, z)
                assert _distance(slope, true) <= float(slope.rad()) * (1 + 1e-9)


@pytest.mark.parametrize("size", ["1e30", "1e400"])
def test_balls_of_large_numbers_have_values_or_none(size):
    for op in ("bessel_j", "bessel_y"):
        z = arb(size) + arb(0, 1e-9)
        (ball,) = special_functions.coefficients(op, z, 1, 0.5)
        assert not ball.is_finite() or abs(ball) < 1.0


def test_without_the_slope_a_ball_of_a_bessel_function_misses_values(monkeypatch):
    monkeypatch.setattr(special_functions, "bound", lambda *_: arb(0))
    (ball,) = special_functions.coefficients("bessel_j", arb(30.0, 1e-12), 1, 0.5)
    assert _distance(ball, mp.besselj(0.5, mp.mpf(30) + mp.mpf(1e-12))) > float(ball.rad())


def _distance(ball, value):
    return abs(mp.mpf(ball.mid().str(50, radius=False)) - value)
