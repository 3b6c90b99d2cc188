"""Explicit friction formulas against Colebrook's equation as `sn.root`, and a fit of ours against Kepler's.

The formulas are those of reviews of pipe friction (Moody 1947 to Papaevangelou 2010): Darcy's factor from the Reynolds
number and the relative roughness, on the range of Moody's diagram, Re from 4e3 to 1e8, roughness from 1e-6 to 0.05, both
logarithmic, with relative errors. Serghides' has a quotient of 0 by 0 where Re and the roughness are large.

    python -m benchmarks.certify.friction      trains the network for Kepler's equation again
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import supnorm as sn
from supnorm.checker import check
from supnorm.networks.storage import load, save

PIPES = sn.Domain(Re=sn.Axis(4e3, 1e8, scale="log"), roughness=sn.Axis(1e-6, 0.05, scale="log"))
RATIO = 1.05
ORBITS = sn.Domain(M=(0.0, np.pi), e=(0.0, 0.9))
ORBIT = Path(__file__).parents[1] / "results" / "kepler.npz"
BOXES = 20_000  # of each part; boxes, so that the table does not depend on the load of the machine


def colebrook(x: Any, f: Any) -> Any:
    """Zero where f is Colebrook's friction factor."""
    root = np.sqrt(f)
    return 1.0 / root + 2.0 * np.log10(x[:, 1] / 3.7 + 2.51 / (x[:, 0] * root))


def moody(re: Any, k: Any) -> Any:
    return 0.0055 * (1.0 + (2e4 * k + 1e6 / re) ** (1.0 / 3.0))


def altshul(re: Any, k: Any) -> Any:
    return 0.11 * (68.0 / re + k) ** 0.25


def wood(re: Any, k: Any) -> Any:
    power = 1.62 * k**0.134
    return 0.094 * k**0.225 + 0.53 * k + 88.0 * k**0.44 * np.exp(-power * np.log(re))


def churchill_1973(re: Any, k: Any) -> Any:
    return (-2.0 * np.log10(k / 3.71 + (7.0 / re) ** 0.9)) ** -2.0


def eck(re: Any, k: Any) -> Any:
    return (-2.0 * np.log10(k / 3.715 + 15.0 / re)) ** -2.0


def jain(re: Any, k: Any) -> Any:
    return (1.14 - 2.0 * np.log10(k + 21.25 / re**0.9)) ** -2.0


def swamee_jain(re: Any, k: Any) -> Any:
    return (-2.0 * np.log10(k / 3.7 + 5.74 / re**0.9)) ** -2.0


def churchill_1977(re: Any, k: Any) -> Any:
    a = (2.457 * -np.log((7.0 / re) ** 0.9 + 0.27 * k)) ** 16.0
    b = (37530.0 / re) ** 16.0
    return 8.0 * ((8.0 / re) ** 12.0 + (a + b) ** -1.5) ** (1.0 / 12.0)


def chen(re: Any, k: Any) -> Any:
    inner = np.log10(k**1.1098 / 2.8257 + 5.8506 / re**0.8981)
    return (-2.0 * np.log10(k / 3.7065 - 5.0452 / re * inner)) ** -2.0


def round_1980(re: Any, k: Any) -> Any:
    return (-1.8 * np.log10(0.27 * k + 6.5 / re)) ** -2.0


def shacham(re: Any, k: Any) -> Any:
    return (-2.0 * np.log10(k / 3.7 - 5.02 / re * np.log10(k / 3.7 + 14.5 / re))) ** -2.0


def barr(re: Any, k: Any) -> Any:
    return (
        -2.0 * np.log10(k / 3.7 + 4.518 * np.log10(re / 7.0) / (re * (1.0 + re**0.52 / 29.0 * k**0.7)))
    ) ** -2.0


def zigrang_sylvester(re: Any, k: Any) -> Any:
    inner = np.log10(k / 3.7 - 5.02 / re * np.log10(k / 3.7 + 13.0 / re))
    return (-2.0 * np.log10(k / 3.7 - 5.02 / re * inner)) ** -2.0


def haaland(re: Any, k: Any) -> Any:
    return (-1.8 * np.log10((k / 3.7) ** 1.11 + 6.9 / re)) ** -2.0


def serghides(re: Any, k: Any) -> Any:
    a = -2.0 * np.log10(k / 3.7 + 12.0 / re)
    b = -2.0 * np.log10(k / 3.7 + 2.51 * a / re)
    c = -2.0 * np.log10(k / 3.7 + 2.51 * b / re)
    return (a - (b - a) ** 2.0 / (c - 2.0 * b + a)) ** -2.0


def manadilli(re: Any, k: Any) -> Any:
    return (-2.0 * np.log10(k / 3.7 + 95.0 / re**0.983 - 96.82 / re)) ** -2.0


def romeo(re: Any, k: Any) -> Any:
    inner = np.log10((k / 7.7918) ** 0.9924 + (5.3326 / (208.815 + re)) ** 0.9345)
    middle = np.log10(k / 3.827 - 4.567 / re * inner)
    return (-2.0 * np.log10(k / 3.7065 - 5.0272 / re * middle)) ** -2.0


def sonnad_goudar(re: Any, k: Any) -> Any:
    s = 0.124 * k * re + np.log(0.4587 * re)
    return (0.8686 * (np.log(0.4587 * re) - s / (s + 1.0) * np.log(s))) ** -2.0


def papaevangelou(re: Any, k: Any) -> Any:
    top = 0.2479 - 0.0000947 * (7.0 - np.log10(re)) ** 4.0
    return top / np.log10(k / 3.615 + 7.366 / re**0.9142) ** 2.0


FORMULAS: dict[str, Callable[[Any, Any], Any]] = {
    "Moody 1947": moody, "Altshul 1952": altshul, "Wood 1966": wood, "Churchill 1973": churchill_1973, "Eck 1973": eck,
    "Jain 1976": jain, "Swamee-Jain 1976": swamee_jain, "Churchill 1977": churchill_1977, "Chen 1979": chen,
    "Round 1980": round_1980, "Shacham 1980": shacham, "Barr 1981": barr, "Zigrang-Sylvester 1982": zigrang_sylvester,
    "Haaland 1983": haaland, "Serghides 1984": serghides, "Manadilli 1997": manadilli, "Romeo 2002": romeo,
    "Sonnad-Goudar 2006": sonnad_goudar, "Papaevangelou 2010": papaevangelou,
}  # fmt: skip


def pipe(name: str) -> sn.Problem:
    """A friction formula against Colebrook's equation."""
    formula = FORMULAS[name]
    reference = sn.root(colebrook, 0.02, between=(0.004, 0.2), name="Colebrook")
    error = sn.ErrorMeasure("relative", floor=0.0)
    return sn.Problem(lambda x: formula(x[:, 0], x[:, 1]), reference, PIPES, error=error)


def kepler(x: Any, y: Any) -> Any:
    """Zero where y is the eccentric anomaly of the mean anomaly and the eccentricity."""
    return y - x[:, 1] * np.sin(y) - x[:, 0]


def orbit() -> sn.Problem:
    """A network fitted to the solution of Kepler's equation, with eccentricities up to 0.9.

    It is stored: a fit that ended after 120 seconds of a clock gave errors from 5e-7 to 3e-4, and so 1,240 to 2,590 leaves.
    """
    reference = sn.root(kepler, between=(-0.5, 4.0), name="Kepler")
    return sn.Problem(load(ORBIT), reference, ORBITS)


def train() -> None:
    """Fit the network of `orbit` and store it; the work ends after a number of iterations."""
    reference = sn.root(kepler, between=(-0.5, 4.0), name="Kepler")
    fitted = sn.fit(sn.Problem(None, reference, ORBITS), method=sn.NetworkFit((24,)), seed=0)
    save(fitted.winner.approximation.model, ORBIT)


ROWS: dict[str, Callable[[], sn.Problem]] = {
    **{name: (lambda name=name: pipe(name)) for name in FORMULAS},  # type: ignore[misc]
    "Kepler, network 2x24, e <= .9": orbit,
}


def measured(problem: sn.Problem, limit: float, ratio: float = RATIO) -> dict[str, Any]:
    """One proof in processor seconds of one thread, and what the checker says if it needs at most ``limit`` seconds."""
    start = time.process_time()
    result = sn.certify(problem, ratio, boxes=BOXES)
    used = time.process_time() - start
    row = {
        "asked": ratio, "ratio": result.ratio, "lower": result.lower, "upper": result.upper, "boxes": result.boxes,
        "code": result.status.code, "seconds": used, "evaluated": None, "checked": "", "words": result.status.advice,
    }  # fmt: skip
    if result.witness is not None:  # what the root as it runs says at the witness
        row["evaluated"] = result.witness.error
    if result.status.code == "proved" and limit > 0.0:
        with tempfile.TemporaryDirectory() as folder:
            result.certificate.save(Path(folder) / "c.json")
            start = time.process_time()
            verdict = check(Path(folder) / "c.json", limit=limit)
            row["checked"] = "accepted" if verdict.accepted else verdict.reason
            row["check_seconds"] = time.process_time() - start
    return row


if __name__ == "__main__":
    train()
