"""Many claims: the files of a folder, and the record of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from supnorm.claims.recording import pip_line
from supnorm.results import BadInput, ExitCode, Status
from supnorm.results.claim import LedgerRecord, LedgerRowRecord
from supnorm.wording import fact
from supnorm.wording.claim import narrator

FILE = "claim.toml"
MEANT = ("refuted", "proved", "not-refuted")  # verdicts that say something about the sentence


def entries(folder: Path) -> list[Path]:
    """The claim files of a folder: ``NAME/claim.toml``, and files ``NAME.toml`` in it, by name.

    Raises:
        BadInput: when there is none, or two have one name: they would have one row and one folder of the run.
    """
    found = sorted(folder.glob(f"*/{FILE}"), key=lambda path: path.parent.name) if folder.is_dir() else []
    found += sorted(folder.glob("*.toml")) if folder.is_dir() else []
    if not found:
        raise BadInput(f"{folder}: no claims here; a folder of claims has files NAME/{FILE}")
    names: dict[str, Path] = {}
    for path in found:
        first = names.setdefault(name_of(path).casefold(), path)  # file systems may not tell X from x
        if first is not path:
            raise BadInput(f"{first} and {path}: two claims named {name_of(path)!r}; rename one of them")
    return found


def name_of(file: Path) -> str:
    """The name of a claim in a ledger, which is that of its folder in the run.

    >>> name_of(Path("claims/tides/claim.toml")), name_of(Path("claims/tides.toml"))
    ('tides', 'tides')
    """
    return file.parent.resolve().name if file.name == FILE else file.stem


def ledger_record(rows: Sequence[LedgerRowRecord], interrupted: bool, seconds: float) -> LedgerRecord:
    """The record of many claims."""
    verdicts = Counter(row.status.code for row in rows)
    say, n = narrator(None), len(rows)
    rest = n - sum(verdicts[code] for code in MEANT)
    facts = [
        fact(
            "ledger",
            n=n,
            refuted=verdicts["refuted"],
            proved=verdicts["proved"],
            open=verdicts["not-refuted"],
        )
    ]
    facts += [fact("ledger-rest", rest=rest)] if rest else []
    changed = [row.name for row in rows if row.known is not None and row.known.holds is False]
    facts += [fact("ledger-changed", n=len(changed), names=", ".join(changed))] if changed else []
    code, ends = _end(verdicts, interrupted)
    return LedgerRecord(
        status=Status(code, say.text(*facts), ends),
        verdicts=dict(sorted(verdicts.items())),
        rows=tuple(rows),
        install=_install(rows),
        command="",
        seconds=seconds,
    )


def _end(verdicts: Counter[str], interrupted: bool) -> tuple[str, ExitCode]:
    """The word and the exit code of a ledger; what is not installed decides nothing, nor does a ledger of nothing else."""
    if interrupted:
        return "interrupted", ExitCode.INTERRUPTED
    if verdicts["failed"]:
        return "failed", ExitCode.BAD_INPUT
    if verdicts["refuted"]:
        return "refuted", ExitCode.EXCEEDED
    if verdicts["undecided"] or verdicts["unconfirmed"]:
        return "undecided", ExitCode.UNDECIDED
    if not any(verdicts[code] for code in (*MEANT, "not-comparable")):
        return "undecided", ExitCode.UNDECIDED
    return "none-refuted", ExitCode.DONE


def _install(rows: Sequence[LedgerRowRecord]) -> str:
    """One pip line for everything that is missing."""
    needs: list[str] = []
    missing: list[str] = []
    for row in rows:
        needs += row.needs
        missing += [package for package, version in row.installed.items() if version is None]
    return pip_line(needs, list(dict.fromkeys(missing))) if missing else ""
