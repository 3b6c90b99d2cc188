"""Rounding of positive features relative to their values: against arbitrary precision, and each rule weakened."""

from dataclasses import replace

import formulas
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import oracle
import pytest

from supnorm.certification import ComposedCertificate, certify, composed_relative
from supnorm.certification.composed_enclosure import apply, enclose, variables
from supnorm.certification.composed_grid import grid
from supnorm.certification.composed_relative import Relative
from supnorm.certification.error_program import error_program
from supnorm.checker import check
from supnorm.problem import Axis, Domain, ErrorMeasure, Problem
from supnorm.program import Node
from supnorm.program.discrepancies import Discrepancy

DIGITS = 60


def _features(error, centre, half, n):
    """Every operation of the error's program with its model on one box."""
    program, models = error.alternatives[0], []
    with np.errstate(all="ignore"):
        start = variables(centre, half, grid(n, error.d))
        for node in program.nodes:
            models.append(apply(node, [models[a] for a in node.args], start))
    return models


def _exact_nodes(centre, half, n, d):
    cosines = [mp.cos(mp.pi * (2 * i + 1) / (2 * n + 2)) for i in range(n + 1)]
    index = np.stack(np.meshgrid(*[range(n + 1)] * d, indexing="ij"), -1).reshape(-1, d)
    return [[mp.mpf(centre[0, j]) + mp.mpf(half[0, j]) * cosines[k[j]] for j in range(d)] for k in index]


def _judge(seed):
    """`_worst` of a random formula."""
    return _worst(formulas.wide_formulas(seed, (1, 2))[0], seed)


def _worst(problem, seed):
    """The largest part of a bound of rounding that an operation reaches at a node of a random box."""
    error, rng = error_program(problem), np.random.default_rng(seed)
    wide = error.high - error.low
    half = (0.5 * wide * rng.uniform(0.2, 1.0, error.d))[None]
    centre = (error.low + half[0] + (wide - 2.0 * half[0]) * rng.random(error.d))[None]
    n = 3
    models = _features(error, centre, half, n)
    program, worst = error.alternatives[0], mp.mpf(0)
    with mp.workdps(DIGITS):
        for i, point in enumerate(_exact_nodes(centre, half, n, error.d)):
            values = oracle.evaluate_all(program, point)
            for model, exact in zip(models, values, strict=True):
                for k, v in enumerate(exact):
                    off = abs(mp.mpf(float(model.values[0, k, i])) - v)
                    if off and np.isfinite(model.err[0, k]):
                        worst = max(worst, off / mp.mpf(float(model.err[0, k])))
                    kept = model.logs[k] if model.logs else None
                    relative = None if kept is None else kept.relative
                    if relative is not None and np.isfinite(relative.off).all():
                        if off:
                            worst = max(worst, off / (mp.mpf(float(relative.off[0, 0])) * v))
                        assert float(relative.low[0, 0]) <= mp.log(v) <= float(relative.high[0, 0])
    return worst


@pytest.mark.slow
def test_rounding_is_within_its_bounds_at_every_operation():
    """Of 70 random formulas, at all nodes."""
    worst = [_judge(seed) for seed in range(70)]
    assert 0.01 < max(worst) <= 1.0


@pytest.mark.slow
def test_rounding_of_a_few_formulas_is_within_its_bounds():
    """On the box of the first |g| has no reach, so its values are not those of the operation."""
    assert 0.001 < max(_judge(seed) for seed in (0, *range(300, 310))) <= 1.0


def _weak(name):
    honest = getattr(composed_relative, name)

    def weakened(*args):
        found = honest(*args)
        return replace(found, off=1e-3 * found.off) if isinstance(found, Relative) else 1e-3 * found

    return weakened


MUTANTS = ("of_exp", "of_product", "of_sum", "of_power", "log_err", "relative_error_err")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_weakened_rule_is_caught(name, monkeypatch):
    """By rounding at a node above its bound, of one of the formulas."""
    monkeypatch.setattr(composed_relative, name, _weak(name))
    monkeypatch.setattr(composed_relative, "ROUGH", 0.0)
    assert max(_judge(seed) for seed in range(300, 312)) > 1.0


BEAM = Problem(
    lambda x: 4.0 * x[:, 3] * x[:, 0] ** 3 / (x[:, 2] * 0.1 * x[:, 1] ** 3),
    lambda x: 4.0 * x[:, 3] * x[:, 0] ** 3 / (x[:, 2] * 0.1 * x[:, 1] ** 3)
    + 1.2 * x[:, 3] * x[:, 0] * 2.6 / (x[:, 2] * 0.1 * x[:, 1]),
    Domain(
        L=Axis(0.2, 5.0, scale="log"), h=Axis(0.02, 0.2, scale="log"), E=Axis(1e9, 3e11, scale="log"),
        F=Axis(1.0, 1e4, scale="log"),
    ),
    ErrorMeasure("relative", floor=0.0),
)  # fmt: skip


@pytest.mark.slow
def test_a_formula_of_many_decades_takes_few_boxes(tmp_path):
    """Without these rules 0.1 % of the volume is proved in a minute."""
    result = certify(BEAM, 1.1, boxes=1000)
    assert result.status.code == "proved"
    assert result.boxes < 50
    largest = 0.0312 * 25.0  # 1.2 2.6 / (4 0.1) 0.1 (h/L)^2 at h = L, here h/L <= 1
    assert result.lower <= largest / (1.0 + largest) <= 1.0
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


def test_where_rounding_is_small_nothing_changes():
    error = error_program(replace(BEAM, domain=Domain(**dict.fromkeys("LhEF", (1.0, 1.1)))))
    centre, half = 0.5 * (error.low + error.high)[None], 0.5 * (error.high - error.low)[None]
    with pytest.MonkeyPatch.context() as patch:
        honest = enclose(error.alternatives[0], centre, half, 3)
        patch.setattr(composed_relative, "ROUGH", np.inf)
        assert np.array_equal(honest.err, enclose(error.alternatives[0], centre, half, 3).err)


def test_what_a_runtime_adds_ends_the_relative_bound():
    """A runtime may be off by an amount that is no share of the value."""
    start = variables(np.zeros((1, 1)), np.full((1, 1), 14.0), grid(4, 1))
    with np.errstate(all="ignore"):
        honest = apply(Node("exp", (0,), 1), [start], start)
        off = apply(Node("exp", (0,), 1, discrepancies=(Discrepancy(1e-3),)), [start], start)
    assert honest.logs[0].relative is not None
    assert off.logs[0].relative is None
    assert off.err[0, 0] >= 1e-3


def _numbers(*values):
    return [np.array([[v]]) for v in values]


def test_a_weakened_interval_is_caught(monkeypatch):
    """A positive feature that has lost ten digits, in a product with an exponential."""
    shifted = Problem(
        lambda x: (x[:, 0] + 1e6 - 1e6) * jnp.exp(x[:, 0]), lambda x: jnp.exp(x[:, 0]), Domain(x=(1.0, 2.0)),
        ErrorMeasure("relative", floor=0.0),
    )  # fmt: skip
    assert 1e-3 < _worst(shifted, 0) <= 1.0
    monkeypatch.setattr(composed_relative, "of_interval", _weak("of_interval"))
    monkeypatch.setattr(composed_relative, "ROUGH", 0.0)
    assert _worst(shifted, 0) > 1.0


A, B = Relative(*_numbers(1e-3, 1.0, 2.0)), Relative(*_numbers(2e-3, 0.5, 1.5))
RULES = {  # with the exact worst case of rounding of the arguments alone, and the ends of the logarithm
    "product": (lambda: composed_relative.of_product(A, B), 1.001 * 1.002 - 1.0, (1.5, 3.5)),
    "sum": (lambda: composed_relative.of_sum(A, B), 2e-3, (np.logaddexp(1.0, 0.5), np.logaddexp(2.0, 1.5))),
    "power": (lambda: composed_relative.of_power(A, 2.5), 1.001**2.5 - 1.0, (2.5, 5.0)),
    "reciprocal": (lambda: composed_relative.of_power(A, -1.0), 1.0 / 0.999 - 1.0, (-2.0, -1.0)),
    "root": (lambda: composed_relative.of_power(A, 0.5), 1.0 - 0.999**0.5, (0.5, 1.0)),
    "exp": (lambda: composed_relative.of_exp(*_numbers(1.0, 0.5, 1e-3)), np.expm1(1e-3), (0.5, 1.5)),
    "interval": (lambda: composed_relative.of_interval(*_numbers(3.0, 1.0, 1e-3)), 5e-4, np.log((2.0, 4.0))),
}


@pytest.mark.parametrize("name", RULES)
def test_each_rule_carries_what_its_arguments_are_off(name):
    make, least, (low, high) = RULES[name]
    found = make()
    assert least <= found.off[0, 0] <= 1.01 * least + 1e-14
    assert found.low[0, 0] <= low <= found.low[0, 0] + 1e-6
    assert found.high[0, 0] - 1e-6 <= high <= found.high[0, 0]


def test_logarithms_and_relative_errors_carry_what_their_arguments_are_off():
    assert -np.log(0.999) <= composed_relative.log_err(A)[0, 0] <= -1.001 * np.log(0.999)
    s = 3.0
    worst = s * 1.001 / 0.998 - 1.0 - (s - 1.0)  # f large, g small
    assert worst <= composed_relative.relative_error_err(A, B, np.array([[s]]))[0, 0] <= 1.5 * worst


def test_there_is_no_bound_where_a_value_may_underflow_or_is_not_known():
    tiny = Relative.of(np.array([[1e-9]]), np.array([[-700.0]]), np.array([[1.0]]))
    assert np.isinf(tiny.off).all()
    assert np.isinf(tiny.err).all()
    unknown = composed_relative.of_interval(*(np.array([[v]]) for v in (1.0, 2.0, 1e-9)))
    for found in (
        composed_relative.of_product(unknown, A),
        composed_relative.of_sum(A, unknown),
        composed_relative.of_power(unknown, 2.0),
    ):
        assert np.isinf(found.off).all()
    assert np.isinf(composed_relative.log_err(unknown)).all()
    assert np.isinf(composed_relative.relative_error_err(A, unknown, np.ones((1, 1)))).all()
    assert np.isinf(composed_relative.relative_error_err(A, B, np.full((1, 1), np.inf))).all()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_random_formulas_of_many_decades_are_proved_again(seed, tmp_path):
    problem, words = formulas.wide_formulas(seed, (1, 2, 3))
    result = certify(problem, 1.2, strategy=ComposedCertificate(), boxes=60)
    error = result.certificate.error
    t = error.low + (error.high - error.low) * np.random.default_rng(seed).random((20_000, error.d))
    with np.errstate(all="ignore"):
        assert error.one_sided(error.alternatives[0].value(t)).max() <= result.upper * (1.0 + 1e-9), words
    if np.isfinite(result.upper):
        result.certificate.save(tmp_path / "c.json")
        assert check(tmp_path / "c.json").accepted, words
