"""No leaf is proved by an interpolant with more numbers at its nodes than the file format allows."""

from __future__ import annotations

import numpy as np
import pytest

import supnorm as sn
from supnorm.certification import ChebyshevCertificate, ComposedCertificate, certify, leaf
from supnorm.certification.leaf import fits_a_leaf

DOMAIN = sn.Domain(x=(-1.0, 1.0), y=(0.0, 1.0))


def _model(x):
    return np.exp(np.sin(2.0 * x[:, 0]) * x[:, 1])


def _problem():
    return sn.Problem(_model, lambda x: _model(x) + 0.01 * np.cos(x[:, 0] + 2.0 * x[:, 1]), DOMAIN)


@pytest.mark.parametrize("strategy", [ChebyshevCertificate(), ComposedCertificate()])
def test_degrees_are_those_that_a_file_may_have(strategy, monkeypatch):
    """A certificate of a solution had 361 nodes of 32,767 numbers; check rejected it."""
    whole = certify(_problem(), 1.1, strategy=strategy, boxes=50).certificate
    (program,) = whole.error.alternatives
    most = int(whole.leaves.whole.proof.degree.max())
    monkeypatch.setattr(leaf, "LARGEST_EVALUATION", most**2 * sum(node.width for node in program.nodes))
    assert not fits_a_leaf(program, most)
    small = certify(_problem(), 1.1, strategy=strategy, boxes=50).certificate
    degrees = small.leaves.whole.proof.degree
    assert all(fits_a_leaf(program, int(n)) for n in degrees.ravel() if n > 0)
    assert degrees.max() > 0


def test_mean_squares_have_such_degrees_too(monkeypatch):
    whole = sn.certify_norms(_problem(), ["rms"], boxes=200).norms[0]
    monkeypatch.setattr(leaf, "LARGEST_EVALUATION", 0)
    assert sn.certify_norms(_problem(), ["rms"], boxes=200).norms[0].upper > whole.upper


@pytest.mark.parametrize("n", [157, 217, 546])
def test_grids_are_those_that_a_file_may_have(n, tmp_path):
    """Degree 217 with K = 12 has more cosines than a leaf may have; check rejected the file."""
    pytest.importorskip("flint")

    def model(x):
        return np.sin(0.6 * n * x[:, 0])

    problem = sn.Problem(
        model, lambda x: model(x) + 0.01 * np.cos(0.5 * n * x[:, 0] + 1.0), sn.Domain(x=(-1.0, 1.0))
    )
    certificate = certify(problem, 1.1, strategy=ChebyshevCertificate(degrees=(n,)), boxes=60).certificate
    proof = certificate.leaves.whole.proof
    assert proof.degree.max() > 100
    (program,) = certificate.error.alternatives
    kinds = zip(proof.degree.ravel().tolist(), proof.grid.ravel().tolist(), strict=True)
    assert all(fits_a_leaf(program, degree, grid) for degree, grid in kinds if degree > 0)
    certificate.save(tmp_path / "c.json")
    result = sn.check(tmp_path / "c.json")
    assert result.accepted, result.reason


@pytest.mark.parametrize("rho", [0.5, 1.0, 1e6])
def test_an_ellipse_that_a_file_may_not_have_is_refused(rho):
    with pytest.raises(sn.BadInput, match="rho"):
        ChebyshevCertificate(rho=(rho,))
