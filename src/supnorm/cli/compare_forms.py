"""``supnorm compare PROBLEM.toml --forms``: one model as it is, compiled, as an ONNX graph and in the other precision."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from supnorm.cli.audit_run import SearchOptions
from supnorm.cli.run import RunContext
from supnorm.interrupts import INTERRUPTS

if TYPE_CHECKING:
    from supnorm.results.audit import AuditRecord
    from supnorm.results.compare import DifferenceRecord, RowRecord
    from supnorm.results.parts import Sentence
    from supnorm.sources.forms import Form


def compare_forms(
    problems: list[Path],
    run: RunContext,
    options: SearchOptions,
    row_of: Callable[[AuditRecord, str], RowRecord],
) -> list[int]:
    """Audit each form against the reference and all forms against each other; the exit codes of the audits.

    Raises:
        BadInput: for several problem files, a table, or options that make no sense here.
    """
    from supnorm.auditing import audit
    from supnorm.auditing.form_differences import differences, with_form
    from supnorm.evaluation import Calls, Finished
    from supnorm.pages import TerminalProgress, comparison, write_comparison, write_page
    from supnorm.problem.problem_file import read_specification
    from supnorm.results import BadInput
    from supnorm.results.compare import CompareRecord
    from supnorm.results.writing import write_whole
    from supnorm.sources import open_problem
    from supnorm.sources.forms import forms_of

    if len(problems) != 1:
        raise BadInput(f"--forms compares the forms of one model: give one problem file, got {len(problems)}")
    useless = {"--power": options.power or options.planted.given, "--resume": run.resume}
    for name in (n for n, given in useless.items() if given):
        raise BadInput(
            f"{name} has no effect with --forms, which begins from the start and plants no errors: leave it out"
        )
    specification = read_specification(problems[0])
    chosen, problem = options.completed(specification), open_problem(problems[0], trust=options.trust)
    forms = forms_of(problem)
    made = [(form.name, form.function) for form in forms if form.function is not None]
    limits: dict[str, Any] = {
        "seed": chosen.seed or 0,
        "evaluations": chosen.evaluations,
        "seconds": chosen.seconds,
    }
    calls = {"cost": specification.audit.cost, "workers": specification.audit.workers or 1} | {
        **options.calls
    }
    records, points = {}, []
    with run.interruptible(": a comparison of forms begins again from the start"):
        for name, function in made:
            observer = TerminalProgress(quiet=run.silent)
            try:
                with INTERRUPTS.handed_on():
                    report = audit(
                        with_form(problem, function), calls=Calls(**calls), observer=observer, **limits
                    )
            finally:
                observer(Finished())
            folder = name.replace(" ", "-")
            report.save(run.directory / folder)
            write_page(report, run.directory / folder / "report.html")
            records[folder] = report.record.changed(title=name)
            points += [] if report.worst is None else [report.worst.x]
        with INTERRUPTS.handed_on():
            pairs = differences(problem, made, points, **limits) if len(made) > 1 else []
    last = next(reversed(records.values()))
    result = CompareRecord(
        reference=last.reference.name,
        axes=last.axes,
        measure=last.measure,
        rows=tuple(row_of(record, folder).changed(title=record.title) for folder, record in records.items()),
        differences=tuple(pairs),
        remarks=tuple(remarks(pairs, forms)),
    )
    page = run.directory / "compare.html"

    def tell() -> None:
        lines = [sentence.text for sentence in result.remarks]
        run.tell(result.to_json, lambda: (comparison(result), *lines, str(page)))

    with run.writing(tell):
        write_whole(run.directory / "compare.json", result.to_json())
        write_comparison(result, page)
    tell()
    return [int(record.status.exit) for record in records.values()]


def remarks(pairs: Sequence[DifferenceRecord], forms: Sequence[Form]) -> list[Sentence]:
    """The largest difference with its point, and the forms that could not be made."""
    from supnorm.results.parts import Sentence
    from supnorm.wording import Narrator, fact
    from supnorm.wording.comparison import TEMPLATES

    say = Narrator(TEMPLATES)
    facts = []
    if not pairs:
        facts.append(fact("one-form"))
    elif pairs[0].worst == 0:
        names = [fact("model", name=form.name) for form in forms if form.function is not None]
        facts.append(fact("no-difference", n=min(pair.evaluations for pair in pairs), names=names))
    elif not math.isnan(pairs[0].worst):
        most = pairs[0]
        values: dict[str, Any] = {"at": most.at, "first": most.first, "second": most.second}
        values |= {"a": most.first_value, "b": most.second_value, "output": most.output}
        if math.isfinite(most.worst):
            facts.append(fact("largest-difference", worst=most.worst, **values))
        else:
            facts.append(fact("difference-without-value", **values))
    facts += [
        fact("form-missing", name=form.name, why=form.why.rstrip("."))
        for form in forms
        if form.function is None
    ]
    return [Sentence(**dict(one), text=say.text(one)) for one in facts]
