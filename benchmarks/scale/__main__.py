"""``python -m benchmarks.scale``: how long supnorm takes to start, and what it makes of several workers and of lost ones."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

# Imported only when it runs: workers import this file again.
PARTS = {
    "efficiency": "efficiency",
    "chaos": "chaos_verb",
    "constants": "constants",
    "prediction": "prediction",
    "start": "start",
    "proofs": "proofs",
}


def main() -> int:
    """One part of the measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("part", choices=PARTS)
    part = import_module(f"benchmarks.scale.{PARTS[parser.parse_args(sys.argv[1:2]).part]}")
    return int(part.main(sys.argv[2:]))


if __name__ == "__main__":
    sys.exit(main())
