"""What README.md and examples/README.md say of the examples, from what they printed."""

from __future__ import annotations

from math import floor
from typing import Any

Runs = dict[str, Any]
FRESH, USED = ("7310", "7311", "7312"), ("7100", "7101", "7102")


def demo(content: Runs) -> dict[str, str]:
    """Both halves of ``supnorm demo``."""
    return {"printed": "```\n" + "\n".join(content["printed"]).strip() + "\n```"}


def averages(content: Runs) -> dict[str, str]:
    """The interpolant and the network of docs/averages.md."""
    aaa, network = content["aaa"], content["network"]
    return {
        "nodes": _power(aaa["nodes"]),
        "random_points": f"{aaa['random points']:,}",
        "random": _power(aaa["random worst"]),
        "random_rms": _power(aaa["random rms"]),
        "evaluations": f"{aaa['evaluations']:,}",
        "worst": _span([floor(1e4 * e) / 1e4 for e in aaa["worst"]], ".4f"),  # found: not rounded up
        "poles": str(aaa["poles"]),
        "warning": " ".join(aaa["warning"]),
        "samples": f"{network['samples worst']:.4f}",
        "test": f"{network['test rms']:.4f}",
        "network_points": f"{network['random points']:,}",
        "network_rms": f"{network['random rms']:.3f}",
        "network_worst": f"{floor(1e3 * network['worst']) / 1e3:.3f}",
    }


def seawater(content: Runs) -> dict[str, str]:
    """Worst point beside random points."""
    runs = [*content.values()]
    return {
        "worst": _span([floor(1e4 * r["worst"]) / 1e4 for r in runs], ".4f"),  # found: not rounded up
        "random": _span([r["worst random point"] for r in runs], ".3f"),
        "random_points": f"{runs[0]['random points']:,}",
    }


def steam(content: Runs) -> dict[str, str]:
    """The jump at the boiling line."""
    first, runs = content["0"], [r for seed, r in content.items() if seed != "0"]
    plain = sorted(r["rms"] for r in runs)
    usual = [rms for rms in plain if rms < 1e-3]
    odd = [rms for rms in plain if rms >= 1e-3]
    rare = (
        f"; in {len(odd)} of them a point fell onto the discontinuity, and the RMS is {_percent(odd, '.0f')}"
        if odd
        else ""
    )
    return {
        "first_rms": f"{100 * first['rms']:.3f} %",
        "first_points": f"{first['random points']:,}",
        "first_factor": f"{first['worst']:,.0f}",
        "runs": str(len(runs)),
        "worst": _span([r["worst"] for r in runs], ",.0f"),
        "percent": _span([100 * r["worst"] for r in runs], ",.0f") + " %",
        "place": "T = " + _span([r["at"]["T"] for r in runs], ".3f") + " K",
        "rms": f"{_percent(usual, '.3f')} in {len(usual)} of the {len(runs)} runs{rare}",
        "floor": _percent([r["rms at least"] for r in runs], ".0f"),
        "random_points": f"{runs[0]['random points']:,}",
    }


def heston(content: Runs) -> dict[str, str]:
    """The network on its own domain, on the declared box, and against its labels."""
    problem = {seed: content[f"problem {seed}"] for seed in FRESH + USED if f"problem {seed}" in content}
    declared = {key.split()[1]: r for key, r in content.items() if key.startswith("declared")}
    labels = content["labels"]
    verdicts = [p["recheck"] for p in labels["peaks"]]
    return {
        "worst": _span([r["worst"] for r in problem.values()], ".3f"),
        "each": ", ".join(f"{r['worst']:.3f}" for r in problem.values()),
        "random": _span([r["worst random point"] for r in problem.values()], ".3f"),
        "random_points": f"{next(iter(problem.values()))['random points']:,}",
        "rms": _span([r["rms"] for r in problem.values()], ".4f"),
        "seeds": ", ".join(problem),
        "runs": str(len(problem)),
        "declared": ", ".join(f"{r['worst']:.3f} (seed {seed})" for seed, r in declared.items()),
        "label": f"{labels['worst']:.3f}",
        "label_exit": str(labels["exit"]),
        "faults": f"{verdicts.count('reference-fault')} of {len(verdicts)}",
    }


def conditional(content: Runs) -> dict[str, str]:
    """A proof on declarations."""
    wide, close = content["1.1"], content["1.01"]
    return {
        "bracket": f"{wide['lower']:.4f} and {wide['upper']:.4f} kg/m3",
        "close": f"{close['upper']:.4f}",
        "boxes": f"{wide['boxes']:,} and {close['boxes']:,} boxes",
    }


def airfoil(content: Runs) -> dict[str, str]:
    """Copied by hand from runs of an external program; the result holds the table as it was printed."""
    return {
        "table": "\n".join(content["table"]),
        "worst": content["worst"],
        "random": content["random"],
        "earlier": content["earlier"],
        "panels": content["panels"],
        "how": content["how"],
        "seed0": content["seed 0"],
    }


def _span(values: list[float], form: str) -> str:
    low, high = f"{min(values):{form}}", f"{max(values):{form}}"
    return low if low == high else f"{low} to {high}"


def _percent(values: list[float], form: str) -> str:
    return _span([100 * v for v in values], form) + " %"


def _power(value: float) -> str:
    """In Markdown, as 1.1 × 10⁻¹⁰."""
    digits, power = f"{value:.1e}".split("e")
    return f"{digits} × 10{str(int(power)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"
