"""From results to the record: rows with the published numbers, the verdict of all, lines for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from reproduce.catalogue import published
from reproduce.experiment import NOT_REPRODUCED, OURS, REPRODUCED, Experiment, Results, Row
from reproduce.published import Published
from reproduce.runner import made_by
from supnorm.results.duration import duration
from supnorm.results.reproduce import ClaimRecord, PaperRecord, ReproduceRecord
from supnorm.results.status import ExitCode, Status
from supnorm.results.versions import version_of, versions


def report(
    experiments: Sequence[Experiment], results: Mapping[str, Results], effort: str, command: str = ""
) -> ReproduceRecord:
    """The record of all experiments."""
    papers = tuple(_paper(e, results[e.name], published(e.name)) for e in experiments)
    failed = [(p.name, c.claim) for p in papers for c in p.claims if c.verdict == NOT_REPRODUCED]
    if failed:
        count = sum(len(p.claims) for p in papers)
        advice = f"{len(failed)} of {count} claims are not reproduced, the first of them: {failed[0][1]} ({failed[0][0]})"
        status = Status("not-reproduced", advice, ExitCode.EXCEEDED)
    else:
        advice = "Every claim is reproduced or qualified, or has no published number; the reasons stand beside each."
        status = Status("reproduced", advice)
    made = [run["made"] for e in experiments for run in results[e.name].values()]
    return ReproduceRecord(
        status=status, effort=effort, papers=papers, command=command, versions=_versions(made), earlier=_earlier(made),
    )  # fmt: skip


def _versions(made: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The versions of the packages that made the runs, or this process where they do not say it."""
    found: dict[str, set[str]] = {}
    for name, version in ((k, v) for one in made for k, v in one.items() if k != "code"):
        found.setdefault(name, set()).add(version)
    return {name: " and ".join(sorted(found[name])) for name in found} or versions()


def _earlier(made: Iterable[Mapping[str, str]]) -> int:
    """How many runs are of another state of the code, or of other versions of packages."""
    here = made_by()

    def same(one: Mapping[str, str]) -> bool:
        now = {name: here.get(name) or version_of(name) for name in one}
        return "code" in one and now == one

    return sum(not same(one) for one in made)


def of_earlier(record: ReproduceRecord) -> str:
    """A sentence on runs of another state of the code; empty if there are none."""
    count = sum(paper.runs for paper in record.papers)
    return (
        f"{record.earlier} of {count} runs were kept from another state of the code or other versions of packages; a new "
        "folder (--out) has all of them made again."
        if record.earlier
        else ""
    )


def _paper(experiment: Experiment, results: Results, numbers: Published) -> PaperRecord:
    return PaperRecord(
        name=experiment.name,
        title=experiment.title,
        paper=experiment.paper,
        claims=tuple(_claim(row, numbers) for row in experiment.rows(results, numbers)),
        otherwise=experiment.otherwise,
        runs=len(results),
        seconds=sum(float(result["seconds"]) for result in results.values()),
    )


def _claim(row: Row, numbers: Published) -> ClaimRecord:
    number = numbers.get(row.key)
    if number is not None and number.sure == "memory" and row.verdict == REPRODUCED:
        row = replace(
            row, verdict=OURS, why=f"{row.why} It holds here; what the paper states was not checked.".strip()
        )
    return ClaimRecord(
        key=row.key,
        claim=row.claim,
        published="" if number is None else number.shown,
        source="" if number is None else number.source,
        ours=_plain(row.ours),
        short=_plain(row.short or row.ours),
        verdict=row.verdict,
        why=_plain(row.why),
    )


def _plain(text: str) -> str:
    """Powers of ten without the signs and zeros that nobody reads, and none where a plain number is as short.

    >>> _plain("1.6e-08, 4.8e+12, 1.8e+00 and 2.0e-02")
    '1.6e-8, 4.8e12, 1.8 and 0.020'
    """

    def plain(found: re.Match[str]) -> str:
        digits, power = found[1], int(found[2])
        if -3 < power < 4:
            decimals = max(0, len(digits.replace(".", "")) - 1 - power)
            return f"{float(found[0]):.{decimals}f}"
        return f"{digits}e{power}"

    return re.sub(r"(\d(?:\.\d+)?)e([+-]\d+)", plain, text)


def lines(record: ReproduceRecord) -> Iterator[str]:
    """What a terminal shows."""
    for paper in record.papers:
        yield f"{paper.name}: {paper.title} ({paper.runs} runs, {duration(paper.seconds)} of processor time)"
        for claim in paper.claims:
            yield f"  {claim.verdict}: {claim.claim}"
            if claim.published:
                yield f"    published: {claim.published}"
            yield f"    ours: {claim.ours}"
            if claim.why:
                yield f"    {claim.why}"
    if words := of_earlier(record):
        yield words
    yield record.status.advice


def table(paper: PaperRecord) -> str:
    """The claims of a paper as a table in Markdown."""
    head = "| claim | published | ours | verdict |\n|---|---|---|---|\n"

    def cell(text: str) -> str:
        return text.replace("|", "\\|")

    rows = []
    for c in paper.claims:
        why = f": {c.why}" if c.why else ""
        rows.append(" | ".join(map(cell, (c.claim, c.published or "–", c.ours, c.verdict + why))))
    return head + "\n".join(f"| {row} |" for row in rows)
