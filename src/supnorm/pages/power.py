"""What the search would have missed: how often it found errors of known height and size, planted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from supnorm.auditing.statistics import CONFIDENCE, clopper_pearson_lower
from supnorm.pages.view import View
from supnorm.wording import Fact, fact

MOSTLY = (
    0.9  # of the planted errors of one size: a convention; the sentence says how many of how many were found
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
        found, runs = self.least
        return found / runs if runs else math.nan

    @property
    def least(self) -> tuple[int, int]:
        """How many were found of how many, at the height where the share is smallest."""
        return min(
            (cell for cell in self.cells.values() if cell[1]), key=lambda c: c[0] / c[1], default=(0, 0)
        )


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


def sentence(view: View) -> list[Fact]:
    """Which sizes would have been found, which could have been missed."""
    if view.table_only:
        return [fact("power-table")]
    if view.exhaustive:
        return [fact("power-nothing" if view.complete else "power-unknown", points=view.points)]
    _, rows = rows_of(view)
    if not rows:
        return [fact("power-unmeasured", why=view.record.power_left_out)]
    facts = []
    # The size that is named was chosen by how many were found, so each of the sizes gets a part of what may be wrong.
    each = 1.0 - (1.0 - CONFIDENCE) / len(by_size(rows))
    for bump in (True, False):
        sure, missed = found_and_missed([row for row in rows if (row.shape == "bump") == bump])
        if sure:
            found, runs = sure[-1].least
            values = {"extent": sure[-1].volume, "found": found, "runs": runs}
            share = clopper_pearson_lower(found, runs, each)
            facts.append(
                fact("bumps-found" if bump else "sheets-found", share=share, sure=CONFIDENCE, **values)
            )
        if missed:
            found, runs = missed.least
            values = {"extent": missed.volume, "found": found, "runs": runs}
            facts.append(fact("bumps-missed" if bump else "sheets-missed", even=not sure, **values))
    return facts


def found_and_missed(rows: list[PowerRow]) -> tuple[list[PowerRow], PowerRow | None]:
    """The sizes of which `MOSTLY` were found, from large to small, and the next smaller one."""
    sizes = by_size(rows)
    sure = list(takewhile(lambda row: row.worst_rate >= MOSTLY, sizes))
    return sure, sizes[len(sure)] if len(sure) < len(sizes) else None


def extent(row: PowerRow) -> Fact:
    """How large the planted error is: a share of the domain, or how far the two jumps of a sheet lie apart."""
    return fact("bump-extent" if row.shape == "bump" else "sheet-extent", volume=row.volume)


def cube(row: PowerRow, d: int, domain: str = "box") -> Fact:
    """What a volume means: in a box a cube, by its side in percent of each range; else a ball; or a thin sheet."""
    if row.shape != "bump":
        return fact("sheet-shape")
    side = row.side if row.side in ("model", "reference") else None
    if domain != "box":
        return fact("ball", data=domain == "data", side=side)
    return fact("cube", width=row.volume ** (1 / max(d, 1)), side=side)


def caption(view: View) -> list[Fact]:
    """How the power table was made."""
    power, why = view.record.power, view.record.power_left_out
    copies = sorted({row.searched for row in power} - {"the audited pair"})
    spent = max((row.evaluations for row in power), default=0)
    facts = [fact("power-caption", evaluations=spent, searched=copies[0] if copies else None)]
    return [*facts, fact("power-left-out", why=why)] if why else facts


def table(view: View) -> dict[str, Any]:
    """Heights and rows of the power table, as text."""
    heights, rows = rows_of(view)
    cells = [[_cell(row.cells.get(h)) for h in heights] for row in rows]
    return {
        "heights": [view.error(h) for h in heights],
        "power_rows": [
            {
                "extent": view.say.text(extent(row)),
                "cube": view.say.text(cube(row, view.d, view.record.domain.kind)),
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
