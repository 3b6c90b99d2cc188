"""Hashes of a reference: two references with other values have other hashes, in whatever way they find their files."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from supnorm.sources import open_problem
from supnorm.sources.reference_code import reference_code

PROBLEM = """
[model]
python = "code.py:model"
[reference]
python = "code.py:truth"
[domain]
x = [0.0, 1.0]
"""
HEAD = """
import glob, importlib, os, runpy, sys
from pathlib import Path
import numpy as np
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
def model(x): return x[:, 0]
def read(*parts): return float(np.loadtxt(os.path.join(*parts)))
"""
WAYS = {  # how the factor is found, and its file
    "by name": ("V = read(HERE, 't.csv')", "V", "t.csv"),
    "in the call": ("", "read(HERE, 't.csv')", "t.csv"),
    "by a pattern": ("V = read(glob.glob(HERE + '/*.csv')[0])", "V", "t.csv"),
    "by a suffix": ("V = read(Path(__file__).with_suffix('.csv'))", "V", "code.csv"),
    "by parts of a name": ("N = 't'\nV = read(HERE, N + '.csv')", "V", "t.csv"),
    "by a number": ("V = read(HERE, f't{1}.csv')", "V", "t1.csv"),
    "a module, by a text": ("M = importlib.import_module('other_factor')", "M.V", "other_factor.py"),
    "code, by a text": ("M = runpy.run_path(os.path.join(HERE, 'factor.py'))", "M['V']", "factor.py"),
}


def opened(folder: Path, way: str, number: float) -> tuple[dict[str, str], float]:
    """The hashes, and a value of the reference."""
    before, factor, name = WAYS[way]
    folder.mkdir()
    (folder / "code.py").write_text(f"{HEAD}{before}\ndef truth(x): return {factor} * x[:, 0]\n")
    (folder / name).write_text(f"V = {number}\n" if name.endswith(".py") else f"{number}\n")
    (folder / "p.toml").write_text(PROBLEM)
    sys.modules.pop("other_factor", None)
    problem = open_problem(folder / "p.toml")
    return reference_code(problem), float(problem.reference.value(np.array([[0.5]]))[0, 0])


@pytest.mark.sampled(3)
@pytest.mark.parametrize("way", WAYS)
def test_another_file_of_the_reference_is_another_reference(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (before, was), (after, now) = (opened(tmp_path / str(n), way, n) for n in (3.0, 5.0))
    assert was != now
    assert {key for key in before if before[key] != after[key]} == {WAYS[way][2]}


@pytest.mark.parametrize("file", ["run.py", "input.txt"])
def test_the_files_of_a_command_count(file: str, tmp_path: Path) -> None:
    hashes = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "code.py").write_text("def model(x): return x[:, 0]\n")
        (folder / "run.py").write_text(
            "print(open(__import__('sys').argv[1]).read())\n" + "\n" * (number if file == "run.py" else 0)
        )
        (folder / "input.txt").write_text("{x}" + "0" * (number if file == "input.txt" else 0))
        command = f'command = ["{sys.executable}", "run.py", "{{input}}"]\ntemplate = "input.txt"\nprotocol = "point"'
        (folder / "p.toml").write_text(PROBLEM.replace('python = "code.py:truth"', command))
        hashes.append(reference_code(open_problem(folder / "p.toml")))
    assert {key for key in hashes[0] if hashes[0][key] != hashes[1][key]} == {file}


LOGS = {  # how it is written
    "by its name": ("", "with open(os.path.join(HERE, 'log.txt'), 'a') as file: file.write('.')"),
    "by its path": ("", "with (Path(__file__).parent / 'log.txt').open('a') as file: file.write('.')"),
    "by a name of code": (
        "LOG = Path(__file__).parent / 'log.txt'",
        "with LOG.open(mode='a') as file: file.write('.')",
    ),
    "by a number": ("", "os.write(os.open(os.path.join(HERE, 'log.txt'), os.O_WRONLY | os.O_APPEND), b'.')"),
    "as a whole": ("", "np.savetxt(HERE + '/log.txt', np.random.default_rng().random(3))"),
}
READ = "\nV = np.loadtxt(HERE + '/log.txt') if os.path.exists(HERE + '/log.txt') else 1.0"


@pytest.mark.parametrize("way", LOGS)
def test_a_log_that_the_reference_writes_does_not_count(way: str, tmp_path: Path) -> None:
    """It grows in every run: no two runs would have the same reference."""
    before, writes = LOGS[way]
    (tmp_path / "p.toml").write_text(PROBLEM)
    found = []
    for more in ("", READ):
        code = f"{HEAD}{before}{more}\ndef truth(x):\n    {writes}\n    return x[:, 0]{' * V.mean()' if more else ''}\n"
        (tmp_path / "code.py").write_text(code)
        for k in range(2):
            (tmp_path / "log.txt").write_text(f"{k}\n")
            found.append(reference_code(open_problem(tmp_path / "p.toml")))
    assert found[0] == found[1]
    assert found[2] != found[3]  # what it also reads counts


@pytest.mark.parametrize(
    "how",
    [
        "import names\nV = lambda: np.loadtxt(names.LOG)",
        "from names import LOG as N\nV = lambda: np.loadtxt(N)",
    ],
)
def test_a_file_that_another_module_reads_counts(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The module that names it only writes it."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "p.toml").write_text(PROBLEM)
    log = tmp_path / "log.txt"
    (tmp_path / "names.py").write_text(f"LOG = {str(log)!r}\ndef note(): open(LOG, 'a').write('.')\n")
    (tmp_path / "code.py").write_text(f"{HEAD}{how}\ndef truth(x): return V() * x[:, 0]\n")
    found = []
    for k in (1, 2):
        log.write_text(f"{k}\n")
        sys.modules.pop("names", None)
        found.append(reference_code(open_problem(tmp_path / "p.toml")))
    assert found[0] != found[1]
