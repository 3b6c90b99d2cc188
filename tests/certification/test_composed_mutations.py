"""Each rule of Chebyshev models, weakened: the certificate must then claim what is false, and be caught.

By a value above its bound, by its own witness, or by the checker, which shares no rule with the certifier.
"""

import sys
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import ComposedCertificate, certify, composed_logs, composed_model
from supnorm.certification.composed_model import ChebyshevModel
from supnorm.checker import check
from supnorm.problem import Axis, Domain, ErrorMeasure, Problem
from supnorm.results import Contradiction

enclosure = sys.modules["supnorm.certification.composed_enclosure"]
certificate = sys.modules["supnorm.certification.composed_certificate"]
ALL = ComposedCertificate(degrees=((3,), (3,), (3,), (3,)), share=0.9)
LINE = Domain(x=(-1.0, 1.0))
DECADE = Domain(x=Axis(0.1, 10.0, scale="log"))


def _flat(f, domain=LINE, value=0.0, measure=None):
    return Problem(f, lambda x: value + 0.0 * x, domain, measure or ErrorMeasure())


# Small degrees and a loose goal: a remainder is a good part of each bound.
PROBLEMS = {
    "pole": _flat(lambda x: 1.0 / (1.3 + x) - 1.4),
    "product": _flat(lambda x: (x**3 + 0.3) * (x**2 - 0.4) * (1.0 - x)),
    "chain": _flat(lambda x: jnp.exp(4.0 * jnp.sin(2.0 * x)) / 10.0),
    "kink": _flat(lambda x: jnp.abs(x - 0.3) - 0.4),
    "sum of exponentials": _flat(lambda x: jnp.log(x**2 + 0.5 / x), DECADE, 1.0),
    "difference of exponentials": _flat(lambda x: 1.0 / (jnp.exp(x) - jnp.exp(-x) / 2.0), DECADE, 1.0),
    "product of exponentials": _flat(lambda x: jnp.sqrt(x * (2.0 + jnp.sin(2.0 * x))), DECADE, 1.0),
    "relative": Problem(lambda x: x**1.5 + 0.1 * x, lambda x: x**1.5 + 0.2 * jnp.sqrt(x), DECADE,
                        ErrorMeasure("relative", floor=0.0)),
    "two": _flat(
        lambda x: (jnp.exp(2.0 * x[:, :1] * x[:, 1:]) + x[:, :1]) / (1.5 + x[:, 1:]),
        Domain(x=(-1.0, 1.0), y=(-1.0, 1.0)),
    ),
}  # fmt: skip
PROBLEMS["two"] = replace(PROBLEMS["two"], reference=lambda x: 0.0 * x[:, :1])


def _caught(name, tmp_path):
    try:
        result = certify(PROBLEMS[name], 1.6, strategy=ALL, boxes=60)
    except Contradiction:
        return True
    error = result.certificate.error
    t = error.low + (error.high - error.low) * np.random.default_rng(0).random((20_000, error.d))
    with np.errstate(all="ignore"):
        sampled = error.one_sided(error.alternatives[0].value(t)).max()
    result.certificate.save(tmp_path / "c.json")
    return sampled > result.upper or not check(tmp_path / "c.json").accepted


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_honest_rules_are_not_caught(name, tmp_path):
    assert not _caught(name, tmp_path)


def _smaller_remainders(monkeypatch):
    weak = {op: (lambda *a, f=f: 0.1 * f(*a)) for op, f in composed_model.REMAINDER.items()}
    monkeypatch.setattr(composed_model, "REMAINDER", weak)


def _flat_slopes(monkeypatch):
    weak = {op: (lambda *a, f=f: 0.0 * f(*a)) for op, f in composed_model.STEEPEST.items()}
    monkeypatch.setattr(composed_model, "STEEPEST", weak)


def _products_without_cut(monkeypatch):
    honest = composed_model.multiply

    def weak(x, y):
        sx, sy = x.top[..., None], y.top[..., None]
        return replace(honest(x, y), rem=sx * y.rem + (sy + y.rest[..., None]) * x.rem)

    monkeypatch.setattr(composed_model, "multiply", weak)


def _products_without_remainders(monkeypatch):
    honest = composed_model.multiply

    def weak(x, y):
        return honest(replace(x, rem=0.0 * x.rem), replace(y, rem=0.0 * y.rem))

    monkeypatch.setattr(composed_model, "multiply", weak)


def _sums_without_remainders(monkeypatch):
    honest = composed_model.add
    monkeypatch.setattr(
        composed_model,
        "add",
        lambda x, y, sign=1.0: replace(honest(x, y, sign), rem=0.5 * honest(x, y, sign).rem),
    )


def _half_a_chord(monkeypatch):
    honest = enclosure.relu

    def weak(x):
        found = honest(x)
        return replace(found, rem=0.3 * found.rem)

    monkeypatch.setattr(enclosure, "relu", weak)


def _exact_logarithm(rule):
    def mutate(monkeypatch):
        honest = getattr(composed_logs, rule)

        def weak(*args):
            found = honest(*args)
            return (
                found if found is None else replace(found, rem=np.where(np.isfinite(found.rem), 0.0, np.inf))
            )

        monkeypatch.setattr(composed_logs, rule, weak)

    return mutate


def _no_remainder(monkeypatch):
    monkeypatch.setattr(
        ChebyshevModel, "rest", property(lambda self: np.where(np.isfinite(self.rem.sum(-1)), 0.0, np.inf))
    )


def _half_a_reach(monkeypatch):
    honest = composed_model.Sizes.on_ellipses
    monkeypatch.setattr(composed_model.Sizes, "on_ellipses", lambda self, g: 0.6 * honest(self, g))


def _one_axis(monkeypatch):
    honest = composed_model.Sizes.on_ellipses

    def weak(self, g):
        radii = honest(self, g).copy()
        radii[:, :, 1:] = 0.0
        return radii

    monkeypatch.setattr(composed_model.Sizes, "on_ellipses", weak)


MUTANTS = {
    "remainders on ellipses a tenth": (_smaller_remainders, "pole"),
    "the ellipse is smaller": (_half_a_reach, "pole"),
    "the second axis has no ellipse": (_one_axis, "two"),
    "remainders of arguments are not carried": (_flat_slopes, "chain"),
    "products are exact at the nodes": (_products_without_cut, "product"),
    "products forget the remainders of factors": (_products_without_remainders, "chain"),
    "sums halve remainders": (_sums_without_remainders, "pole"),
    "kinks": (_half_a_chord, "kink"),
    "the logarithm of a sum": (_exact_logarithm("_log_of_sum"), "sum of exponentials"),
    "the logarithm of a difference": (_exact_logarithm("_log_of_difference"), "difference of exponentials"),
    "the logarithm of a product": (_exact_logarithm("_log_of_product"), "product of exponentials"),
    "the logarithm of a positive feature": (_exact_logarithm("_positive_log"), "relative"),
    "the bound forgets the remainder": (_no_remainder, "pole"),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_weakened_rule_is_caught(name, monkeypatch, tmp_path):
    mutate, problem = MUTANTS[name]
    mutate(monkeypatch)
    assert _caught(problem, tmp_path)
