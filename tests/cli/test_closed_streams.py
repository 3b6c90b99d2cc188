"""Who waits for a verdict has neither standard streams nor memory for NumPy, and still gives no exit code 1."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a shell and processes of POSIX")

WITHOUT_NUMPY = """
import os, sys
from supnorm.process import CALLS
from supnorm.supervisor import supervise
sys.modules["numpy"] = None  # as where memory is short: it cannot be imported
def work():
    CALLS.page.doing("calling the model \\x1b[2J")
    os._exit(1)
sys.exit(supervise(work))
"""


def test_who_waits_imports_nothing_when_there_is_no_verdict() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_NUMPY], capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert r"calling the model \x1b[2J" in done.stderr


@pytest.mark.parametrize(
    ("closed", "code"), [("<&-", 0), ("2>&-", 0), (">&-", 2), (">&- 2>&-", 2), ("<&- >&- 2>&-", 2)]
)
def test_a_stream_that_was_closed_is_no_verdict(closed: str, code: int) -> None:
    """Python has None for it, and its traceback ends with exit code 1: an error above the tolerance."""
    command = ["sh", "-c", f'"{sys.executable}" -m supnorm schema problem {closed}']
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)


def test_a_terminal_that_lacks_a_letter_shows_its_number() -> None:
    command = [sys.executable, "-c", LETTER]
    env = {**os.environ, "PYTHONIOENCODING": "latin-1:strict"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert (done.returncode, done.stdout) == (0, "\\u25b2\n")


LETTER = """
from supnorm.supervisor import open_streams
open_streams()
print(chr(0x25b2))
"""
