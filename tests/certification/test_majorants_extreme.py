"""Linear remainders far from one: centres and radii from 1e-18 to 1e18, alone and where they cancel, against mpmath."""

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import oracle
import pytest

from supnorm.certification import ChebyshevCertificate, GradedCertificate, LinearBounds, certify, majorants
from supnorm.certification.elementary import STEEPEST
from supnorm.certification.rounding import outward
from supnorm.certification.special_bounds import SPECIAL
from supnorm.checker import check
from supnorm.problem import Domain, Problem

ELEMENTARY = [name for name in majorants.REMAINDER if name not in SPECIAL]
TURNS = [mp.mpc(1, 0), mp.mpc(-1, 0), mp.mpc(0, 1), mp.mpc(0.6, 0.8), mp.mpc(-0.8, 0.6)]  # at most 1 long
FUNCTIONS = oracle.UNARY | {  # without cancellation
    "softplus": lambda z: mp.log1p(mp.exp(-z)) + z if mp.re(z) > 0 else mp.log1p(mp.exp(z)),
    "gelu": lambda z: z * mp.erfc(-z / mp.sqrt(2)) / 2,
}
LOST = mp.mpf(10) ** -120  # of the sizes, by 130 digits
FUNCTIONS = oracle.UNARY | {  # without cancellation
    "softplus": lambda z: mp.log1p(mp.exp(-z)) + z if mp.re(z) > 0 else mp.log1p(mp.exp(z)),
    "gelu": lambda z: z * mp.erfc(-z / mp.sqrt(2)) / 2,
}
LOST = mp.mpf(10) ** -120  # of the sizes, by 130 digits
SLOPES = {
    "tanh": lambda z: 1 - mp.tanh(z) ** 2,
    "sigmoid": lambda z: FUNCTIONS["sigmoid"](z) * FUNCTIONS["sigmoid"](-z),
    "softplus": lambda z: FUNCTIONS["sigmoid"](z),
    "silu": lambda z: FUNCTIONS["sigmoid"](z) * (1 + z * FUNCTIONS["sigmoid"](-z)),
    "gelu": lambda z: mp.ncdf(z) + z * mp.npdf(z),
    "erf": lambda z: 2 / mp.sqrt(mp.pi) * mp.exp(-z * z),
    "sin": mp.cos,
    "cos": lambda z: -mp.sin(z),
    "exp": mp.exp,
    "log": lambda z: 1 / z,
    "sqrt": lambda z: 1 / (2 * mp.sqrt(z)),
    "pow": lambda z, p: p * z ** (p - 1),
    "reciprocal": lambda z: -1 / z**2,
}


def _cases(name, count):
    """Centres, radii and parameters; half of the radii reach nearly to zero or a little beyond it."""
    rng = np.random.default_rng(sum(map(ord, name)))
    c = 10.0 ** rng.uniform(-18, 18, count) * rng.choice([-1.0, 1.0], count)
    r = 10.0 ** rng.uniform(-18, 18, count)
    near = np.abs(c) + rng.uniform(-50.0, 50.0, count) * rng.choice([0.0, 1e-3, 1.0], count)
    r = np.where((rng.random(count) < 0.5) & (near > 0), near, r)
    if name in ("log", "sqrt", "pow"):
        c, r = (
            np.abs(c),
            np.where(rng.random(count) < 0.8, np.abs(c) * 10.0 ** rng.uniform(-9, -0.01, count), r),
        )
    if name == "reciprocal":
        r = np.where(rng.random(count) < 0.8, np.abs(c) * 10.0 ** rng.uniform(-9, -0.01, count), r)
    p = rng.choice([2.0, 3.0, -1.0, -2.5, 0.5, 1.7], count) if name == "pow" else [None] * count
    return zip(c.tolist(), r.tolist(), p, strict=True)


def _shares(name, count=120):
    """The largest true remainder found on each disc with a bound, and the bound."""
    with mp.workdps(130), np.errstate(all="ignore"):
        for c, r, p in _cases(name, count):
            extra = () if p is None else (float(p),)
            bound = float(outward(majorants.REMAINDER[name](np.array([c]), np.array([r]), *extra))[0])
            if not np.isfinite(bound):
                continue
            value, slope = FUNCTIONS[name](mp.mpf(c), *extra), SLOPES[name](mp.mpf(c), *extra)
            rest = [
                abs(there - value - slope * z) - LOST * (abs(there) + abs(value) + abs(slope * z))
                for z, there in ((r * turn, FUNCTIONS[name](c + r * turn, *extra)) for turn in TURNS)
            ]
            yield c, r, max(rest), mp.mpf(bound)


@pytest.mark.parametrize("name", ELEMENTARY)
def test_no_remainder_is_above_its_bound(name):
    found = list(_shares(name))
    assert len(found) > 20
    assert [(c, r) for c, r, rest, bound in found if rest > bound] == []


def test_the_exponential_has_a_bound_wherever_it_is_a_float_and_a_close_one():
    """e^-1e9 on a disc of radius 1e9 is at most 1; it had no bound, for e^(1e9) has no value."""
    rng = np.random.default_rng(1)
    end = np.concatenate([rng.uniform(-600.0, 708.0, 60), [708.9, -690.0]])
    r = 10.0 ** rng.uniform(-3, 15, len(end))
    c = end - r
    bounds = majorants.exp(c, r)
    with mp.workdps(60):
        for centre, radius, bound in zip(c.tolist(), r.tolist(), bounds.tolist(), strict=True):
            rest = mp.exp(centre) * (mp.expm1(radius) - radius)
            assert rest <= bound
            assert bound <= max(1.5 * rest, 1e-299)


@pytest.mark.parametrize("strategy", [ChebyshevCertificate(), LinearBounds()])
def test_a_narrow_bell_is_bounded(strategy, tmp_path):
    """e^-(1e12 (x - 0.7)^2), at most 1, had no bound after 50,000 boxes."""
    problem = Problem(lambda x: jnp.exp(-1e12 * (x - 0.7) ** 2), lambda x: 0.0 * x, Domain(x=(0.0, 1.0)))
    result = certify(problem, 1.1, strategy=strategy, boxes=500)
    assert result.status.code == "proved"
    assert 1.0 <= result.upper < 1.1
    result.certificate.save(tmp_path / "certificate.json")
    assert check(tmp_path / "certificate.json").accepted


@pytest.mark.slow
@pytest.mark.parametrize("strategy", [GradedCertificate(), LinearBounds()])
def test_a_narrow_bell_in_three_inputs_is_bounded(strategy):
    centre = jnp.array([0.7, 0.3, 0.0])

    def bell(x):
        return jnp.exp(-1e12 * ((x - centre) ** 2).sum(1, keepdims=True))

    problem = Problem(bell, lambda x: 0.0 * x[:, :1], Domain(x=(0.0, 1.0), y=(0.0, 1.0), z=(0.0, 1.0)))
    result = certify(problem, 1.1, strategy=strategy, boxes=5000)
    assert result.status.code == "proved"
    assert 1.0 <= result.upper < 1.1


@pytest.mark.parametrize("p", [3e5, -7e5, 1e9, -1e9, 3.3e12])
def test_large_powers_count_the_rounding_of_their_base(p):
    """The end c + r of an interval is off by a rounding, its power by p times as much."""
    rng = np.random.default_rng(3)
    c, r = 1.0 + rng.uniform(-5.0, 5.0, 200) / abs(p), rng.uniform(0.5, 1.0, 200) / abs(p)
    steep, rest = STEEPEST["pow"](c, r, p), majorants.power(c, r, p)
    with mp.workdps(60):
        for k in range(200):
            near, far = mp.mpf(c[k]) - mp.mpf(r[k]), mp.mpf(c[k]) + mp.mpf(r[k])
            q = mp.mpf(p)
            assert abs(q) * max(near ** (q - 1), far ** (q - 1)) <= mp.mpf(steep[k])
            curve = abs(q * (q - 1)) * max(near ** (q - 2), far ** (q - 2)) / 2
            assert curve * mp.mpf(r[k]) ** 2 <= mp.mpf(rest[k])
