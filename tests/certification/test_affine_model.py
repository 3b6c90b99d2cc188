"""Affine Taylor models against arbitrary precision: on the real box, on polydiscs, and for rounding."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import oracle
import pytest

from supnorm.certification import affine_model, elementary
from supnorm.certification.propagation import propagate
from supnorm.program import lower_jaxpr

SCALES = np.array([1.0, 1.5, 3.0])
PROGRAMS = oracle.random_programs(np.random.default_rng(3))


def _violation(program, rng, trials=6):
    """Largest |value - affine part| / eps over random points of random boxes."""
    worst = 0.0
    finite = 0
    with mp.workdps(30):
        for _ in range(trials):
            centre = rng.uniform(-0.7, 0.7, size=(1, 2))
            half = 10 ** rng.uniform(-3, -0.7) * np.ones((1, 2))
            model, _ = propagate(program, centre, half, SCALES)
            for s, scale in enumerate(SCALES):
                if not np.isfinite(model.eps[0, s]).all():
                    continue
                finite += 1
                for _ in range(6):
                    y = rng.uniform(-1, 1, 2).astype(complex) if s == 0 else oracle.circle(rng, scale, 2)
                    point = [
                        mp.mpf(c) + mp.mpf(h) * mp.mpc(z)
                        for c, h, z in zip(centre[0], half[0], y, strict=True)
                    ]
                    point = [p.real if s == 0 else p for p in point]
                    exact = oracle.evaluate(program, point)
                    for k, value in enumerate(exact):
                        line = mp.mpf(model.c[0, k]) + sum(
                            mp.mpf(model.J[0, k, j]) * mp.mpc(y[j]) for j in range(2)
                        )
                        worst = max(worst, float(abs(value - line) / model.eps[0, s, k]))
    assert finite > trials / 2
    return worst


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", PROGRAMS)
def test_remainder_holds_on_box_and_polydiscs(name):
    assert 1e-3 < _violation(PROGRAMS[name], np.random.default_rng(1)) <= 1.0


def test_kinks_on_the_real_box():
    W = np.random.default_rng(5).normal(size=(2, 6))
    program = lower_jaxpr(
        lambda x: jnp.concatenate([
            jax.nn.relu(x @ W) @ W.T, jax.nn.leaky_relu(x, 0.1), jnp.abs(x), jnp.maximum(x[:, :1], x[:, 1:]),
            jnp.clip(x, -0.1, 0.1),
        ], -1), 2
    )  # fmt: skip
    rng, lost = np.random.default_rng(2), 0
    for _ in range(100):
        centre, half = rng.uniform(-0.5, 0.5, size=(1, 2)), 10 ** rng.uniform(-3, 0) * np.ones((1, 2))
        model, _ = propagate(program, centre, half, SCALES)
        y = rng.uniform(-1, 1, size=(200, 2))
        off = np.abs(program.value(centre + half * y) - (model.c + y @ model.J[0].T))
        assert np.all(off <= model.eps[0, 0] + 1e-13)
        lost += int(np.isinf(model.eps[0, 1]).sum())
    assert lost > 50  # a kink inside a polydisc has no bound


def test_points_have_a_rounding_bound_that_holds_and_is_small():
    rng = np.random.default_rng(7)
    with mp.workdps(40):
        for name, program in PROGRAMS.items():
            x = rng.uniform(-0.7, 0.7, size=(5, 2))
            model, _ = propagate(program, x, np.zeros_like(x), np.ones(1))
            value = program.value(x)
            for i, row in enumerate(x):
                exact = oracle.evaluate(program, [mp.mpf(float(v)) for v in row])
                for k, e in enumerate(exact):
                    assert abs(e - mp.mpf(model.c[i, k])) <= model.eps[i, 0, k]
                    assert abs(e - mp.mpf(value[i, k])) <= model.err[i, k], name
            assert np.all(model.err < 1e-11)


def _mutants():
    honest = {f: getattr(affine_model, f) for f in ("affine", "multiply", "smooth")}

    def changed(model, **new):
        from dataclasses import replace

        return replace(model, **new)

    return {
        "eps forgotten in affine": ("affine", lambda x, w, b: changed(
            honest["affine"](x, w, b), eps=honest["affine"](changed(x, eps=0 * x.eps), w, b).eps)),
        "product of varying parts dropped": ("multiply", lambda x, y: changed(
            honest["multiply"](x, y), eps=np.abs(x.c)[:, None] * y.eps + np.abs(y.c)[:, None] * x.eps)),
        "remainder of phi dropped": ("smooth", lambda op, x, *p: changed(
            honest["smooth"](op, x, *p), eps=honest["smooth"](op, changed(x, J=0 * x.J), *p).eps)),
        "inherited eps dropped in phi": ("smooth", lambda op, x, *p: changed(
            honest["smooth"](op, x, *p), eps=honest["smooth"](op, changed(x, eps=0 * x.eps), *p).eps)),
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", _mutants())
def test_a_dropped_term_is_noticed(name, monkeypatch):
    function, mutant = _mutants()[name]
    monkeypatch.setattr(affine_model, function, mutant)
    worst = [_violation(p, np.random.default_rng(1)) for p in PROGRAMS.values()]
    assert max(worst) > 1.0


def test_rounding_terms_are_needed(monkeypatch):
    """Without gamma and the ulps of phi, float64 values of a badly scaled net leave their bound."""
    W = np.array([[1e8, -1e8 + 1.0, 0.1]])
    program = lower_jaxpr(lambda x: (x @ W) @ np.array([[1.0], [1.0], [3.0]]), 1)

    def miss():
        x = np.random.default_rng(0).uniform(0.5, 1, size=(20, 1))
        model, _ = propagate(program, x, np.zeros_like(x), np.ones(1))
        with mp.workdps(40):
            exact = [oracle.evaluate(program, [mp.mpf(float(v))])[0] for v in x[:, 0]]
        return max(float(abs(e - mp.mpf(c))) / max(b, 1e-300) for e, c, b in
                   zip(exact, model.c[:, 0], model.eps[:, 0, 0], strict=True))  # fmt: skip

    assert miss() <= 1.0
    monkeypatch.setattr(affine_model, "gamma", lambda k: 0.0)
    assert miss() > 1.0


OPERATIONS = {
    "add": lambda x, y: jnp.exp(x) + jnp.exp(y),
    "sub": lambda x, y: jnp.exp(x) - jnp.exp(y),
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / (2 + y),
    "leaky_relu": lambda x, y: jax.nn.leaky_relu(x + y, 0.3),
    "abs": lambda x, y: jnp.abs(x - 0.3 * y),
    "max": lambda x, y: jnp.maximum(0.1 * x, 0.7 * y),
    "gelu_tanh": lambda x, y: jax.nn.gelu(x + y),
    "tanh": lambda x, y: jnp.tanh(x + 0.1 * y),
}


def _missed(name):
    """How far values at points are from the model's centre, in units of eps; in exact arithmetic."""
    program = lower_jaxpr(lambda x: OPERATIONS[name](x[:, :1], x[:, 1:]), 2)
    x = np.random.default_rng(0).uniform(-0.9, 0.9, size=(60, 2))
    model, _ = propagate(program, x, np.zeros_like(x), np.ones(1))
    with mp.workdps(40):
        exact = [oracle.evaluate(program, [mp.mpf(float(v)) for v in row])[0] for row in x]
        off = [abs(e - mp.mpf(c)) for e, c in zip(exact, model.c[:, 0], strict=True)]
        return max(float(o / max(b, mp.mpf(1e-300))) for o, b in zip(off, model.eps[:, 0, 0], strict=True))


@pytest.mark.parametrize("name", OPERATIONS)
def test_rounding_of_each_operation_is_needed(name, monkeypatch):
    assert _missed(name) <= 1.0
    monkeypatch.setattr(affine_model, "U", 0.0)
    monkeypatch.setattr(affine_model, "gamma", lambda k: 0.0)
    monkeypatch.setattr(elementary, "_V", 0.0)
    monkeypatch.setattr(elementary, "_D", 0.0)
    assert _missed(name) > 1.0


@pytest.mark.parametrize("weak", ["lift", "slope", "no"])
def test_the_chord_of_a_kink_is_needed(weak, monkeypatch):
    """relu(z) on an interval round zero, against values."""
    honest = affine_model._deviation
    if weak == "lift":
        monkeypatch.setattr(affine_model, "_deviation", lambda c, r, s: 0.8 * honest(c, r, s))
    if weak == "slope":  # as if the chord were that of the right end alone
        monkeypatch.setattr(
            affine_model, "_deviation", lambda c, r, s: np.maximum((1 - s) * (c + r), 0) * (s > 0.5)
        )
    program = lower_jaxpr(lambda x: jnp.maximum(x, 0.0), 1)
    y, worst = np.linspace(-1, 1, 201)[:, None], 0.0
    for c in np.linspace(-0.9, 0.9, 19):
        model, _ = propagate(program, np.array([[c]]), np.ones((1, 1)), np.ones(1))
        off = np.abs(np.maximum(c + y, 0) - model.c - y @ model.J[0].T)
        worst = max(worst, float(off.max() / model.eps[0, 0, 0]))
    assert (worst <= 1 + 1e-12) == (weak == "no")
