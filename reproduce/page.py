"""The page of the experiments: one HTML file with the table and the curves, which needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reproduce.chart import chart
from reproduce.experiment import Experiment, Results
from reproduce.report import of_earlier
from supnorm.results import write_whole
from supnorm.results.duration import duration
from supnorm.results.reproduce import ReproduceRecord

CHIPS = {"reproduced": "proven", "not reproduced": "over"}


def write_page(
    record: ReproduceRecord, experiments: Sequence[Experiment], results: Mapping[str, Results], path: Path
) -> None:
    """Write the page; it appears whole or not at all."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    style = Markup((files("supnorm.pages") / "page.css").read_text("utf-8"))
    figures = {e.name: [(chart(f), f.caption) for f in e.figures(results[e.name])] for e in experiments}
    html = environment.get_template("page.html.j2").render(
        record=record, figures=figures, css=style, chips=CHIPS, duration=duration, earlier=of_earlier(record)
    )
    write_whole(path, html)
