"""Proofs as files for Coq: the one writer, for ``check --export-coq`` and ``certify --export coq``."""

from __future__ import annotations

from pathlib import Path

from supnorm.results.printable import printable


def write_coq(certificate: Path, coq: Path) -> str:
    """Write an accepted certificate for Coq; what to do with the file, in words.

    Raises:
        BadInput: for a certificate that Coq cannot prove, with the reason.
    """
    from supnorm.checker.coq_export import NotExported, export
    from supnorm.results import BadInput
    from supnorm.results.duration import duration
    from supnorm.results.writing import write_whole

    try:
        text, cost = export(certificate, coq.name)
    except NotExported as refused:
        raise BadInput(f"{certificate}: {printable(str(refused))}") from None
    write_whole(coq, text)
    return f"  wrote {coq}: coqc {coq} proves the upper bound once more, in about {duration(cost.seconds)} (coq-interval)"
