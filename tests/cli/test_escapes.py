r"""Names, titles and messages of users never reach a terminal or a page as what these obey: every verb, every stream."""

from __future__ import annotations

import ast
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.conftest import Outcome, Shell

import supnorm
from supnorm.cli import main
from supnorm.evaluation import Finished, NewWorst, Started
from supnorm.pages import TerminalProgress, summary
from supnorm.results.encoding import dumps
from supnorm.results.printable import OBEYED, in_json, one_line, printable
from supnorm.results.writing import write_whole

EVIL = "\x1b[31mred\x1b[2J\x9b31m\x08\x08\r\x07\u202egnp\u2066\u200b\x7f"  # as a user's text in Python
TOML = EVIL.encode("unicode_escape").decode().replace("\\x", "\\u00")  # and in TOML
PROBLEM = f"""
title = "T{TOML}"
[model]
python = "evil.py:model"
name = "M{TOML}"
outputs = ["y{TOML}"]
output_units = ["K{TOML}"]
[reference]
python = "evil.py:truth"
name = "R{TOML}"
outputs = ["y{TOML}"]
[error]
tolerance = 0.5
[domain]
"a{TOML}" = {{ low = 0.0, high = 1.0, unit = "m{TOML}" }}
[audit]
evaluations = 200
power = false
"""
CODE = f"""
import numpy as np
EVIL = {EVIL!r}
def truth(x): return np.sin(3 * x[:, 0])
def model(x): return truth(x) + 0.1 * x[:, 0]
def raises(x): raise ArithmeticError("boom" + EVIL)
def sometimes(x):
    if (x > 0.5).any(): raise ArithmeticError("half" + EVIL)
    return truth(x)
"""


@pytest.fixture
def evil(shell: Shell) -> Shell:
    (shell.folder / "evil.py").write_text(CODE)
    (shell.folder / "evil.toml").write_text(PROBLEM)
    (shell.folder / "other.toml").write_text(PROBLEM.replace('name = "M', 'name = "N'))
    (shell.folder / "raises.toml").write_text(PROBLEM.replace("evil.py:truth", "evil.py:raises"))
    (shell.folder / "sometimes.toml").write_text(PROBLEM.replace("evil.py:model", "evil.py:sometimes"))
    (shell.folder / "unknown.toml").write_text(PROBLEM + f'"k{TOML}" = "v{TOML}"\n')
    (shell.folder / "missing.toml").write_text(PROBLEM.replace("evil.py:model", f"evil.py:{TOML}"))
    (shell.folder / "table.toml").write_text(
        PROBLEM.replace('python = "evil.py:truth"', f'file = "t.csv"\ninputs = ["no{TOML}"]')
    )
    (shell.folder / "t.csv").write_text(f'"x{EVIL}","y{EVIL}"\n1,2\n')
    return shell


def demand_harmless(done: Outcome, folder: Path) -> None:
    for text in (done.out, done.err):
        found = OBEYED.search(text)
        assert found is None, (found, text[max(0, found.start() - 60) : found.end() + 20])
    for page in folder.rglob("*.html"):
        assert OBEYED.search(page.read_text(encoding="utf-8")) is None, page
    for kept in folder.rglob("*.json"):
        text = kept.read_text(encoding="utf-8")
        assert OBEYED.search(text) is None, kept
        json.loads(text)


VERBS = [
    ("audit", "evil.toml", "--out", "run"),
    ("audit", "evil.toml", "--out", "run", "--json"),
    ("audit", "raises.toml", "--out", "run"),
    ("audit", "sometimes.toml", "--out", "run"),
    ("audit", "unknown.toml"),
    ("audit", "missing.toml"),
    ("audit", "table.toml", "--out", "run"),
    ("audit", f"no{EVIL}.toml"),
    ("audit", "evil.toml", f"--{EVIL}"),
    ("audit", "evil.toml", "--evaluations", EVIL),
    ("audit", "evil.toml", "--power-heights", EVIL),
    ("certify", "evil.toml", "--out", "run", "--seconds", "5"),
    ("fit", "evil.toml", "--out", "run", "--max-evaluations", "200", "--seconds", "4"),
    ("compare", "evil.toml", "other.toml", "--out", "run"),
    ("budget", "evil.toml", "--tolerance", "0.1", "--out", "run"),
    ("report", f"no{EVIL}"),
    ("replay", f"no{EVIL}"),
    ("check", f"no{EVIL}"),
    (EVIL,),
]


@pytest.mark.slow
@pytest.mark.sampled(6)
@pytest.mark.parametrize("verb", VERBS, ids=lambda v: "-".join(v)[:30].encode("unicode_escape").decode())
def test_no_verb_prints_what_a_terminal_obeys(evil: Shell, verb: tuple[str, ...]) -> None:
    done = evil.run(*verb)
    assert done.code != 70, done.err
    assert done.out + done.err
    demand_harmless(done, evil.folder)


@pytest.mark.parametrize("number", ["1_000", "１２００", "٣٠٠", "1" * 30])
@pytest.mark.parametrize("option", ["--evaluations", "--seconds", "--power-runs", "--power-heights"])
def test_numbers_are_written_plainly(evil: Shell, option: str, number: str) -> None:
    if number.isdecimal() and number.isascii() and option in ("--seconds", "--power-heights"):
        return
    done = evil.run("audit", "evil.toml", option, number)
    assert done.code == 2
    assert done.line


@pytest.mark.slow
def test_reports_and_replays_of_a_run(evil: Shell) -> None:
    assert evil.run("audit", "evil.toml", "--out", "run").code == 0
    assert "T\\x1b[31mred" in evil.run("audit", "evil.toml", "--out", "again").out
    for verb in (("report", "run"), ("replay", "run"), ("replay", "run", "--json")):
        done = evil.run(*verb)
        assert done.code == 0, done.err
        demand_harmless(done, evil.folder)
    # Nothing is lost.
    assert json.loads((evil.folder / "run" / "result.json").read_text())["title"] == f"T{EVIL}"


@pytest.mark.slow
def test_files_with_odd_names(evil: Shell) -> None:
    for name in ("a\x1b[31m.toml", "b\u202e.toml"):
        (evil.folder / name).write_text(PROBLEM)
        done = evil.run("audit", name, "--out", "run2")
        demand_harmless(done, evil.folder)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_progress_draws_titles_and_units_harmlessly(stream: io.StringIO) -> None:
    progress = TerminalProgress(stream)
    progress(Started(f"T{EVIL}", 100, 0, 0.1, unit=f"K{EVIL}"))
    progress(NewWorst(10, 0.2, True))
    assert OBEYED.search("".join(line.plain for line in (progress._head(), progress._now()))) is None
    progress(Finished())
    assert "\x1b[2J" not in stream.getvalue().replace("\x1b[2K", "")
    assert "\u202e" not in stream.getvalue()


@pytest.mark.slow
def test_the_coloured_summary_has_no_colours_but_its_own(evil: Shell) -> None:
    evil.run("audit", "evil.toml", "--out", "run")
    document = json.loads((evil.folder / "run" / "result.json").read_text())
    drawn = summary(document, 100, True, f"r{EVIL}.html")
    assert "\x1b[31mred" not in drawn
    assert "\x1b[2J" not in drawn
    assert "\u202e" not in drawn


@pytest.mark.slow
@given(st.text())
def test_printable_leaves_nothing_and_changes_nothing_else(text: str) -> None:
    assert OBEYED.search(printable(text)) is None
    assert printable(printable(text)) == printable(text)
    assert "\n" not in one_line(text)
    if not OBEYED.search(text):
        assert printable(text) == text


@given(
    st.text(st.characters(codec=None)) | st.text(st.sampled_from('\x1b\x7f\x9b\u202e\ud800\U000e0041"\\a'))
)
def test_json_means_the_same_and_is_printable(text: str) -> None:
    written = dumps({text: [text]})
    assert OBEYED.search(written) is None
    back = json.loads(written)
    assert list(back) == [text]
    assert back[text] == [text]
    assert in_json(written) == written


def test_text_that_is_no_unicode_can_be_written(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", "a\udcff")
    assert (tmp_path / "a").read_bytes() == b"a\\udcff"


@pytest.mark.slow
def test_every_verb_prints_through_one_function() -> None:
    """A later ``print`` or ``typer.echo`` would not clean its text: only these places call them."""
    root = Path(supnorm.__file__).parent
    allowed = {"cli/answer.py", "cli/main.py", "__main__.py", "supervisor.py"}
    found = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("print", "typer.echo", "typer.secho", "click.echo")
    }
    assert found <= allowed, found - allowed
    assert main
