"""``supnorm check --sheet``: completes the record of a check by the file's hash, time and problem, and writes the sheet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from supnorm.cli.repeat import repeated

if TYPE_CHECKING:
    from supnorm.cli.private_copy import PrivateCopy
    from supnorm.problem import Problem
    from supnorm.results.check import CheckRecord


def write_sheet(
    record: CheckRecord,
    sheet: Path,
    checked: PrivateCopy,
    problem: Problem | None,
    asked: Mapping[str, Any],
) -> str:
    """Write the sheet of a check; returns the line that names it.

    Args:
        record: of the check.
        sheet: the HTML file.
        checked: the file that was checked.
        problem: the problem with which it was compared, if any.
        asked: the options of the check by name.

    Raises:
        BadInput: when the file was changed meanwhile: what the sheet says is not true of it.
    """
    from supnorm.pages.sheet import sheet_page
    from supnorm.problem.fingerprint import content_of, contents, fingerprint
    from supnorm.results import BadInput, versions, write_whole
    from supnorm.results.check import CheckedFileRecord
    from supnorm.results.versions import version_of

    if checked.changed:
        raise BadInput(
            f"{checked.name}: the file was changed while it was checked, so there is no sheet; check it again"
        )
    files = {} if problem is None else {name: content for name, content in contents(problem).values()}
    if problem is not None and problem.source is not None:
        files |= {problem.source.name: content_of(problem.source)}
    file = CheckedFileRecord(
        name=checked.name.name,
        sha256=checked.sha256,
        bytes=checked.size,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        command=repeated("check", checked.name, asked),
        versions={**versions(), "python-flint": version_of("python-flint")},
        title="" if problem is None else problem.title,
        fingerprint="" if problem is None else fingerprint(problem),
        files=files,
    )
    write_whole(sheet, sheet_page(record.changed(file=file)))
    return f"  sheet  {sheet}"
