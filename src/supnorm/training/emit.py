"""Writes a fitted model as C or Fortran source or as an ONNX graph, for programs that have neither Python nor supnorm.

The source needs no library but that of its language. It runs the operations of the program in a fixed order: each sum from
the first to the last term, then the bias. The file ends with test vectors; compiled with ``-DSUPNORM_TEST`` it is a program
that compares itself with them. At these points, the header says how far the values may be from those of exact arithmetic: a
bound by running error analysis (`supnorm.certification.running_error`), for rounding to nearest, fused multiply-add or not,
and functions of the library that are accurate to 2 units in the last place. At other points nothing is claimed.
"""

from __future__ import annotations

from pathlib import Path

from supnorm.certification.branch_room import demand_none
from supnorm.networks.export_onnx import document
from supnorm.problem import Domain, Function
from supnorm.program import Unsupported, program_of
from supnorm.results import BadInput
from supnorm.results.writing import write_whole
from supnorm.training.c_code import c_source
from supnorm.training.fortran_code import fortran_source

ENDINGS = {"c": ".c", "fortran": ".F90", "onnx": ".onnx"}  # by the name of the format


def emit(model: Function, domain: Domain, path: Path | str, name: str = "supnorm_model") -> None:
    """Write a model as C source (``.c``), as Fortran source (``.F90``) or as an ONNX graph (``.onnx``).

    Args:
        model: one whose code can be read, as that of every fitted model is.
        domain: where the test vectors are taken from.
        path: of the file.
        name: of the function in C or of the subroutine in Fortran.

    Raises:
        BadInput: for another ending, a model that cannot be read, code with a branch that its program does not take, or an
            operation that the format lacks.
    """
    path = Path(path)
    try:
        program = program_of(model, domain.d)
        demand_none(program, domain, "the model", "the file would not take it either")
        if path.suffix == ".c":
            write_whole(path, c_source(program, domain, name))
        elif path.suffix == ".F90":
            write_whole(path, fortran_source(program, domain, name))
        elif path.suffix == ".onnx":
            write_whole(path, document(program))
        else:
            raise BadInput(f"{path}: a model is written as C (.c), Fortran (.F90) or ONNX (.onnx)")
    except Unsupported as error:
        raise BadInput(f"{path}: the model cannot be written: {error}") from None
