"""``supnorm compare-runs OLD NEW``: whether the worst error became worse between two runs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from supnorm.cli.answer import answer, printed_if_lost, say
from supnorm.cli.fields import number_option
from supnorm.cli.options import JSON, TRUST
from supnorm.results.printable import file_word, printable

OLD = Annotated[Path, typer.Argument(metavar="OLD", help="The folder of the earlier audit.")]
NEW = Annotated[Path, typer.Argument(metavar="NEW", help="The folder of the later audit.")]
FACTOR = Annotated[
    float | None,
    number_option(
        "--factor",
        "An error counts as larger only if it is above the other by this factor. [default: 1]",
        low=1.0,
    ),
]
FORMAT = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="WORD",
        help="text, markdown (for a pull request), junit, sarif or badge: printed, or written with --out.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("compare-runs")(command)


def command(
    old: OLD,
    new: NEW,
    factor: FACTOR = None,
    form: FORMAT = "text",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write there.")] = None,
    as_json: JSON = False,
    trust: TRUST = False,
) -> int:
    """Compare two runs of audits: exit with 1 if the worst error became worse, with 4 if that is not decided."""
    from supnorm.gates.run_comparison import compare_runs
    from supnorm.pages import runs_gate, runs_summary
    from supnorm.pages.gate_formats import FORMATS
    from supnorm.results import BadInput, Interrupted, write_whole
    from supnorm.results.writing import demand_writable

    if form not in ("text", *FORMATS):
        raise BadInput(f"--format must be one of text, {', '.join(FORMATS)}, got {form!r}")
    demand_writable(out, "--out")
    try:
        record = compare_runs(old, new, 1.0 if factor is None else factor, trust=trust)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; compare-runs writes nothing: run the same command again") from None
    words = ["supnorm", "compare-runs", file_word(old), file_word(new)]
    words += [] if factor is None else ["--factor", shlex.quote(repr(factor))]
    record = record.changed(command=" ".join([*words, *(["--trust"] if trust else [])]))
    if form == "text":
        text = "\n".join(runs_summary(record)) + "\n"
    else:
        text = FORMATS[form](runs_gate(record), str(new / "problem.toml"))

    def tell() -> None:
        if as_json:
            answer(record.to_json())
            return
        for line in text.rstrip("\n").split("\n"):
            say(printable(line))

    if out is None:
        tell()
        return int(record.status.exit)
    with printed_if_lost(tell):
        write_whole(out, record.to_json() if as_json else text)
    if as_json:
        answer(record.to_json())
    else:
        say(str(out))
    return int(record.status.exit)
