"""Random mixtures of one to three traps, in model and reference, of the grammar of `fifth_code` and `fifth_graphs`.

Each trap stands in the model or in the reference; an eighth of the problems has none that does harm. Both are called as in
`fourth`; the judge is `traps`. Each tenth proved bound goes to the checker, too.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.soundness import fifth_code, fifth_graphs, fourth, traps

SOURCES = {"numpy": 0.4, "jax": 0.2, "torch": 0.18, "pt2": 0.06, "onnx": 0.16}
COUNTS = (0.4, 0.4, 0.2)  # of one, two and three traps
HONEST, REFERENCE, ALWAYS = 0.12, 0.4, 0.5  # the shares: without harm, in the reference, without a gate
SINGLE = 0.35  # of the graphs
READABLE = 0.75  # of what is hidden, which readers read; so that time and place are what hides it


class Mixed(fourth.Drawn):
    """What a number of a seed draws: source, traps with their side and place, sizes."""

    def __init__(self, number: int, seed: int) -> None:
        self.rng = rng = np.random.default_rng([seed, number, 5])
        self.source = str(rng.choice([*SOURCES], p=[*SOURCES.values()]))
        self.d = int(rng.integers(1, 4))
        self.h, self.w = 10.0 ** rng.uniform(-6, -1), 10.0 ** rng.uniform(-8, -2)
        self.digits = max(1, round(-np.log10(self.h)))
        self.honest = bool(rng.random() < HONEST)
        count = int(rng.choice(3, p=COUNTS)) + 1
        self.centres, self.places = rng.uniform(0.1, 0.9, count).round(4).tolist(), []
        self.c = self.centres[0]
        self.sides = [bool(rng.random() < REFERENCE) for _ in range(count)]  # whether it is in the reference
        self.parts = [self._part() for _ in range(count)]
        self.traps = ["/".join(part) for part in self.parts]
        keys = [
            [self._key(k, side) for name in part if (k := fifth_code.ASSUMED.get(name))]
            for part, side in zip(self.parts, self.sides, strict=True)
        ]
        self.covered = ["" if not found else found[0] for found in keys]
        self.more = tuple(k for found in keys for k in found)
        self.goal: dict[str, Any] = (
            {"tolerance": self.h * 10.0 ** rng.uniform(-1.5, 0.5)} if rng.random() < 0.75 else {"ratio": 1.2}
        )
        self.single = self.source == "onnx" and bool(rng.random() < SINGLE)

    def _part(self) -> tuple[str, str, str]:
        """Names of what is hidden, when, and where."""
        if self.source == "onnx":
            return fifth_graphs.drawn(self.rng, self.honest)
        kind = {"pt2": "torch"}.get(self.source, self.source)

        def one(names: list[str]) -> str:
            return names[int(self.rng.integers(len(names)))]

        hidden, places = ([*table[kind]] for table in (fifth_code.HIDDEN, fifth_code.PLACES))
        if self.honest:
            hidden, places = ([n for n in names if n.startswith("honest")] for names in (hidden, places))
            return one(hidden), "always", one(places)
        readable = self.rng.random() < READABLE
        hidden = [n for n in hidden if n.startswith("honest") == readable and n != "honest same"]
        time = "always" if self.rng.random() < ALWAYS else one([*fifth_code.TIMES[kind]])
        return one(hidden), time, one(places)

    def _key(self, key: str, side: bool) -> str:
        """The assumption that covers a trap of a side: a file has one of its own."""
        return "points of a graph" if self.source == "pt2" and not side and key == "number of points" else key

    @property
    def label(self) -> str:
        """Source, and names of traps."""
        sides = zip(self.traps, self.sides, strict=True)
        names = " and ".join(name + " (reference)" * side for name, side in sides)
        return f"{self.source}: {names}{' in float32' * self.single}"

    @property
    def assumed(self) -> tuple[str, ...]:
        """The assumptions that cover some of the traps."""
        return tuple(dict.fromkeys(self.more))

    def code(self, without: bool) -> str:
        """The file of model and reference; ``without`` the traps that are assumed away."""
        kind = {"pt2": "torch"}.get(self.source, self.source)
        written = [
            fifth_code.written(kind, part, k, place, without and bool(key))
            for k, (part, place, key) in enumerate(zip(self.parts, self.centres, self.covered, strict=True))
        ]
        outside = "\n".join(head for head, _ in written)
        lines = [
            (line, side)
            for (_, text), side in zip(written, self.sides, strict=True)
            for line in text.split("\n")
        ]
        model, reference = ([line for line, side in lines if side == of] for of in (False, True))
        return self._file(outside, model, False, reference)

    def graph(self, without: bool) -> tuple[Any, Any]:
        """The graphs of model and reference; no trap of a graph is assumed away."""
        sizes = {"H": self.h, "W": self.w}
        return fifth_graphs.graph_of(
            self.parts, self.centres, self.sides, self.rng, self.d, sizes, self.single
        )


draw = partial(fourth.draw, made=Mixed)


def campaign(seed: int, count: int, keep: str | None = None, first: int = 0) -> list[traps.Found]:
    """``count`` problems; see `traps.campaign`."""
    return traps.campaign(draw, seed, count, keep, first, fourth.CHECKED)
