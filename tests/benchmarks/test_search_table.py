"""The table beside the peers: counts, intervals and who found what, of made-up runs whose answer is known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from benchmarks.search import table
from benchmarks.search.objective import Exhausted, Objective
from benchmarks.search.ours import supnorm
from benchmarks.search.peers import PEERS, scipy_lbfgsb, screen_and_climb
from benchmarks.search.process import plain_process
from benchmarks.search.rows import PUBLISHED, ROWS
from benchmarks.search.said import said_functions
from tests.problems import planted_bump


def entry(ours: list[float], peer: list[float], expensive: bool = False) -> dict:
    def runs(values: list[float]) -> dict:
        return {
            str(i): {"best": v, "seconds": 0.5, "evaluations": 100, "model": 100 + i}
            for i, v in enumerate(values)
        }

    return {
        "evaluations": 100, "target": None, "share": 0.99, "expensive": expensive,
        "truth": {str(i): [1.0, True] for i in range(len(ours))},
        "runs": {"supnorm": runs(ours), "other": runs(peer)},
    }  # fmt: skip


def test_counts_intervals_and_pairs() -> None:
    methods, said = table.summary(entry([1.0] * 9 + [0.2], [1.0] * 8 + [0.1, 1.0]))
    assert (methods["supnorm"]["found"], methods["other"]["found"]) == (9, 9)
    assert (methods["other"]["only"], methods["other"]["missed"]) == (1, 1)
    low, high = methods["supnorm"]["interval"]
    assert (round(low, 3), round(high, 4)) == (0.555, 0.9975)  # Clopper and Pearson for 9 of 10
    assert said == "no peer better"
    ahead = entry([1.0, 0.5, 1.0], [1.0, 1.0, 1.0])
    assert table.summary(ahead)[1] == "more found by other (3 of 3, supnorm 2)"
    (line,) = table.better({"row": ahead}, ["row"])
    assert line == "* row: supnorm 2 of 3, other 3 (1 that supnorm missed, 0 the other way round)"
    assert [*table.better({"row": entry([1.0], [1.0])}, ["row"])] == ["In no row did a peer find more."]


def test_every_cell_has_its_interval_and_dear_rows_have_no_clock() -> None:
    saved = {"cheap": entry([1.0] * 10, [0.0] * 10), "dear": entry([1.0] * 3, [0.0] * 3, True)}
    cheap = [*table.markdown(saved, ["cheap", "dear"], ["other"])]
    assert cheap[2:] == ["| cheap (100) | 10/10 (69–100 %) 0.5 s | 0/10 (0–31 %) 0.5 s |"]
    dear = [*table.expensive(saved, ["cheap", "dear"], ["other"])]
    assert dear[0] == "| method | dear (100) |"
    assert dear[2:] == [
        "| supnorm | 3/3 (29–100 %); model 100 to 102 |",
        "| other | 0/3 (0–71 %); model 100 to 102 |",
    ]


def test_ours_is_measured_again_on_the_same_instances_alone(tmp_path) -> None:
    path = tmp_path / "search.json"
    table.save(path, "row", entry([0.5, 1.0], [1.0, 1.0]))
    again = entry([1.0, 1.0], [])
    again["runs"].pop("other")
    assert table.same_truth(path, "row", again)
    saved = table.save(path, "row", again)
    assert [run["best"] for run in saved["runs"]["supnorm"].values()] == [1.0, 1.0]
    assert [run["best"] for run in saved["runs"]["other"].values()] == [1.0, 1.0]
    again["truth"]["1"] = [1.001, True]
    assert not table.same_truth(path, "row", again)


def test_an_instance_is_added_once_and_kept(tmp_path) -> None:
    path = tmp_path / "search.json"
    first = entry([1.0], [0.5])
    assert not table.has(path, "row", 0)
    table.save(path, "row", first)
    second = entry([1.0, 0.5], [0.5, 1.0])
    for part in (second["truth"], *second["runs"].values()):
        del part["0"]
    joined = table.save(path, "row", second)
    assert table.has(path, "row", 1)
    assert sorted(joined["runs"]["other"]) == ["0", "1"]
    assert json.loads(path.read_text())["rows"]["row"] == joined


def test_the_rows_of_the_table_exist_and_none_is_named_twice() -> None:
    names = [row.name for row in ROWS]
    assert set(PUBLISHED) <= set(names)
    assert len(names) == len(set(names))
    assert {"plain GP", "Sobol + ascent", "Sobol + L-BFGS-B"} <= {peer.name for peer in PEERS}


@pytest.mark.filterwarnings("ignore:The balance")  # any number of Sobol points will do here
@pytest.mark.parametrize("peer", [screen_and_climb, scipy_lbfgsb])
def test_plain_peers_find_an_easy_bump_and_keep_to_their_evaluations(peer) -> None:
    objective = Objective(planted_bump(3, 1e-2, 0).problem, 3000)
    with pytest.raises(Exhausted):
        peer(objective, 0)
    assert objective.best > 0.99
    assert objective.spent <= 3000


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the peer, as in the benchmark
def test_a_plain_process_may_call_the_model_and_counts_it() -> None:
    objective = Objective(planted_bump(2, 1e-2, 0).problem, 36)
    with pytest.raises(Exhausted):
        plain_process(objective, 0)
    assert objective.best > 0.9  # the error is in the model, which it may call
    assert objective.spent == 36
    assert objective.free > 1000


def test_our_calls_of_the_model_are_counted_whatever_for() -> None:
    worst, spent, model, _ = supnorm(planted_bump(2, 1e-2, 0).problem, 2000, 0)
    assert worst > 0.99
    assert spent == 2000
    assert 0 < model <= 2000


def test_the_same_bump_in_the_reference_is_as_high() -> None:
    model, reference = (
        next(r for r in ROWS if f"error in the {side}, d=2, p=1e-04" in r.name).make(7).problem
        for side in ("model", "reference")
    )
    x = model.domain.from_unit(np.random.default_rng(0).random((50, 2)))
    here = [p.error(p.model(x), p.reference(x), x)[0] for p in (model, reference)]
    np.testing.assert_array_equal(*here)
    assert math.isfinite(here[0].max())
    np.testing.assert_array_equal(model.model(x), reference.reference(x))


def test_rows_in_which_another_method_solved_more_functions_are_named() -> None:
    near, far = {"left": 1e-9, "seconds": 1.0}, {"left": 1.0, "seconds": 1.0}
    runs = {"supnorm": {"1": near, "2": far}, "cma": {"1": near, "2": near}, "DIRECT": {"1": far, "2": near}}
    content = {
        "rows": {"BBOB-2": {"evaluations": 4000, "runs": runs}},
        "machine": {"packages": {}},
    }
    lines = said_functions(content)["better"].strip().splitlines()
    assert lines == [f"* BBOB, d=2, to {level}: supnorm 1, cma 2" for level in ("1e-02", "1e-06")]
