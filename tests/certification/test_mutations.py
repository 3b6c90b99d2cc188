"""Each rule of the whole proof, weakened: the certificate must then claim what is false, and be caught.

A rule whose weakening no case notices is not tested; these cases are built so that each rule is needed.
"""

import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import ChebyshevCertificate, boxes, certify, chebyshev, chebyshev_certificate
from supnorm.certification.affine_model import propagate
from supnorm.checker import check
from supnorm.problem import Domain, Problem


def _sharp():
    """Errors whose bound is nearly attained when one rule carries them: poles close to the box."""
    return [
        Problem(
            lambda x, s=s: 1 / (1.0 + s * x[:, 0] ** 2), lambda x: 0.9 + 0 * x[:, 0], Domain(x=(-1.0, 1.0))
        )
        for s in (1.0, 4.0, 25.0)
    ]


def _caught(tmp_path):
    """Whether some certificate is below the sampled maximum or is rejected by the checker."""
    for problem in _sharp():
        result = certify(problem, ratio=1.5, strategy=ChebyshevCertificate(grids=(2, 3, 12)))
        sampled = np.abs(
            result.certificate.error.alternatives[0].value(np.linspace(-1, 1, 20001)[:, None])
        ).max()
        result.certificate.save(tmp_path / "c.json")
        if sampled > result.upper or not check(tmp_path / "c.json").accepted:
            return True
    return False


def _weak_tail(honest):
    return lambda n, rho, d: 0.25 * honest(n, rho, d)


def _no_margin(honest):
    def weak(coefficients, n, d, grid):
        low, high = honest(coefficients, n, d, grid)
        middle, radius = 0.5 * (low + high), 0.5 * (high - low)
        shrink = np.cos(np.pi / (2 * grid)) ** d if grid else 0.8
        return middle - radius * shrink, middle + radius * shrink

    return weak


def _affine_without_remainder(honest):
    return lambda model: (model.c - model.slope, model.c + model.slope)


def _half_boxes(honest):
    def weak(self, low, high):
        centre, half = honest(self, low, high)
        return centre, 0.8 * half

    return weak


def _weak_m(honest):
    def weak(program, centre, half, scales):
        model, bend = honest(program, centre, half, scales)
        model.eps[:, 1:] *= 0.2
        return model, bend

    return weak


MUTANTS = {
    "tail a quarter": (chebyshev, "tail_factor", _weak_tail),
    "M a fifth": (chebyshev_certificate, "propagate", _weak_m),
    "maximum of the polynomial without its margin": (chebyshev, "polynomial_range", _no_margin),
    "affine bound without remainder": (chebyshev_certificate, "affine_range", _affine_without_remainder),
    "boxes smaller than their cells": (boxes.Boxes, "centre_and_half", _half_boxes),
}


def test_the_honest_rules_are_not_caught(tmp_path):
    assert not _caught(tmp_path)
    assert propagate is chebyshev_certificate.propagate


@pytest.mark.parametrize("name", MUTANTS)
def test_a_weakened_rule_is_caught(name, monkeypatch, tmp_path):
    where, what, weaken = MUTANTS[name]
    monkeypatch.setattr(where, what, weaken(getattr(where, what)))
    assert _caught(tmp_path)


@pytest.mark.parametrize("honest", [True, False])
def test_rounding_of_values_enters_the_bound(honest, monkeypatch):
    """1e-9 x beside 1e8: float64 evaluates to zero everywhere, but the error is not zero."""
    problem = Problem(
        lambda x: (1e-9 * x[:, 0] + 1e8) - 1e8 + 0.0 * jnp.sin(x[:, 0]), lambda x: 0.0 * x[:, 0],
        Domain(x=(0.5, 1.0)),
    )  # fmt: skip
    if not honest:
        monkeypatch.setattr(chebyshev, "lebesgue", lambda n, d: 0.0)
    result = certify(problem, ratio=1.01, boxes=20)
    assert (result.upper >= 1e-9) == honest
    assert result.lower == 0.0


def test_rounding_of_the_transform_enters_the_bound(monkeypatch):
    seen = []
    honest = chebyshev.transform_rounding
    monkeypatch.setattr(
        chebyshev, "transform_rounding", lambda n, d, v: seen.append(1) or 1e3 + honest(n, d, v)
    )
    result = certify(_sharp()[1], ratio=1.5, boxes=20)
    assert seen
    assert result.upper > 0.5
