"""What the pages say of results/fit.json: its tables, and the factors in the sentences about them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from benchmarks.fit.compare import medians
from benchmarks.fit.jumps import CONTINUOUS
from benchmarks.fit.table import KEYS, as_text, tables
from benchmarks.fit.targets import staged_medians

OURS = ("SSBroyden", "LM geodesic", "BFGS")
BEST = "SSBroyden"


def said(content: dict[str, Any]) -> dict[str, str]:
    """Tables by their names, and factors."""
    found = {
        KEYS[caption_start(caption)]: as_text(caption, head, body) for caption, head, body in tables(content)
    }
    beside = _rms(content["candidates"]["rows"])
    for method in ("Muon", "natural gradient", "low curvature", "SOAP"):
        found[method.replace(" ", "_").lower()] = _range(
            beside[method][t] / beside[BEST][t] for t in beside[method]
        )
    for key in (0, 1):
        wide = _rms(content["wide"]["rows"], ("rms", "max")[key])
        ratios = {t: wide["L-BFGS"][t] / wide["SOAP"][t] for t in wide["SOAP"]}
        found[("wide_rms", "wide_max")[key]] = " and ".join(
            f"{r:.1f} ({t.rpartition(' ')[2]})" for t, r in ratios.items()
        )
    stages = {r["task"]: r["errors"] for r in staged_medians(content["refinement"]["rows"])}
    worst = [e[0][1] / e[1][1] for task, e in stages.items() if "control" not in task]
    control = next(e for task, e in stages.items() if "control" in task)
    beside_control = next(e for task, e in stages.items() if "12 s" in task)
    rows = {row["task"]: row["shown"] for row in content["choice"]["rows"]}
    fixed = rows["I.13.12, 5-D, 2000 fixed samples"]
    network = next(r for r in fixed if r["method"].startswith("network"))
    others = [r for r in fixed if r is not network]
    train = rows["I.13.12, 5-D"]
    wrong = [r for r in content["jumps"]["rows"] if r["method"] in CONTINUOUS]
    solved = content["equations"]["rows"]
    proved: dict[str, list[dict[str, Any]]] = {}
    for row in content["certified"]["rows"]:
        proved.setdefault(row["task"], []).append(row)
    return {
        **found,
        "refined": _range(worst, ".1f"),
        "refined_once": f"{beside_control[0][1] / beside_control[1][1]:.1f}",
        "control": f"{control[0][1] / control[1][1]:.1f}",
        "fixed": f"{min(r['rms'] for r in others) / network['rms']:.0f}",
        "fixed_fresh": f"{network['again'] / network['max']:.0f}",
        "train": f"{train[0]['samples']:,} samples for {train[0]['max']:.0e} where a network has "
        f"{train[1]['max']:.1e} after {train[1]['samples']:,}",
        "solutions": f"{min(r['max'] for r in solved):.0e} to {max(r['max'] for r in solved):.0e} in "
        f"{min(r['cpu_seconds'] for r in solved):.0f} to {max(r['cpu_seconds'] for r in solved):.0f} CPU seconds",
        "wrong": f"{sum(r['called'] for r in wrong):,} of {sum(r['of'] for r in wrong):,}",
        **{f"proved_{task}": _proved(rows) for task, rows in proved.items()},
        "checks": _range((r["check_cpu_seconds"] for r in content["certified"]["rows"]), ".0f"),
    }


def compare(content: dict[str, Any]) -> dict[str, str]:
    """The optimisers beside their peers, with our loss and with torch's."""
    rms = _rms(content["compare"]["rows"])
    seeds = {r["seed"] for r in content["compare"]["rows"]}
    tables_ = {
        KEYS[caption_start(c)]: as_text(c, h, b) for c, h, b in tables({"compare": content["compare"]})
    }
    peers = [m for m in rms if m not in OURS and not m.startswith(BEST)]
    ahead = [t for t in rms[BEST] if all(rms[BEST][t] <= rms[m][t] for m in rms if t in rms[m])]
    nearest = {t: min((rms[m][t], m) for m in peers if t in rms[m]) for t in rms[BEST]}
    with_torch = rms[f"{BEST}, torch loss"]
    behind = [t for t in with_torch if with_torch[t] > nearest[t][0]]
    return {
        **tables_,
        "least": f"{len(ahead)} of {len(rms[BEST])}",
        "behind": "; ".join(f"{t.split(', ')[0]} {m}, by {e / rms[BEST][t]:,.0f}" for t, (e, m) in nearest.items()),
        "torch": _range(with_torch[t] / rms[BEST][t] for t in with_torch),
        "torch_behind": ", ".join(t.split(", ")[0] for t in behind) or "none",
        "own": "; ".join(
            f"{m.removesuffix(', our loss')} {_range(rms[m][t] / rms[BEST][t] for t in rms[m])}"
            for m in peers if m.endswith(", our loss")
        ),
        "seeds": str(len(seeds)),
    }  # fmt: skip


def caption_start(caption: str) -> str:
    """The key of a table's caption."""
    return next(start for start in KEYS if start in caption)


def _rms(rows: list[dict[str, Any]], what: str = "rms") -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for row in medians(rows):
        if "missing" not in row:
            found.setdefault(row["method"], {})[row["task"]] = row[what][-1]
    return found


def _range(values: Iterable[float], form: str = ",.0f") -> str:
    some = [*values]
    low, high = f"{min(some):{form}}", f"{max(some):{form}}"
    return low if low == high else f"{low} to {high}"


def _proved(rows: list[dict[str, Any]]) -> str:
    worst = max(r["sup"]["upper"] for r in rows)
    seconds = max(r["cpu_seconds"] for r in rows)
    return f"{worst:.1e} where {rows[0]['tolerance']:.0e} was asked for, in {seconds:.1f} CPU seconds"
