"""Exact linear pieces in one and two inputs: bounds against samples, and each of their rules weakened."""

from fractions import Fraction

import cases
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import certify, linear_bounds, pieces
from supnorm.certification.affine_model import AffineModel
from supnorm.certification.leaf import PIECES
from supnorm.certification.pieces import Pieces, piecewise_range
from supnorm.program import lower_jaxpr

KINKED = {
    "relu": lambda x, W: jax.nn.relu(jax.nn.relu(x @ W + 0.1) @ (W.T @ W) - 0.2) @ W.T,
    "leaky_relu": lambda x, W: jax.nn.leaky_relu(x @ W, 0.2) @ W.T,
    "abs": lambda x, W: jnp.abs(jnp.abs(x @ W) - 0.3) @ W.T,
    "max": lambda x, W: jnp.maximum(x @ W[:, :3], x @ W[:, 3:] - 0.1),
    "min": lambda x, W: jnp.minimum(x @ W[:, :3], jnp.minimum(x @ W[:, 3:], 0.2)),
    "beside curves": lambda x, W: jax.nn.relu(jnp.sin(x @ W)) @ W.T + jnp.tanh(jax.nn.relu(x @ W)) @ W.T,
}


def _boxes(rng, d, count=12):
    centre = rng.uniform(-0.5, 0.5, size=(count, d))
    return centre, 10 ** rng.uniform(-2, -0.3, size=(count, 1)) * np.ones((count, d))


def _worst(name, d, seed=0):
    """The largest |value - middle| / radius of the range over samples, and the median of the widest."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(d, 6))
    program = lower_jaxpr(lambda x: KINKED[name](x, W), d)
    centre, half = _boxes(rng, d)
    low, high = piecewise_range(program, centre, half)
    known = np.isfinite(low).all(1)
    assert known.sum() > 6
    y = np.concatenate([rng.uniform(-1, 1, size=(3000, d)), np.eye(d), -np.eye(d)])
    corners = np.stack(np.meshgrid(*[[-1.0, 1.0]] * d), -1).reshape(-1, d)
    y = np.concatenate([y, corners])
    ratios = []
    for c, h, a, b in zip(centre[known], half[known], low[known], high[known], strict=True):
        values = program.value(c + h * y)
        off = np.abs(values - 0.5 * (a + b)) - 1e-13
        ratios.extend((off.max(0) / (0.5 * (b - a)))[b - a > 1e-9])
    return max(ratios), np.median(ratios)


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("name", KINKED)
def test_ranges_hold_and_are_sharp(name, d):
    worst, median = _worst(name, d)
    assert worst <= 1 + 1e-12
    assert median > (0.6 if name == "beside curves" else 0.98)


@pytest.mark.parametrize("weak", ["z", "zero", "neither"])
def test_the_remainder_of_a_wrong_sign_is_needed(weak, monkeypatch):
    """Kinks that are not cut keep the wrong sign on a part of their piece."""
    monkeypatch.setattr(pieces, "SPLIT", 0.9)
    honest = pieces.one_sign

    def mutant(low, high, eps):
        if weak == "z":
            return honest(np.maximum(low, 0.0), high, eps)
        if weak == "zero":
            positive, rest = honest(low, high, eps)
            return positive, np.where(positive, rest, 0.0)
        return honest(low, high, eps)

    monkeypatch.setattr(pieces, "one_sign", mutant)
    worst = max(_worst(name, d)[0] for name in ("relu", "abs") for d in (1, 2))
    assert (worst <= 1 + 1e-12) == (weak == "neither")


def test_the_inherited_remainder_is_needed(monkeypatch):
    honest = pieces.one_sign
    assert _worst("beside curves", 2)[0] <= 1 + 1e-12
    monkeypatch.setattr(pieces, "one_sign", lambda low, high, eps: honest(low, high, 0 * eps))
    assert max(_worst("beside curves", d, seed)[0] for d in (1, 2) for seed in range(4)) > 1 + 1e-9


@pytest.mark.parametrize("lost", ["half", "vertices"])
def test_pieces_must_cover_the_box(lost, monkeypatch):
    if lost == "half":  # the negative half is dropped
        honest = Pieces.cut

        def cut(self, values, which):
            rows = honest(self, values, which)
            kept = np.arange(len(rows) - len(which))
            self.keep(kept)
            return rows[kept]

        monkeypatch.setattr(Pieces, "cut", cut)
    else:
        monkeypatch.setattr(pieces, "_halves", lambda v, n, g: [(v[:, :2], np.minimum(n, 2))] * 2)
    assert max(_worst(name, d)[0] for name in ("relu", "abs") for d in (1, 2)) > 1.01


def test_new_vertices_are_where_the_drift_says():
    """In exact arithmetic: a computed vertex is within 8 u of a point of its edge, and mostly not on it."""
    rng, far = np.random.default_rng(0), []
    for _ in range(200):
        polygon = Pieces(1, 2)
        polygon.vertices = polygon.vertices * rng.uniform(0.1, 1.0, size=(1, 1, 2))
        before = polygon.vertices[0].copy()
        values = rng.normal(size=(1, 4))
        if np.abs(np.sign(values).sum()) == 4:
            continue
        polygon.cut(values, np.array([0]))
        for i in range(4):
            j = (i + 1) % 4
            if (values[0, i] >= 0) == (values[0, j] >= 0):
                continue
            t = Fraction(values[0, i] / (values[0, i] - values[0, j]))
            exact = [
                Fraction(a) + t * (Fraction(b) - Fraction(a))
                for a, b in zip(before[i], before[j], strict=True)
            ]
            every = polygon.vertices.reshape(-1, 2)
            off = [max(abs(Fraction(v) - e) for v, e in zip(row, exact, strict=True)) for row in every]
            far.append(float(min(off)) * 2**53)
    assert max(far) <= 8.0
    assert max(far) > 0.2


def test_more_kinks_than_allowed_have_no_bound():
    W = np.random.default_rng(0).normal(size=(2, 200))
    program = lower_jaxpr(lambda x: jax.nn.relu(x @ W) @ W.T, 2)
    low, high = piecewise_range(program, np.zeros((1, 2)), np.ones((1, 2)))
    assert (low == -np.inf).all()
    assert (high == np.inf).all()


@pytest.mark.slow
def test_certificates_use_pieces_and_fewer_boxes(monkeypatch):
    def problem():
        net = cases.network(np.random.default_rng(0), 2, 12, 1, "relu")
        wave = lambda x: jnp.sin(3 * x[:, :1] + x[:, 1:])  # noqa: E731
        return cases.Problem(net, lambda x: net(x) + 1e-2 * wave(x), cases.Domain(x=(-1, 1), y=(-1, 1)))

    exact = certify(problem(), 1.01)
    assert exact.status.code == "proved"
    assert (exact.certificate.leaves.proof.degree == PIECES).any()
    assert cases.largest_sampled(exact, 100_000, 0) <= exact.upper + exact.rounding
    nothing = lambda p, c, h, low: (np.full((len(c), 1), -np.inf), np.full((len(c), 1), np.inf))  # noqa: E731
    monkeypatch.setattr(linear_bounds, "piecewise_range", nothing)
    chords = certify(problem(), 1.01, boxes=20_000)
    assert exact.tried < 0.3 * chords.tried
    assert max(exact.lower, chords.lower) <= min(exact.upper, chords.upper)


@pytest.mark.parametrize(
    ("low", "high", "eps", "largest"),
    [
        (-1.0, 3.0, 0.5, 1.0),
        (1.0, 3.0, 0.5, 0.5),
        (-3.0, 1.0, 0.5, 1.5),
        (-3.0, -0.2, 0.5, 0.3),
        (-3.0, -1.0, 0.5, 0.0),
    ],
)
def test_a_kink_taken_by_one_sign_is_off_by_no_more_than_its_remainder(low, high, eps, largest):
    """For z anywhere within eps of an affine value in [low, high]."""
    positive, rest = pieces.one_sign(np.array([low]), np.array([high]), np.array([eps]))
    line, e = np.meshgrid(np.linspace(low, high, 201), np.linspace(-eps, eps, 101))
    off = np.abs(np.maximum(line + e, 0.0) - np.where(positive, line, 0.0)).max()
    assert off == pytest.approx(largest, abs=1e-12)
    assert off <= rest[0] <= largest + (eps if positive[0] else 0.0) + 1e-12


def _state(kinks):
    """The state of the work on the square, for a program with that many layers of kinks."""
    program = lower_jaxpr(lambda x: sum(jax.nn.relu(x - 0.1 * k) for k in range(kinks)), 2)
    return pieces._State(program, np.zeros((1, 2)), np.ones((1, 2)))


def test_bounds_at_vertices_hold_all_that_rounding_and_drift_can_do():
    rng, used = np.random.default_rng(3), []
    state, zeros = _state(1), (np.zeros((1, 1, 1)), np.zeros((1, 1)))
    for size in (1.0, 1e8):
        for _ in range(40):
            state.pieces.vertices = rng.uniform(-1, 1, size=(1, 4, 2))
            x = AffineModel(
                size * rng.normal(size=(1, 1)),
                rng.normal(size=(1, 1, 2)),
                *zeros,
                np.ones(1),
            )
            low, high = state.ends(x)
            exact = [
                Fraction(x.c[0, 0])
                + sum(Fraction(j) * Fraction(v) for j, v in zip(x.J[0, 0], vertex, strict=True))
                for vertex in state.pieces.vertices[0]
            ]
            slope = sum(abs(Fraction(j)) for j in x.J[0, 0]) * Fraction(state.drift)
            assert Fraction(low[0, 0]) <= min(exact) - slope
            assert Fraction(high[0, 0]) >= max(exact) + slope
            off = max(
                abs(Fraction(v) - e) for v, e in zip(state.pieces.values(x)[0, :, 0], exact, strict=True)
            )
            used.append(float(off / (abs(Fraction(x.c[0, 0])) + 1)) * 2**53)
    assert max(used) > 0.3


@pytest.mark.parametrize("kinks", [1, 3])
def test_the_drift_is_that_of_as_many_cuts_as_there_may_be(kinks):
    """Each of up to ten cuts a layer moves vertices by up to 8 u (`test_new_vertices_are_where_the_drift_says`)."""
    assert _state(kinks).drift >= kinks * pieces.KINKS_AT_ONCE * 8.0 * 2.0**-53


def test_a_piece_without_a_number_has_no_bound():
    """log of a negative number on one half: the whole box has no bound, on neither side."""
    program = lower_jaxpr(lambda x: jnp.log(jax.nn.relu(x[:, :1]) - 0.5) + 0.0 * x[:, 1:], 2)
    low, high = piecewise_range(program, np.zeros((1, 2)), np.ones((1, 2)))
    assert (low == -np.inf).all()
    assert (high == np.inf).all()


def test_a_piece_that_overflows_has_no_bound_on_either_side():
    """Infinity less infinity is no number: it bounds nothing, from below no more than from above."""
    program = lower_jaxpr(lambda x: 1e200 * (1e200 * (jax.nn.relu(x[:, :1]) + 1.0)) + 0.0 * x[:, 1:], 2)
    low, high = piecewise_range(program, np.zeros((1, 2)), np.ones((1, 2)))
    assert (low == -np.inf).all()
    assert (high == np.inf).all()
