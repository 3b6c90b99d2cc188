"""The fingerprint covers everything that defines a problem, and nothing that does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import supnorm
from supnorm.evaluation.opened_files import recording
from supnorm.problem import fingerprint
from supnorm.problem.save import save_problem
from supnorm.results import BadInput
from supnorm.sources import open_problem
from supnorm.sources.unnamed_files import Folders, files_of

SOURCE = str(Path(supnorm.__file__).parents[1])
PROBLEM = """
[model]
{model}
[reference]
python = "truth.py:truth"
[domain]
x = [0.0, 1.0]
"""


def _problem(folder, model='python = "model.py:model"', truth="def truth(x): return x[:, 0]\n", **files):
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "problem.toml").write_text(PROBLEM.format(model=model))
    (folder / "truth.py").write_text(truth)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_bytes(
            content if isinstance(content, bytes) else content.encode()
        )
    return folder / "problem.toml"


def _print(path):
    return fingerprint(open_problem(path))


def _in_a_process(path, *edits):
    """The fingerprints as interpreters have them that have loaded nothing of the problem: before and after each edit.

    Args:
        edits: files of the folder, each with its new content.
    """
    code = """
import os, sys
from pathlib import Path
from supnorm.sources import open_problem
from supnorm.problem import fingerprint
path, *edits = sys.argv[1:]
for file, content in [("", ""), *zip(edits[::2], edits[1::2])]:
    if file:
        Path(path).with_name(file).write_text(content)
    child = os.fork()
    if child == 0:
        print(fingerprint(open_problem(path)), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), *edits], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": SOURCE, "PYTHONDONTWRITEBYTECODE": ""},
    )  # fmt: skip
    return done.stdout.split()


PICKLED = """
import pickle
from pathlib import Path
with open(Path(__file__).parent / "w.obj", "rb") as file:
    W = pickle.load(file)
"""
CASES = {  # name: (files, what is edited, its new content)
    "a pickle that the model opens": (
        {"model__py": PICKLED + "def model(x): return W * x[:, 0]\n", "w__obj": b"I1\n."}, "w.obj", b"I2\n."),
    "a helper that the model imports": (
        {"model__py": "import helper_a\ndef model(x): return helper_a.gain * x[:, 0]\n", "helper_a__py": "gain = 1.0\n"},
        "helper_a.py", "gain = 2.0\n"),
    "a helper that a helper imports from": (
        {"model__py": "from helper_b import gain\ndef model(x): return gain * x[:, 0]\n",
         "helper_b__py": "from helper_c import gain\n", "helper_c__py": "gain = 1.0\n"}, "helper_c.py", "gain = 2.0\n"),
    "a helper that is imported in a call": (
        {"model__py": "def model(x):\n    import helper_d\n    return x[:, 0]\n", "helper_d__py": "gain = 1.0\n"},
        "helper_d.py", "gain = 2.0\n"),
    "weights that compiled code opens": (
        {"model__py": "NAME = 'net.ubj'\ndef model(x): return x[:, 0]\n", "net__ubj": b"1"}, "net.ubj", b"2"),
    "text that a builder opens": (
        {"model__py": "import os\nfrom pathlib import Path\nHERE = os.path.dirname(__file__)\ndef build():\n"
                      "    gain = float(Path(HERE, 'gain.cfg').read_text())\n    class Model:\n"
                      "        def predict(self, x): return gain * x[:, 0]\n    return Model()\n", "gain__cfg": "1.5"},
        "gain.cfg", "1.25"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", CASES)
def test_what_code_opens_or_imports_is_part_of_the_problem(name, tmp_path):
    files, edited, content = CASES[name]
    called = "build" if "build" in str(files) else "model"
    path = _problem(tmp_path / "p", f'python = "model.py:{called}"', **files)
    before = _print(path)
    assert _print(path) == before  # modules that are loaded already open nothing
    text = content.decode() if isinstance(content, bytes) else content
    fresh, changed = _in_a_process(path, edited, text)
    assert fresh == before
    assert changed == _print(path) != before


@pytest.mark.slow
def test_a_helper_that_is_imported_by_a_computed_name(tmp_path):
    code = "import importlib\nh = importlib.import_module('helper' + '_e')\ndef model(x): return h.gain * x[:, 0]\n"
    path = _problem(tmp_path / "p", model__py=code, helper_e__py="gain = 1.0\n")
    before, again, changed = _in_a_process(path, "helper_e.py", "gain = 1.0\n", "helper_e.py", "gain = 2.0\n")
    assert again == before != changed


@pytest.mark.slow
def test_a_helper_beside_the_folder(tmp_path):
    (tmp_path / "all" / "shared").mkdir(parents=True)
    (tmp_path / "all" / "shared" / "gains.txt").write_text("1.0")
    code = (
        "from pathlib import Path\nG = float((Path(__file__).parents[1] / 'shared/gains.txt').read_text())\n"
    )
    path = _problem(tmp_path / "all" / "p", model__py=code + "def model(x): return G * x[:, 0]\n")
    before = _print(path)
    (tmp_path / "all" / "shared" / "gains.txt").write_text("2.0")
    assert _print(path) != before


@pytest.mark.slow
@pytest.mark.parametrize("edited", ["solver.py", "table_f.py"])
def test_programs_of_commands_are_part_of_the_problem(edited, tmp_path):
    """And what a Python program of a command imports."""
    files = {"solver__py": "import sys\nimport table_f\nfor line in sys.stdin: print(line.strip())\n",
             "table_f__py": "gain = 1.0\n"}  # fmt: skip
    path = _problem(tmp_path / "p", 'command = ["python3", "solver.py"]', **files)
    before = _print(path)
    with (tmp_path / "p" / edited).open("a") as file:
        file.write("# edited\n")
    assert _print(path) != before


@pytest.mark.slow
def test_laws_and_data_are_part_of_the_problem(tmp_path):
    path = _problem(tmp_path / "p", model__py="def model(x): return x[:, 0]\n",
                    law__py="def sample(n, rng): return rng.random((n, 1))\n", points__csv="x\n0.1\n0.2\n")  # fmt: skip
    with path.open("a") as file:
        file.write('[law]\npython = "law.py:sample"\n[data]\nfile = "points.csv"\ninputs = ["x"]\n')
    prints = [_print(path)]
    (tmp_path / "p" / "law.py").write_text("def sample(n, rng): return rng.random((n, 1)) ** 2\n")
    prints.append(_print(path))
    (tmp_path / "p" / "points.csv").write_text("x\n0.1\n0.3\n")
    prints.append(_print(path))
    assert len(set(prints)) == 3


def _onnx_with_data(path, gain):
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.full((1, 400), gain / 400.0), "W")
    column = numpy_helper.from_array(np.ones((400, 1)), "V")
    nodes = [helper.make_node("MatMul", ["x", "W"], ["h"]), helper.make_node("MatMul", ["h", "V"], ["y"])]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.DOUBLE, [None, 1])],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, [None, 1])], [weight, column],
    )  # fmt: skip
    path.with_name(path.name + ".data").unlink(missing_ok=True)  # else it would be appended to
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path), save_as_external_data=True, location=path.name + ".data", size_threshold=100)


@pytest.mark.slow
def test_external_data_of_onnx_files(tmp_path):
    pytest.importorskip("onnxruntime")
    path = _problem(tmp_path / "p", 'file = "net.onnx"')
    _onnx_with_data(tmp_path / "p" / "net.onnx", 1.0)
    before, graph = _print(path), (tmp_path / "p" / "net.onnx").read_bytes()
    _onnx_with_data(tmp_path / "p" / "net.onnx", 1.02)
    assert (tmp_path / "p" / "net.onnx").read_bytes() == graph  # the change is in the weights beside it alone
    assert _print(path) != before
    (tmp_path / "p" / "net.onnx.data").unlink()
    with pytest.raises(BadInput, match=r"its weights are in net\.onnx\.data, which is not in its folder"):
        open_problem(path)


@pytest.mark.slow
def test_what_does_not_define_the_problem(tmp_path):
    log = tmp_path / "p" / "log.txt"
    code = f"with open({str(log)!r}, 'a') as log: log.write('loaded')\ndef model(x): return x[:, 0]\n"
    path = _problem(tmp_path / "p", model__py=code, other__py="gain = 1.0\n", notes__txt="x")
    before = _print(path)
    (tmp_path / "p" / "notes.txt").write_text("y")
    (tmp_path / "p" / "other.py").write_text("gain = 2.0\n")
    with path.open("a") as file:
        file.write("# a remark\n[audit]\nseed = 7\n")
    assert _print(path) == before
    assert _in_a_process(path) == [before]  # the log has grown


@pytest.mark.slow
def test_a_moved_or_saved_problem_is_the_same(tmp_path):
    files = {"model__py": "import helper_g\nfrom pathlib import Path\n"
                          "W = float((Path(__file__).parent / 'w.txt').read_text())\n"
                          "def model(x): return helper_g.gain * W * x[:, 0]\n",
             "helper_g__py": "gain = 1.0\n", "w__txt": "2.0"}  # fmt: skip
    path = _problem(tmp_path / "p", **files)
    problem = open_problem(path)
    (tmp_path / "p" / "p-run").mkdir()
    save_problem(problem, tmp_path / "p" / "p-run" / "problem.toml")
    assert _print(tmp_path / "p" / "p-run" / "problem.toml") == fingerprint(problem)
    shutil.copytree(tmp_path / "p", tmp_path / "elsewhere")
    assert _in_a_process(tmp_path / "elsewhere" / "problem.toml") == [fingerprint(problem)]


@pytest.mark.slow
def test_other_problems_in_the_folder_change_nothing(tmp_path):
    """Two problems of one process, of which one opens a file."""
    path = _problem(tmp_path / "p", model__py=PICKLED + "def model(x): return W * x[:, 0]\n", w__obj=b"I1\n.",
                    plain__py="def model(x): return x[:, 0]\n")  # fmt: skip
    second = tmp_path / "p" / "second.toml"
    second.write_text(path.read_text().replace("model.py", "plain.py"))
    [alone] = _in_a_process(second)
    _print(path)
    assert _print(second) == alone


@pytest.mark.slow
def test_a_link_beside_the_problem_counts_by_its_name(tmp_path):
    """Large tables lie elsewhere and are linked."""
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "far" / "away" / "table.txt").write_text("1.0")
    code = "from pathlib import Path\nG = float((Path(__file__).parent / 'here.txt').read_text())\n"
    path = _problem(tmp_path / "all" / "p", model__py=code + "def model(x): return G * x[:, 0]\n")
    (tmp_path / "all" / "p" / "here.txt").symlink_to(tmp_path / "far" / "away" / "table.txt")
    before = _print(path)
    (tmp_path / "far" / "away" / "table.txt").write_text("2.0")
    assert _print(path) != before


def test_packages_temporary_files_and_hidden_folders_do_not_count(tmp_path):
    folder = tmp_path / "p"
    for name in ("a.txt", ".cache/b.txt", "env/lib/site-packages/c.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    own = folder / "model.py"
    own.write_text("")
    with recording() as opened:
        for file in (*folder.rglob("*.txt"), Path(np.__file__), Path(supnorm.__file__)):
            file.read_bytes()
    assert [f.name for f in files_of(opened.files, [own])] == ["a.txt"]
    assert not Folders.of([Path("/tmp/problem.toml")]).hold("/usr/lib/os.py")
    assert "/" not in Folders.of([Path("/problem.toml"), Path.home() / "x" / "problem.toml"]).below[1:]


def test_code_that_cannot_be_parsed_is_for_its_reader_to_refuse(tmp_path):
    path = _problem(tmp_path / "p", model__py="def model(x: return x\n")
    with pytest.raises(BadInput, match="line 1"):
        open_problem(path)
