"""results/certify.json as the pages say it: the tables of docs/evidence/proofs.md, and counts."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from statistics import median
from typing import Any

OURS = "Chebyshev certificate (ours)"
METHODS = (
    OURS, "exact pieces (ours)", "affine Taylor, chords (ours)", "CROWN (auto_LiRPA)", "interval Hessian", "mean value",
    "interval arithmetic",
)  # fmt: skip
EASIEST, SMALLEST = 1e-2, 3e-4  # the errors for which the targets of fitted networks are stated
SLOWER = 1.1  # a row is called slower from this ratio of seconds on


def words(row: dict[str, Any]) -> str:
    """One row in words."""
    got = f"ratio {row['ratio']:.4g}" if row["code"] == "proved" else f"{100 * row['proved']:.3g} % proved"
    return f"{got}, {row['boxes']} boxes, {row['seconds']:.2f} s"


def root_words(row: dict[str, Any]) -> str:
    """One proof against a root in words."""
    if row["code"] != "proved":
        return f"{row['code']}: {row['words']}"
    return (
        f"[{row['lower']:.5g}, {row['upper']:.5g}], evaluated {row['evaluated']:.5g}, {row['boxes']} boxes, "
        f"{row['seconds']:.1f} s, {row['checked'] or 'not checked'}"
    )


def _roots(held: dict[str, Any]) -> list[str]:
    lines = [
        "| model | worst error, proved | at the witness, evaluated | boxes | processor seconds | checker |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in held.get("roots", {}).items():
        checked = f"{row['checked']}, {row['check_seconds']:.0f}" if row["checked"] else ""
        bracket = f"{row['lower']:.4g} to {row['upper']:.4g}" if row["code"] == "proved" else row["code"]
        evaluated = "" if row["evaluated"] is None else f"{row['evaluated']:.4g}"
        lines.append(
            f"| {name} | {bracket} | {evaluated} | {row['boxes']:,} | {row['seconds']:.1f} | {checked} |"
        )
    return lines


def _solved(held: dict[str, Any]) -> list[str]:
    lines = [
        "| model | worst error, proved | largest at points | factor | boxes | processor seconds | checker |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in held.get("solved", {}).items():
        checked = f"{row['checked']}, {row['check_seconds']:.0f}" if row["checked"] else ""
        bracket = f"{row['lower']:.4g} to {row['upper']:.4g}" if row["code"] == "proved" else row["code"]
        factor = f"{row['upper'] / row['seen']:.3f}" if row["code"] == "proved" else ""
        lines.append(
            f"| {name} | {bracket} | {row['seen']:.4g} | {factor} | {row['boxes']:,} | {row['seconds']:.1f} | {checked} |"
        )
    return lines


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


def _formulas(held: dict[str, Any]) -> list[str]:
    rows = held.get("formulas", {})
    methods = ("default", "composed", "Chebyshev", "graded")
    lines = [f"| formulas | worst error | {' | '.join(methods)} |", "|---" * (2 + len(methods)) + "|"]
    for name in dict.fromkeys(n.split(" | ")[0] for n in rows):
        some = [rows.get(f"{name} | {method}") for method in methods]
        lower = max(row["lower"] for row in some if row is not None)
        lines.append(f"| {name} | {lower:.2g} | {' | '.join(map(_cell, some))} |")
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


def _kinds(rows: dict[str, dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for name, row in rows.items():
        found.setdefault(" ".join(name.split()[:2]), []).append(row)
    return sorted(found.items())


def _dimensions(rows: list[dict[str, Any]]) -> list[str]:
    """How tight the brackets of the campaign are, and how many have no upper end, by the number of inputs."""
    heads = ("inputs", "problems", "no finite upper bound", "upper / lower, median (largest finite)",
             "boxes, median (largest)")  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for d in sorted({r["d"] for r in rows}):
        some = [r for r in rows if r["d"] == d]
        ratios = [r["upper"] / r["lower"] for r in some]
        finite = [r for r in ratios if math.isfinite(r)]
        middle = median(ratios)
        boxes = [r["boxes"] for r in some]
        lines.append(
            f"| {d} | {len(some)} | {len(some) - len(finite)} | "
            f"{f'{middle:.3g}' if math.isfinite(middle) else 'infinite'} ({max(finite):.3g}) | "
            f"{median(boxes):.0f} ({max(boxes):,}) |"
        )
    return lines


def unseen(content: dict[str, Any]) -> dict[str, str]:
    """Of results/certify_unseen.json: pairs that were written after the rules were fixed."""
    default = {n: r for n, r in content["formulas"].items() if n.endswith("| default")}
    return {
        "table": "\n".join(_formulas(content)),
        "proved": f"{sum(r['code'] == 'proved' for r in default.values())} of {len(default)}",
        "slowest": f"{max(r['seconds'] for r in default.values()):.1f}",
    }


def dynamics(content: dict[str, Any]) -> dict[str, str]:
    """Of results/dynamics.json: networks for dynamical systems beside other provers."""
    from benchmarks.certify.dynamics import METHODS, words

    lines = [
        f"| system | inputs | hidden | tolerance | largest error seen | {' | '.join(METHODS)} |",
        "|---" * (5 + len(METHODS)) + "|",
    ]
    rows = content["dynamics"]
    for name, row in rows.items():
        cells = " | ".join(words(row[method]) for method in METHODS)
        hidden = ", ".join(map(str, row["hidden"]))
        lines.append(
            f"| {name} | {row['inputs']} | {hidden} | {row['tolerance']} | {row['seen']:.2g} | {cells} |"
        )
    limits = sorted({row["seconds"] for row in rows.values()})
    return {"table": "\n".join(lines), "limit": " or ".join(f"{v:.0f}" for v in limits)}


TABLES = {
    "targets": _targets,
    "fitted": _fitted,
    "peers": _peers,
    "kinks": _kinks,
    "formulas": _formulas,
    "roots": _roots,
    "campaign": _campaign,
}


def said(content: dict[str, Any]) -> dict[str, str]:
    """Tables and counts."""
    fitted = {name: row for name, row in content["fitted"].items() if "by Adam" not in name}
    adam = [row for name, row in content["fitted"].items() if "by Adam" in name]
    within = {n: r for n, r in fitted.items() if SMALLEST <= r["lower"] <= EASIEST}
    in_time = sum(r["code"] == "proved" and r["seconds"] <= r["target_seconds"] for r in fitted.values())
    others = [r["lower"] for n, r in fitted.items() if n not in within]
    kinds = [
        f"{kind} {len(some)}, median {median(r['seconds'] for r in some):.2g} s"
        for kind, some in _kinds(within)
    ]
    default = {
        n.split(" | ")[0]: r for n, r in content.get("formulas", {}).items() if n.endswith("| default")
    }
    return {
        **{name: "\n".join(lines(content)) for name, lines in TABLES.items()},
        "roots_proved": f"{sum(r['code'] == 'proved' for r in content.get('roots', {}).values())} of "
        f"{len(content.get('roots', {}))}",
        "formulas_proved": f"{sum(r['code'] == 'proved' for r in default.values())} of {len(default)}",
        "formulas_medians": "; ".join(
            f"{d}-D {median(r['seconds'] for n, r in default.items() if n.startswith(d)):.2g} s"
            for d in sorted({name[0] for name in default})
        ),
        "dimensions": "\n".join(_dimensions([*content["campaign"].values()])),
        "in_time": f"{in_time} of {len(fitted)}",
        "slowest": f"{100 * max(r['seconds'] / r['target_seconds'] for r in fitted.values()):.0f} %",
        "within": str(len(within)),
        "kinds": "; ".join(kinds),
        "small": str(sum(r["lower"] < 1e-3 for r in within.values())),
        "others": f"{min(others):.1e} to {max(others):.1e}",
        "adam": f"{sum(r['code'] == 'proved' for r in adam)} of {len(adam)}",
        "campaign_seconds": f"{sum(sum(r['seconds'].values()) for r in content['campaign'].values()):.0f}",
    }


def _outward(v: float, direction: int) -> str:
    """Four digits, rounded down (-1) or up (1).

    >>> _outward(0.0179683, -1), _outward(2.38001e-14, 1)
    ('0.01796', '2.381e-14')
    """
    shown = Decimal(v).normalize(Context(prec=4, rounding=ROUND_FLOOR if direction < 0 else ROUND_CEILING))
    return f"{float(shown):.4g}"


def solved(content: dict[str, Any]) -> dict[str, str]:
    """Of results/certify_solved.json: surrogates of flows and integrals."""
    return {"table": "\n".join(_solved(content))}


SOLUTIONS = (
    "| network | largest error at points | proved between | of the residual alone | boxes | CPU s: training, proof, "
    "check |\n"
    "|---|---|---|---|---|---|"
)


def solution_line(name: str, row: dict[str, Any]) -> str:
    """A network of `fit_pde` as a row of the table."""
    seconds = ", ".join(f"{row[key]:.1f}" for key in ("train_seconds", "seconds", "check_seconds"))
    return (
        f"| {name} | {row['seen']:.2e} | {row['lower']:.2e} and {row['upper']:.2e} | {row['direct']:.2e} | "
        f"{row['boxes']} | {seconds} |"
    )


def solutions(content: dict[str, Any]) -> dict[str, str]:
    """Of results/certify_solutions.json: networks of `fit_pde` against the solutions of their equations."""
    rows = content["solutions"]
    return {
        "table": "\n".join([SOLUTIONS, *(solution_line(name, row) for name, row in rows.items())]),
        "ratio": f"{max(row['ratio'] for row in rows.values()):.2g}",
        "accepted": f"{sum(row['accepted'] for row in rows.values())} of {len(rows)}",
    }


def small(content: dict[str, Any]) -> dict[str, str]:
    """Of results/certify_small.json: best polynomials beside Sollya, and the published network."""
    lines = [
        "| function | kind | worst error between | boxes | processor seconds | `check` | Sollya, seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    rows = content.get("small", {})
    for name, row in rows.items():
        other = row["sollya"]
        theirs = "" if other is None else f"{other['seconds']:.3f}"
        kind = "relative" if name.startswith(("exp,", "cos")) else "absolute"
        ends = f"{_outward(row['lower'], -1)} and {_outward(row['upper'], 1)}"
        times = f"{row['seconds']:.2f} | {row['check_seconds']:.3f} | {theirs}"
        lines.append(f"| {name} | {kind} | {ends} | {row['boxes']} | {times} |")
    shares = [r["seconds"] / r["sollya"]["seconds"] for r in rows.values() if r["sollya"]]
    deep = next(iter(content.get("burgers", {}).values()), None)
    words = {
        "table": "\n".join(lines),
        "times": f"{min(shares, default=1):.2g} to {max(shares, default=1):.2g}",
    }
    if deep is not None:
        words |= {
            "burgers": f"between {_outward(deep['lower'], -1)} and {_outward(deep['upper'], 1)}",
            "burgers_leaves": f"{deep['leaves']:,}",
            "burgers_seconds": f"{deep['seconds']:.0f}",
            "burgers_seen": f"{deep['seen']:.3g}",
        }
    return words


def checked(content: dict[str, Any]) -> dict[str, str]:
    """Of results/certify_checked.json: seconds of the checker, and of Coq."""
    lines = [
        "| problem | leaves | `certify`, seconds | `check`, seconds | times | `--arbitrary-precision`, seconds | times |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in content.get("checking", {}).items():
        cells = f"{row['leaves']:.0f} | {row['certify']:.2f} | {row['after']:.2f} | {row['after'] / row['certify']:.1f}"
        more = row.get("arbitrary")
        slow = " | " if more is None else f"{more:.1f} | {more / row['certify']:.0f}"
        lines.append(f"| {name} | {cells} | {slow} |")
    coq = [
        "| problem | upper bound | leaves | operations | file, kB | `coqc`, processor seconds | Coq says |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in content.get("coq", {}).items():
        coq.append(
            f"| {name} | {row['upper']:.3g} | {row['leaves']} | {row['operations']} | {row['bytes'] / 1e3:.0f} | "
            f"{row['seconds']:.0f} | {row['verdict']} |"
        )
    return {"table": "\n".join(lines), "coq": "\n".join(coq)}


def paired(content: dict[str, Any]) -> dict[str, str]:
    """Of results/certify_paired.json: how much slower or faster rows are than at another commit."""
    rows = content["rows"]
    ratios = {name: row["ratio"] for name, row in rows.items()}
    before, now = (sum(min(row[side]) for row in rows.values()) for side in ("before", "now"))
    slower = [row for row in rows.values() if row["ratio"] > SLOWER]
    return {
        "commit": content["before"],
        "rows": str(len(rows)),
        "median": f"{median(ratios.values()):.2f}",
        "total": f"{now / before:.2f}",
        "largest": f"{max(ratios.values()):.2f}",
        "added": f"{median(min(row['now']) - min(row['before']) for row in slower):.2f} s",
        "took": f"{max(min(row['before']) for row in slower):.1f} s",
        "slower": f"{len(slower)} of {len(rows)}",
        "boxes": f"{sum(row['boxes'][0] == row['boxes'][1] for row in rows.values())} of {len(rows)}",
    }
