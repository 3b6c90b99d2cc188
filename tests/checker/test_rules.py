"""Each rule of the checker is needed: without it, a false claim would be accepted."""

import hashlib
import json

import numpy as np
import pytest
from flint import arb

from supnorm.certification import certify
from supnorm.checker import check, enclosure, polynomial
from supnorm.problem import Domain, Problem


def _sha(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _claim(tmp_path, upper, **proof):
    """A certificate of |1/(1 + x^2) - 0.9| on [-1, 1] with one leaf that claims ``upper``."""
    problem = Problem(lambda x: 1 / (1 + x[:, 0] ** 2), lambda x: 0.9 + 0 * x[:, 0], Domain(x=(-1.0, 1.0)))
    data = certify(problem).certificate.to_json()
    data["leaves"] = {"level": [[0]], "index": [[0]], "upper": [upper.hex()]} | {
        k: [[v]] for k, v in proof.items()
    }
    data["upper"], data["lower"], data["witness"] = upper.hex(), (0.0).hex(), None
    data["digest"] = _sha({k: v for k, v in data.items() if k != "digest"})
    path = tmp_path / "claim.json"
    path.write_text(json.dumps(data))
    return check(path)


def _interpolant(n, points):
    nodes = np.cos((2 * np.arange(n + 1) + 1) * np.pi / (2 * n + 2))
    p = np.polynomial.chebyshev.Chebyshev.fit(nodes, 1 / (1 + nodes**2) - 0.9, n, domain=(-1, 1))
    return np.abs(p(points)).max() * (1 + 1e-9)


def test_tail(tmp_path, monkeypatch):
    claim = float(_interpolant(2, np.linspace(-1, 1, 20001))) / np.cos(np.pi / 24)
    proof = {"degree": 2, "rho": 1.1, "grid": 12}
    assert not _claim(tmp_path, claim, **proof).accepted
    monkeypatch.setattr(polynomial, "tail", lambda n, rho, d: arb(0))
    monkeypatch.setattr(enclosure, "remainder", lambda *a: arb(0))
    assert _claim(tmp_path, claim, **proof).accepted


def test_margin_of_the_grid(tmp_path, monkeypatch):
    n, grid = 4, 2
    at_grid = np.cos((2 * np.arange(grid * n) + 1) * np.pi / (2 * grid * n))
    claim = float(_interpolant(n, at_grid))
    proof = {"degree": n, "rho": 1.1, "grid": grid}
    monkeypatch.setattr(polynomial, "tail", lambda n, rho, d: arb(0))
    monkeypatch.setattr(enclosure, "remainder", lambda *a: arb(0))
    assert not _claim(tmp_path, claim, **proof).accepted
    honest = polynomial._cosine
    monkeypatch.setattr(
        polynomial, "_cosine", lambda a, b: arb(1) if (a, b) == (1, 2 * grid) else honest(a, b)
    )
    assert _claim(tmp_path, claim, **proof).accepted


@pytest.mark.parametrize("weak", [False, True])
def test_remainder_of_the_affine_bound(tmp_path, monkeypatch, weak):
    """At the centre the error is 0.1 and its slope 0; at the ends it is -0.4."""
    if weak:
        monkeypatch.setattr(enclosure, "remainder", lambda *a: arb(0))
    assert _claim(tmp_path, 0.11, degree=0, rho=0.0, grid=0).accepted == weak


def test_the_tail_is_that_of_the_format():
    """4 d M rho^-n/(rho - 1) ((rho + 1)/(rho - 1))^(d - 1), by hand; no function is known that needs all of it."""
    assert float(polynomial.tail(5, arb(2), 1)) == 4 / 32
    assert float(polynomial.tail(5, arb(2), 2)) == 4 * 2 / 32 * 3
    assert float(polynomial.tail(3, arb(3), 3)) == 4 * 3 / 27 / 2 * 4


def _at_nodes(function, n):
    nodes = np.cos((2 * np.arange(n + 1) + 1) * np.pi / (2 * n + 2))
    return [arb(float(function(x, y))) for x in nodes for y in nodes]


def test_ranges_of_polynomials_of_two_inputs_are_attained():
    """T_2(x) T_2(y) is at most 1/2 on the grid of 4 x 4 nodes: each input needs a margin of its own."""
    low, high = polynomial.interpolant_range(
        _at_nodes(lambda x, y: (2 * x**2 - 1) * (2 * y**2 - 1), 2), 2, 2, 2, 80
    )
    assert (float(low), float(high)) == pytest.approx((-1.0, 1.0))
    low, high = polynomial.interpolant_range(
        _at_nodes(lambda x, y: 3 + y / 4 + x / 2 + x * y, 1), 1, 2, 0, 80
    )
    assert (float(low), float(high)) == pytest.approx((1.25, 4.75))
