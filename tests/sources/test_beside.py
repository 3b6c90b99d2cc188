"""What runs is what the files of the problem's folder hold: no stale bytecode, no stale module, no other folder's module."""

from __future__ import annotations

import importlib
import inspect
import os
import pickle
import py_compile
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from supnorm.evaluation.processes import Processes
from supnorm.problem import fingerprint
from supnorm.results import BadInput
from supnorm.sources import open_problem
from supnorm.sources.in_memory import others

PROBLEM = """
[model]
python = "m.py:model"
[reference]
python = "m.py:truth"
[domain]
x = [0.0, 1.0]
"""
MODEL = "GAIN = 1.5\ndef model(x): return GAIN * x[:, 0]\ndef truth(x): return x[:, 0]\n"
KINDS = {  # what is edited, and the files
    "the file": ("m.py", {"m.py": MODEL}),
    "a module beside it": ("helper.py", {"m.py": "from helper import model, truth\n", "helper.py": MODEL}),
    "a module of a package": (
        "pack/inner.py",
        {"m.py": "import pack\nmodel, truth = pack.model, pack.truth\n", "pack/inner.py": MODEL,
         "pack/__init__.py": "from .inner import model, truth\n"}),
    "a module of a namespace": (
        "space/inner.py", {"m.py": "from space.inner import model, truth\n", "space/inner.py": MODEL}),
    "a module beside the folder": (
        "../common/far.py",
        {"m.py": "import os, sys\nsys.path.append(os.path.join(os.path.dirname(__file__), '../common'))\n"
                 "from far import model, truth\nsys.path.pop()\n", "../common/far.py": MODEL}),
    "a module that a function imports": (
        "late.py",
        {"m.py": "def model(x):\n    import late\n    return late.model(x)\ndef truth(x): return x[:, 0]\n",
         "late.py": MODEL}),
    "a namespace that a function imports": (
        "later/inner.py",
        {"m.py": "def model(x):\n    from later.inner import model\n    return model(x)\ndef truth(x): return x[:, 0]\n",
         "later/inner.py": MODEL}),
    "a file that is executed": (
        "other.py",
        {"m.py": "from pathlib import Path\nexec((Path(__file__).parent / 'other.py').read_text())\n", "other.py": MODEL}),
    "a file of data": (
        "d.txt",
        {"m.py": "from pathlib import Path\nGAIN = float((Path(__file__).parent / 'd.txt').read_text())\n"
                 + MODEL.split("\n", 1)[1], "d.txt": "1.5"}),
    "a module that is loaded by its path": (
        "other.py",
        {"m.py": "import os\nfrom importlib.util import module_from_spec, spec_from_file_location\n"
                 "spec = spec_from_file_location('o', os.path.join(os.path.dirname(__file__), 'other.py'))\n"
                 "other = module_from_spec(spec)\nspec.loader.exec_module(other)\n"
                 "model, truth = other.model, other.truth\n", "other.py": MODEL}),
    "a module that a package imports by dots": ("pack/inner.py", {"problem.toml": PROBLEM.replace("m.py", "pack/low/m.py"),
        "pack/low/m.py": "from ..inner import model, truth\n", "pack/low/__init__.py": "", "pack/__init__.py": "",
        "pack/inner.py": MODEL}),
    "a file that is opened to be read and written": (
        "d.dat",
        {"m.py": "import numpy as np, os\nFILE = os.path.join(os.path.dirname(__file__), 'd.dat')\n"
                 "GAIN = float(bytes(np.memmap(FILE)))\n" + MODEL.split("\n", 1)[1], "d.dat": "1.5"}),
    "a file that another program reads": (
        "d.txt",
        {"m.py": "import os, subprocess\nHERE = os.path.dirname(__file__)\n"
                 "GAIN = float(subprocess.run(['cat', 'd.txt'], cwd=HERE, capture_output=True).stdout)\n"
                 + MODEL.split("\n", 1)[1], "d.txt": "1.5"}),
    "a module that puts an object in its stead": (
        "helper.py",
        {"m.py": "import helper\nmodel, truth = helper.model, helper.truth\n",
         "helper.py": "import sys\n" + MODEL + "class Stead:\n    model, truth = staticmethod(model), staticmethod(truth)\n"
                      "sys.modules[__name__] = Stead()\n"}),
    "a hidden file": (
        ".d.txt",
        {"m.py": "from pathlib import Path\nGAIN = float((Path(__file__).parent / '.d.txt').read_text())\n"
                 + MODEL.split("\n", 1)[1], ".d.txt": "1.5"}),
}  # fmt: skip
ABSENT = {  # what is found once it is there, and the code that looks for it
    "fast.py": "try:\n    from fast import GAIN\nexcept ImportError:\n    GAIN = 1.5\n",
    "d.txt": "from pathlib import Path\nFILE = Path(__file__).parent / 'd.txt'\n"
             "GAIN = float(FILE.read_text().split()[-1]) if FILE.exists() else 1.5\n",
    "pack/low/__init__.py": "from pack.low import GAIN\n",
}  # fmt: skip


@pytest.fixture(autouse=True)
def bytecode(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As Python writes it for users; the problems of other tests have modules of the same names."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    folders: dict[str, Any] = {}
    monkeypatch.setattr("supnorm.sources.beside._ALL", folders)
    yield
    for mine in folders.values():  # whose modules they are is forgotten with them
        for name, module in mine.modules.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def _written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in {"problem.toml": PROBLEM, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / "problem.toml"


def _edited(path: Path, old: str = "1.5", new: str = "2.5") -> None:
    """Written again with the same size and the same time."""
    before = path.stat()
    path.write_text(path.read_text().replace(old, new))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _gain(path: Path) -> float:
    return float(open_problem(path).model(np.array([[1.0]]))[0, 0])


def _worker_gain(function: object) -> float:
    return float(function(np.array([[1.0]]))[0, 0])  # type: ignore[operator]


@pytest.mark.slow
@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_the_same_size_and_time_runs_as_it_is(kind: str, tmp_path: Path) -> None:
    edited, files = KINDS[kind]
    path = _written(tmp_path / "all" / "p", files)
    before = fingerprint(open_problem(path))
    assert _gain(path) == 1.5
    assert _gain(path) == 1.5
    assert fingerprint(open_problem(path)) == before
    _edited(path.parent / edited)
    assert _gain(path) == 2.5
    assert fingerprint(open_problem(path)) != before


@pytest.mark.parametrize("kind", ["the file", "a module beside it"])
def test_bytecode_that_python_itself_wrote_does_not_run(kind: str, tmp_path: Path) -> None:
    """As a script of the user leaves it, which imports the same files."""
    edited, files = KINDS[kind]
    path = _written(tmp_path / "p", files)
    sys.path.insert(0, str(path.parent))
    try:
        for name in ("m", "helper"):
            if (path.parent / f"{name}.py").exists():
                importlib.import_module(name)
                assert (path.parent / "__pycache__" / f"{name}.{sys.implementation.cache_tag}.pyc").exists()
        own = sys.modules["m"]
        _edited(path.parent / edited)
        assert _gain(path) == 2.5
        assert sys.modules["m"] is own  # the program keeps its modules
    finally:
        sys.path.remove(str(path.parent))
        for name in ("m", "helper"):
            sys.modules.pop(name, None)


@pytest.mark.parametrize("link", ["helper.py", "d.txt"])
def test_a_link_to_another_file_is_followed(link: str, tmp_path: Path) -> None:
    files = {
        "helper.py": KINDS["a file of data"][1]["m.py"],
        "d.txt": "1.5",
        "m.py": "from helper import model, truth\n",
    }
    path = _written(tmp_path / "p", files)
    (path.parent / "second").write_text(files[link].replace("1.5", "2.5").replace("= float", "= 1.0 + float"))
    (path.parent / link).rename(path.parent / "first")
    (path.parent / link).symlink_to("first")
    assert _gain(path) == 1.5
    (path.parent / link).unlink()
    (path.parent / link).symlink_to("second")
    assert _gain(path) == 2.5


def test_a_folder_of_data_hides_no_package(tmp_path: Path) -> None:
    """Two problems have a folder of the name of a package that code imports late."""
    code = "def model(x):\n    from colorsys import rgb_to_hsv\n    return 1.5 * x[:, 0]\ndef truth(x): return x[:, 0]\n"
    for name in ("one", "two"):
        path = _written(tmp_path / name / "p", {"m.py": code, "colorsys/data.txt": ""})
        sys.modules.pop("colorsys", None)
        assert _gain(path) == 1.5


@pytest.mark.parametrize("name", ABSENT)
def test_what_appears_later_is_found(name: str, tmp_path: Path) -> None:
    code = ABSENT[name] + MODEL.split("\n", 1)[1]
    path = _written(
        tmp_path / "p",
        {"m.py": "from helper import model, truth\n", "helper.py": code, "pack/low.py": "GAIN = 1.5\n"},
    )
    assert _gain(path) == 1.5
    _written(tmp_path / "p", {name: "GAIN = 2.5\n"})
    assert _gain(path) == 2.5


def test_a_module_that_a_function_imports_is_as_it_was_when_the_problem_was_opened(tmp_path: Path) -> None:
    path = _written(tmp_path / "p", KINDS["a module that a function imports"][1])
    problem = open_problem(path)
    _edited(path.parent / "late.py")
    with pytest.raises(BadInput, match=r"late\.py has changed since the problem was opened"):
        problem.model.value(np.array([[1.0]]))


def test_bytecode_of_folders_that_do_not_count_is_not_older_than_its_source(tmp_path: Path) -> None:
    code = f"import sys\nsys.path.append({str(tmp_path / '.far')!r})\nfrom far_away import model, truth\nsys.path.pop()\n"
    path = _written(tmp_path / "p", {"m.py": code, "../.far/far_away.py": MODEL})
    py_compile.compile(str(tmp_path / ".far" / "far_away.py"))
    _edited(tmp_path / ".far" / "far_away.py")
    try:
        assert _gain(path) == 2.5
    finally:
        sys.modules.pop("far_away", None)


@pytest.mark.slow
def test_threads_may_open_one_problem(tmp_path: Path) -> None:
    code = "import time\nfrom helper import model\ntime.sleep(0.01)\nfrom helper import truth\n"
    path = _written(tmp_path / "p", {"m.py": code, "helper.py": MODEL})
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(_gain, [path] * 3)) == [1.5] * 3


def test_a_problem_leaves_no_bytecode(tmp_path: Path) -> None:
    path = _written(tmp_path / "p", KINDS["a module beside it"][1])
    _gain(path)
    assert not (path.parent / "__pycache__").exists()


def test_model_and_reference_share_the_modules_beside_them(tmp_path: Path) -> None:
    files = {"m.py": "import helper\ndef model(x): return helper.model(x)\n", "r.py": "from helper import truth\n",
             "helper.py": MODEL}  # fmt: skip
    path = _written(tmp_path / "p", files)
    path.write_text(PROBLEM.replace("m.py:truth", "r.py:truth"))
    problem = open_problem(path)
    model, truth = (inspect.unwrap(f.value.code) for f in (problem.model, problem.reference))
    assert model.__globals__["helper"].truth is truth


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        "a module beside it",
        "a module of a package",
        "a module of a namespace",
        "a module that puts an object in its stead",
    ],
)
def test_two_folders_have_modules_of_one_name(kind: str, tmp_path: Path) -> None:
    edited, files = KINDS[kind]
    files = {"r.py": files["m.py"], **files}
    one, two = (_written(tmp_path / name / "p", files) for name in ("one", "two"))
    _edited(two.parent / edited)
    assert [_gain(path) for path in (one, two, one)] == [1.5, 2.5, 1.5]
    one.write_text(PROBLEM.replace("m.py:model", "r.py:model"))  # another file that imports the same modules
    assert _gain(one) == 1.5
    (two.parent / edited).unlink()
    with pytest.raises(BadInput, match="No module named"):  # not that of the other folder
        open_problem(two)


@pytest.mark.slow
def test_an_import_inside_a_function_that_could_mean_two_files_is_refused(tmp_path: Path) -> None:
    one, two = (
        _written(tmp_path / name / "p", KINDS["a module that a function imports"][1])
        for name in ("one", "two")
    )
    for path in (one, two):
        open_problem(path)
    for path in (one, two):
        with pytest.raises(
            ImportError, match="several folders have a late: import it at the top of the file"
        ):
            open_problem(path).model.value(np.array([[1.0]]))


def test_the_fingerprint_is_of_what_runs(tmp_path: Path) -> None:
    path = _written(tmp_path / "p", KINDS["a module beside it"][1])
    problem = open_problem(path)
    before = fingerprint(problem)
    (path.parent / "helper.py").write_text(MODEL.replace("1.5", "3.0"))
    assert fingerprint(problem) == before != fingerprint(open_problem(path))


def test_a_file_that_changes_while_the_problem_is_opened_is_refused(tmp_path: Path) -> None:
    code = "from pathlib import Path\nme = Path(__file__)\nme.write_text(me.read_text() + '# edited\\n')\n"
    files = {"m.py": MODEL + code}
    with pytest.raises(BadInput, match=r"m\.py has changed since the problem was opened"):
        open_problem(_written(tmp_path / "p", files))


def test_the_text_of_a_function_is_that_which_runs(tmp_path: Path) -> None:
    path = _written(tmp_path / "p", {"m.py": MODEL})
    code = lambda: open_problem(path).model.value.code  # noqa: E731
    assert "GAIN * x" in inspect.getsource(code())
    _edited(path.parent / "m.py", "GAIN * x", "GAIN + x")
    assert "GAIN + x" in inspect.getsource(code())


@pytest.mark.parametrize("kind", ["the file", "a module beside it", "a file of data"])
def test_what_was_pickled_is_refused_once_its_code_has_changed(kind: str, tmp_path: Path) -> None:
    edited, files = KINDS[kind]
    problem = open_problem(_written(tmp_path / "p", files))
    sent = pickle.dumps(problem.model)
    assert pickle.loads(sent)(np.array([[1.0]]))[0, 0] == 1.5
    _edited(tmp_path / "p" / edited)
    with pytest.raises(BadInput, match=f"{edited} has changed since the problem was opened"):
        pickle.loads(sent)


@pytest.mark.slow
def test_a_program_of_a_command_has_no_bytecode_of_its_modules(tmp_path: Path) -> None:
    code = "import helper\nimport sys\nfor line in sys.stdin: print(helper.GAIN, flush=True)\n"
    path = _written(tmp_path / "p", {"m.py": MODEL, "solver.py": code, "helper.py": "GAIN = 1.5\n"})
    path.write_text(PROBLEM.replace('python = "m.py:model"', f'command = ["{sys.executable}", "solver.py"]'))
    compiled = py_compile.compile(str(path.parent / "helper.py"))
    _edited(path.parent / "helper.py")
    assert Path(compiled or "").is_file()
    assert _gain(path) == 2.5


@pytest.mark.slow
def test_workers_run_what_was_opened_or_nothing(tmp_path: Path) -> None:
    path = _written(tmp_path / "p", KINDS["a module beside it"][1])
    problem = open_problem(path)
    with Processes(1) as pool:
        assert pool.submit(_worker_gain, problem.model).result() == 1.5
    _edited(path.parent / "helper.py")
    with Processes(1) as pool:
        assert pool.submit(_worker_gain, open_problem(path).model).result() == 2.5
        with pytest.raises(BadInput, match=r"helper\.py has changed since the problem was opened"):
            pool.submit(_worker_gain, problem.model).result()


def test_modules_of_packages_are_looked_at_once_and_what_replaces_one_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There are thousands of them where libraries are loaded, and every file that is imported asks."""
    nobody = lambda name, module: None  # noqa: E731
    first, rest = (dict(others(nobody)) for _ in range(2))
    assert {__name__, "sys"} <= {*rest} <= {*first}
    assert not {"numpy", "json.decoder", "supnorm"} & {*rest}
    monkeypatch.setitem(sys.modules, "json.decoder", ModuleType("json.decoder"))
    assert [*set(dict(others(nobody))) - {*rest}] == ["json.decoder"]
