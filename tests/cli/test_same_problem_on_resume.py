"""``--resume`` goes on with the same functions, seed and budget only, in every verb that has a store."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from supnorm.cli.identity import FILES
from supnorm.cli.main import run
from supnorm.evaluation import EvaluationStore, spot_check
from supnorm.problem import Function
from supnorm.results import BadInput

pytestmark = pytest.mark.slow  # processes of their own

TRUTH = """
import os, time
import numpy as np
def truth(x):
    time.sleep(0.0015 * len(x))
    return np.sin(3 * x[:, 0]) * float(os.environ.get("GAIN_OF_TRUTH", "1"))
def model(x):
    time.sleep(0.0015 * len(x))
    return np.sin(3 * x[:, 0]) + 0.01 * x[:, 0] * float(os.environ.get("GAIN_OF_MODEL", "1"))
"""
PROBLEM = """
[model]
python = "code.py:model"
[reference]
python = "code.py:truth"
[domain]
x = [0.0, 1.0]
[error]
tolerance = 1.0
"""
VERBS = {
    "audit": (["audit", "problem.toml", "--evaluations", "100", "--no-power"], "--evaluations", "120"),
    "compare": (
        ["compare", "problem.toml", "second.toml", "--evaluations", "100", "--no-power"],
        "--evaluations",
        "120",
    ),
    "fit": (
        ["fit", "problem.toml", "--max-evaluations", "100", "--method", "polynomial"],
        "--max-evaluations",
        "120",
    ),
    "budget": (
        ["budget", "problem.toml", "--calls", "500", "--sample-budget", "50"],
        "--sample-budget",
        "60",
    ),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code.py").write_text(TRUTH)
    (tmp_path / "problem.toml").write_text(PROBLEM)
    (tmp_path / "second.toml").write_text(PROBLEM)
    return tmp_path


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Each verb's run, made once: its folder is copied by the tests."""
    done: dict[str, Path] = {}
    patch = pytest.MonkeyPatch()

    def of(verb):
        if verb not in done:
            folder = tmp_path_factory.mktemp(verb)
            (folder / "code.py").write_text(TRUTH)
            (folder / "problem.toml").write_text(PROBLEM)
            (folder / "second.toml").write_text(PROBLEM)
            for file in folder.iterdir():
                os.utime(file, (1e9, 1e9))  # a file that is as young as the run counts as made by it
            patch.chdir(folder)
            code = run([*VERBS[verb][0], "--out", "run", "--quiet", "--seed", "3"])
            patch.undo()
            assert code in (0, 1, 4)
            done[verb] = folder
        return done[verb]

    return of


def _again(verb, *more, drop=()):
    words = [w for w in VERBS[verb][0] if w not in drop]
    return run([*words, "--out", "run", "--quiet", "--resume", *more])


@pytest.mark.parametrize("verb", VERBS)
def test_another_function_is_refused_with_the_point_and_both_values(verb, ran, monkeypatch, capsys):
    """What the function asks is nowhere to be seen: an environment variable, as a service or a licence would be."""
    monkeypatch.chdir(ran(verb))
    for side in ("TRUTH", "MODEL") if verb in ("audit", "compare") else ("TRUTH",):
        monkeypatch.setenv(f"GAIN_OF_{side}", "1.5")
        assert _again(verb, "--seed", "3") == 2
        said = capsys.readouterr().err
        found = re.search(
            r"the (\w+) \w+ has changed: at \((.*)\) the stored value is \((.*)\), now it gives \((.*)\);",
            said,
        )
        assert found, said
        assert found[1] == {"TRUTH": "reference", "MODEL": "model"}[side]
        x, stored, now = (float(v) for v in found.groups()[1:])
        true = (
            np.sin(3 * x) * np.array([1.0, 1.5])
            if side == "TRUTH"
            else np.sin(3 * x) + 0.01 * x * np.array([1, 1.5])
        )
        assert [stored, now] == pytest.approx(list(true))
        monkeypatch.delenv(f"GAIN_OF_{side}")
    assert _again(verb, "--seed", "3") in (0, 1, 4)


@pytest.mark.parametrize("verb", VERBS)
def test_what_supnorm_itself_reads_is_no_file_of_a_call(verb, ran):
    """The problem file was: no tolerance could be changed without a new run."""
    stores = [*(ran(verb) / "run").rglob("*.sqlite")]
    assert stores
    for path in stores:
        with sqlite3.connect(path) as store:
            held = store.execute("SELECT value FROM about WHERE key=?", (FILES,)).fetchall()
        assert [json.loads(text) for (text,) in held] in ([], [{}])


@pytest.mark.parametrize("verb", VERBS)
def test_another_seed_or_budget_is_refused(verb, ran, monkeypatch, capsys):
    monkeypatch.chdir(ran(verb))
    assert _again(verb, "--seed", "4") == 2
    assert "was started with --seed 3, but you ask for --seed 4" in capsys.readouterr().err
    _, option, value = VERBS[verb]
    words = list(VERBS[verb][0])
    words[words.index(option) + 1] = value
    assert run([*words, "--out", "run", "--quiet", "--resume", "--seed", "3"]) == 2
    assert f"{option} " in capsys.readouterr().err


def test_another_time_for_a_fit_is_refused(ran, monkeypatch, capsys):
    monkeypatch.chdir(ran("fit"))
    assert _again("fit", "--seed", "3", "--seconds", "60") == 2
    assert "was started with no --seconds, but you ask for --seconds 60" in capsys.readouterr().err


LAZY = """
from pathlib import Path
import numpy as np
def truth(x): return x[:, 0] + float((Path(__file__).parent / "offset.cfg").read_text())
def model(x): return x[:, 0]
"""


def test_a_file_that_a_call_opens_is_compared(folder, capsys):
    """It is known after the first call only, so that the fingerprint cannot hold it."""
    (folder / "code.py").write_text(LAZY)
    (folder / "offset.cfg").write_text("0.25")
    audit = ["audit", "problem.toml", "--evaluations", "100", "--no-power", "--quiet"]
    assert run([*audit, "--out", "run"]) == 0
    assert run([*audit, "--out", "run", "--resume"]) == 0
    (folder / "offset.cfg").write_text("0.5")
    capsys.readouterr()
    assert run([*audit, "--out", "run", "--resume"]) == 2
    assert "offset.cfg, which one of its functions opens, was changed" in capsys.readouterr().err
    assert run([*audit, "--out", "run"]) == 2  # the older run is not overwritten
    (folder / "offset.cfg").write_text("0.25")
    assert run([*audit, "--out", "run", "--resume"]) == 0


def test_output_that_is_read_back_is_no_part_of_the_problem(folder):
    """A simulator leaves its output beside the problem; another run changes it."""
    (folder / "code.py").write_text(
        LAZY.replace("import numpy as np", "import subprocess, numpy as np").replace(
            "def truth(x): return",
            "def truth(x):\n    subprocess.run(['cp', 'input.dat', 'offset.cfg'], check=True)\n    return",
        )
    )
    (folder / "input.dat").write_text("0.25")
    audit = ["audit", "problem.toml", "--evaluations", "100", "--no-power", "--quiet"]
    assert run([*audit, "--out", "run"]) == 0
    (folder / "offset.cfg").write_text("another run")
    assert run([*audit, "--out", "run", "--resume"]) == 0


def test_the_run_before_the_edit_is_renamed(folder, capsys):
    (folder / "code.py").write_text(LAZY)
    (folder / "offset.cfg").write_text("0.25")
    audit = ["audit", "problem.toml", "--evaluations", "100", "--no-power", "--quiet"]
    assert run(audit) == 0
    (folder / "offset.cfg").write_text("0.5")
    assert run(audit) == 0
    assert (
        "before offset.cfg, which one of its functions opens, was changed: it is now"
        in capsys.readouterr().err
    )
    assert len(list(folder.glob("*.1/result.json"))) == 1
    assert run(audit) == 0
    assert not list(folder.glob("*.2"))


def test_other_versions_are_a_note(folder, capsys, monkeypatch):
    audit = ["audit", "problem.toml", "--evaluations", "100", "--no-power", "--quiet", "--out", "run"]
    assert run(audit) == 0
    import supnorm.cli.identity as identity

    now = identity.versions()
    monkeypatch.setattr(identity, "versions", lambda: {**now, "numpy": "99.0"})
    capsys.readouterr()
    assert run([*audit, "--resume"]) == 0
    assert f"note: the run was started with numpy {now['numpy']} (now 99.0)" in capsys.readouterr().err


def _store(tmp_path, values, messages=None):
    store = EvaluationStore(tmp_path / "s.sqlite", "f")
    x = np.linspace(0.0, 1.0, len(values))[:, None]
    store.append("model", "search", x, np.asarray(values, dtype=float)[:, None], messages or {}, 0.1)
    return store, x


def test_what_rounding_explains_is_no_difference(tmp_path):
    store, _ = _store(tmp_path, np.sin(3 * np.linspace(0, 1, 50)) + 2)
    for factor, precision, good in ((1 + 1e-13, "float64", True), (1 + 1e-9, "float64", False), (1 + 1e-6, "float32", True),
                                    (1 + 1e-2, "float32", False)):  # fmt: skip
        function = Function(lambda x, f=factor: f * (np.sin(3 * x) + 2), name="f", precision=precision)
        if good:
            assert spot_check(store, {"model": function, "reference": function, "recheck": None}) == 8
        else:
            with pytest.raises(BadInput, match="model f has changed"):
                spot_check(store, {"model": function})


def test_a_function_that_fails_now_is_told(tmp_path):
    store, _ = _store(tmp_path, [1.0, 2.0, np.nan], {2: "exception: it was so"})

    def broken(x):
        raise RuntimeError("no licence")

    with pytest.raises(BadInput, match="now it gives exception: RuntimeError: no licence"):
        spot_check(store, {"model": Function(broken, name="f")})
    assert spot_check(store, {"model": Function(lambda x: 1.0 + 2 * x, name="f")}) == 2


def test_a_long_check_is_announced(tmp_path, capsys):
    import supnorm.cli.identity as identity

    store, _ = _store(tmp_path, [1.0])
    identity._announce(store)
    assert capsys.readouterr().err == ""
    store.remember("seconds a point, reference", "30.0")
    identity._announce(store)
    assert "8 stored points of each side are evaluated again first, about 4 min" in capsys.readouterr().err


def test_points_are_spread_over_the_run(tmp_path):
    """Of a thousand values the last ones are of another function: they were stored after an edit."""
    values = np.ones(1000)
    values[950:] = 2.0
    store, _ = _store(tmp_path, values)
    with pytest.raises(BadInput, match="stored value is \\(2\\)"):
        spot_check(store, {"model": Function(lambda x: np.ones_like(x), name="f")})


RESUMED = {
    "audit": ["audit", "problem.toml", "--evaluations", "100", "--no-power"],
    "fit": ["fit", "problem.toml", "--max-evaluations", "60", "--method", "polynomial"],
    "budget": ["budget", "problem.toml", "--calls", "500"],
}


@pytest.mark.parametrize("verb", RESUMED)
def test_there_is_nothing_to_resume(verb, folder, capsys):
    (folder / "code.py").write_text(LAZY)
    (folder / "offset.cfg").write_text("0.25")
    for there in (False, True):
        if there:
            (folder / "run").mkdir()
        assert run([*RESUMED[verb], "--out", "run", "--quiet", "--resume"]) == 2
        said = capsys.readouterr().err
        assert said == "supnorm: --resume: run has no run; leave --resume out to start one\n"
        assert (folder / "run").exists() == there
        assert not there or not [*(folder / "run").iterdir()]


@pytest.mark.parametrize("verb", RESUMED)
def test_a_file_that_a_call_opens_is_compared_by_every_verb(verb, folder, capsys):
    (folder / "code.py").write_text(LAZY.replace("x[:, 0] + float", "np.sin(3 * x[:, 0]) + float"))
    (folder / "offset.cfg").write_text("0.25")
    words = [*RESUMED[verb], "--out", "run", "--quiet"]
    assert run(words) in (0, 1)
    kept = sorted(p.name for p in (folder / "run").iterdir())
    (folder / "offset.cfg").write_text("0.5")
    for more in ([], ["--resume"]):
        capsys.readouterr()
        assert run([*words, *more]) == 2
        assert "offset.cfg, which one of its functions opens, was changed" in capsys.readouterr().err
    marks = {p.name for p in (folder / "run").iterdir()} - {*kept}  # what `supnorm report` reads
    assert marks <= {f"unfinished-{verb}.json"}
    assert {p.name for p in (folder / "run").iterdir()} >= {*kept}
    (folder / "offset.cfg").write_text("0.25")
    assert run([*words, "--resume"]) in (0, 1)
