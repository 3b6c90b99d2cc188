"""``supnorm claim FILE.toml``: judge a published sentence about accuracy; ``--all`` judges those of a folder."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.answer import say
from supnorm.cli.audit_run import SearchOptions, run_audit
from supnorm.cli.fields import made, with_options_of, written
from supnorm.cli.options import STORE, TRUST, default_folder
from supnorm.cli.run import RunContext, with_run
from supnorm.evaluation.calls import Calls
from supnorm.interrupts import INTERRUPTS
from supnorm.results.status import BadInput, Interrupted

if TYPE_CHECKING:
    from supnorm.claims import Claim, ClaimResult
    from supnorm.results.claim import ClaimRecord, LedgerRowRecord

FILE = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE.toml",
        help="The claim; with --all a folder of claims. [default of --all: those of the source tree]",
    ),
]
AUDIT = "audit"  # folder of the audit, in the folder of the run
GALLERY = "claims.html"
AGAIN = "run the same command with --resume"


def _folder(file: Path | None) -> Path:
    if file is None or file.is_dir():
        return Path("claims-run")
    name = (
        file.parent.resolve().name if file.stem == "claim" else default_folder(file).name.removesuffix("-run")
    )
    return Path(f"{name}-claim")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("claim")(command)


@with_run(_folder, "Folder of the run. [default: NAME-claim, or claims-run]")
@with_options_of(SearchOptions, Calls)
def command(
    file: FILE = None,
    *,
    run: RunContext,
    every: Annotated[bool, typer.Option("--all", help="Judge every claim of a folder.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Also write claims.html: one page of all claims.")
    ] = False,
    trust: TRUST = False,
    **given: Any,
) -> int:
    """Judge a published claim about accuracy: refuted by two references, not refuted by a search, or proved."""
    from supnorm.cli.folder import demand_folder, work_in

    if file is None and not every:
        raise BadInput("give a claim file, or --all for those of a folder")
    if file is not None and every != file.is_dir():
        what = "--all takes a folder" if every else "a folder needs --all"
        raise BadInput(f"{file}: {what}; give a claim file, or --all and a folder of NAME/claim.toml")
    options = made(SearchOptions, given, calls=written(Calls, given), trust=trust)
    demand_folder(run.directory)
    with work_in(run.directory):
        if every:
            return _ledger(file or _of_source_tree(), file, run, options, report)
        assert file is not None
        return _alone(file, run, options, report)


def _of_source_tree() -> Path:
    """The folder ``claims`` of the source tree: the one that the package runs from, or else the current folder.

    Raises:
        BadInput: where neither is the source tree of supnorm.
    """
    for tree in (Path(__file__).resolve().parents[3], Path()):  # without --editable, pip installs no claims
        if (tree / "src/supnorm/__init__.py").is_file() and (tree / "claims").is_dir():
            return tree / "claims"
    raise BadInput(
        "the claims are not part of the installed package; go to the source tree of supnorm, or give a folder of claims"
    )


def _alone(file: Path, run: RunContext, options: SearchOptions, report: bool) -> int:
    """Judge one claim in the folder of the run."""
    from supnorm.claims import Claim, ledger_record
    from supnorm.cli.folder import demand_no_other_run
    from supnorm.pages import claim_summary, write_claims_page

    demand_no_other_run(run.directory, "claim.json")
    claim = Claim.open(file, trust=options.trust)
    if run.resume and not (run.directory / AUDIT).exists():
        raise BadInput(f"--resume: {run.directory} has no run; leave --resume out to start one")
    if run.resume and (changed := _other_packages(claim, run.directory / "claim.json")):
        raise BadInput(f"--resume: {run.directory} is of {changed}; leave --resume out to begin anew")
    record = _judged(claim, file, run, options)
    page = run.directory / GALLERY
    with run.writing(lambda: run.tell(record.to_json, lambda: claim_summary(record))):
        if report:
            write_claims_page(ledger_record([_row(record, ".")], False, record.seconds), page)
    ends = [f"saved in {run.directory}; open {run.directory / record.report}"] if record.report else []
    ends += [f"gallery {page}"] if report else []
    run.tell(record.to_json, lambda: [*claim_summary(record), *ends])
    return int(record.status.exit)


def _other_packages(claim: Claim, held: Path) -> str:
    """Which packages had other versions when the claim was judged, in words; empty if none had."""
    from supnorm.results.claim import ClaimRecord

    before = dict(ClaimRecord.read(held).installed) if held.exists() else claim.installed
    now = claim.installed
    return ", ".join(f"{name} {before.get(name)}" for name in before if before.get(name) != now.get(name))


def _judged(claim: Claim, file: Path, run: RunContext, options: SearchOptions) -> ClaimRecord:
    """Audit the problem of a claim into the folder ``audit``, judge it, and write what was found.

    Raises:
        Interrupted: when the audit is cut short; ``--resume`` goes on with it.
    """
    from supnorm.cli.folder import has_begun
    from supnorm.cli.repeat import repeated

    again = repeated("claim", file, {"out": run.folder if run.named else None, **_words(options)})
    report, start = None, time.perf_counter()
    if claim.problem is not None:
        options = _limited(options, claim)
        begun = run.resume and has_begun(run.directory / AUDIT)
        report = run_audit(file, run.within(AUDIT, begun), options, go_on=AGAIN, whole=True)
    with run.interruptible(f"; the audit is in {run.directory / AUDIT}: {AGAIN}"):
        result = claim.judged(report, options.seed, run.observer())
    spent = time.perf_counter() - start
    record = result.record.changed(
        command=again, seconds=spent, report=f"{AUDIT}/report.html" if report is not None else ""
    )
    with run.writing(lambda: run.tell(record.to_json, lambda: [record.status.advice])):
        _save(record, result, run.directory)
    return record


def _limited(options: SearchOptions, claim: Claim) -> SearchOptions:
    """These options, with a limit where neither they nor the file have one."""
    from supnorm.claims.claim import SEARCH

    limits = (options.evaluations, options.seconds, claim.budget.evaluations, claim.budget.seconds)
    return options if any(limit is not None for limit in limits) else replace(options, evaluations=SEARCH)


def _words(options: SearchOptions) -> dict[str, Any]:
    """Options that change the result, for a command that repeats it."""
    words = {"evaluations": options.evaluations, "seconds": options.seconds, "seed": options.seed}
    return {**words, "cost": options.calls.get("cost"), "trust": options.trust}


def _save(record: ClaimRecord, result: ClaimResult, folder: Path) -> None:
    """Write the record, the badge, the certificate, and the page of the audit with the bound of the proof."""
    from supnorm.certification import into_report
    from supnorm.cli.folder import set_aside
    from supnorm.pages import write_badge, write_page
    from supnorm.results import write_whole

    write_whole(folder / "claim.json", record.to_json())
    write_badge(record, folder / "badge.svg")
    proof = None if result.proof is None else result.proof.result
    set_aside(folder / "certificate.json")  # of another model, or of another number
    if proof is None or result.report is None:
        return
    proof.certificate.save(folder / "certificate.json")
    joined = into_report(result.report, proof)
    if joined is not result.report:
        joined.save(folder / AUDIT)
        write_page(joined, folder / AUDIT / "report.html")


def _ledger(folder: Path, given: Path | None, run: RunContext, options: SearchOptions, report: bool) -> int:
    """Judge the claims of a folder, one after the other, each in a folder of its own."""
    from supnorm.claims import entries, ledger_record
    from supnorm.claims.claim import words_in
    from supnorm.claims.ledger import name_of
    from supnorm.cli.repeat import repeated
    from supnorm.pages import ledger_summary, write_claims_page
    from supnorm.problem.problem_file import read_specification
    from supnorm.results import write_whole

    start, rows, stopped = time.perf_counter(), [], ""
    files = entries(folder)
    for file in files:  # a file that is no claim is told before the first search, not after the thirtieth
        words_in(read_specification(file), file)
    for file in files:
        name = name_of(file)
        if not run.silent:
            say(f"  {name}", err=True)
        try:
            with run.interruptible(
                f" at {name}"
            ):  # also while its code is loaded, or an earlier verdict read
                rows.append(_entry(file, name, run, options))
        except Interrupted as why:
            stopped = str(why)
            break
    words = {"all": True, "out": run.folder if run.named else None, "report": report, **_words(options)}
    record = ledger_record(rows, bool(stopped), time.perf_counter() - start)
    record = record.changed(command=repeated("claim", given, words))
    with run.writing(lambda: run.tell(record.to_json, lambda: ledger_summary(record))):
        write_whole(run.directory / "claims.json", record.to_json())
        if report:
            write_claims_page(record, run.directory / GALLERY)
    page = run.directory / (GALLERY if report else "claims.json")
    run.tell(record.to_json, lambda: [*ledger_summary(record), f"saved in {run.directory}; open {page}"])
    if stopped:
        raise Interrupted(stopped if AGAIN in stopped else f"{stopped}; {AGAIN}")
    return int(record.status.exit)


def _entry(file: Path, name: str, run: RunContext, options: SearchOptions) -> LedgerRowRecord:
    """The row of one claim; one that was finished before, by the same search, is not run again with ``--resume``."""
    from supnorm.claims import Claim
    from supnorm.claims.recording import asks_the_same, unrun
    from supnorm.cli.folder import held_fingerprint
    from supnorm.cli.identity import changed_file
    from supnorm.problem import fingerprint
    from supnorm.problem.problem_file import read_specification
    from supnorm.results.claim import ClaimRecord

    folder = run.directory / name
    held, anew = folder / "claim.json", False
    try:
        claim = Claim.open(file, trust=options.trust)
        if run.resume and held.exists() and claim.problem is not None:
            before, anew = ClaimRecord.read(held), bool(_other_packages(claim, held))
            unchanged = before.fingerprint == fingerprint(claim.problem) and asks_the_same(
                claim.words, before
            )
            anew = anew or changed_file(folder / AUDIT / STORE, claim.problem) is not None
            anew = (
                anew
                or _edited(before, folder / AUDIT)
                or _searched_otherwise(folder / AUDIT, file, claim, options)
            )
            if unchanged and not anew:
                return _row(before, name)
        if claim.problem is None:  # nothing is written for what cannot run
            return _row(claim.test().record, "")
        folder.mkdir(parents=True, exist_ok=True)
        # What was edited since begins anew: a ledger of thirty claims must not end at one of them.
        same = not anew and held_fingerprint(folder / AUDIT) == fingerprint(claim.problem)
        part = replace(run, folder=folder, named=False, resume=run.resume and same, quiet=True, as_json=False)
        record = _judged(claim, file, part, options)
        return _row(record, name)
    except BadInput as why:
        INTERRUPTS.poll()  # a request may have become this error, as in an import
        words = read_specification(file).claim
        if words is None:
            raise
        return _row(unrun(words, name, {}, "failed", str(why)), "")


def _edited(record: ClaimRecord, audit: Path) -> bool:
    """Whether a verdict that was read from a file contradicts its own numbers, or those of the audit beside it."""
    from supnorm.auditing import load_report
    from supnorm.results.other_contradictions import other_contradiction

    if other_contradiction(record):
        return True
    try:
        held = load_report(audit).record
    except BadInput:
        return True
    holds = record.status.code in ("not-refuted", "proved")
    return holds and not (record.tolerance is not None and held.sup.lower <= record.tolerance)


def _searched_otherwise(audit: Path, file: Path, claim: Claim, options: SearchOptions) -> bool:
    """Whether the search for a verdict had another seed or limit than is asked for now."""
    from supnorm.auditing import load_report
    from supnorm.problem.problem_file import read_specification

    held, asked = load_report(audit).record, _limited(options, claim).completed(read_specification(file))
    if held.seed != (asked.seed or 0):
        return True
    return held.table is None and (held.budget.evaluations, held.budget.seconds) != (
        asked.evaluations,
        asked.seconds,
    )


def _row(record: ClaimRecord, folder: str) -> LedgerRowRecord:
    from supnorm.results.claim import LedgerRowRecord

    return LedgerRowRecord(**dict(record), folder=folder)
