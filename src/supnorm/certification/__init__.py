"""Proofs: rigorous upper bounds of the worst error, brackets, and certificates as files."""

from supnorm.certification.bracket import BracketNarrowed
from supnorm.certification.certificate import Certificate
from supnorm.certification.certify import certify
from supnorm.certification.chebyshev_certificate import ChebyshevCertificate
from supnorm.certification.composed_certificate import ComposedCertificate
from supnorm.certification.graded_certificate import GradedCertificate
from supnorm.certification.into_report import into_report
from supnorm.certification.linear_bounds import LinearBounds
from supnorm.certification.norms import NormsResult, certify_norms
from supnorm.certification.properties import certify_properties
from supnorm.certification.property_result import PropertiesResult
from supnorm.certification.residual import against_zero, residual
from supnorm.certification.result import CertifyResult
from supnorm.certification.solution.result import SolutionResult
from supnorm.certification.solution.solution_error import solution_error
from supnorm.certification.statement_as_it_runs import beside_what_runs
from supnorm.certification.statement_tie import statement_mismatch, values_for_statement
from supnorm.certification.tie import functions_of_problem, mismatch, values_of_problem

__all__ = [
    "BracketNarrowed",
    "Certificate",
    "CertifyResult",
    "ChebyshevCertificate",
    "ComposedCertificate",
    "GradedCertificate",
    "LinearBounds",
    "NormsResult",
    "PropertiesResult",
    "SolutionResult",
    "against_zero",
    "beside_what_runs",
    "certify",
    "certify_norms",
    "certify_properties",
    "functions_of_problem",
    "into_report",
    "mismatch",
    "residual",
    "solution_error",
    "statement_mismatch",
    "values_for_statement",
    "values_of_problem",
]
