"""What docs/evidence/fields.md says of benchmarks/results/fields.json."""

from __future__ import annotations

from typing import Any

NAMES = {
    "read": "reading alone",
    "xarray": "xarray and dask: largest error, RMS, missing values",
    "WeatherBench-X": "WeatherBench-X: RMSE",
    "audit": "supnorm, without spectra",
    "audit, spectra of every 8th field": "supnorm",
}


def said(content: dict[str, Any]) -> dict[str, str]:
    """A table of all archives, and single numbers of the first one."""
    lines = ["| archive | what | wall s | processor s | more memory, MB |", "|---|---|---|---|---|"]
    for archive, found in content.items():
        for name, row in found["rows"].items():
            lines.append(
                f"| {archive} | {NAMES[name]} | {row['wall']:.0f} | {row['cpu']:.1f} | {row['megabytes']:.0f} |"
            )
    first = next(iter(content.values()))
    rows = first["rows"]
    walls = [
        f"{found['rows']['audit']['wall'] / found['rows']['read']['wall']:.1f} times ({name})"
        for name, found in content.items()
        if {"audit", "read"} <= found["rows"].keys()
    ]
    extra = [
        found["rows"]["audit"]["megabytes"]
        for found in content.values()
        if found["workers"] == 1 and "audit" in found["rows"]
    ]
    planted = [seen for found in content.values() for seen in found.get("planted", {}).values()]
    return {
        "table": "\n".join(lines),
        "kernel": f"{max(found['kernel']['gigabytes a second'] for found in content.values()):.1f} GB/s",
        "events": f"{min(found['events']['seconds'] for found in content.values()):.1f} s",
        "planted": f"{sum(planted)} of {len(planted)}",
        "share": f"{rows['audit']['cpu'] / rows['xarray']['cpu']:.2f}",
        "wall": ", ".join(walls),
        "memory": f"{max(extra):.0f} MB",
        "runs": f"{rows['audit']['runs']} runs",
        "load": f"{max(found['load'] for found in content.values()):.0f}",
    }
