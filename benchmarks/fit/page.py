"""The saved results as one HTML page: accuracy over processor seconds for each task, then the tables."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from markupsafe import Markup

from benchmarks.fit.compare import medians
from benchmarks.fit.methods import OURS
from benchmarks.fit.table import tables
from supnorm.pages.rendering import environment
from supnorm.pages.svg import two_sizes
from supnorm.pages.time_chart import Series, error_over_time, rows
from supnorm.results import write_whole

TEMPLATE = """{% extends "frame.html.j2" %}
{% from "macros.html.j2" import both, numbers %}
{% macro table(head, body) %}<div class="scroll"><table><thead><tr>{% for h in head %}<th scope="col">{{ h }}</th>
{% endfor %}</tr></thead><tbody>{% for row in body %}<tr><th scope="row">{{ row[0] }}</th>
{% for c in row[1:] %}<td>{{ c }}</td>{% endfor %}</tr>{% endfor %}</tbody></table></div>{% endmacro %}
{% block body %}
<header class="hero"><p class="kick">Benchmark of training<br>{{ where }}</p>
<h1>Accuracy over processor seconds</h1>
<p class="lead">All methods train the same network from the same start on the same samples, one thread, float64;
compilation is not counted. Medians over {{ seeds }} seeds. Strong lines: supnorm's optimisers.</p></header>
{% for key, name, chart, head, body in charts %}<section id="{{ key }}"><h2>{{ name }}</h2>
<figure>{{ both(chart) }}<figcaption>RMS error on fresh points over the standard deviation of the
reference.</figcaption></figure>{{ numbers(head, body) }}</section>{% endfor %}
<section id="tables"><h2>Tables</h2>{% for caption, head, body in tables %}<p>{{ caption }}</p>{{ table(head, body) }}
{% endfor %}</section>
{% endblock %}"""


def write_page(saved: Mapping[str, Any], path: Path) -> None:
    """Write the page of results that ``python -m benchmarks.fit --save`` stored."""
    package = files("supnorm.pages")
    own = {name: Markup((package / f"page.{name}").read_text("utf-8")) for name in ("css", "js")}
    part = saved["compare"]
    every = medians(part["rows"])
    charts = [_chart(i, task, every) for i, task in enumerate(dict.fromkeys(r["task"] for r in every))]
    menu = [(key, name.split(",")[0]) for key, name, *_ in charts] + [("tables", "Tables")]
    html = environment().from_string(TEMPLATE).render(
        **own, title="supnorm: benchmark of training", skip=menu[0][0], menu=menu, charts=charts,
        where=f"{part['processor']}, load {part['load']:.1f}", seeds=len(every[0]["seeds"]), tables=tables(saved),
    )  # fmt: skip
    write_whole(path, html)


def _chart(i: int, task: str, every: list[dict[str, Any]]) -> tuple[Any, ...]:
    series = [
        Series(r["method"], r["method"], tuple(zip(r["seconds"], r["rms"], strict=True)), r["method"] in OURS)
        for r in every
        if r["task"] == task and "rms" in r
    ]
    drawn = two_sizes(lambda data, width: error_over_time(data, width, "RMS error", height=340), series)
    return f"task{i}", task, drawn, ("method", "processor seconds", "RMS error"), rows(series, 4)
