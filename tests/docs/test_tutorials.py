"""The tutorials are run: their files are written, their commands called, and their output compared line by line.

A block of Python that begins with ``# file: NAME`` is a file, as is a block of TOML or text; any other one is executed.
In a ``console`` block each line after ``$`` is a command; each line below it has to stand in what it printed, but for
blanks. ``...`` stands for anything.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted((DOCS / "tutorials").glob("*.md"))
SOURCE = Path(__file__).parents[2] / "src"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
FILE = re.compile(r"# file: (\S+)\n")
NEEDS = re.compile(r"<!-- needs: ([\w, ]+) -->")


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.whole
@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_a_tutorial_runs_as_it_is_written(page: Path, tmp_path: Path) -> None:
    for needed in NEEDS.findall(page.read_text(encoding="utf-8")):
        for name in needed.split(","):
            pytest.importorskip(name.strip())
    if "pd.read_csv" in page.read_text(encoding="utf-8"):
        pytest.importorskip("pandas")
    python = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = os.environ | {"PYTHONPATH": str(SOURCE), "COLUMNS": "100", "PATH": python}
    ran = 0
    for kind, text in blocks(page):
        if named := FILE.match(text):
            path = tmp_path / named[1]
            path.write_text(text[named.end() :], encoding="utf-8")
            path.chmod(0o755)
        elif kind == "python":
            done = subprocess.run(
                [sys.executable, "-c", text],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert done.returncode == 0, done.stderr
            ran += 1
        elif kind == "console":
            ran += run_console(text, tmp_path, environment)
    assert ran


def run_console(text: str, folder: Path, environment: dict[str, str]) -> int:
    commands = [part for part in re.split(r"^\$ ", text, flags=re.M) if part.strip()]
    for part in commands:
        command, _, shown = part.partition("\n")
        line = re.sub(r"^supnorm\b", "python -m supnorm", command)
        line = re.sub(r"^python\b", f'"{sys.executable}"', line)
        done = subprocess.run(
            line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
        )
        printed = plain(done.stdout + done.stderr)
        for wanted in filter(None, map(plain, shown.splitlines())):
            for piece in filter(None, map(str.strip, wanted.split("..."))):
                assert piece in printed, f"{command}: {piece!r} is not in\n{done.stdout}{done.stderr}"
        if not shown.strip():
            assert done.returncode == 0, done.stderr
    return len(commands)


@pytest.mark.whole
@pytest.mark.slow
@pytest.mark.parametrize("page", ["certify", "fit", "guard", "repair"])
def test_the_first_block_of_a_verbs_page_runs_alone(page: str, tmp_path: Path) -> None:
    pytest.importorskip("jax")
    pytest.importorskip("flint")
    text = next(text for kind, text in blocks(DOCS / f"{page}.md") if kind == "python")
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
