"""What ``supnorm audit`` does with a table in the place of a problem file: its columns are named by options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from supnorm.cli.audit_maps import demand_problem
from supnorm.results.option import option
from supnorm.results.printable import file_word
from supnorm.results.status import BadInput, Mistyped

if TYPE_CHECKING:
    from supnorm.problem.specification import ProblemSpec

TABLES = (".csv", ".parquet")
NC = ".nc"


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """The columns of a table, for an audit without a problem file; names are separated by commas."""

    truth: str | None = option(
        "--truth", "Of a table: columns of the truth.", default=None, metavar="COLUMN,..."
    )
    prediction: str | None = option(
        "--prediction",
        "Of a table: columns of the predictions, in the same order.",
        default=None,
        metavar="COLUMN,...",
    )
    by: str | None = option(
        "--by",
        "Of a table: columns by whose values errors are reported, such as a site.",
        default=None,
        metavar="COLUMN,...",
    )
    inputs: str | None = option(
        "--inputs",
        "Of a table: columns of the inputs. [default: all other columns of numbers; of a NetCDF file those along the "
        "dimensions of the values]",
        default=None,
        metavar="COLUMN,...",
    )
    tolerance: float | None = option(
        "--tolerance", "Of a table: the largest error that is allowed.", default=None, kind=float, above=0
    )
    kind: str | None = option(
        "--kind", "Of a table: absolute or relative errors, or ulp. [default: absolute]", default=None
    )
    failures: str | None = option(
        "--failures",
        "Of a table: what a missing prediction counts as, error (infinite) or ignore. [default: error]",
        default=None,
    )

    @property
    def given(self) -> dict[str, Any]:
        """The options that were given."""
        return {name: value for name, value in vars(self).items() if value is not None}


def of_table(path: Path, options: TableOptions, folder: Path) -> ProblemSpec | None:
    """The specification of a table's problem; None for a problem file.

    Args:
        path: of the table or the problem file.
        options: name the columns.
        folder: of the run, which may hold an earlier result.

    Raises:
        Mistyped: for a column that is not there, where the earlier result in the folder is one of the table as it is.
        BadInput: for a table without its columns, and for columns of a problem file.
    """
    suffix = path.suffix.lower()
    if suffix not in TABLES and not (suffix == NC and options.truth and options.prediction):
        demand_problem(path)
        if options.given:
            name = next(iter(options.given))
            if suffix != ".toml":
                raise BadInput(
                    f"--{name} is for a table ({', '.join(TABLES)}), and the name of {path} does not end so; is it one of "
                    "cells separated by commas, call it .csv; otherwise export it as CSV or Parquet"
                )
            raise BadInput(
                f"--{name} is for a table ({', '.join(TABLES)}); {path} is a problem file, which has its own keys for it"
            )
        return None
    from supnorm.results.door import reading_table
    from supnorm.sources.table import column_names, demand_columns
    from supnorm.sources.table_problem import TableColumns, table_specification

    with reading_table(path, str(path), missing="; give the path of a table or of a problem file"):
        there = column_names(path, str(path))
    if not options.truth or not options.prediction:
        raise BadInput(
            f"{path}: name the columns of truth and prediction, as in supnorm audit {file_word(path)} --truth COLUMN "
            f"--prediction COLUMN; it has {', '.join(there[:40])}"
        )
    for name, allowed in (("kind", ("absolute", "relative", "ulp")), ("failures", ("error", "ignore"))):
        if getattr(options, name) not in (None, *allowed):
            raise BadInput(
                f"--{name} must be {', '.join(allowed[:-1])} or {allowed[-1]}, got {getattr(options, name)!r}"
            )
    columns = {
        name: names_in(getattr(options, name), there) for name in ("truth", "prediction", "by", "inputs")
    }
    try:
        demand_columns([name for names in columns.values() for name in names], there, str(path))
    except BadInput as why:
        raise (Mistyped(str(why)) if _is_of_now(folder) else why) from None
    return table_specification(
        path,
        TableColumns(
            **columns,
            tolerance=options.tolerance,
            kind=options.kind or "absolute",
            failures=options.failures or "error",
        ),
    )


def _is_of_now(folder: Path) -> bool:
    """Whether the result in a folder is one of tables, and these have not changed since."""
    from supnorm.problem.fingerprint import fingerprint
    from supnorm.problem.problem_file import read_specification
    from supnorm.results.door import read_json
    from supnorm.sources import open_problem

    try:
        spec = read_specification(folder / "problem.toml")
        sides = [side for side in (spec.model, spec.reference, spec.recheck) if side is not None]
        if not all(side.file and Path(side.file).suffix.lower() in (*TABLES, NC) for side in sides):
            return False  # nobody has asked to run its code now
        held = read_json(folder / "result.json")["fingerprint"]
        return bool(held == fingerprint(open_problem(folder / "problem.toml")))
    except (BadInput, KeyError, TypeError):
        return False


def names_in(text: str | None, there: list[str]) -> tuple[str, ...]:
    """Names of columns separated by commas; a column whose own name has a comma is taken whole.

    >>> names_in("a, b", ["a", "b"]), names_in("flow, kg", ["flow, kg"]), names_in(None, [])
    (('a', 'b'), ('flow, kg',), ())
    """
    if text is None:
        return ()
    return (text,) if text in there else tuple(part.strip() for part in text.split(",") if part.strip())
