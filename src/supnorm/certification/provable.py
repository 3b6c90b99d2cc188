"""Whether a proof can be made at all: asked before an audit or a training run is paid for."""

from __future__ import annotations

from supnorm.certification.deployed import runs_in_single
from supnorm.certification.error_program import demand_kind
from supnorm.certification.reading import read
from supnorm.problem import Function, Problem
from supnorm.program import Unsupported
from supnorm.program.branches import jumps
from supnorm.program.special import NAMES
from supnorm.results import BadInput
from supnorm.sources.solved import demand_readable, is_solved


def demand_provable(problem: Problem, as_run: bool = False) -> None:
    """Check that `certify` has a proof for the kind of error and can read model and reference.

    Args:
        problem: has a model.
        as_run: whether the bound must hold for the model as it runs, with its rounding; where a model runs below float64,
            this asks for a runtime whose rounding is known.

    Raises:
        BadInput: naming what cannot be read, or why the rounding has no bound.
    """
    demand_kind(problem)
    domain, declared, chosen = problem.domain, False, False
    solved = is_solved(problem.reference)
    for what, function in (("model", problem.model), ("reference", problem.reference)):
        if what == "reference" and solved:
            try:
                demand_readable(function, domain.d)
            except Unsupported as error:
                raise BadInput(f"certify cannot read the equation of the reference: {error}") from None
            continue
        program = read(function, what, domain, branches=not solved)
        declared |= program is None
        chosen |= program is not None and jumps(program)
    model = problem.model
    assert model is not None
    if not as_run:
        return
    if declared:
        why = "a bound is declared and not proved"
    elif solved:
        why = "the reference is a root, a flow or an integral"
    else:
        why = unknown_as_run(model, domain.d)
        if not why and chosen and model.precision == "float32":
            why = "it runs in float32, and the reference chooses between formulas"
    if why:
        raise BadInput(
            f"nothing can be proved of {model.name or 'the model'} as it runs, because its rounding has no bound ({why}); "
            "use a network of supnorm or an ONNX file, or do without the proof"
        )


def unknown_as_run(model: Function, d: int) -> str:
    """Why the rounding of a model as it runs has no bound, in words; empty where it has one.

    >>> unknown_as_run(Function(lambda x: x[:, 0]), 1)
    'it is code whose order of operations is not known, or runs in lower precision'
    """
    if model.precision == "float32":
        runs = runs_in_single(model, d)
        return runs if isinstance(runs, str) else ""
    if not rounding_is_known(model):
        return "it is code whose order of operations is not known, or runs in lower precision"
    return ""


def rounding_is_known(model: Function) -> bool:
    """Whether a model runs in float64 by the operations of its program, each within the units that are assumed.

    No runtime computes Bessel and gamma functions to the units that are assumed of exp and sin.
    """
    program = model.program
    known = program is not None and not set(NAMES).intersection(program.operations)
    return known and model.precision == "float64"
