"""Proofs about very small and very large numbers that the checker has to accept."""

import numpy as np
import pytest

import supnorm as sn
from supnorm.certification import GradedCertificate, LinearBounds
from supnorm.checker import check
from supnorm.problem import Function
from supnorm.program import Builder


def _accepted(tmp_path, model, reference, domain, strategy, error=None):
    sides = [Function(p.value, program=p, name=n) for p, n in ((model, "model"), (reference, "reference"))]
    options = {} if error is None else {"error": error}
    result = sn.certify(sn.Problem(*sides, domain, **options), ratio=1.1, boxes=30, strategy=strategy)
    result.certificate.save(tmp_path / "certificate.json")
    verdict = check(tmp_path / "certificate.json")
    assert verdict.accepted, verdict.reason
    return result


def test_logarithms_of_small_numbers_are_interpolated_as_closely_as_by_the_certifier(tmp_path):
    """A bound of log z itself is 115 there, and one of log z - log c is two."""

    def logarithm(factor):
        build = Builder(2)
        z = build.input.arrange(lambda index: index[..., 1:])
        return build.finish(build.binary("mul", build.unary("log", z), np.array(factor)))

    domain = sn.Domain(x=(3e-50, 6e-50), y=(3e-50, 6e-50))
    relative = sn.ErrorMeasure(kind="relative", floor=0.0)
    result = _accepted(tmp_path, logarithm(1.0 + 7e-9), logarithm(1.0), domain, GradedCertificate(), relative)
    assert result.upper < 8e-9


def test_an_error_that_takes_512_bits_is_proved_at_its_witness(tmp_path):
    build = Builder(1)
    root = build.unary("sqrt", build.binary("mul", build.input, np.array(1e280)))
    wave = build.finish(build.unary("sin", root))
    build = Builder(1)
    zero = build.finish(build.binary("mul", build.input, np.array(0.0)))
    result = _accepted(tmp_path, wave, zero, sn.Domain(x=(1.0, 2.0)), LinearBounds())
    assert result.lower > 0.5


@pytest.mark.parametrize("size", [1e-100, 1e100])
def test_a_logarithm_of_a_product_of_large_numbers(tmp_path, size):
    """Of its fourth Taylor coefficient, 1e-400, the checker took the first bound that it had, not the smallest."""

    def logarithm(factor):
        build = Builder(2)
        first, second = (build.input.arrange(lambda index, j=j: index[..., j : j + 1]) for j in (0, 1))
        z = build.binary("mul", first, build.binary("mul", second, np.array(1.0 / size)))
        return build.finish(build.binary("mul", build.unary("log", z), np.array(factor)))

    domain = sn.Domain(x=(size, 2.8 * size), y=(size, 2.8 * size))
    result = _accepted(tmp_path, logarithm(0.99986), logarithm(1.0), domain, GradedCertificate())
    assert result.upper < 0.036
