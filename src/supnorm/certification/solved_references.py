"""References that are solved: roots, flows and integrals. Each kind has a proof of several parts of its own."""

from __future__ import annotations

from supnorm.certification.result import CertifyResult
from supnorm.certification.root_result import certify_root
from supnorm.certification.running import Asked
from supnorm.certification.solved.flow_proof import prove_flow
from supnorm.certification.solved.integral_proof import prove_integral
from supnorm.certification.solved.result import result_of_solved
from supnorm.problem import Problem
from supnorm.sources.flow import dynamics_of
from supnorm.sources.integral import integrand_of
from supnorm.sources.root import equation_of


def certify_solved(problem: Problem, asked: Asked) -> CertifyResult:
    """A proved bracket of the worst error of a model against a reference that is solved.

    Raises:
        BadInput: see `prove_root`, `prove_flow`, `prove_integral`.
    """
    if (equation := equation_of(problem.reference)) is not None:
        return certify_root(problem, equation, asked)
    if (dynamics := dynamics_of(problem.reference)) is not None:
        return result_of_solved(problem, prove_flow(problem, dynamics, asked), asked)
    integrand = integrand_of(problem.reference)
    assert integrand is not None
    return result_of_solved(problem, prove_integral(problem, integrand, asked), asked)
