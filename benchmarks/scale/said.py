"""What documents say of the measurements of workers."""

from __future__ import annotations

from typing import Any


def efficiency(content: dict[str, Any]) -> dict[str, str]:
    """Audits on several workers against ideal."""
    lines = ["| by | workers | points | calls | seconds | of ideal |", "|---|---|---|---|---|---|"]
    for row in content["rows"]:
        cells = (
            row["by"],
            row["workers"],
            row["sent"],
            row["calls"],
            f"{row['seconds']:.1f}",
            f"{row['efficiency']:.2f}",
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    same = [row["same"] for row in content["rows"] if row["same"] is not None]
    return {
        "table": "\n" + "\n".join(lines) + "\n",
        "load": f"{min(content['load']):.0f} to {max(content['load']):.0f}",
        "same": f"{sum(same)} of {len(same)}",
    }


def chaos(content: dict[str, Any]) -> dict[str, str]:
    """Runs that were disturbed."""
    total = content["total"]
    losses = ", ".join(f"{name} {n}" for name, n in total["by_loss"].items())
    return {
        "runs": f"{total['runs']:,}",
        "faulty": f"{total['faulty']:,}",
        "resumed": f"{total['resumed']:,}",
        "losses": losses,
        "lost": f"{total['calls_lost']:,}",
        "repeated": f"{total['calls_repeated']:,}",
        "network": content["network"],
    }


def constants(content: dict[str, Any]) -> dict[str, str]:
    """What things cost."""
    store, dask, proof = content["store"], content["dask"], content["proof"]
    return {
        "take": _micro(store["take"]),
        "file_bytes": f"{store['file_bytes']:.0f}",
        "memory_bytes": f"{store['memory_bytes']:.0f}",
        "load": _micro(store["load"]),
        "send": _micro(dask["send"]),
        "schedule": _micro(dask["schedule"]),
        "send_processes": _micro(content["processes"]["send"]),
        "screen": f"{1e6 * content['screen']:.1f} microseconds",
        "search": f"{content['search']['1200']:.2f} s",
        "bound": _micro(proof["bound"]),
        "driver": _micro(proof["driver"]),
        "box_bytes": f"{proof['file_bytes']:.0f}",
    }


def prediction(content: dict[str, Any]) -> dict[str, str]:
    """Predicted and measured audits, and the plans."""
    audits = ["| by | workers | predicted | measured | error |", "|---|---|---|---|---|"]
    for row in content["audits"]:
        seconds = f"{row['predicted']:.1f} s | {row['measured']:.1f} s"
        audits.append(f"| {row['by']} | {row['workers']} | {seconds} | {100 * row['error']:+.0f} % |")
    plans = [
        "| work | calls | workers | hours | workers busy | driver | scheduler | search |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in content["plans"]:
        shares = " | ".join(
            f"{100 * row[part]:.0f} %" for part in ("efficiency", "driver", "scheduler", "search")
        )
        plans.append(
            f"| {row['work']} | {row['how']} | {row['workers']:,} | {row['hours']:,.1f} | {shares} |"
        )
    return {
        "audits": "\n" + "\n".join(audits) + "\n",
        "plans": "\n" + "\n".join(plans) + "\n",
        "largest_error": f"{100 * content['largest_error']:.0f} %",
        "load": f"{min(content['load']):.0f} to {max(content['load']):.0f}",
    }


def start(content: dict[str, Any]) -> dict[str, str]:
    """Commands in fresh processes."""
    lines = ["| command | seconds | processor seconds |", "|---|---|---|"]
    lines += [f"| {row['command']} | {row['wall']:.2f} | {row['cpu']:.2f} |" for row in content["rows"]]
    return {
        "table": "\n" + "\n".join(lines) + "\n",
        "runs": str(content["rows"][0]["runs"]),
        "load": f"{min(content['load']):.1f} to {max(content['load']):.1f}",
    }


def _micro(seconds: float) -> str:
    return f"{1e6 * seconds:,.0f} microseconds"
