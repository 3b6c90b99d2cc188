"""The tools that this project runs itself: supnorm's search and proof, the optimisers and the enclosures beside them."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.bench.tool import Answer, Cannot, Tool, View
from benchmarks.certify.peers import Enclosure
from benchmarks.certify.targets import measured
from benchmarks.search import table
from benchmarks.search.ours import searched
from benchmarks.search.peers import PEERS, Peer, quietly
from supnorm.results import BadInput

RATIO = 1.1  # bound over witness at which a proof ends
PROOF = "supnorm certify"


@dataclass(frozen=True)
class Search:
    """supnorm's search, on the path of an audit; all of it with the defaults."""

    name: str = table.OURS

    @property
    def version(self) -> str:
        """Of supnorm."""
        return importlib.metadata.version("supnorm")

    def find_worst(self, task: View, budget: int, seed: int) -> Answer:
        """The point of the witness; the search calls the model itself."""
        top = searched(task.problem, budget, seed).top
        return Answer() if top is None else Answer(top.x)


@dataclass(frozen=True)
class Optimiser:
    """A peer of ``benchmarks.search``."""

    peer: Peer

    @property
    def name(self) -> str:
        """As in the tables of the search."""
        return self.peer.name

    @property
    def version(self) -> str:
        """Of its package."""
        return f"{self.peer.package} {importlib.metadata.version(self.peer.package)}"

    def find_worst(self, task: View, budget: int, seed: int) -> None:
        """What it evaluates counts."""
        if self.peer.derivatives and not task.differentiable:
            raise Cannot("needs gradients")
        quietly(self.peer, task, seed)


@dataclass(frozen=True)
class Proof:
    """supnorm's branch and bound: with its own rules, or with the enclosures of others in their place."""

    name: str = PROOF
    strategy: Callable[[], Any] = lambda: None

    @property
    def version(self) -> str:
        """Of supnorm."""
        return importlib.metadata.version("supnorm")

    def find_worst(self, task: View, budget: int, seed: int) -> Answer:
        """A bound within `RATIO` of the witness, or the best one within the seconds."""
        try:
            found = measured(task.code, RATIO, task.seconds, self.strategy())
        except (BadInput, ValueError, KeyError, NotImplementedError) as error:
            raise Cannot(str(error).splitlines()[0][:120]) from error
        if not found["upper"] < np.inf:
            raise Cannot("no finite bound")
        return Answer(upper=found["upper"])


def own() -> list[Tool]:
    """All of them, whose packages are installed."""
    optimisers = [Optimiser(peer) for peer in PEERS if peer.installed and not peer.few]
    return [
        Search(),
        *optimisers,
        Proof(),
        Proof("interval Hessian", lambda: Enclosure(2)),
        Proof("mean value", lambda: Enclosure(1)),
        Proof("interval arithmetic", lambda: Enclosure(0)),
    ]
