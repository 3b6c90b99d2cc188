"""``supnorm check --sheet``: completes the record of a check by the file's hash, time and problem, and writes the sheet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from supnorm.cli.repeat import repeated

if TYPE_CHECKING:
    from supnorm.problem import Problem
    from supnorm.results.check import CheckRecord


def write_sheet(
    record: CheckRecord,
    sheet: Path,
    certificate: Path,
    before: str,
    problem: Problem | None,
    asked: Mapping[str, Any],
) -> str:
    """Write the sheet of a check; returns the line that names it.

    Args:
        record: of the check.
        sheet: the HTML file.
        certificate: the file that was checked.
        before: SHA-256 of its bytes before the check.
        problem: the problem with which it was compared, if any.
        asked: the options of the check by name.

    Raises:
        BadInput: when the file was changed meanwhile: nobody knows then which bytes were checked.
    """
    from supnorm.pages.sheet import sheet_page
    from supnorm.problem.fingerprint import content_of, contents, fingerprint
    from supnorm.results import BadInput, versions, write_whole
    from supnorm.results.check import CheckedFileRecord
    from supnorm.results.versions import version_of

    after = content_of(certificate)
    if after != before:
        raise BadInput(
            f"{certificate}: the file was changed while it was checked, so there is no sheet; check it again"
        )
    files = {} if problem is None else {name: content for name, content in contents(problem).values()}
    if problem is not None and problem.source is not None:
        files |= {problem.source.name: content_of(problem.source)}
    file = CheckedFileRecord(
        name=certificate.name,
        sha256=after,
        bytes=certificate.stat().st_size,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        command=repeated("check", certificate, asked),
        versions={**versions(), "python-flint": version_of("python-flint")},
        title="" if problem is None else problem.title,
        fingerprint="" if problem is None else fingerprint(problem),
        files=files,
    )
    write_whole(sheet, sheet_page(record.changed(file=file)))
    return f"  sheet  {sheet}"
