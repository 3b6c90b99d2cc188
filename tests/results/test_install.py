"""What messages and pages say about installing: commands that work, from one place."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from supnorm.results.install import EXTRAS, install

ROOT = Path(__file__).parents[2]
TOLD = [
    *ROOT.glob("src/**/*.py"), *ROOT.glob("benchmarks/**/*.py"), *ROOT.glob("examples/**/*.py"),
    *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md"), *ROOT.glob("benchmarks/**/*.md"), ROOT / "README.md",
]  # fmt: skip


def test_packages_of_the_extras_are_those_of_the_project_file():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    users = {
        name: tuple(packages) for name, packages in declared.items() if name not in ("bench", "dev", "docs")
    }
    assert users == EXTRAS
    assert install("torch") == f"pip install '{declared['torch'][0]}'"


def test_nothing_says_to_install_an_extra_of_a_project_that_no_index_has():
    """``supnorm[torch]`` on an index fails today, and is somebody else's package tomorrow."""
    wrong = [
        f"{path.relative_to(ROOT)}:{i}: {line.strip()}"
        for path in TOLD
        for i, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"supnorm\[|install supnorm\b", line)
    ]
    assert not wrong, "\n".join(wrong)
