"""An audit is a chain of stages: any strategy fits in, no stage changes what another one was given, none comes twice."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import supnorm.auditing
from supnorm.auditing import Enumeration, Power, ScreenAndAscent, SurrogateSearch, audit
from supnorm.auditing.explore import explored, plan, probe, sample, search
from supnorm.auditing.find_worst import find_worst
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.run import Asked
from supnorm.auditing.strategy import Search, Strategy, Traits
from supnorm.auditing.table import CompareRows
from supnorm.evaluation import Evaluator
from supnorm.evaluation.limit import Limit
from supnorm.problem import Axis, Domain, Function, Problem, stream

Array = NDArray[np.float64]
SQUARE = Domain(x=(0.0, 1.0), y=(0.0, 1.0))


def hill(x: Array) -> Array:
    return np.asarray(np.exp(-8 * ((x - 0.3) ** 2).sum(axis=1)))


def hills() -> Problem:
    return Problem(hill, lambda x: 0 * x[:, 0], SQUARE)


@dataclass(frozen=True)
class Corners:
    """A strategy that no part of the audit knows: it looks at random points only."""

    name: str = "corners"

    @property
    def traits(self) -> Traits:
        return Traits(regime=self.name)

    def lean(self, calls: int) -> Strategy:
        return self

    def run(self, landscape: Landscape, search: Search, rng: np.random.Generator) -> Search:
        u = rng.random((landscape.remaining, landscape.d))
        search.look(u, landscape.look(u))
        return search


def test_an_audit_takes_a_strategy_that_it_does_not_know() -> None:
    report = audit(
        hills(), evaluations=2000, strategy=Corners(), power=Power(runs=2, volumes=(0.1,), sheets=())
    )
    assert report.document["regime"] == "corners"
    assert report.worst is not None
    assert report.worst.error == pytest.approx(1.0, abs=0.02)
    assert report.document["power"][0]["found"] >= 1


@pytest.mark.parametrize("strategy", [ScreenAndAscent(), SurrogateSearch(inner=1000), Corners()])
def test_searches_spend_their_budget_and_return_what_they_were_given(strategy: Strategy) -> None:
    evaluator, known = Evaluator(hills()), Search.empty(2)
    u = np.random.default_rng(1).random((20, 2))
    known.look(u, Landscape(evaluator, Limit(evaluations=20), "statistics").look(u))
    found = strategy.run(Landscape(evaluator, Limit(evaluations=60)), known, np.random.default_rng(0))
    assert found is known
    assert found.pool.seen > 20
    assert evaluator.spent("search") <= 60


def test_strategies_that_see_every_point_bring_the_statistics() -> None:
    listed = Problem(
        hill, lambda x: 0 * x[:, 0], Domain(a=Axis(values=[0.1, 0.3]), b=Axis(values=[0.3, 0.5]))
    )
    rows = Problem(hill, Function(table=_table()), SQUARE)
    for problem, strategy in ((listed, Enumeration()), (rows, CompareRows())):
        found = strategy.run(
            Landscape(Evaluator(problem), Limit(evaluations=10)), Search.empty(2), np.random.default_rng(0)
        )
        assert not strategy.traits.samples
        assert found.sample is not None
        assert found.sample.n == 4


def _table() -> tuple[Array, Array]:
    x = np.array([[0.1, 0.2], [0.3, 0.3], [0.5, 0.1], [0.9, 0.9]])
    return x, np.zeros((4, 1))


def test_stages_leave_what_they_were_given_as_it_was() -> None:
    evaluator = Evaluator(hills())
    asked = Asked(evaluator=evaluator, rng=np.random.default_rng(0), evaluations=500)
    first = plan(probe(asked))
    last = search(sample(first))
    assert (first.searched, last.searched) == (0, evaluator.total)
    assert first.strategy is last.strategy
    with pytest.raises(FrozenInstanceError):
        last.halted = "never"  # type: ignore[misc]


def test_the_verb_the_loop_and_the_benchmarks_take_the_same_stages() -> None:
    """The same seed leads to the same points, whoever asks for the search."""
    asked = Asked(evaluator=Evaluator(hills()), rng=stream(4), evaluations=700)
    search(sample(plan(probe(asked))))
    assert find_worst(hills(), evaluations=700, seed=4).witness == asked.evaluator.witness()
    evaluator, rng = Evaluator(hills()), stream(4)
    evaluator.probe(rng)
    explored(evaluator, ScreenAndAscent(), 700, rng)
    assert evaluator.witness() == asked.evaluator.witness()


def test_vanishing_derivatives_change_the_search_and_not_the_evaluator() -> None:
    def flat(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        return np.round(4 * x.sum(axis=1))[:, None], lambda w: 0 * x

    def zero(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        return np.zeros((len(x), 1)), lambda w: 0 * x

    model, reference = (Function(lambda x, f=f: f(x)[0], vjp=f) for f in (flat, zero))
    evaluator = Evaluator(Problem(model, reference, SQUARE))
    found = explored(evaluator, ScreenAndAscent(), 2000, np.random.default_rng(0))
    assert not found.informative
    assert evaluator.gradients == "both"
    assert audit(Problem(model, reference, SQUARE), evaluations=2000).document["gradients"] == "none"


def test_no_module_of_the_room_needs_itself() -> None:
    """Each can be read after those that it imports, also for types alone."""
    room = Path(supnorm.auditing.__file__).parent
    needs: dict[str, set[str]] = {}
    for path in room.glob("*.py"):
        names = needs.setdefault(path.stem, set())
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("supnorm.auditing"):
                parts = (node.module or "").split(".")
                names |= {parts[2]} if len(parts) > 2 else {alias.name for alias in node.names}
    known = {stem: names & set(needs) for stem, names in needs.items() if stem != "__init__"}
    assert len(list(TopologicalSorter(known).static_order())) == len(known)
