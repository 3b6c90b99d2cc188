"""The saved rows as tables of docs/certify.md."""

from __future__ import annotations

from statistics import median
from typing import Any

OURS = "Chebyshev certificate (ours)"
METHODS = (
    OURS, "exact pieces (ours)", "affine Taylor, chords (ours)", "CROWN (auto_LiRPA)", "interval Hessian", "mean value",
    "interval arithmetic",
)  # fmt: skip


def words(row: dict[str, Any]) -> str:
    """One row in words."""
    got = f"ratio {row['ratio']:.4g}" if row["code"] == "proved" else f"{100 * row['proved']:.3g} % proved"
    return f"{got}, {row['boxes']} boxes, {row['seconds']:.2f} s"


def _targets(held: dict[str, Any]) -> list[str]:
    lines = ["| problem | reached ratio | boxes | processor seconds | target |", "|---|---|---|---|---|"]
    for name, row in held.get("targets", {}).items():
        reached = f"{row['ratio']:.4g}" if row["code"] == "proved" else f"{100 * row['proved']:.3g} % proved"
        lines.append(
            f"| {name} | {reached} | {row['boxes']:,} | {row['seconds']:.2f} | {row['target_seconds']} |"
        )
    return lines


def _fitted(held: dict[str, Any]) -> list[str]:
    lines = [
        "| networks | proved | worst error, median (range) | boxes, median | processor seconds, median (largest) | target |",
        "|---|---|---|---|---|---|",
    ]
    rows = held.get("fitted", {})
    for shape in dict.fromkeys(name.split(" | ")[0] for name in rows):
        some = [row for name, row in rows.items() if name.startswith(shape + " | ")]
        proved, errors = sum(r["code"] == "proved" for r in some), [r["lower"] for r in some]
        seconds = [r["seconds"] for r in some]
        lines.append(
            f"| {shape} | {proved} of {len(some)} | {median(errors):.1e} ({min(errors):.1e} to {max(errors):.1e}) | "
            f"{median(r['boxes'] for r in some):,.0f} | {median(seconds):.2f} ({max(seconds):.2f}) | "
            f"{some[0]['target_seconds']} |"
        )
    return lines


def _peers(held: dict[str, Any]) -> list[str]:
    rows = held.get("peers", {})
    problems = list(dict.fromkeys(name.split(" | ")[0] for name in rows))
    methods = [m for m in METHODS if any(name.endswith(m) for name in rows)]
    asked = {p: next(r["asked"] for n, r in rows.items() if n.startswith(p)) for p in problems}
    lines = [
        "| method | " + " | ".join(f"{p}, ratio {asked[p]}" for p in problems) + " |",
        "|---" * (len(problems) + 1) + "|",
    ]
    for method in methods:
        cells = [_cell(rows.get(f"{p} | {method}")) for p in problems]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return lines


def _kinks(held: dict[str, Any]) -> list[str]:
    rows = held.get("kinks", {})
    lines = ["| 2-D ReLU network | worst error | chords alone | chords and pieces |", "|---|---|---|---|"]
    for name in dict.fromkeys(n.split(" | ")[0] for n in rows):
        chords, pieces = rows[f"{name} | chords"], rows[f"{name} | exact pieces"]
        lines.append(f"| {name} | {pieces['lower']:.2g} | {_cell(chords)} | {_cell(pieces)} |")
    return lines


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    if row["code"] == "proved":
        return f"{row['boxes']:,} boxes, {row['seconds']:.2f} s"
    return f"{100 * row['proved']:.3g} %, ratio {row['ratio']:.3g} in {row['seconds']:.0f} s"


def _campaign(held: dict[str, Any]) -> list[str]:
    found = held.get("soundness", {}).get("summary")
    if found is None:
        return ["Not run yet."]
    spread = ", ".join(f"{n} in {d}-D" for d, n in found["by dimension"].items() if n)
    return [
        f"{found['cases']} random problems ({spread}; {found['unrelated']} with an unrelated reference; all "
        f"activations; errors {found['errors from']:.1e} to {found['errors to']:.1e}): the bracket holds over "
        f"{found['points each']:,} sampled points and an ascent in {found['sound']} of {found['cases']}, the "
        f"checker accepts {found['accepted']} of {found['cases']}; {found['proved within 10 %']} reached a ratio "
        "of 1.1 within the budget of boxes, the others ended with the bracket reached."
    ]


TABLES = {"targets": _targets, "fitted": _fitted, "peers": _peers, "kinks": _kinks, "campaign": _campaign}
