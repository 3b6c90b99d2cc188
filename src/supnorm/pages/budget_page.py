"""The page of a budget: the JSON result in, one self-contained HTML file out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from supnorm.pages.budget_charts import edge_rows, error_curves, interaction_graph
from supnorm.pages.rendering import render
from supnorm.pages.svg import two_sizes
from supnorm.pages.view import number
from supnorm.results import write_whole
from supnorm.results.numbers import num

CHIPS = {"suitable": "proven", "suitable with guard": "proven", "unsuitable": "over"}
CONDITIONAL = "conditional"  # the status of a row that rests on sampled bounds
REACHED = {
    "measured": "a measured training size reaches it",
    "forecast": "the upper end of the forecast reaches it",
    "floor": "it lies below the floor of this learning curve",
    "beyond": "not within 8 times the largest size",
}


def write_budget_page(result: Any, path: Path | str) -> None:
    """Write the page of a budget.

    Args:
        result: the dict of schema ``supnorm.budget/1``, or an object whose ``to_json()`` returns it.
        path: of the HTML file; it appears whole or not at all.
    """
    data = result if isinstance(result, Mapping) else result.to_json()
    write_whole(path, budget_page(data))


def budget_page(data: Mapping[str, Any]) -> str:
    """The HTML text of the page."""
    verdict = data.get("verdict") or {}
    word, tool = str(verdict.get("word")), str(verdict.get("tool"))
    subject = str(data.get("title") or "a class of functions")
    graph = (data.get("charts") or {}).get("graph") or {}
    menu = [("curves", "Error and samples"), ("guarantee", "Guarantee"), ("construction", "Construction"),
            ("forecast", "Forecast"), ("graph", "Interactions"), ("exceptions", "Exceptions")]  # fmt: skip
    picture = two_sizes(interaction_graph, data)
    theory = statements(data, "guarantee")
    lower = "conditional bound" if any(r["status"] == CONDITIONAL for r in theory) else "guarantee"
    values = {
        "title": f"{subject}: {word} – supnorm budget", "skip": "curves", "subject": subject, "word": word,
        "menu": [m for m in menu if m[0] != "graph" or picture[0]], "chip": CHIPS.get(word, "open"),
        "tolerance": num(number(data.get("tolerance"))), "norm": str(data.get("norm")),
        "headline": headline(word, tool), "evidence": [str(e) for e in verdict.get("evidence") or []],
        "notes": [str(n) for n in data.get("notes") or []], "curves": two_sizes(error_curves, data),
        "bounds": bounds(data),
        "table_head": ("tolerance", f"{lower}, samples", "construction, samples", "forecast, samples"),
        "table_rows": table_rows(data), "guarantee": [r for r in theory if r["status"] != CONDITIONAL],
        "conditional": [r for r in theory if r["status"] == CONDITIONAL],
        "construction": statements(data, "construction"), "forecast": forecast_rows(data),
        "holdouts": holdouts(data), "graph": picture, "graph_words": graph_words(graph),
        "graph_head": ("inputs", "largest", "root mean square"), "graph_rows": edge_rows(data),
        "caveats": data.get("caveats") or [], "advice": str((data.get("status") or {}).get("advice") or ""),
    }  # fmt: skip
    return render("budget.html.j2", values)


def headline(word: str, tool: str) -> str:
    """The answer in one sentence."""
    if word == "classical better":
        return f"Take a classical method: {tool}."
    if word in ("suitable", "suitable with guard"):
        return "A network is the right tool" + (", audited and guarded." if "guard" in word else ".")
    if word == "unsuitable":
        return "No method known here promises this tolerance" + (f"; {tool}." if tool != "none" else ".")
    return "Not decided yet."


def samples(log10: Any) -> str:
    """A count of samples from its logarithm; a dash where there is none.

    >>> samples(2.0), samples("inf"), samples(None)
    ('100', 'none is enough', '–')
    """
    value = number(log10)
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "none is enough"
    return f"{10**value:,.0f}" if value < 6 else num(10.0**value) if value < 300 else f"10^{value:.0f}"


def statements(data: Mapping[str, Any], kind: str) -> list[dict[str, str]]:
    """Rows of one of the two theory lines."""
    rows = []
    for raw in data.get(kind) or []:
        value = (
            "rate only"
            if raw.get("log10") is None
            else "none is enough"
            if number(raw.get("log10")) == math.inf
            else f"{samples(raw.get('log10'))} {raw.get('quantity')}"
        )
        rows.append({
            "name": str(raw.get("name")), "rate": str(raw.get("rate")), "status": str(raw.get("status")),
            "count": "says nothing here" if raw.get("vacuous") else value,
            "class": str(raw.get("class")), "source": _sentence(str(raw.get("source"))),
            "assumptions": "; ".join(str(a) for a in raw.get("assumptions") or []),
        })  # fmt: skip
    return rows


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def forecast_rows(data: Mapping[str, Any]) -> list[dict[str, str]]:
    """Rows of the forecast line."""
    rows = []
    for raw in data.get("forecast") or []:
        interval = raw.get("interval")
        words = REACHED.get(str(raw.get("reached")), "")
        if interval:
            share = f"{100 * number(raw.get('confidence')):.0f} %"
            words = f"{num(number(interval[0]))} to {num(number(interval[1]))} ({share})"
        elif raw.get("samples"):
            triple = [f"{raw[k]} {k}" for k in ("samples", "weights", "iterations") if raw.get(k)]
            words += ": " + ", ".join(triple)
        value = number(raw.get("value"))
        named = [str(raw[key]) for key in ("learning_curve", "quantity") if raw.get(key)]
        rows.append({
            "quantity": ": ".join(named), "value": "–" if math.isnan(value) else num(value),
            "interval": words, "regime": str(raw.get("regime")),
        })  # fmt: skip
    return rows


def bounds(data: Mapping[str, Any]) -> str:
    """The estimated derivative bounds of the class, where a row rests on them."""
    used = any(
        r.get("status") == "conditional" and r.get("log10") is not None for r in data.get("guarantee") or []
    )
    scales = (data.get("profile") or {}).get("derivative_scales") or []
    return ", ".join(f"L{subscript(k)} = {num(number(v))}" for k, v in enumerate(scales)) if used else ""


def subscript(k: int) -> str:
    """A digit below the line."""
    return chr(0x2080 + k)


def holdouts(data: Mapping[str, Any]) -> list[str]:
    """Whether the intervals caught the training sizes that were left out."""
    found = []
    for curve in data.get("learning_curves") or []:
        for h in curve.get("holdouts") or []:
            prefix = f"{curve['name']}: " if curve.get("name") else ""
            word = "caught" if h.get("caught") == h.get("of") else "missed"
            size, ahead = num(number(h.get("size"))), num(number(h.get("ahead")))
            found.append(
                f"{prefix}Training size {size} left out and forecast from below (×{ahead}): {word}, "
                f"{h.get('caught')} of {h.get('of')} trainings inside."
            )
    return found


def table_rows(data: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """The three lines for several tolerances."""
    rows, learning_curves = [], data.get("learning_curves") or []
    for raw in (data.get("charts") or {}).get("table") or []:
        built, reached = raw.get("construction") or {}, str(raw.get("forecast_reached"))
        tool = f", {raw.get('forecast_tool')}" if len(learning_curves) > 1 else ""
        known = f"{samples(raw.get('forecast'))} ({reached}{tool})"
        rows.append((
            num(number(raw.get("tolerance"))), samples(raw.get("guarantee")),
            f"{samples(built.get('log10'))} ({built.get('name')})" if built else "–",
            known if raw.get("forecast") is not None else REACHED.get(reached, "–"),
        ))  # fmt: skip
    return rows


def graph_words(graph: Mapping[str, Any]) -> str:
    """Blocks and factors in words."""
    said = []
    for key, name in (("blocks", "a sum"), ("factors", "a product")):
        groups = graph.get(key) or []
        if len(groups) > 1:
            listed = ", ".join("{" + ", ".join(map(str, g)) + "}" for g in groups)
            said.append(f"The function is {name} of parts in {listed}, at every point sampled.")
    return " ".join(said) or "All inputs act together."
