"""``python -m benchmarks.guard PART``: controls, shadow, fuse, fuzz or serve; ``--help`` after a part says more."""

from __future__ import annotations

import sys
from importlib import import_module

PARTS = ("controls", "shadow", "fuse", "fuzz", "serve")


def main() -> None:
    """Run one part."""
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    if part not in PARTS:
        raise SystemExit(f"python -m benchmarks.guard takes {', '.join(PARTS)}; got {part or 'nothing'!r}")
    import_module(f"benchmarks.guard.{part}").main(sys.argv[2:])


if __name__ == "__main__":
    main()
