"""Proofs: rigorous upper bounds of the worst error, brackets, and certificates as files."""

from supnorm.certification.bracket import BracketNarrowed
from supnorm.certification.certificate import Certificate, points_of_problem
from supnorm.certification.certify import certify
from supnorm.certification.chebyshev_certificate import ChebyshevCertificate
from supnorm.certification.graded_certificate import GradedCertificate
from supnorm.certification.linear_bounds import LinearBounds
from supnorm.certification.residual import residual
from supnorm.certification.result import CertifyResult

__all__ = [
    "BracketNarrowed",
    "Certificate",
    "CertifyResult",
    "ChebyshevCertificate",
    "GradedCertificate",
    "LinearBounds",
    "certify",
    "points_of_problem",
    "residual",
]
