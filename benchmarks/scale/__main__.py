"""``python -m benchmarks.scale``: how long supnorm takes to start, and what it makes of several workers and of lost ones."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from benchmarks.scale import chaos_verb, constants, efficiency, prediction, start

PARTS: dict[str, Callable[[list[str]], int]] = {
    "efficiency": efficiency.main,
    "chaos": chaos_verb.main,
    "constants": constants.main,
    "prediction": prediction.main,
    "start": start.main,
}


def main() -> int:
    """One part of the measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("part", choices=PARTS)
    return PARTS[parser.parse_args(sys.argv[1:2]).part](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
