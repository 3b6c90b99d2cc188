"""Certificates beside their peers, and the soundness campaign.

    python -m benchmarks.certify                  tables of targets and peers (about two minutes on one core)
    python -m benchmarks.certify --campaign 200   random problems: upper >= all sampled errors; checks

Networks are random with fixed seeds; small errors are made as reference = network + small known function.
Results are printed and written as JSON with machine and versions to --out.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from benchmarks.certify.peers import Enclosure

from supnorm.certification import ChebyshevCertificate, LinearBounds, certify, residual
from supnorm.checker import check
from supnorm.problem import Domain, Problem

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "certification"))
import cases


def shifted(d: int, width: int, depth: int, activation: str, size: float, seed: int = 0) -> Problem:
    """A random network against itself plus ``size`` times a known function of size one."""
    net = cases.network(np.random.default_rng(seed), d, width, depth, activation)

    def reference(x):
        wave = jnp.sin(3 * x[:, :1] + 2 * x.sum(1, keepdims=True)) * jnp.exp(-(x[:, :1] ** 2))
        return net(x) + size * wave

    return Problem(net, reference, Domain.from_axes({f"x{i}": (-1.0, 1.0) for i in range(d)}))


def burgers(width: int, depth: int) -> Problem:
    """The Burgers residual of a random network."""
    import jax

    net = cases.network(np.random.default_rng(0), 2, width, depth, "tanh")

    def equation(u, z):
        slope, along = jax.grad(u)(z), jnp.array([0.0, 1.0])
        bend = jax.jvp(lambda p: jax.jvp(u, (p,), (along,))[1], (z,), (along,))[1]
        return slope[0] + u(z) * slope[1] - 0.05 * bend

    return Problem(residual(net, equation, 2), lambda x: 0.0 * x[:, :1], Domain(t=(0.0, 1.0), x=(-1.0, 1.0)))


TARGETS = [  # name, problem, ratio, target seconds on one quiet core
    ("1-D 2x32 tanh 1e-6", lambda: shifted(1, 32, 2, "tanh", 1e-6), 1.01, 0.5),
    ("2-D 2x32 tanh 1e-4", lambda: shifted(2, 32, 2, "tanh", 1e-4), 1.1, 0.5),
    ("2-D 2x32 tanh 1e-4", lambda: shifted(2, 32, 2, "tanh", 1e-4), 1.01, 1.0),
    ("2-D 3x64 tanh 1e-4", lambda: shifted(2, 64, 3, "tanh", 1e-4), 1.1, 5.0),
    ("2-D 3x64 tanh 1e-4", lambda: shifted(2, 64, 3, "tanh", 1e-4), 1.01, 5.0),
    ("2-D 4x128 tanh 1e-4", lambda: shifted(2, 128, 4, "tanh", 1e-4), 1.1, 15.0),
    ("3-D 2x32 tanh 1e-2", lambda: shifted(3, 32, 2, "tanh", 1e-2), 1.1, 3.0),
    ("2-D 2x32 relu 1e-2", lambda: shifted(2, 32, 2, "relu", 1e-2), 1.01, 2.0),
    ("2-D Burgers residual 3x64", lambda: burgers(64, 3), 1.1, 20.0),
]


def _row(name, problem, ratio, seconds, strategy=None):
    start = time.perf_counter()
    result = certify(problem, ratio, seconds=seconds, strategy=strategy)
    return {"case": name, "asked": ratio, "ratio": result.ratio, "lower": result.lower, "upper": result.upper,
            "boxes": result.tried, "proved": result.proved_volume, "code": result.status.code,
            "seconds": time.perf_counter() - start}  # fmt: skip


def _print(row, note=""):
    bracket = f"asked {row['asked']:<5} got {row['ratio']:<8.4f} boxes {row['boxes']:>8}"
    print(
        f"{row['case']:34s} {bracket} {100 * row['proved']:5.1f} % {row['seconds']:7.2f} s {note}", flush=True
    )


def targets() -> list[dict]:
    """The targets of the design, one row each."""
    rows = []
    certify(shifted(1, 8, 1, "tanh", 1e-2))  # imports
    for name, problem, ratio, wanted in TARGETS:
        row = _row(name, problem(), ratio, 120.0) | {"target_seconds": wanted}
        _print(row, f"target {wanted} s")
        rows.append(row)
    return rows


def peers(seconds: float) -> list[dict]:
    """The same problems by other enclosures in the same loop."""
    methods = {
        "Chebyshev certificate": ChebyshevCertificate(),
        "affine Taylor (linear bounds)": LinearBounds(),
        "interval Hessian": Enclosure(2),
        "mean value": Enclosure(1),
        "interval": Enclosure(0),
    }
    rows = []
    for case, problem, ratio in [
        ("1-D 2x32 1e-4", shifted(1, 32, 2, "tanh", 1e-4), 1.1),
        ("1-D 2x32 1e-6", shifted(1, 32, 2, "tanh", 1e-6), 1.01),
        ("2-D 2x32 1e-2", shifted(2, 32, 2, "tanh", 1e-2), 1.1),
        ("2-D 3x64 1e-4", shifted(2, 64, 3, "tanh", 1e-4), 1.1),
    ]:
        print(f"{case} (at most {seconds:g} s each)")
        for name, method in methods.items():
            row = _row(name, problem, ratio, seconds, method) | {"problem": case}
            _print(row, row["code"])
            rows.append(row)
    return rows


def campaign(count: int, points: int) -> list[dict]:
    """Random problems; stops with an error at the first bound that does not hold."""
    rows = []
    for seed in range(count):
        problem, label = cases.random_case(1000 + seed)
        result = certify(problem, 1.1, seconds=10, boxes=20_000)
        sampled = cases.largest_sampled(result, points, seed)
        slack = result.rounding if np.isfinite(result.rounding) else 0.0
        accepted = None
        if result.boxes <= 300:
            with tempfile.TemporaryDirectory() as folder:
                result.certificate.save(Path(folder) / "c.json")
                accepted = check(Path(folder) / "c.json").accepted
        sound = sampled <= result.upper + slack and result.lower <= result.upper and accepted is not False
        rows.append({"case": label, "upper": result.upper, "lower": result.lower, "sampled": sampled,
                     "boxes": result.boxes, "accepted": accepted, "code": result.status.code})  # fmt: skip
        if not sound:
            raise SystemExit(f"NOT SOUND: {rows[-1]}")
    decided = sum(r["code"] == "proved" for r in rows)
    checked = sum(r["accepted"] is True for r in rows)
    print(f"{count} problems: all bounds hold over {points} points; {decided} proved within 10 %, {checked} "
          "certificates checked and accepted")  # fmt: skip
    return rows


def main() -> None:
    """Run what is asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--campaign", type=int, default=0, help="number of random problems")
    parser.add_argument("--points", type=int, default=1_000_000, help="sampled points per problem")
    parser.add_argument("--peer-seconds", type=float, default=5.0)
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    if options.campaign:
        report = {"campaign": campaign(options.campaign, options.points)}
    else:
        report = {"targets": targets(), "peers": peers(options.peer_seconds)}
    report["machine"] = {
        "processor": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    if options.out:
        options.out.write_text(json.dumps(report, indent=1, default=float))


if __name__ == "__main__":
    main()
