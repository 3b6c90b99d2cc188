"""The rows of a table: accuracy, errors by group, prediction against truth, error against each input."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from markupsafe import Markup

from supnorm.pages.svg import HALF, Scale, el, join, line, picture, px, span, text, two_sizes, x_axis, y_axis
from supnorm.pages.view import View
from supnorm.results.charts import PlottedRowsRecord
from supnorm.results.numbers import count, num, with_unit
from supnorm.results.table_rows import AccuracyRecord, GroupRecord
from supnorm.wording import fact

HEIGHT, SMALL, TOP, LEFT = 340, 210, 30.0, 62.0
WORST = 10  # rows that are coloured
IN_TERMINAL = 6  # groups of each column
SPARE = ("row", "mean", "finite_row", "without_truth")  # beside infinite errors; the page has them all


def section(view: View) -> dict[str, Any]:
    """What the template needs for the section; nothing where no table was compared."""
    table, drawn = view.record.table, view.charts.rows
    if table is None or not (table.accuracy or table.groups):
        return {"accuracy": [], "groups": [], "scatter": None, "against": [], "rows_words": ""}
    units = dict(view.outputs)
    return {
        "accuracy": [accuracy_row(a, units.get(a.output, "")) for a in table.accuracy],
        "groups": [_group(view, name, [*g]) for name, g in groupby(table.groups, lambda g: g.column)],
        "scatter": None if drawn is None else two_sizes(_scatter, (view, drawn)),
        "against": [] if drawn is None else _against(view, drawn),
        "rows_words": "" if drawn is None else _chosen(view, drawn, table.compared),
    }


def _chosen(view: View, drawn: PlottedRowsRecord, compared: int) -> str:
    """Which rows a picture does not show, as the end of a sentence; empty if it shows all of them."""
    infinite = 0 if view.finite is None else view.finite.infinite
    finite, facts = compared - infinite, []
    if len(drawn.rows) < finite:
        facts.append(fact("rows-chosen", drawn=len(drawn.rows), of=finite, worst=drawn.worst))
    if infinite:
        facts.append(fact("rows-not-drawn", n=infinite))
    return "".join(f", {view.say.text(one)}" for one in facts)


def accuracy_row(record: AccuracyRecord, unit: str) -> tuple[str, ...]:
    """Output, rows, mean absolute error, root mean square, bias, R2, in words."""
    sizes = [with_unit(v, unit) for v in (record.mae, record.rmse, record.bias)]
    return (record.output, count(record.n), *sizes, "not defined" if record.r2 is None else num(record.r2, 5))


def _group(view: View, column: str, groups: Sequence[GroupRecord]) -> dict[str, Any]:
    table = view.record.table
    total = table.groups_total.get(column, len(groups)) if table is not None else 0
    return {
        "column": column,
        "bias": any(g.bias is not None for g in groups),
        "above": any(g.above is not None for g in groups),
        "finite": any(g.finite is not None for g in groups),
        "without_truth": any(g.without_truth for g in groups),
        "rows": [_group_row(view, g) for g in groups],
        "more": view.say.text(fact("groups-more", shown=len(groups), of=total))
        if total > len(groups)
        else "",
    }


def _group_row(view: View, group: GroupRecord) -> dict[str, str]:
    """The cells of a group; mean and root mean square are those of the finite errors, which the head says."""

    def size(value: float | None) -> str:
        return "none" if value is None else view.error(value)

    finite = group.finite or group
    return {
        "value": group.value,
        "rows": count(group.rows),
        "missing": count(group.missing),
        "without_truth": count(group.without_truth),
        "worst": size(group.worst),
        "row": "" if group.row is None else count(group.row),
        "finite_worst": size(finite.worst),
        "finite_row": "" if finite.row is None else count(finite.row),
        "mean": size(finite.mean),
        "rms": size(finite.rms),
        "bias": "" if group.bias is None else with_unit(group.bias, view.outputs[0][1]),
        "above": "" if group.above is None else count(group.above),
    }


def _scatter(given: tuple[View, PlottedRowsRecord], width: int) -> Markup:
    """Prediction against truth, with the line on which both are equal."""
    view, drawn = given
    both = span((*drawn.model, *drawn.reference))
    if both is None:
        return Markup("")
    across, up = Scale(*both, LEFT, width - 10.0), Scale(*both, HEIGHT - 44.0, TOP)
    unit = dict(view.outputs).get(drawn.output, "")
    label = f"{drawn.output}, {unit}" if unit else drawn.output
    parts = [
        y_axis(up, LEFT, width - 10.0),
        text(2, 14, view.say.text(fact("scatter-axis", output=label)), "lb"),
        line(across(both[0]), up(both[0]), across(both[1]), up(both[1]), "s-ref"),
        _dots([across(v) for v in drawn.reference], [up(v) for v in drawn.model], drawn.worst),
        x_axis(across, HEIGHT - 44.0, f"truth, {label}"),
    ]
    return picture(width, HEIGHT, view.say.text(fact("scatter", output=drawn.output)), *parts)


def _against(view: View, drawn: PlottedRowsRecord) -> list[dict[str, Any]]:
    charts = []
    n = len(drawn.inputs)
    width = HALF if n <= 2 else 282
    up = span([v * view.error.factor for v in (0.0, *drawn.error)], pad=0.04)
    for name, values in drawn.inputs.items():
        ends = span(values, pad=0.02)
        if up is None or ends is None:
            continue
        across, high = Scale(*ends, 52.0, width - 8.0), Scale(max(up[0], 0.0), up[1], SMALL - 40.0, 14.0)
        parts = [
            y_axis(high, 52.0, width - 8.0, 3),
            _dots(
                [across(v) for v in values], [high(v * view.error.factor) for v in drawn.error], drawn.worst
            ),
            x_axis(across, SMALL - 40.0, view.axis(name).label, 4),
        ]
        said = view.say.text(fact("rows-against", axis=name))
        charts.append({"name": name, "chart": picture(width, SMALL, said, *parts)})
    return charts


def _dots(xs: Sequence[float], ys: Sequence[float], worst: int) -> Markup:
    """A dot for each row, as one path of strokes without length; the first ones are the worst rows."""
    shown = [(x, y) for x, y in zip(xs, ys, strict=True)]
    coloured = shown[: min(worst, WORST)]
    return join([_path(shown[len(coloured) :], "dots"), _path(coloured, "dots over")])


def _path(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    d = "".join(f"M{px(x)} {px(y)}h0" for x, y in points if math.isfinite(x) and math.isfinite(y))
    return el("path", class_=kind, d=d) if d else Markup("")


def lines(view: View, width: int) -> Iterator[str]:
    """Lines of the terminal: accuracy of each output, then the worst groups of each column."""
    table = view.record.table
    if table is None or not (table.accuracy or table.groups):
        return
    units = dict(view.outputs)
    yield ""
    for record in table.accuracy[:3]:
        name, n, mae, rmse, bias, r2 = accuracy_row(record, units.get(record.output, ""))
        values = {"output": name, "n": n, "mae": mae, "rmse": rmse, "bias": bias, "r2": r2}
        words = view.say.text(fact("rows-accuracy", **values))
        yield from textwrap.wrap(words, max(width, 20), initial_indent="  ", subsequent_indent="    ")
    for column, groups in groupby(table.groups, lambda g: g.column):
        shown = [*groups]
        yield ""
        rows, widths = _fitting(
            _heads(column, shown), [_group_row(view, g) for g in shown[:IN_TERMINAL]], width
        )
        for row in rows:
            cells = [
                row[0][: widths[0]].ljust(widths[0]),
                *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)),
            ]
            yield "  " + "   ".join(cells).rstrip()
        total = table.groups_total.get(column, len(shown))
        if total > IN_TERMINAL:
            yield f"  {view.say.text(fact('groups-left', n=total - IN_TERMINAL))}"


def _fitting(
    heads: dict[str, str], groups: Sequence[Mapping[str, Any]], width: int
) -> tuple[list[tuple[str, ...]], list[int]]:
    """The rows, the head first, and the widths of their columns; those of `SPARE` are left out until a row fits."""
    spare = [name for name in SPARE if name in heads and "finite_worst" in heads]
    while True:
        rows = [tuple(heads.values()), *(tuple(group[name] for name in heads) for group in groups)]
        widths = [min(max(len(row[k]) for row in rows), 24) for k in range(len(heads))]
        if not spare or sum(widths) + 3 * len(widths) <= width:
            return rows, widths
        heads = {name: head for name, head in heads.items() if name != spare[0]}
        spare = spare[1:]


def _heads(column: str, groups: Sequence[GroupRecord]) -> dict[str, str]:
    """What the columns of the terminal's table are called, by the name of the cell."""
    infinite = any(g.finite is not None for g in groups)
    heads = {"value": column, "rows": "rows", "missing": "missing"}
    heads |= {"without_truth": "no truth"} if any(g.without_truth for g in groups) else {}
    heads |= {"worst": "worst", "row": "in row"}
    heads |= {"finite_worst": "worst finite", "finite_row": "in row"} if infinite else {}
    heads |= {"mean": "mean of finite" if infinite else "mean", "bias": "bias"}
    return heads | ({"above": "above"} if any(g.above is not None for g in groups) else {})
