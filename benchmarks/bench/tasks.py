"""The bank: errors whose worst value is planted, proved or best known. Their makers stand in the other benchmarks."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from tests.problems import Instance

from benchmarks.certify import formulas, targets
from benchmarks.search import functions
from benchmarks.search.rows import ROWS, truth
from supnorm import Claim

VERSION = 1  # of the bank: results of another one are refused
ROOT = Path(__file__).parents[2]
CLAIMS = ROOT / "claims"
# The worst errors of formulas and networks, in brackets.
PROVED = ROOT / "benchmarks" / "results" / "certify.json"
SEEDS = (90_000, 90_001, 90_002)  # of planted errors: those of the table of docs/evidence/search.md
PLANTED = (
    "smooth bump, d=1, p=1e-04, gradients",
    "smooth bump, d=2, p=1e-04, gradients",
    "smooth bump, d=4, p=1e-04, gradients",
    "smooth bump, d=8, p=1e-04, gradients",
    "smooth bump, d=4, p=1e-04, black box",
    "smooth bump, d=8, p=1e-04, black box",
    "hat bump, d=4, p=1e-04, gradients",
    "hat bump, d=4, p=1e-04, black box",
    "kink, d=4",
    "jump, d=4",
    "pole at a corner, d=4",
    "sheet 1e-6, d=3",
)
PAIRS = ("random tanh nets, d=8", "random relu nets, d=12")
NETWORKS = (*(row[:6] for row in targets.COMPARED), ("3-D 2x32 tanh, 1e-2", 3, 32, 2, "tanh", 1e-2),
            ("4-D 2x32 tanh, 1e-2", 4, 32, 2, "tanh", 1e-2))  # fmt: skip
LEDGER = (  # claims that need no package beside the core's
    "acos-fast", "atan-eberly", "atan-rational", "erf-hastings-3", "erf-hastings-5", "exp-float32", "gelu-tanh",
    "normal-quantile", "scipy-aaa", "sine-3angle-3", "sine-3angle-5", "sine-3angle-7", "sine-3angle-9",
    "sine-bhaskara", "sine-parabola", "vapour-pressure-bolton",
)  # fmt: skip
CHEAP = 2000  # evaluations of a formula, a network or a claim
GKLS = 10  # functions of the generator


@dataclass(frozen=True)
class Task:
    """One error, its budget, and what is known of its worst value.

    Attributes:
        make: the problem, with the worst error in ``sup``; where it is not ``known`` exactly, a larger one that a tool
            sees takes its part. At a pole ``sup`` is the error that counts as found.
        evaluations: of the error; a value with its gradient counts 3.
        package: what must be installed for it.
    """

    name: str
    group: str
    evaluations: int
    make: Callable[[], Instance]
    package: str = "numpy"

    @property
    def installed(self) -> bool:
        """Whether its package can be imported."""
        return importlib.util.find_spec(self.package) is not None


def bank() -> Iterator[Task]:
    """Every task, group after group."""
    rows = {row.name: row for row in ROWS}
    for group, names in (("planted", PLANTED), ("networks", PAIRS)):
        for name in names:
            row = rows[name]
            for seed in SEEDS:
                yield Task(f"{name}, seed {seed}", group, row.evaluations, partial(_planted, name, seed))
    for name, *shape in NETWORKS:
        yield Task(f"network {name}", "networks", CHEAP, partial(_network, name, *shape), "jax")
    for name in formulas.ROWS:
        yield Task(f"formula {name}", "formulas", CHEAP, partial(_formula, name), "jax")
    for name in LEDGER:
        yield Task(f"claim {name}", "ledger", CHEAP, partial(_claim, name), "jax")
    for d in (2, 5, 10):
        for number in range(1, 25):
            make = partial(_other, "BBOB", d, f"f{number}-1")
            yield Task(f"BBOB f{number}, d={d}", f"BBOB, d={d}", functions.EACH * d, make, "ioh")
    for number in range(1, GKLS + 1):
        make = partial(_other, "GKLS", 4, str(number))
        yield Task(f"GKLS {number}, d=4", "GKLS, d=4", functions.EACH * 4, make, "gkls")


def _planted(name: str, seed: int) -> Instance:
    instance = next(row for row in ROWS if row.name == name).make(seed)
    worst, known = truth(instance)
    return Instance(name, instance.problem, worst, known=known)


def _network(name: str, d: int, width: int, depth: int, activation: str, size: float) -> Instance:
    return Instance(name, targets.shifted(d, width, depth, activation, size), _proved(name), known=False)


def _formula(name: str) -> Instance:
    return Instance(name, formulas.problem(name), _proved(name), known=False)


def _proved(name: str) -> float:
    """The largest error that a proof of this row saw: the worst one is at most a tenth larger."""
    rows = json.loads(PROVED.read_text("utf-8"))
    seen = [
        row["lower"]
        for part in ("formulas", "peers", "targets")
        for key, row in rows[part].items()
        if key.startswith((f"{name} | ", f"{name}, ratio"))
    ]
    return float(max(seen))


def _claim(name: str) -> Instance:
    claim = Claim.open(CLAIMS / name / "claim.toml")
    if claim.problem is None:
        raise ModuleNotFoundError(f"the claim {name} needs {', '.join(claim.words.needs)}")
    if name == "scipy-aaa":  # its poles lie between its nodes; where, depends on rounding
        return Instance(name, claim.problem, float(claim.problem.error.limit))
    return Instance(name, claim.problem, float(claim.words.known.worst[0]), known=False)


@cache
def _others(family: str, d: int) -> dict[str, Instance]:
    return {name: Instance(name, problem, 1.0) for name, _, problem in functions.problems(family, d)}


def _other(family: str, d: int, name: str) -> Instance:
    return _others(family, d)[name]
