"""``python -m reproduce.neuralgcm``: three forecasts of NeuralGCM's small model, compared with each other.

    --hours 12     of each forecast
    --out DIR      folder of the forecasts; those that are there are not made again
    --save         into benchmarks/results/neuralgcm.json

Needs the packages neuralgcm and those of the extra fields. A forecast takes one to three minutes of processor time.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from reproduce.neuralgcm.said import said

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "neuralgcm.json"
FORECASTS = {"single": ("float32", 0), "double": ("float64", 0), "other numbers": ("float32", 1)}
BOUNDED = ("specific_humidity", "specific_cloud_ice_water_content", "specific_cloud_liquid_water_content")
PACKAGES = ("neuralgcm", "dinosaur", "jax")


def main() -> None:
    """Make what is missing, compare, print."""
    parser = argparse.ArgumentParser(prog="python -m reproduce.neuralgcm")
    parser.add_argument("--hours", type=int, default=12)
    parser.add_argument("--out", type=Path, default=Path("neuralgcm-run"))
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    paths = {}
    for name, (precision, seed) in FORECASTS.items():
        paths[name] = options.out / f"{name.replace(' ', '-')}.zarr"
        if not paths[name].exists():
            words = [str(paths[name]), str(options.hours), precision, str(seed)]
            subprocess.run([sys.executable, "-m", "reproduce.neuralgcm.model", *words], check=True)
    content = compared(paths)
    for key, words in said(content).items():
        print(f"{key}\n{words}" if "\n" in words else f"{key}: {words}")
    if options.save:
        from benchmarks.claims.stored import stamp

        RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        stamp("neuralgcm")


def compared(paths: dict[str, Path]) -> dict[str, Any]:
    """Single precision against double, and against other random numbers."""
    from importlib.metadata import version

    import supnorm as sn

    bounds = dict.fromkeys(BOUNDED, (0.0, float("inf")))
    found: dict[str, Any] = {"machine": platform.machine(), "versions": {p: version(p) for p in PACKAGES}}
    for other in ("double", "other numbers"):
        report = sn.audit_fields(paths["single"], paths[other], bounds=bounds)
        found[other] = [_row(v) for v in report.to_dict()["variables"]]
    return found


def _row(variable: dict[str, Any]) -> dict[str, Any]:
    leads = variable["by_lead"]
    kept = ("lead", "rms", "sup", "prediction_mean", "truth_mean", "outside", "missing")
    return {
        "name": variable["name"],
        "unit": variable["unit"],
        "sup": variable["sup"]["lower"],
        "at": variable["sup"]["witness"]["at"],
        "rms": variable["rms"],
        "missing": variable["missing"],
        "n": variable["n"],
        "bounds": variable["bounds"],
        "first_bad": variable["first_bad"][:1],
        "by_lead": [{k: lead[k] for k in kept} for lead in leads],
    }


if __name__ == "__main__":
    main()
