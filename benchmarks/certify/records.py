"""The results file: sections of rows, each row written as soon as it is known. Standard library only."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results" / "certify.json"


def load() -> dict[str, Any]:
    """Everything so far."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def put(section: str, name: str, entry: Any) -> None:
    """One row; the file appears whole or not at all."""
    held = load()
    held.setdefault(section, {})[name] = entry
    held["machine"] = held.get("machine", {}) | machine()
    RESULTS.parent.mkdir(exist_ok=True)
    fresh = RESULTS.with_suffix(".new")
    fresh.write_text(json.dumps(held, indent=1, default=float) + "\n")
    os.replace(fresh, RESULTS)


def machine() -> dict[str, str]:
    """Processor, Python and the versions of what is installed here."""
    found = {"processor": platform.machine(), "python": platform.python_version()}
    for package in ("supnorm", "numpy", "jax", "python-flint", "torch", "auto_LiRPA"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
