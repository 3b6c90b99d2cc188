"""What docs/miniweather.md says of benchmarks/results/miniweather.json."""

from __future__ import annotations

from typing import Any

SHOWN = (1, 10, 100, 300)
POINTS = {
    "training": "training points of the network",
    "held out": "the same run, held out",
    "warm": "warm, 400 s",
    "collision": "collision, 100 s",
    "collision, 400 s": "collision, 400 s",
    "density_current": "density current, 300 s",
    "gravity_waves": "gravity waves, 400 s",
    "injection": "injection, 400 s",
    "box 1": "box of the training ranges (audit)",
    "box 3": "box three times as wide (audit)",
}


def said(content: dict[str, Any]) -> dict[str, str]:
    """Tables and single numbers."""
    steps = {(row["network"], row["points"]): row for row in content["one_step"]}
    runs = {(row["network"], row["case"]): row for row in content["roll_outs"]}
    held, box = steps["flux", "held out"], steps["flux", "box 1"]
    warm, repaired = steps["flux", "warm"], steps["flux, repaired", "warm"]
    fallen = runs["flux", "warm"]
    thermal = next(row for row in content["checks"] if row["case"] == "thermal")
    return {
        "checks": _checks(content["checks"]),
        "one_step": _one_step(content["one_step"], content["others_one_step"]),
        "roll_outs": _roll_outs(content["roll_outs"]),
        "guards": _guards(content["guards"]),
        "disturbed": _disturbed(content["disturbed"]),
        "d_mass": f"{abs(thermal['mass']):.1g}",
        "d_te": f"{thermal['energy']:.3e}",
        "step_ms": f"{thermal['milliseconds']:.2f} ms",
        "max_over_rms": f"{held['max_over_rms']:.0f}",
        "box_over_held": f"{box['max'] / held['max']:.0f}",
        "warm_before": f"{warm['max']:.2g}",
        "warm_after": f"{repaired['max']:.2g}",
        "warm_gain": f"{warm['max'] / repaired['max']:.0f}",
        "warm_worst": _kelvin(_largest(fallen)),
        "warm_range": _kelvin(fallen["range"]),
        "warm_mass": f"{abs(fallen['d_mass']):.1g}",
        "warm_energy_true": f"{fallen['d_te_true']:.1e}",
        "warm_energy": f"{fallen['d_te']:.1e}",
        "start_worst": _kelvin(content["worst_start"]["worst"]),
        "start_typical": _kelvin(content["worst_start"]["typical"]),
        "start_home": _kelvin(content["worst_start"]["training_case"]),
        "start_at": _start(content["worst_start"]["at"]),
        "start_steps": str(content["worst_start"]["steps"]),
        "start_n": str(content["worst_start"]["evaluations"]),
        "minutes": f"{sum(content['processor_seconds'].values()) / 60:.1f} minutes",
    }


def _start(at: dict[str, float]) -> str:
    return f"{at['kelvin']:.2f} K at {at['x'] / 1e3:.2f} km, height {at['z'] / 1e3:.2f} km"


def _largest(row: dict[str, Any]) -> float:
    values = [e["max"] for e in row["errors"]]
    return float("inf") if None in values else max(values)


def _kelvin(value: float) -> str:
    return f"{value:.2g} K" if value < 1000 else f"{value:.0e} K"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _checks(rows: list[dict[str, Any]]) -> str:
    head = ["case", "cells", "steps", "change of mass", 'change of "total energy"', "ms a step"]
    return _table(
        head,
        [
            [
                row["case"].replace("_", " "),
                f"{row['nx']} x {row['nz']}",
                str(row["steps"]),
                f"{row['mass']:.1e}",
                f"{row['energy']:.3e}",
                f"{row['milliseconds']:.2f}",
            ]
            for row in rows
        ],
    )


def _one_step(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> str:
    networks = list(dict.fromkeys(row["network"] for row in (*rows, *others)))
    cells = {(row["network"], row["points"]): row for row in (*rows, *others)}
    table = []
    for points, words in POINTS.items():
        line = [words]
        for network in networks:
            row = cells.get((network, points))
            line.append("" if row is None else f"{row['rms']:.2g} / {row['max']:.2g}")
        table.append(line)
    return _table(["points", *networks], table)


def _roll_outs(rows: list[dict[str, Any]]) -> str:
    head = ["network, case", *(f"step {k}" for k in SHOWN), "above the signal", "mass", "energy (true)"]
    table = []
    for row in rows:
        errors = {e["step"]: e for e in row["errors"]}
        cells = [_error(errors.get(step)) for step in SHOWN]
        if row["steps"] not in SHOWN:
            cells[-1] = f"step {row['steps']}: {_error(errors[row['steps']])}"
        ended = row["above_the_signal"]
        energy = "none" if row["d_te"] is None else f"{row['d_te']:.1e}"
        table.append(
            [
                f"{row['network']}, {row['case'].replace('_', ' ')}",
                *cells,
                "never" if ended is None else f"from step {ended}",
                "none" if row["d_mass"] is None else f"{row['d_mass']:.0e}",
                f"{energy} ({row['d_te_true']:.1e})",
            ]
        )
    return _table(head, table)


def _error(one: dict[str, Any] | None) -> str:
    if one is None:
        return ""
    if one["max"] is None:
        return "not finite"
    return f"{one['rms'] or 0:.2g} / {one['max']:.2g}"


def _guards(rows: list[dict[str, Any]]) -> str:
    head = [
        "guard",
        "held out",
        "warm, one step",
        "collision, one step",
        "warm roll-out",
        "collision roll-out",
    ]
    table = []
    for row in rows:
        line = [row["guard"]]
        line += [
            f"{_percent(row[k]['flagged'])} / {row[k]['max']:.2g}" for k in ("held out", "warm", "collision")
        ]
        for case in ("warm", "collision"):
            run = row[f"{case} roll-out"]
            ended, flagged = run["above_the_signal"], run["flagged"]
            fate = "survives" if ended is None else f"above the signal from step {ended}"
            share = "" if flagged is None else f", {_percent(flagged)}"
            line.append(f"{fate}, {_error(run['errors'][-1])}{share}")
        table.append(line)
    return _table(head, table)


def _percent(share: float) -> str:
    return f"{100 * share:.{2 if share < 0.1 else 3}g} %"


def _disturbed(rows: list[dict[str, Any]]) -> str:
    return _table(
        ["case", "noise", "RMS at the end / at the start", "largest at any step / at the start"],
        [[r["case"], f"{r['kelvin']:g} K", f"{r['rms_ratio']:.2f}", f"{r['max_ratio']:.2f}"] for r in rows],
    )
