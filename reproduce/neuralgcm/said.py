"""What docs/evidence/fields.md says of benchmarks/results/neuralgcm.json."""

from __future__ import annotations

from typing import Any

SHOWN = {
    "temperature": (1.0, "temperature, K"),
    "u_component_of_wind": (1.0, "eastward wind, m/s"),
    "v_component_of_wind": (1.0, "northward wind, m/s"),
    "geopotential": (1.0, "geopotential, m²/s²"),
    "specific_humidity": (1e3, "specific humidity, g/kg"),
}


def said(content: dict[str, Any]) -> dict[str, str]:
    """A table and single numbers."""
    rounding, numbers = ({row["name"]: row for row in content[name]} for name in ("double", "other numbers"))
    hours = len(rounding["temperature"]["by_lead"])
    lines = [
        f"| RMS / largest difference | double precision, after 1 h | after {hours} h | other numbers, after {hours} h |",
        "|---|---|---|---|",
    ]
    for name, (scale, words) in SHOWN.items():
        ends = [
            _pair(side[name]["by_lead"][k], scale)
            for side, k in ((rounding, 0), (rounding, -1), (numbers, -1))
        ]
        lines.append(f"| {words} | " + " | ".join(ends) + " |")
    humid, warm = rounding["specific_humidity"], rounding["temperature"]
    outside = humid["bounds"]["below"]
    hour = next(lead for lead in warm["by_lead"] if lead["lead"] == warm["at"]["lead"])
    drift = warm["by_lead"][-1]["prediction_mean"] - warm["by_lead"][0]["prediction_mean"]
    return {
        "table": "\n".join(lines),
        "hours": f"{hours}",
        "negative": f"{outside:,} of {humid['n']:,} ({100 * outside / humid['n']:.1f} %)",
        "most_negative": f"{1e3 * humid['bounds']['worst']:.2g} g/kg",
        "first_bad": str(humid["first_bad"][0]["lead"]) if humid["first_bad"] else "never",
        "missing": f"{sum(row['missing'] for row in content['double'])}",
        "worst": f"{warm['sup']:.2g} K",
        "over_rms": f"{warm['sup'] / hour['rms']:.0f}",
        "drift": f"{drift:+.3f} K",
        "version": content["versions"]["neuralgcm"],
    }


def _pair(lead: dict[str, Any], scale: float) -> str:
    return f"{scale * lead['rms']:.2g} / {scale * lead['sup']:.2g}"
