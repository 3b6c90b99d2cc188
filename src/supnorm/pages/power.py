"""What the search would have missed: how often it found errors of known height and size, planted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from markupsafe import Markup

from supnorm.pages.view import View
from supnorm.pages.words import m
from supnorm.results.numbers import count, num, percent, share

# What was found nearly always, what could be missed besides, and what could be missed when nothing was sure.
BUMPS = (
    "Errors as tall as these that fill <b>{}</b> or more would have been found nearly always.",
    "Errors that fill only <b>{}</b> could have been missed.",
    "Even errors that fill <b>{}</b> could have been missed.",
)
SHEETS = (
    "Thin ones between two jumps <b>{}</b> or more apart would have been found nearly always.",
    "Thin ones between two jumps only <b>{}</b> apart could have been missed.",
    "Even thin ones between two jumps <b>{}</b> apart could have been missed.",
)


@dataclass(frozen=True)
class PowerRow:
    """One row of the power table: a size and shape, in which side, and found/runs for each height."""

    volume: float
    shape: str
    side: str
    cells: dict[float, tuple[int, int]]

    @property
    def worst_rate(self) -> float:
        """The smallest share found, over the heights."""
        return min((f / r for f, r in self.cells.values() if r), default=math.nan)


def rows_of(view: View) -> tuple[list[float], list[PowerRow]]:
    """Heights, and the rows of the power table: bumps from large to small, then sheets."""
    table: dict[tuple[str, float, str], dict[float, tuple[int, int]]] = {}
    for row in view.record.power:
        if row.runs:
            key = (row.shape, row.volume, row.side)
            table.setdefault(key, {})[row.height] = (row.found, row.runs)
    heights = sorted({h for cells in table.values() for h in cells})
    order = sorted(table, key=lambda key: (key[0] != "bump", -key[1], key[2]))
    return heights, [
        PowerRow(volume, shape, side, table[shape, volume, side]) for shape, volume, side in order
    ]


def by_size(rows: list[PowerRow]) -> list[PowerRow]:
    """One row a shape and size: that of the side where fewest were found."""
    least: dict[tuple[str, float], PowerRow] = {}
    for row in rows:
        known = least.get((row.shape, row.volume))
        if known is None or row.worst_rate < known.worst_rate:
            least[row.shape, row.volume] = row
    return list(least.values())


def sentence(view: View) -> Markup:
    """Section 5: which sizes would have been found, which could have been missed."""
    if view.table_only:
        return Markup("There was no search: a table was given. Anything between its points is unknown.")
    if view.complete:
        return m("Nothing: {}.", view.enumerated)
    if view.exhaustive:
        return m("Only what lies where no error is known or counts: {}.", view.enumerated)
    _, rows = rows_of(view)
    if not rows:
        begin = "How small an error this search would have missed was not measured: no errors were planted"
        why = view.record.power_left_out
        return m("{}: {}.", begin, why) if why else m("{} in this run.", begin)
    parts = [_power_of([r for r in rows if r.shape == shape], shape) for shape in ("bump", "sheet")]
    return Markup(" ").join(p for p in parts if p)


def _power_of(rows: list[PowerRow], shape: str) -> Markup:
    rows = by_size(rows)
    if not rows:
        return Markup("")
    sure = list(takewhile(lambda row: row.worst_rate >= 0.9, rows))
    missed = rows[len(sure)] if len(sure) < len(rows) else None
    found, smaller, even = BUMPS if shape == "bump" else SHEETS
    words = []
    if sure:
        words.append(m(found, extent(sure[-1])))
    if missed:
        words.append(m(smaller if sure else even, extent(missed)))
    return Markup(" ").join(words)


def extent(row: PowerRow) -> str:
    """How large the planted error is: a share of the domain, or how far the two jumps of a sheet lie apart."""
    return f"{share(row.volume)} of the domain" if row.shape == "bump" else f"{num(row.volume)} of the range"


def cube(row: PowerRow, d: int, domain: str = "box") -> str:
    """What a volume means: in a box a cube, by its side in percent of each range; else a ball; or a thin sheet."""
    if row.shape != "bump":
        return "the thin sheet between them, across the domain"
    where = f", in the {row.side}" if row.side in ("model", "reference") else ""
    if domain != "box":
        return f"round a random place of the {'data' if domain == 'data' else 'domain'}{where}"
    return f"a cube {percent(row.volume ** (1 / max(d, 1)))} of each range wide{where}"


def caption(view: View) -> str:
    """How the power table was made."""
    spent = sorted({row.evaluations for row in view.record.power})
    effort = f", with {count(spent[-1])} evaluations," if spent and spent[-1] else ""
    copies = sorted({row.searched for row in view.record.power} - {"the audited pair"})
    searched = (
        f" The search went through {copies[0]}: searching the pair itself that often costs too much."
        if copies
        else " The search went through the audited pair itself."
    )
    left_out = view.record.power_left_out
    return (
        f"How often the same kind of search{effort} found an error planted at a random place.{searched} "
        "Bumps are round; a jump, such as at a phase boundary, is harder to find: sheets stand for it."
    ) + (f" Not all that was asked for was planted: {left_out}." if left_out else "")


def table(view: View) -> dict[str, Any]:
    """Heights and rows of the power table, as text."""
    heights, rows = rows_of(view)
    cells = [[_cell(row.cells.get(h)) for h in heights] for row in rows]
    return {
        "heights": [view.error(h) for h in heights],
        "power_rows": [
            {
                "extent": f"two jumps {extent(row)} apart" if row.shape == "sheet" else extent(row),
                "cube": cube(row, view.d, view.record.domain.kind),
                "cells": c,
            }
            for row, c in zip(rows, cells, strict=True)
        ],
    }


def _cell(cell: tuple[int, int] | None) -> dict[str, str] | None:
    if cell is None:
        return None
    found, runs = cell
    return {"words": f"{found} of {runs}", "percent": f"{100 * found / runs:.0f}"}
