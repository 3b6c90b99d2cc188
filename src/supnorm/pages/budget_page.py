"""The page of a budget: its record in, one self-contained HTML file out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import supnorm.wording.budget_record as words
from supnorm.pages.budget_charts import edge_rows, error_curves, interaction_graph
from supnorm.pages.reading import record_of
from supnorm.pages.rendering import render
from supnorm.pages.svg import two_sizes
from supnorm.results import write_whole
from supnorm.results.budget import BudgetRecord
from supnorm.results.numbers import num, pretty_unit, with_unit

CHIPS = {"suitable with guard": "proven", "unsuitable": "over"}


def write_budget_page(result: Any, path: Path | str) -> None:
    """Write the page of a budget.

    Args:
        result: the record, or the dict of schema ``supnorm.budget/1``.
        path: of the HTML file; it appears whole or not at all.
    """
    write_whole(path, budget_page(record_of(result, BudgetRecord)))


def budget_page(record: BudgetRecord) -> str:
    """The HTML text of the page."""
    word, graph = record.verdict.word, record.charts.graph
    subject = record.title or words.phrase("class-of-functions")
    held, conditional = words.guaranteed(record)
    picture = two_sizes(interaction_graph, graph)
    sections = {
        "curves": "Error and samples",
        "guarantee": "Guarantee",
        "construction": "Construction",
        "forecast": "Forecast",
        "graph": "Interactions",
        "exceptions": "Exceptions",
    }
    lower = "conditional bound" if conditional else "guarantee"
    several = len(record.learning_curves) > 1
    asked = f"tolerance, {pretty_unit(record.unit)}" if record.unit else "tolerance"
    values = {
        "title": f"{subject}: {word} – supnorm budget",
        "skip": "curves",
        "subject": subject,
        "word": word,
        "menu": [item for item in sections.items() if item[0] != "graph" or picture[0]],
        "chip": CHIPS.get(word, "open"),
        "tolerance": with_unit(record.tolerance, pretty_unit(record.unit), 3),
        "asked": num(record.tolerance),
        "norm": record.norm,
        "headline": words.answer(record.verdict),
        "evidence": record.verdict.evidence,
        "notes": record.notes,
        "curves": two_sizes(error_curves, record),
        "conditional_words": words.conditional(record),
        "phrase": words.phrase,
        "fooling_functions": words.fooling_functions(record),
        "table_head": (asked, f"{lower}, samples", "construction, samples", "forecast, samples"),
        "table_rows": [words.table_row(row, several) for row in record.charts.table],
        "guarantee": held,
        "conditional": conditional,
        "construction": [words.statement(row) for row in record.construction],
        "laws": [words.law_of(curve) for curve in record.learning_curves],
        "forecast": [(*words.forecast(row), row.regime) for row in record.forecast],
        "holdouts": [sentence for curve in record.learning_curves for sentence in words.holdouts(curve)],
        "graph": picture,
        "graph_words": words.together(graph),
        "graph_head": ("inputs", "largest", "root mean square"),
        "graph_rows": edge_rows(graph),
        "caveats": record.caveats,
        "advice": record.status.advice,
    }
    return render("budget.html.j2", values)
