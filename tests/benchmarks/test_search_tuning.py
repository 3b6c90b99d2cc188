"""Settings of the peers: how they are chosen, that the stored ones are the best, and on which instances they were tried."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.search import functions, scipy_functions, settings, table, tunable, tuning, tuning_said
from benchmarks.search.functions import LEVELS, NAMES
from benchmarks.search.objective import Exhausted, Objective
from benchmarks.search.peers import PEERS, quietly
from benchmarks.search.plain import Plain
from benchmarks.search.settings import CANDIDATES, with_settings
from benchmarks.search.tunable import TUNABLE

from supnorm.problem import Domain, Problem
from supnorm.results import BadInput

STORED = json.loads(settings.RESULTS.read_text("utf-8"))["rows"]
ENTRIES = [(row, name, entry) for row, held in STORED.items() for name, entry in held["peers"].items()]
OF = {peer.name: peer for peer in PEERS}


def waves(d: int = 2) -> Problem:
    """Several peaks; the highest is 1, at (0.3, 0.3, ...)."""

    def above(row: list[float]) -> float:
        v = np.array(row) - 0.3
        return float(np.sum(v * v + 0.1 * (1 - np.cos(20 * v))))

    return functions._as_problem(above, 0.0, (-1.0, 2.0), d)


def test_every_row_and_peer_has_its_settings() -> None:
    """Rows of SciPy's functions all or none: without a checkout they are left out."""
    others = {row for row in tuning.ROWS if not row.startswith("SciPy")}
    assert set(STORED) in ({*tuning.ROWS}, others)
    assert all(set(held["peers"]) == set(NAMES) for held in STORED.values())
    for row in scipy_functions.ROWS if set(STORED) != others else ():
        assert isinstance(settings.chosen(f"SciPy {row}", "DIRECT"), dict)


@pytest.mark.parametrize(
    ("row", "name", "entry"), ENTRIES, ids=[f"{row}, {name}" for row, name, _ in ENTRIES]
)
def test_the_chosen_settings_are_the_best_of_their_scores(row: str, name: str, entry: dict[str, Any]) -> None:
    tried, n = entry["candidates"], len(STORED[row]["first"])
    finalists = [t for t in tried if "all" in t]
    assert "all" in tried[0]  # the library's
    if row.startswith("SciPy"):
        assert [t["settings"] for t in tried] == tuning.of_others({"rows": STORED}, name)
        assert finalists == tried
        assert all(t["all"] == t["first"] for t in tried)
    else:
        assert [t["settings"] for t in tried] == [*CANDIDATES[name]]
        assert tuning.FINALISTS <= len(finalists) <= tuning.FINALISTS + 1
    others = [t for t in tried[1:] if "all" not in t]
    third = sorted((tuning.score(t["first"], n) for t in tried), reverse=True)[tuning.FINALISTS - 1]
    assert all(tuning.score(t["first"], n) <= third for t in others)
    top = max(sum(t["all"]) for t in finalists)
    assert sum(next(t for t in finalists if t["settings"] == entry["chosen"])["all"]) == top
    runs = n + len(STORED[row]["rest"])
    assert all(0 <= high <= low <= runs for low, high in (t["all"] for t in finalists))
    assert settings.chosen(row, name) == entry["chosen"]


def test_no_tuning_instance_is_published() -> None:
    for row, held in STORED.items():
        tried = {*held["first"], *held["rest"]}
        assert len(tried) == len(held["first"]) + len(held["rest"])
        family, of = row.split(" ", 1)
        if family == "SciPy":
            runs = json.loads(scipy_functions.RESULTS.read_text("utf-8"))["runs"]
            published = {
                f"{key.split(' | ')[1]}-{instance}"
                for key, instances in runs.items()
                if key.startswith(f"{of} | ")
                for instance in (*instances, *scipy_functions.INSTANCES)
            }
        else:
            runs = json.loads(functions.RESULTS.read_text("utf-8"))["rows"][f"{family}-{of[2:]}"]["runs"]
            published = {*runs[table.OURS]}
        assert published
        assert not tried & published
        # The same functions (GKLS: the same family): the names are of one kind, so that none could hide under another.
        if family != "GKLS":
            assert {t.rsplit("-", 1)[0] for t in tried} <= {p.rsplit("-", 1)[0] for p in published}
    more = functions.MORE
    assert not {*tuning.BBOB} & {*functions.INSTANCES, *more["BBOB", 2]}
    assert not {n for part in (*tuning.GKLS, *tuning.GKLS_5) for n in part} & {
        *functions.NUMBERS,
        *more["GKLS", 5],
    }
    assert tuning.CUT not in scipy_functions.INSTANCES


def test_the_published_runs_of_peers_are_those_with_the_chosen_settings() -> None:
    for row, held in json.loads(functions.RESULTS.read_text("utf-8"))["rows"].items():
        family, d = row.split("-")
        for name in NAMES:
            assert held["settings"][name] == settings.chosen(f"{family} d={d}", name)
            assert held["runs"][name].keys() == held["runs"][table.OURS].keys()
    for row, of in json.loads(scipy_functions.RESULTS.read_text("utf-8")).get("settings", {}).items():
        for name in NAMES:
            assert of[name] == settings.chosen(f"SciPy {row}", name)


def test_an_invented_better_candidate_is_chosen() -> None:
    runs: list[tuple[str, int]] = []

    def run(candidate: dict[str, Any], task: int) -> float:
        runs.append((candidate["name"], task))
        return {"good": 1e-7, "coarse": 1e-3, "early": 1e-7 if task < 4 else 1.0, "bad": 1.0}[
            candidate["name"]
        ]

    names = ("coarse", "bad", "early", "bad", "coarse", "good")
    entry = tuning.tune([{"name": n} for n in names], range(4), range(4, 10), run)
    assert entry["chosen"] == {"name": "good"}
    assert [t["first"] for t in entry["candidates"]] == [[4, 0], [0, 0], [4, 4], [0, 0], [4, 0], [4, 4]]
    # The best three, here the library's among them; the others do not run on the rest.
    assert [t.get("all") for t in entry["candidates"]] == [[10, 0], None, [4, 4], None, None, [10, 10]]
    assert len(runs) == 6 * 4 + 3 * 6
    without = tuning.tune([{"name": n} for n in names[:-1]], range(4), range(4, 10), run)
    assert without["chosen"] == {"name": "coarse"}


def test_without_a_second_part_all_are_finalists() -> None:
    entry = tuning.tune(
        [{"n": i} for i in range(6)], range(3), [], lambda s, t: 1e-7 if s["n"] == 4 else 1e-3
    )
    assert entry["chosen"] == {"n": 4}
    assert all(t["all"] == t["first"] for t in entry["candidates"])


def test_scipys_functions_take_their_candidates_from_the_other_rows() -> None:
    rows = {row: {"peers": {"cma": {"chosen": {"tol": i // 2}}}} for i, row in enumerate(tuning.ROWS[:-4])}
    assert tuning.of_others({"rows": rows}, "cma") == [{}, {"tol": 0}, {"tol": 1}, {"tol": 2}, {"tol": 3}]
    with pytest.raises(BadInput, match="tune DIRECT for BBOB d=2 first"):
        tuning.of_others({"rows": rows}, "DIRECT")


def test_of_equal_candidates_the_first_is_taken_and_the_librarys_are_always_in_the_final() -> None:
    entry = tuning.tune([{"n": i} for i in range(6)], range(3), range(3), lambda s, t: 1e-3)
    assert entry["chosen"] == {"n": 0}
    ahead = tuning.tune(
        [{"n": i} for i in range(6)], range(3), range(3), lambda s, t: 1e-7 if s["n"] > 2 else 1.0
    )
    assert ahead["chosen"] == {"n": 3}
    assert ["all" in t for t in ahead["candidates"]] == [True, False, False, True, True, True]


def test_a_file_without_an_entry_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = tmp_path / "search_tuning.json"
    lacking.write_text('{"rows": {"BBOB d=2": {"peers": {}}}}')
    for path in (lacking, tmp_path / "nothing.json"):
        monkeypatch.setattr(settings, "RESULTS", path)
        with pytest.raises(BadInput, match="has no settings of DIRECT for BBOB d=2; tune with `python -m"):
            settings.tuned("BBOB d=2", ("DIRECT",))
        monkeypatch.setattr(sys, "argv", ["x", "--only", "BBOB-2", "--peers", "DIRECT"])
        with pytest.raises(SystemExit) as end:
            functions.main()
        assert end.value.code == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert len(said.err.splitlines()) == 1


@pytest.mark.filterwarnings("ignore")  # of the peers, as in the benchmark
@pytest.mark.parametrize("name", [n for n in NAMES if n != "cma"])
def test_without_settings_a_peer_is_that_of_the_other_tables(name: str) -> None:
    """Every point that it asks for is the same, bit by bit."""
    seen = []
    for run in (OF[name].run, TUNABLE[name]):
        objective, points = Objective(waves(), 700), []
        batch = objective.batch
        objective.batch = lambda u, batch=batch, points=points: points.append(u.copy()) or batch(u)  # type: ignore[method-assign]
        with pytest.raises(Exhausted):
            run(objective, 3)
        seen.append(np.vstack(points))
    np.testing.assert_array_equal(*seen)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "number"), [(name, i) for name, of in CANDIDATES.items() for i in range(len(of))]
)
def test_every_candidate_runs_without_an_error_of_its_own(name: str, number: int) -> None:
    if importlib.util.find_spec(OF[name].package) is None:
        pytest.skip(f"{OF[name].package} is not installed")
    assert CANDIDATES[name][0] == {}
    assert 6 <= len(CANDIDATES[name]) <= 12
    objective = Plain(waves(), 600)
    with objective.within(None):
        quietly(with_settings(OF[name], CANDIDATES[name][number]), objective, 1)
    assert objective.crashes == 0
    assert objective.spent == 600
    assert objective.best > 0.3


@pytest.mark.filterwarnings("ignore")
def test_a_polish_brings_direct_to_the_last_digits_and_takes_all_evaluations() -> None:
    left = {}
    for given in ({}, {"biased": [True], "methods": ["L-BFGS-B", "Nelder-Mead"], "share": 0.2}):
        objective = Plain(waves(3), 3000)
        with objective.within(None):
            quietly(with_settings(OF["DIRECT"], given), objective, 1)
        assert objective.spent == 3000
        left[bool(given)] = 1 / objective.best - 1
    assert left[True] < 1e-9 < left[False]


@pytest.mark.filterwarnings("ignore:The balance")
def test_linked_starts_keep_apart_from_better_points_and_from_minima() -> None:
    starts: list[np.ndarray] = []

    class Ended(Exception):
        pass

    objective = Plain(waves(), 2000)

    def local(v: np.ndarray) -> np.ndarray:
        starts.append(v)
        # Every start falls into the same minimum, right at the first start.
        return starts[0]

    with pytest.raises(Exhausted):
        tunable._linked(objective, objective, 0, 0.25, local)
    assert 1 <= len(starts) < 60  # a fifth of 2,000 points would be 400
    assert len({tuple(v) for v in starts}) == len(starts)


def test_a_plain_objective_counts_and_says_what_the_other_one_does() -> None:
    problem = waves(3)
    one, other = Objective(problem, 50), Plain(problem, 50)
    u = np.random.default_rng(0).uniform(-0.1, 1.1, (40, 3))
    np.testing.assert_allclose(one.batch(u), other.batch(u), rtol=1e-12)
    assert other.single(u[0]) == pytest.approx(one.single(u[0]), rel=1e-12)
    assert (one.spent, other.spent) == (41, 41)
    assert one.best == pytest.approx(other.best, rel=1e-12)
    for objective in (one, other):
        with pytest.raises(Exhausted):
            objective.batch(u)
        assert objective.spent == 50
        with pytest.raises(Exhausted):
            objective.single(u[0])
    shifted = Problem(
        problem.model, lambda x: np.zeros(len(x)), Domain(a=(5.0, 7.0), b=(0.0, 1.0), c=(0.0, 1.0))
    )
    assert Plain(shifted, 9).single(np.array([0.5, 0, 0])) == Objective(shifted, 9).single(
        np.array([0.5, 0, 0])
    )


def test_intervals_of_cells_count_functions_and_not_instances() -> None:
    runs = {
        f"f{i}-{k}": {"left": 1e-9 if i <= 12 else 1.0, "seconds": 0.5}
        for i in range(1, 25)
        for k in range(5)
    }
    low, high = table.wilson(0.5, 24)
    assert functions.interval(runs, LEVELS[0]) == (low, high)
    content = {
        "rows": {"BBOB-2": {"evaluations": 4000, "runs": {table.OURS: runs}}},
        "machine": {"packages": {}},
    }
    assert f"| 60/120 ({100 * low:.0f}–{100 * high:.0f} %) 0.5 s |" in functions.said(content)["table"]


def test_runs_of_a_peer_with_other_settings_are_not_kept() -> None:
    runs = {
        "d=2 | A": {"1": {"supnorm": [0, 1], "cma": [0, 1], "DIRECT": [0, 1]}},
        "d=1 | B": {"1": {"cma": [0, 1]}},
    }
    scipy_functions._drop(runs, {"d=2": {"cma": {"a": 1}}}, {"d=2": {"cma": {"a": 1}, "DIRECT": {}}})
    assert {key: [*of["1"]] for key, of in runs.items()} == {
        "d=2 | A": ["supnorm", "cma"],
        "d=1 | B": ["cma"],
    }


def test_the_page_says_what_was_chosen_and_what_it_brought() -> None:
    tried = [
        {"settings": {}, "first": [1, 0], "all": [2, 1]},
        {"settings": {"a": [True, 0.5]}, "first": [1, 1], "all": [3, 2]},
    ]
    entry = {"chosen": {"a": [True, 0.5]}, "candidates": tried, "seconds": 90.0}
    content = {"rows": {"BBOB d=2": {"first": ["a"], "rest": ["b", "c"], "peers": {"cma": entry}}}}
    said = tuning_said.said(content)
    assert said["table"].splitlines()[2] == "| BBOB, d=2 | – | – | – | – | a=True+0.5 (3 → 5 of 6) |"
    assert (said["candidates"], said["minutes"], said["gained"]) == ("2 to 2", "2 minutes", "1 of 1")
