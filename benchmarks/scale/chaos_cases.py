"""The runs that the chaos test disturbs: small problems, each verb on this process, on worker processes and on Dask."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from supnorm.evaluation.shared_map import CALL

WORKERS = 2
# The reference logs each call when its value is there, so that the log knows what was computed. It finds the log beside
# itself: workers of a scheduler have no environment of ours.
CODE = """
import os, time
import numpy as np
import jax.numpy as jnp
def model(x): return np.exp(x[:, 0]) * x[:, 1] + 0.3 * np.exp(-((x[:, 0] - 0.3) / 0.2) ** 2)
def truth(a, b):
    time.sleep(SLEEP)
    value = float(np.exp(a) * b)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "calls.txt")
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.write(file, f"{a!r} {b!r}\\n".encode())
    os.close(file)
    return value
def hard(x): return jnp.sin(9 * x[:, 0] * x[:, 1]) * jnp.exp(x[:, 1]) + jnp.cos(7 * x[:, 1] * x[:, 0])
def near(x): return hard(x) + 9e-5 * jnp.sin(40 * x[:, 0] + 30 * x[:, 1]) * jnp.cos(35 * x[:, 1] * x[:, 0])
"""
PROBLEM = """
[model]
{model}
[reference]
python = "functions.py:truth"
per_point = true
[error]
tolerance = 0.1
[domain]
a = {{ low = 0.0, high = 1.0 }}
b = {{ low = 0.5, high = 2.0 }}
"""
FORMULAS = """
[model]
python = "functions.py:near"
[reference]
python = "functions.py:hard"
[domain]
a = { low = 0.0, high = 1.0 }
b = { low = 0.0, high = 1.0 }
"""


@dataclass(frozen=True)
class Case:
    """A run of a verb.

    Attributes:
        verb: with its options.
        by: what computes: "serial", "processes" or "dask".
        answer: the file that says what came out.
        sleep: seconds of a call of the reference.
        rows: of a call.
        held: boxes of a proof in memory; more are in a file. None: as many as for users, more than these proofs have.
    """

    verb: tuple[str, ...]
    by: str
    answer: str
    sleep: float = 0.005
    rows: int = 2
    held: int | None = None

    @property
    def flying(self) -> int:
        """Calls that may be under way at a moment: of each worker a message, and one that waits; short calls share one."""
        shared = 1 if self.by == "serial" else 2 * WORKERS
        return shared * max(self.rows, 0 if self.by == "serial" else math.ceil(CALL / self.sleep))

    @property
    def name(self) -> str:
        """The verb and what computes."""
        return f"{self.verb[0]} {self.by}" + ("" if self.held is None else ", boxes in a file")

    @property
    def proof(self) -> bool:
        """Whether boxes are shared and not calls."""
        return self.verb[0] == "certify"


_AUDIT = ("audit", "problem.toml", "--evaluations", "100", "--no-power", "--seed", "3", "--cost")
_ROUNDS = (*_AUDIT, "expensive:2:in-rounds")
_EACH = (*_AUDIT, "expensive:1:one-by-one:2")
_FIT = (
    "fit",
    "problem.toml",
    "--method",
    "polynomial",
    "--max-evaluations",
    "100",
    "--seed",
    "3",
    "--cost",
    "expensive:2:in-rounds",
)
_BUDGET = ("budget", "problem.toml", "--calls", "500", "--seed", "3", "--cost", "0.002")
_REPAIR = (
    "repair",
    "network.toml",
    "--method",
    "patch",
    "--evaluations",
    "500",
    "--seed",
    "3",
    "--cost",
    "expensive:2:in-rounds",
)
_CERTIFY = ("certify", "formulas.toml", "--tolerance", "9.5e-5", "--seed", "3")
_MORE_BOXES = ("certify", "formulas.toml", "--tolerance", "9.0001e-5", "--seed", "3")
CASES = tuple(
    Case(verb, by, answer, sleep, rows, held)
    for verb, answer, sleep, rows, held in (
        (_ROUNDS, "result.json", 0.005, 2, None),
        (_EACH, "result.json", 0.005, 1, None),
        (_FIT, "fit.json", 0.005, 2, None),
        (_BUDGET, "budget.json", 0.002, 64, None),
        (_REPAIR, "repair.json", 0.005, 2, None),
        (_CERTIFY, "certify.json", 0.1, 0, None),
        (_MORE_BOXES, "certify.json", 0.1, 0, 64),
    )
    for by in ("serial", "processes", "dask")
)  # fmt: skip


def write_problem(folder: Path, case: Case) -> None:
    """The problem's files in a new folder."""
    folder.mkdir(parents=True)
    (folder / "functions.py").write_text(CODE.replace("SLEEP", repr(case.sleep)), encoding="utf-8")
    (folder / "problem.toml").write_text(
        PROBLEM.format(model='python = "functions.py:model"'), encoding="utf-8"
    )
    (folder / "formulas.toml").write_text(FORMULAS, encoding="utf-8")
    if case.verb[0] == "repair":
        _write_network(folder)
    (folder / "calls.txt").touch()


def _write_network(folder: Path) -> None:
    """A network that was trained without the middle of the domain."""
    import numpy as np

    from supnorm.evaluation.limit import Limit
    from supnorm.networks import Network, Scaling, save
    from supnorm.training import optimise

    rng = np.random.default_rng(1)
    x = rng.uniform([0.0, 0.5], [1.0, 2.0], (200, 2))
    x = x[np.abs(x[:, 0] - 0.5) > 0.2]
    y = np.exp(x[:, :1]) * x[:, 1:]
    start = Network.init(np.random.default_rng(0), 2, 1, 6, 2, scaling=Scaling.of_data(x, y))
    save(optimise(start, x, y[:, 0], limit=Limit(evaluations=20)).network, folder / "network.npz")
    (folder / "network.toml").write_text(PROBLEM.format(model='file = "network.npz"'), encoding="utf-8")


def called(folder: Path) -> Counter[str]:
    """How often the reference gave a value at each point."""
    return Counter((folder / "calls.txt").read_text(encoding="utf-8").splitlines())


def stored(folder: Path) -> tuple[set[str], bool, int]:
    """The points whose value of the reference is stored, as the log writes them, whether a call has been timed, and in
    how many stores they are.

    Raises:
        AssertionError: when a store is damaged.
    """
    import numpy as np

    points: set[str] = set()
    timed, stores = False, 0
    for path in folder.rglob("*.sqlite"):
        connection = sqlite3.connect(path)
        try:
            if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise AssertionError(f"{path} is damaged")
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name='batches'").fetchone() is None:
                continue  # killed while it was made
            key = ("seconds a point, reference",)
            timed |= connection.execute("SELECT 1 FROM about WHERE key=?", key).fetchone() is not None
            rows = connection.execute("SELECT n, x FROM batches WHERE side='reference'").fetchall()
        finally:
            connection.close()
        stores += bool(rows)
        for n, x in rows:
            points |= {" ".join(map(repr, map(float, row))) for row in np.frombuffer(x).reshape(n, -1)}
    return points, timed, stores
