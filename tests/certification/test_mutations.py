"""Each rule of the whole proof, weakened: the certificate must then claim what is false, and be caught.

A rule whose weakening no case notices is not tested; these cases are built so that each rule is needed.
"""

import sys

import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import (
    ChebyshevCertificate,
    affine_model,
    boxes,
    bracket,
    certify,
    chebyshev,
    chebyshev_certificate,
    error_program,
    leaf,
)  # fmt: skip
from supnorm.certification.propagation import propagate
from supnorm.checker import check
from supnorm.problem import Axis, Domain, ErrorMeasure, Problem
from supnorm.results import Contradiction

certify_module = sys.modules["supnorm.certification.certify"]


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
        try:
            result = certify(problem, ratio=1.5, strategy=ChebyshevCertificate(grids=(2, 3, 12)))
        except Contradiction:  # its own witness shows it
            return True
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
    def weak(program, centre, half, scales, low=None):
        model, bend = honest(program, centre, half, scales, low=low)
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
    """1e-9 x beside 1e8: float64 evaluates to zero everywhere, but the error is not zero, as ball arithmetic shows."""
    problem = Problem(
        lambda x: (1e-9 * x[:, 0] + 1e8) - 1e8 + 0.0 * jnp.sin(x[:, 0]), lambda x: 0.0 * x[:, 0],
        Domain(x=(0.5, 1.0)),
    )  # fmt: skip
    if not honest:
        monkeypatch.setattr(chebyshev, "lebesgue", lambda n, d: 0.0)
        monkeypatch.setattr(
            chebyshev_certificate, "bound_again", lambda task, rules, *_: np.ones(len(rules), bool)
        )
        with pytest.raises(Contradiction):
            certify(problem, ratio=1.01, boxes=20)
        return
    result = certify(problem, ratio=1.01, boxes=20)
    assert 0.99e-9 <= result.lower <= 1e-9 <= result.upper <= 1.02e-9


def test_rounding_of_the_transform_enters_the_bound(monkeypatch):
    seen = []
    honest = chebyshev.transform_rounding
    monkeypatch.setattr(
        chebyshev, "transform_rounding", lambda n, d, v: seen.append(1) or 1e3 + honest(n, d, v)
    )
    result = certify(_sharp()[1], ratio=1.5, boxes=20)
    assert seen
    assert result.upper > 0.5


# -- what is bounded, and how bounds of boxes become one bound --------------------------------------------


def _measured():
    """Every error measure, on problems whose worst error is known to be needed."""
    x = Domain(x=(-1.0, 1.0))
    two = Domain(x=(-1.0, 1.0), y=(0.0, 1.0))

    def pair(x):
        return jnp.stack([0.1 * x[:, 0], jnp.sin(x[:, 1])], 1)

    def zero(x):
        return 0.0 * x[:, :1]

    return {
        "relative": Problem(
            lambda x: x**2 + 0.01, lambda x: x**2, x, ErrorMeasure("relative", floor=0.1)),
        "relative, one-sided": Problem(
            lambda x: -1.0 - 0.1 * x**2, lambda x: 0.0 * x - 1.0, x, ErrorMeasure("relative", floor=0.1, side="under")),
        "scaled": Problem(pair, lambda x: 0.0 * x, two, ErrorMeasure("scaled", scale=(0.01, 1.0))),
        "tolerances": Problem(pair, lambda x: 0.0 * x, two, tolerance=(0.01, 1.0)),
        "outputs": Problem(lambda x: pair(x)[:, ::-1], lambda x: 0.0 * x, two),
        "over": Problem(lambda x: x - x**2, zero, x, ErrorMeasure(side="over")),
        "under": Problem(lambda x: x - x**2, zero, x, ErrorMeasure(side="under")),
        "log": Problem(jnp.log, lambda x: (x - 1) / jnp.sqrt(x), Domain(x=Axis(0.1, 10.0, scale="log"))),
        "kink": Problem(lambda x: jnp.abs(x - 0.3), lambda x: 0.5 + 0.1 * x**2, x),
        "many boxes": Problem(lambda x: 1 / (1.0 + 25 * x**2), lambda x: 0.9 + 0 * x, x),
    }  # fmt: skip


def _false_claims(tmp_path, **arguments):
    """The names of problems with a bound that does not hold, or a certificate that is not accepted."""
    found = []
    for name, problem in _measured().items():
        try:
            result = certify(
                problem, **({"ratio": 1.2, "boxes": 100, "strategy": ChebyshevCertificate()} | arguments)
            )
        except Contradiction:  # its own witness shows it
            found.append(name)
            continue
        x = problem.domain.from_unit(np.random.default_rng(0).random((4000, problem.domain.d)))
        ends = problem.domain.from_unit(np.eye(problem.domain.d).repeat(2, 0) * [[1.0], [0.0]] if problem.domain.d == 1
                                        else np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]))  # fmt: skip
        x = np.concatenate([x, ends])
        sampled = problem.error(problem.model.value(x), problem.reference.value(x), x)[0].max()
        result.certificate.save(tmp_path / "c.json")
        if sampled > result.upper * (1 + 1e-6) or not check(tmp_path / "c.json").accepted:
            found.append(name)
    return found


def _without_divisor(honest):
    def weak(model, reference, log, divisor, tolerances, signed, room):
        divisor = None if divisor is None else 2.0 * divisor
        return honest(model, reference, log, divisor, tolerances, signed, room)

    return weak


def _wide_tolerances(honest):
    def weak(model, reference, log, divisor, tolerances, signed, room):
        wide = np.where(tolerances < 1, 2.0, 1.0) * tolerances
        return honest(model, reference, log, divisor, wide, signed, room)

    return weak


def _signed_forgotten(honest):
    return lambda model, reference, log, divisor, tolerances, signed, room: honest(
        model, reference, log, divisor, tolerances, False, room
    )


def _exact_ends(honest):
    def weak(domain):
        ends = np.array([[a.low, a.high] for a in domain.axes])
        log = [a.log for a in domain.axes]
        ends[log] = np.nextafter(np.log(ends[log]), [np.inf, -np.inf])
        return ends

    return weak


def _smallest_output(honest):
    return lambda self: self.bounds.min(1).min(1)


def _other_side(honest):
    def weak(self, a, rows, low, high, **rest):
        return honest(self, a, rows, -high, -low, **rest)

    return weak


def _finite_on_polydiscs(honest):
    def weak(x):
        from dataclasses import replace

        model = honest(x)
        return replace(model, eps=np.where(np.isinf(model.eps), model.eps[:, :1], model.eps))

    return weak


def _halves_inherit_less(honest):
    def weak(self, axis):
        halves = honest(self, axis)
        return boxes.Boxes(halves.level, halves.index, 0.4 * halves.upper)

    return weak


def _only_finished(honest):
    return property(lambda self: max((float(p.boxes.upper.max(initial=0.0)) for p in self.done), default=0.0))


def _witness_too_good(honest):
    return lambda error, x: 1.001 * honest(error, x)


def _one_half_twice(honest):
    def weak(self, axis):
        halves = honest(self, axis)
        first = np.tile(np.arange(len(self)), 2)
        return boxes.Boxes(halves.level, halves.index[first], halves.upper)

    return weak


WHOLE = {  # the rule, its mutant, and a problem that it makes false
    "the floor of a relative error": (error_program, "_one", _without_divisor, "relative"),
    "the scale of an output": (error_program, "_one", _without_divisor, "scaled"),
    "the tolerance of an output": (error_program, "_one", _wide_tolerances, "tolerances"),
    "the size of a reference in one-sided errors": (error_program, "_one", _signed_forgotten, "relative, one-sided"),
    "the largest output": (leaf.Batch, "upper", _smallest_output, "outputs"),
    "the side that counts": (leaf.Batch, "offer", _other_side, "over"),
    "ends of log axes": (error_program, "box_of", _exact_ends, "log"),
    "no bound on polydiscs across a kink": (affine_model, "relu", _finite_on_polydiscs, "kink"),
    "a half inherits the bound of its whole": (boxes.Boxes, "split", _halves_inherit_less, "kink"),
    "the witness is proved": (certify_module, "proved_error", _witness_too_good, "over"),
    "both halves are kept": (boxes.Boxes, "split", _one_half_twice, "many boxes"),
}  # fmt: skip


@pytest.mark.slow
def test_honest_measures_are_not_caught(tmp_path):
    assert _false_claims(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_a_weakened_rule_of_the_whole_is_caught(name, monkeypatch, tmp_path):
    where, what, weaken, problem = WHOLE[name]
    mutant = weaken(getattr(where, what))
    monkeypatch.setattr(where, what, mutant)
    if what == "relu":
        monkeypatch.setitem(affine_model.COMPOSED, "abs", lambda x: affine_model.add(
            affine_model.scale(mutant(x), 2.0), x, -1.0))  # fmt: skip
    # Few boxes: the bounds of unfinished work count as well.
    assert problem in _false_claims(tmp_path) + _false_claims(tmp_path, boxes=3)


def test_unfinished_boxes_count(monkeypatch):
    problem = _measured()["many boxes"]
    assert certify(problem, 1.001, boxes=2).upper > 0.85
    monkeypatch.setattr(bracket.Bracket, "upper", _only_finished(None))
    with pytest.raises(Contradiction):
        certify(problem, 1.001, boxes=2)
