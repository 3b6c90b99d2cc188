"""``python -m tests.seconds``: which tests take so long that ``make quick`` and ``make test`` run some of their cases.

It runs all tests once and writes ``tests/seconds.txt``: a line for each test function that takes over `QUICK`, with the
seconds of processor time of a case. ``make quick`` then runs as many cases as fit into `QUICK`, perhaps none, ``make test``
as many as fit into `SUITE`, at least one; ``make cases`` runs all. After tests were added, measure again when ``make quick``
or ``make test`` is slow.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

# Of processor time, for one test function: 2,125 take more.
QUICK = 0.1
# Of 4,040 s of processor time of all cases, `make test` runs 2,620 s; with 1 s for a test function it would run 100 s less.
SUITE = 1.5
ALWAYS = (
    "tests/test_house.py::test_nothing_breaks_a_rule",
)  # each commit keeps the rules, whatever they take
FILE = Path(__file__).with_name("seconds.txt")
WHERE = "SUPNORM_TEST_SECONDS"  # the folder where the workers of a measurement write


def used() -> float:
    """Seconds of processor time of this process and of those that it has waited for."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def function_of(nodeid: str) -> str:
    """The test function of a test: its name without the case, and without the group of pytest-xdist.

    >>> function_of("tests/test_a.py::test_x[1-a]@tests/test_a.py")
    'tests/test_a.py::test_x'
    """
    return nodeid.partition("[")[0].partition("@")[0]


def measured() -> dict[str, float]:
    """The seconds of a case of each function in `FILE`; none while they are measured anew."""
    if WHERE in os.environ or not FILE.exists():
        return {}
    lines = (line.split(maxsplit=1) for line in FILE.read_text().splitlines())
    return {name: float(seconds) for seconds, name in lines}


def note(nodeid: str, seconds: float) -> None:
    """Write down what a test took, if that is wanted."""
    if WHERE in os.environ:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        with Path(os.environ[WHERE], worker).open("a") as file:
            print(f"{seconds:.4f}", function_of(nodeid), file=file)


def text_of(lines: list[str]) -> str:
    """The text of `FILE` from the lines of `note`.

    >>> text_of(["0.1 a.py::test_x", "0.9 a.py::test_y", "0.4 a.py::test_z", "0.2 a.py::test_z"])
    '0.90 a.py::test_y\\n0.30 a.py::test_z\\n'
    """
    cases = defaultdict(list)
    for line in lines:
        seconds, name = line.split(maxsplit=1)
        cases[name].append(float(seconds))
    return "".join(
        f"{max(sum(taken) / len(taken), 0.01):.2f} {name}\n"  # no zero: cases are counted by it
        for name, taken in sorted(cases.items())
        if sum(taken) > QUICK and name not in ALWAYS
    )


def main() -> int:
    """Measure, and write the file if all tests passed."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["-q", "-n", "2", "--dist", "loadgroup"]
        ended = subprocess.run([sys.executable, "-m", "pytest", *options], env={**os.environ, WHERE: folder})
        if ended.returncode == 0:
            lines = [line for file in Path(folder).iterdir() for line in file.read_text().splitlines()]
            FILE.write_text(text_of(lines))
    return ended.returncode


if __name__ == "__main__":
    raise SystemExit(main())
