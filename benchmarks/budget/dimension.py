"""Our intrinsic dimension beside scikit-dimension 0.5: the same estimators, and what the correction for bias adds.

Run: python -m benchmarks.budget.dimension OUT.json (needs scikit-dimension, which is no dependency of supnorm).
Sets with a known dimension, 500 and 2000 points: cubes, a sphere, a roll, curved sets with a little noise; and two
that have none: curved sets with much noise, and a Gaussian whose spread halves from input to input. Printed: TwoNN
and MLE of both packages, and our interval.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.planning.test_profile_dimension import SETS

from supnorm.planning.profile.dimension import NEIGHBOURS, estimates, intrinsic_dimension

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Array]


def decaying(rng: np.random.Generator, n: int) -> Array:
    return rng.standard_normal((n, 10)) * 2.0 ** -np.arange(10)


def cases() -> dict[str, tuple[float, Draw]]:
    from tests.planning.test_profile_dimension import curved

    more: dict[str, tuple[float, Draw]] = {
        "curved, 10 % noise": (float("nan"), lambda r, n: curved(r, n, 0.1)), "decaying Gaussian": (float("nan"), decaying),
    }  # fmt: skip
    return {**SETS, **more}


def row(name: str, dimension: float, draw: Draw, n: int, seed: int) -> dict[str, Any]:
    import skdim

    x = draw(np.random.default_rng(seed), n)
    ours, found = estimates(x), intrinsic_dimension(x, np.random.default_rng(0))
    peer = skdim.id.TwoNN().fit(x).dimension_, skdim.id.MLE(K=NEIGHBOURS).fit(x).dimension_
    return {
        "set": name, "points": n, "dimension": dimension, "two_nn": ours[0], "mle": ours[1],
        "peer_two_nn": float(peer[0]), "peer_mle": float(peer[1]), "lower": found.lower, "upper": found.upper,
        "single": found.single,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    rows = [row(name, d, draw, n, 11) for name, (d, draw) in cases().items() for n in (500, 2000)]
    for r in rows:
        print(
            f"{r['set']:18} {r['points']:5} true {r['dimension']:4g}  TwoNN {r['two_nn']:5.2f} ({r['peer_two_nn']:5.2f})"
            f"  MLE {r['mle']:5.2f} ({r['peer_mle']:5.2f})  interval {r['lower']:.1f} to {r['upper']:.1f}"
            + ("" if r["single"] else ", no single dimension")
        )
    inside = sum(r["lower"] <= r["dimension"] <= r["upper"] for r in rows)
    known = sum(np.isfinite(r["dimension"]) for r in rows)
    apart = [max(abs(r["two_nn"] / r["peer_two_nn"] - 1), abs(r["mle"] / r["peer_mle"] - 1)) for r in rows]
    print(f"interval holds the truth in {inside} of {known}; estimates differ by at most {max(apart):.1%}")
    plain = [{**r, "dimension": r["dimension"] if np.isfinite(r["dimension"]) else None} for r in rows]
    content = {
        "rows": plain, "inside": inside, "known": known, "largest_difference": max(apart),
        "scikit_dimension": version("scikit-dimension"), "numpy": np.__version__, "python": platform.python_version(),
    }  # fmt: skip
    given.out.write_text(json.dumps(content, indent=1, default=float) + "\n")


if __name__ == "__main__":
    main()
