"""``supnorm rollout``: lines, JSON, files and page in the folder, exit codes, going on, and bad problem files."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.conftest import Shell
from tests.schema import demand_as_published

from supnorm.results import writing as files
from supnorm.results.rollout import RolloutRecord
from supnorm.sources.called_files import CalledFiles

FLOW = """
import os
import numpy as np
X = np.linspace(0, 1, 16, endpoint=False)
def initial():
    return [np.stack([np.outer(np.ones(8), np.exp(-50 * (X - c) ** 2)), np.zeros((8, 16))]) for c in (0.3, 0.6)]
def truth(u):
    return np.roll(u, 1, axis=2)
def model(u):
    if os.path.exists("stop"):
        raise KeyboardInterrupt
    v = np.roll(u, 1, axis=2)
    v[0, 5, 5] += 0.2 * v[0, 5, 5] ** 2
    return v
def numbered(u, k):
    return model(u) if k else truth(u)
def wrong(u):
    return u[0]
def raising(u):
    raise ArithmeticError("no convergence")
def mass(u):
    return u[0].sum()
def doubt(u):
    return u[0] > 0.9
def names():
    return {"x": X}
text = "no function"
"""
PROBLEM = """
title = "Ring"
steps = 12
[step]
python = "flow.py:model"
[reference]
python = "flow.py:truth"
[initial]
python = "flow.py:initial"
[fields]
variables = ["u", "v"]
axes = ["z", "x"]
coordinates = "flow.py:names"
periodic = ["x"]
[totals]
mass = "flow.py:mass"
[error]
tolerance = { u = 0.5 }
"""


def written(shell: Shell, text: str = PROBLEM) -> Path:
    """The problem's folder with these two files."""
    (shell.folder / "flow.py").write_text(FLOW)
    (shell.folder / "ring.toml").write_text(text)
    return shell.folder / "ring-rollout"


def plain(folder: Path) -> dict[str, Any]:
    """The result without what a clock decides."""
    made: dict[str, Any] = json.loads((folder / "rollout.json").read_text())
    return {k: v for k, v in made.items() if k not in ("seconds", "milliseconds", "command")}


def test_report_makes_the_page_again(shell: Shell) -> None:
    folder = written(shell)
    shell.run("rollout", "ring.toml", "--quiet")
    page = folder / "rollout.html"
    before = page.read_bytes()
    page.unlink()
    assert shell.run("report", "ring-rollout").code == 0
    assert page.read_bytes() == before


def test_a_run_is_written_and_told(shell: Shell) -> None:
    folder = written(shell)
    done = shell.run("rollout", "ring.toml")
    assert done.code == 0, done.err
    assert "nothing-found: No error is above the tolerance in 12 steps from 2 initial states." in done.out
    assert "mass: relative change" in done.out
    assert "x = 0.3125" in done.out
    record = RolloutRecord.read(folder / "rollout.json")
    assert record.command == "supnorm rollout ring.toml"
    assert record.variables[0].map["axes"][1]["name"] == "x"
    page = (folder / "rollout.html").read_text()
    assert "Ring" in page
    assert "How does the error grow?" in page
    assert page.count("data:image/png") == 2 * 2 * 2 * 3


def test_json_is_as_published_and_the_exit_code_says_what_is_wrong(shell: Shell) -> None:
    written(shell, PROBLEM.replace("u = 0.5", "u = 0.1"))
    done = shell.run("rollout", "ring.toml", "--json")
    assert done.code == 1
    made = json.loads(done.out)
    demand_as_published(done.out)
    assert made["status"]["code"] == "tolerance-exceeded"
    assert made["first"][0]["kind"] == "tolerance"


@pytest.mark.parametrize(
    ("edit", "code", "exit"),
    [
        (('"flow.py:model"', '"flow.py:raising"'), "not-finite", 1),
        (('"flow.py:truth"', '"flow.py:raising"'), "reference-failed", 5),
        (("[error]", "[bounds]\nu = [0.0, 1.05]\n[error]"), "bounds-violated", 1),
        (("tolerance = { u = 0.5 }", ""), "rolled-out", 0),
        (("[error]", '[guard]\npython = "flow.py:doubt"\nfallback = true\n[error]'), "nothing-found", 0),
        (('title = "Ring"', "numbered = true"), "reference-failed", 5),  # called with two
    ],
)
def test_every_end_has_its_exit_code(shell: Shell, edit: tuple[str, str], code: str, exit: int) -> None:
    folder = written(shell, PROBLEM.replace(*edit))
    done = shell.run("rollout", "ring.toml")
    assert (done.code, plain(folder)["status"]["code"]) == (exit, code), done.err
    assert (folder / "rollout.html").exists()


def test_steps_with_numbers(shell: Shell) -> None:
    text = PROBLEM.replace('title = "Ring"', "numbered = true").replace('flow.py:model"', 'flow.py:numbered"')
    (shell.folder / "more.py").write_text(
        "import numpy as np\ndef truth(u, k):\n    return np.roll(u, 1, axis=2)\n"
    )
    folder = written(shell, text.replace("flow.py:truth", "more.py:truth"))
    assert shell.run("rollout", "ring.toml").code == 0
    assert plain(folder)["by_step"][0]["sup"] == 0.0
    assert plain(folder)["by_step"][-2]["sup"] > 0


@pytest.mark.slow
def test_a_stopped_run_goes_on_to_the_same_result(shell: Shell) -> None:
    folder = written(shell)
    assert shell.run("rollout", "ring.toml", "--out", "whole").code == 0
    stopped = shell.run("rollout", "ring.toml", "--seconds", "1e-9")
    assert stopped.code == 4
    assert "unfinished" in stopped.out
    assert "--resume" in stopped.out
    assert plain(folder)["done"] == 1
    (shell.folder / "stop").write_text("")
    interrupted = shell.run("rollout", "ring.toml", "--resume", "--quiet")
    assert (interrupted.code, interrupted.out) == (3, "")
    assert plain(folder)["status"]["code"] == "interrupted"
    what = "ended early; the result of what was done is in ring-rollout, and what was stored is kept for --resume"
    assert interrupted.err == f"supnorm: {what}\n", "it said nothing"
    (shell.folder / "stop").unlink()
    done = shell.run("rollout", "ring.toml", "--resume")
    assert done.code == 0, done.err
    assert plain(folder) == plain(shell.folder / "whole")
    more = shell.run("rollout", "ring.toml", "--resume", "--steps", "20")
    assert more.code == 0, more.err
    assert shell.run("rollout", "ring.toml", "--steps", "20", "--out", "longer").code == 0
    assert plain(folder) == plain(shell.folder / "longer")
    assert shell.run("rollout", "ring.toml", "--resume").code == 2, "20 steps are more than the 12 asked for"


@pytest.mark.slow
def test_a_file_that_a_step_opens_may_not_change(shell: Shell) -> None:
    written(shell)
    code = FLOW.replace("0.2 *", "np.loadtxt(os.path.join(os.path.dirname(__file__), 'gain.txt')) *")
    (shell.folder / "flow.py").write_text(code)
    (shell.folder / "gain.txt").write_text("0.2")
    os.utime(shell.folder / "gain.txt", (1e9, 1e9))
    assert shell.run("rollout", "ring.toml", "--seconds", "1e-9").code == 4
    (shell.folder / "gain.txt").write_text("0.3")
    done = shell.run("rollout", "ring.toml", "--resume")
    assert done.code == 2
    assert "gain.txt, which a step of this run has opened, has changed since" in done.err
    (shell.folder / "gain.txt").write_text("0.2")
    assert shell.run("rollout", "ring.toml", "--resume").code == 0


@pytest.mark.slow
def test_code_that_has_changed_is_not_gone_on_with(shell: Shell) -> None:
    folder = written(shell)
    assert shell.run("rollout", "ring.toml", "--seconds", "1e-9").code == 4
    (shell.folder / "flow.py").write_text(FLOW.replace("0.2 *", "0.3 *"))
    done = shell.run("rollout", "ring.toml", "--resume")
    assert done.code == 2
    assert "code that has changed" in done.err
    (folder / "rollout.state.npz").write_bytes(b"PK nothing")
    assert "--resume" in shell.run("rollout", "ring.toml", "--resume").err
    assert shell.run("rollout", "ring.toml", "--resume", "--out", "elsewhere").code == 2


@pytest.mark.slow
def test_numbers_that_were_edited_in_the_file_are_not_gone_on_with(shell: Shell) -> None:
    """A largest error made smaller in the stored state became the result."""
    folder = written(shell)
    assert shell.run("rollout", "ring.toml", "--seconds", "1e-9").code == 4
    path = folder / "rollout.state.npz"
    with np.load(path) as archive:
        held = {name: archive[name] for name in archive.files}
    document = json.loads(bytes(held["document"]))
    document["tally"]["worst"]["u"]["error"] = 1e-12
    held["document"] = np.frombuffer(json.dumps(document).encode(), np.uint8)
    np.savez(path, **held)
    done = shell.run("rollout", "ring.toml", "--resume")
    assert done.code == 2
    assert "rollout.state.npz is no roll-out that can be gone on with" in done.line
    assert "it is not as it was stored" in done.line


def test_nobody_is_told_to_go_on_where_the_states_could_not_be_stored(shell: Shell) -> None:
    written(
        shell,
        PROBLEM.replace('variables = ["u", "v"]', 'observe = "boxed.py:observe"\nvariables = ["u", "v"]'),
    )
    boxed = "\nclass Box:\n    def __init__(self, u): self.u = u\ndef observe(b): return b.u\n"
    boxed += (
        "def initial(): return [Box(u) for u in flow.initial()]\ndef step(b): return Box(flow.truth(b.u))\n"
    )
    (shell.folder / "boxed.py").write_text(f"import flow\n{boxed}")
    text = (shell.folder / "ring.toml").read_text().replace('mass = "flow.py:mass"', "")
    for name in ("flow.py:model", "flow.py:truth"):
        text = text.replace(name, "boxed.py:step")
    (shell.folder / "ring.toml").write_text(text.replace("flow.py:initial", "boxed.py:initial"))
    stopped = shell.run("rollout", "ring.toml", "--seconds", "1e-9")
    assert stopped.code == 4, stopped.err
    assert "--resume cannot go on with this run" in stopped.err
    assert "--resume" not in stopped.out


@pytest.mark.slow
def test_initial_states_from_files(shell: Shell) -> None:
    states = np.zeros((3, 2, 8, 16))
    states[:, 0] = 0.5
    written(shell, PROBLEM.replace('python = "flow.py:initial"', 'file = "states.npy"'))
    np.save(shell.folder / "states.npy", states)
    assert shell.run("rollout", "ring.toml").code == 0
    assert plain(shell.folder / "ring-rollout")["runs"] == 3
    (shell.folder / "more.py").write_text(
        "def step(s):\n    return {'u': 1.01 * s['u']}\ndef same(s):\n    return s\n"
    )
    text = 'steps = 3\n[step]\npython = "more.py:step"\n[reference]\npython = "more.py:same"\n[initial]\nfile = "s.npz"\n'
    (shell.folder / "maps.toml").write_text(text)
    np.savez(shell.folder / "s.npz", u=np.ones((2, 4)))
    done = shell.run("rollout", "maps.toml", "--json")
    assert (done.code, json.loads(done.out)["runs"]) == (0, 2)


BAD = [
    ("steps = 12", "", "steps is missing"),
    ("steps = 12", 'steps = "many"', "steps: "),
    ("steps = 12", "steps = 0", "steps: "),
    ("steps = 12", "step_count = 12", "unknown key step_count"),
    ("[error]", "[errors]", "unknown key errors"),
    ('"flow.py:model"', '"flow.py:modle"', "has no name modle"),
    ('"flow.py:model"', '"flow.py:text"', "name a function"),
    ('"flow.py:model"', '"nowhere.py:model"', "there is no file"),
    ('"flow.py:model"', '"model"', 'write it as "file.py:name"'),
    ('"flow.py:model"', '"flow.py:wrong"', "variables has 2 names"),
    ('python = "flow.py:initial"', "", "give exactly one of python, file"),
    ('python = "flow.py:initial"', 'file = "states.csv"', "give a .npy"),
    ('python = "flow.py:initial"', 'file = "states.npy"', "there is no file"),
    ('python = "flow.py:initial"', 'python = "flow.py:raising"', "failed"),
    ('variables = ["u", "v"]', 'variables = ["u"]', "variables has 1 names"),
    ('coordinates = "flow.py:names"', 'coordinates = "flow.py:X"', "must be a mapping from axes"),
    ('axes = ["z", "x"]', 'axes = ["x", "z"]', "axis x has 16 coordinates"),
    ('axes = ["z", "x"]', 'axes = ["x", "x"]', "different names"),
    ('periodic = ["x"]', 'periodic = ["y"]', "periodic names 'y'"),
    ("u = 0.5", "w = 0.5", "tolerance names 'w'"),
    ("u = 0.5", "u = -1.0", "tolerance of u must be"),
    ("[error]", "[bounds]\nu = [1.0]\n[error]", "bounds of u must be a pair"),
    ("[error]", '[guard]\npython = "flow.py:mass"\n[error]', "guard must return booleans"),
    ('mass = "flow.py:mass"', 'mass = "flow.py:truth"', "total mass must return one number"),
    ('mass = "flow.py:mass"', 'mass = "flow.py:raising"', "total mass failed at a state: exception: Arith"),
    ("[error]", '[guard]\npython = "flow.py:raising"\n[error]', "guard failed at a state: exception: Arith"),
    ('variables = ["u", "v"]', 'observe = "flow.py:raising"', "observe failed at a state: exception: Arith"),
    ("[step]", "[step", "not valid TOML"),
    ("[step]", '[model]\npython = "a.py:b"\n[step]', "problem file of an audit"),
]


@pytest.mark.sampled(6)
@pytest.mark.parametrize(("old", "new", "words"), BAD, ids=[f"{words}: {new[:20]}" for _, new, words in BAD])
def test_bad_problem_files_are_refused_in_one_line(shell: Shell, old: str, new: str, words: str) -> None:
    folder = written(shell, PROBLEM.replace(old, new))
    done = shell.run("rollout", "ring.toml")
    assert done.code == 2, done.out
    assert words in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert "Traceback" not in done.err
    assert not folder.exists()


@pytest.mark.slow
def test_the_tutorial_followed_as_written(shell: Shell) -> None:
    """docs/rollout.md: the files as they stand there, and the terminal's lines as printed there."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "rollout.md").read_text()
    blocks = re.findall(r"```(?:python|toml|console)\n(.*?)```", text, re.S)
    for name, block in zip(("tracer.py", "tracer.toml"), blocks, strict=False):
        (shell.folder / name).write_text(block)
    done = shell.run("rollout", "tracer.toml")
    assert done.code == 1
    changes = re.compile(r"relative change .*")  # of mass, which is rounding alone
    assert changes.sub("", done.out).strip() == changes.sub("", blocks[2].partition("\n")[2]).strip()
    made: dict[str, Any] = {}
    exec(compile(blocks[3].replace("evaluations=2000", "evaluations=300"), "worst.py", "exec"), made)
    assert made["report"].worst.error > 0.47
    assert made["report"].worst.x[1] == pytest.approx(0.03, abs=1e-3)


def test_an_interrupt_after_the_last_step_and_a_full_disk_lose_no_number(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request between the last step and the file of the states lost steps, and a state without room all that was found."""
    written(shell)
    whole = shell.run("rollout", "ring.toml", "--out", "whole").code

    def look(self: CalledFiles, last: bool = False) -> bool:
        if last:
            os.kill(os.getpid(), signal.SIGINT)
        return False

    with monkeypatch.context() as patch:
        patch.setattr(CalledFiles, "look", look)
        assert shell.run("rollout", "ring.toml", "--out", "late").code == whole
    replace = os.replace

    def refused(source: str, target: Path) -> None:
        if str(target).endswith(".npz"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", refused)
    done = shell.run("rollout", "ring.toml", "--out", "full")
    assert done.code == 3
    assert "rollout.state.npz cannot be written: No space left on device" in done.err
    assert "largest error" in done.out
