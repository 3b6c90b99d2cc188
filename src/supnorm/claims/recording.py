"""The record of a claim, from its words, the audit and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from supnorm.auditing import AuditReport
from supnorm.claims.confirming import Confirmation
from supnorm.claims.judging import Judged
from supnorm.problem import Problem
from supnorm.problem.claim_table import ClaimSpec
from supnorm.results import ExitCode, Status, versions
from supnorm.results.charts import CutRecord, ScatterRecord, numbers
from supnorm.results.claim import ClaimPointRecord, ClaimRecord, KnownRecord
from supnorm.results.fit import ProofRecord
from supnorm.wording import Fact, fact
from supnorm.wording.claim import narrator

EXITS = {
    "refuted": ExitCode.EXCEEDED,
    "not-refuted": ExitCode.DONE,
    "proved": ExitCode.DONE,
    "interrupted": ExitCode.INTERRUPTED,
    "failed": ExitCode.BAD_INPUT,
}
CERTIFICATE = "certificate.json"
LEAST = 5  # points of a picture


def exit_of(verdict: str, doubt: bool = False) -> ExitCode:
    """The exit code of a verdict; ``doubt``: the second reference contradicts the first one.

    >>> exit_of("refuted").name, exit_of("not-comparable").name, exit_of("unconfirmed", True).name
    ('EXCEEDED', 'UNDECIDED', 'REFERENCE_FAULT')
    """
    if verdict == "unconfirmed" and doubt:
        return ExitCode.REFERENCE_FAULT
    return EXITS.get(verdict, ExitCode.UNDECIDED)


def record_of(
    words: ClaimSpec,
    name: str,
    packages: Mapping[str, str | None],
    problem: Problem,
    report: AuditReport,
    judged: Judged,
) -> ClaimRecord:
    """The record of a claim that was run."""
    held, worst, limit = report.record, judged.worst, problem.error.limit
    assert limit is not None
    error = None if worst is None else worst.witness.error
    infinite = float("inf")
    proof = None if judged.proof is None else judged.proof.result
    doubt = worst is not None and worst.witness.recheck == "reference-fault"
    known = _known(words, judged.code, error)
    remarks = (*_version(words, packages), *judged.remarks, *_gaps(report, judged), *_changed(known))
    say = narrator(held.measure, words.published, held.axes)
    evaluations = held.evaluations
    return ClaimRecord(
        status=Status(judged.code, say.text(judged.advice), exit_of(judged.code, doubt)),
        title=problem.title,
        name=name,
        **_published(words, packages),
        tolerance=limit,
        measure=held.measure,
        axes=held.axes,
        worst=None if worst is None else _point(worst, report),
        factor=None if error is None else error / limit if limit > 0 else infinite,
        rms=None if error is None else held.rms.value,
        random=None if error is None else held.plain_sample.worst,
        evaluations=evaluations.search + evaluations.statistics + evaluations.power,
        power=held.power,
        proof=None if proof is None else ProofRecord.of(proof.record, CERTIFICATE),
        checked=None if judged.proof is None else judged.proof.checked,
        known=known,
        remarks=tuple(map(say.say, remarks)),
        notes=words.notes,
        picture=_picture(report),
        points=scatter(report),
        report="",
        fingerprint=held.fingerprint,
        seed=held.seed,
        command="",
        seconds=held.seconds,
        versions={**versions(), **{k: v for k, v in packages.items() if v is not None}},
    )


def unrun(
    words: ClaimSpec,
    name: str,
    packages: Mapping[str, str | None],
    code: str = "not-installed",
    why: str = "",
) -> ClaimRecord:
    """The record of a claim that cannot be run: a package is missing, or the file is at fault (``failed``)."""
    missing = [package for package, version in packages.items() if version is None]
    advice = (
        fact(
            "not-installed", names=", ".join(missing), n=len(missing), install=pip_line(words.needs, missing)
        )
        if code == "not-installed"
        else fact("failed", why=why)
    )
    return ClaimRecord(
        status=Status(code, narrator(None).text(advice), exit_of(code)),
        title="",
        name=name,
        **_published(words, packages),
        tolerance=None,
        measure=None,
        axes=(),
        worst=None,
        factor=None,
        rms=None,
        random=None,
        evaluations=0,
        power=(),
        proof=None,
        checked=None,
        known=_known(words, code, None),
        remarks=(),
        notes=words.notes,
        picture=None,
        report="",
        fingerprint="",
        seed=0,
        command="",
        seconds=0.0,
        versions=versions(),
    )


def pip_line(needs: list[str], missing: list[str]) -> str:
    """The command that installs what is missing.

    >>> pip_line(["fluids>=1.3,<2", "numpy"], ["fluids", "ht"])
    "pip install 'fluids>=1.3,<2' ht"
    """
    from shlex import quote

    from supnorm.problem.claim_table import REQUIREMENT

    named = {match[1]: need for need in needs if (match := REQUIREMENT.fullmatch(need))}
    return " ".join(["pip install", *(quote(named.get(package, package)) for package in missing)])


def _published(words: ClaimSpec, packages: Mapping[str, str | None]) -> dict[str, Any]:
    names = ("says", "source", "published", "of", "subject", "package", "version", "reference", "second")
    return {name: getattr(words, name) for name in names} | {
        "installed": dict(packages),
        "needs": tuple(words.needs),
    }


def asks_the_same(words: ClaimSpec, before: ClaimRecord) -> bool:
    """Whether a claim was judged before with the same words, so that the verdict would be the same for the same problem."""
    known = None if before.known is None else (before.known.verdict, before.known.worst)
    now = (
        None if words.known is None else (words.known.verdict, words.known.worst and tuple(words.known.worst))
    )
    # A proof is tried where the search found nothing; without one asked for, nothing can be proved.
    proof = before.status.code not in ("not-refuted", "proved") or (before.proof is None) == (
        words.prove is None
    )
    tried = before.status.code != "undecided" and before.status.code != "interrupted"
    return (
        all(getattr(before, name) == value for name, value in _published(words, before.installed).items())
        and (before.notes, known) == (words.notes, now)
        and (before.status.code == "not-comparable") == bool(words.not_comparable)
        and proof
        and tried
    )


def _point(worst: Confirmation, report: AuditReport) -> ClaimPointRecord:
    witness, second = worst.witness, worst.second
    names = [axis.name for axis in report.record.axes]
    outputs = report.record.outputs
    output = outputs[witness.output].name if witness.output < len(outputs) else str(witness.output)
    return ClaimPointRecord(
        x=dict(zip(names, map(float, witness.x), strict=True)),
        model=tuple(map(float, witness.model)),
        reference=tuple(map(float, witness.reference)),
        error=witness.error,
        output=output,
        second=None if second is None else tuple(map(float, second)),
        error_second=worst.error,
        confirmed=worst.confirmed,
        position=None if report.record.measure.kind == "function" else witness.output,
    )


def _known(words: ClaimSpec, code: str, error: float | None) -> KnownRecord | None:
    if words.known is None:
        return None
    ends = words.known.worst
    holds: bool | None = None
    if code not in ("interrupted", "not-installed", "failed"):
        holds = code == words.known.verdict
        if ends is not None:
            holds = holds and error is not None and ends[0] <= error <= ends[1]
    return KnownRecord(
        verdict=words.known.verdict, worst=None if ends is None else (ends[0], ends[1]), holds=holds
    )


def _version(words: ClaimSpec, packages: Mapping[str, str | None]) -> tuple[Fact, ...]:
    now = packages.get(words.package)
    if not words.version or now is None or now == words.version:
        return ()
    return (fact("other-version", package=words.package, version=words.version, installed=now),)


def _gaps(report: AuditReport, judged: Judged) -> tuple[Fact, ...]:
    """Points at which nothing was compared; a proof covers all of them."""
    failures = report.record.failures
    gaps = failures.count - failures.infinite
    if gaps <= 0 or judged.code == "proved":
        return ()
    return (fact("gaps", n=gaps, of=failures.of, reference=failures.reference > 0),)


def _changed(known: KnownRecord | None) -> tuple[Fact, ...]:
    if known is None or known.holds is not False:
        return ()
    low, high = known.worst or (None, None)
    return (fact("not-as-known", verdict=known.verdict.replace("-", " "), low=low, high=high),)


def _picture(report: AuditReport) -> CutRecord | None:
    """Of the cuts through the worst point the one along which the error varies most."""

    def rise(cut: CutRecord) -> float:
        finite = [e for e in cut.whole.error if e == e and abs(e) < float("inf")]
        return max(finite) - sorted(finite)[len(finite) // 2] if finite else -1.0

    return max(report.record.charts.cuts, key=rise, default=None)


def scatter(report: AuditReport) -> ScatterRecord | None:
    """Where calls were too few for cuts: the points, beside the input whose order is most that of their errors."""
    rows, axes = report.points.rows, report.record.axes
    if report.record.charts.cuts or not axes:
        return None
    rows = rows[np.isfinite(rows[:, -1])]
    if len(rows) < LEAST:
        return None
    ranks = np.argsort(np.argsort(rows, axis=0), axis=0)
    along = [abs(np.corrcoef(ranks[:, k], ranks[:, -1])[0, 1]) for k in range(len(axes))]
    chosen = int(np.argmax(along))
    return ScatterRecord(axis=axes[chosen].name, x=numbers(rows[:, chosen]), error=numbers(rows[:, -1]))
