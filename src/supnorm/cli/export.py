"""``certify --export coq``: what was proved is checked, and written for Coq by the writer of ``check --export-coq``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from supnorm.results.printable import printable

if TYPE_CHECKING:
    from supnorm.problem import Problem

MOST_INPUTS = 2


def demand_export(export: str | None, problem: Problem, several: bool) -> None:
    """Check before the work that ``certify --export`` can be done.

    Args:
        export: what the option was given; None for no export.
        problem: whose bound is to be exported.
        several: whether the proof has several parts: of properties, norms or an equation.

    Raises:
        BadInput: for another word than coq, more than two inputs, or a proof of several parts.
    """
    from supnorm.results import BadInput, install

    if export is None:
        return
    if export != "coq":
        raise BadInput(f"--export {printable(export)}: the one format is coq, as in --export coq")
    if several or problem.equation is not None:
        raise BadInput(
            "--export coq is for a bound of an error; properties, norms and equations have proofs of several parts"
        )
    if problem.domain.d > MOST_INPUTS:
        raise BadInput(f"--export coq is for one or two inputs; this problem has {problem.domain.d}")
    try:
        import flint  # noqa: F401  # the checker needs it: only what it accepts is exported
    except ImportError:
        raise BadInput(f"--export coq needs python-flint: {install('checker')}") from None


def export_after(folder: Path, code: int, tell: Callable[[str], None]) -> None:
    """Check the proof that `certify` wrote into a folder, and write it for Coq beside it, as ``certificate.v``.

    Args:
        folder: of the run.
        code: the exit code of the proof; what cannot be exported is an error only where this is 0.
        tell: prints what to do with the file.

    Raises:
        BadInput: for a certificate that takes the checker too long or that Coq cannot prove.
        Contradiction: for one that the checker rejects.
    """
    from supnorm.cli.answer import say
    from supnorm.results import BadInput

    try:
        tell(_checked_and_written(folder / "certificate.json", folder / "certificate.v"))
    except BadInput as refused:
        if not code:
            raise
        say(f"supnorm: {refused}", err=True)  # the verdict of the proof counts more


def _checked_and_written(certificate: Path, coq: Path) -> str:
    """Write a new certificate for Coq if the checker accepts it; what to do with the file, in words."""
    from supnorm.checker import TooCostly
    from supnorm.cli.check import checked_copy
    from supnorm.cli.coq import write_coq
    from supnorm.cli.private_copy import copied
    from supnorm.results import BadInput, Contradiction

    with copied(certificate) as file:
        try:
            result = checked_copy(file, None)
        except TooCostly as refused:
            raise BadInput(f"{certificate}: {refused}; nothing was exported") from None
        if not result.accepted:
            raise Contradiction(f"the checker rejects {certificate}: {printable(result.reason)}")
        return write_coq(file.path, coq)
