"""What the verbs print and leave: JSON alone, the same for the same seed, a page, a table, a comparison."""

from __future__ import annotations

import html
import importlib
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Shell

import supnorm
from supnorm import auditing
from supnorm.interrupts import INTERRUPTS
from supnorm.results import BadInput

TIMES = ("seconds", "model_seconds", "reference_seconds", "seconds_per_point", "finished")
HEAVY = (
    "scipy", "sklearn", "jax", "torch", "onnx", "onnxruntime", "pydantic", "pandas", "xarray", "jinja2", "PIL",
)  # fmt: skip


def document(text: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(text)
    data["cost"] = data["cost"] and data["cost"]["class"]
    # Where the machine is busy a timing comes near 1 ms; it decides nothing here, as the cost above shows.
    data["notes"] = [note for note in data["notes"] if not note.startswith("A timing near 1 ms decided")]
    return {k: v for k, v in data.items() if k not in TIMES}


@pytest.mark.slow
def test_json_is_alone_on_stdout_and_the_same_as_in_the_folder(shell: Shell) -> None:
    done = shell.run("audit", "problem.toml", "--json", "--out", "run")
    assert done.err == ""
    assert json.loads(done.out) == json.loads((shell.folder / "run" / "result.json").read_text())


def test_a_run_is_a_folder(shell: Shell) -> None:
    shell.run("audit", "problem.toml", "--quiet", "--out", "run")
    names = {p.name for p in (shell.folder / "run").iterdir()}
    assert names >= {"problem.toml", "evaluations.sqlite", "points.csv", "result.json", "report.html"}


@pytest.mark.slow
def test_quiet_says_nothing_and_the_summary_names_the_worst(shell: Shell) -> None:
    done = shell.run("audit", "problem.toml", "--quiet", "--out", "quiet")
    assert (done.out, done.err) == ("", "")
    done = shell.run("audit", "problem.toml", "--out", "loud")
    assert "0.3" in done.out
    assert "report.html" in done.out
    assert "\x1b" not in done.out  # no colour but on a terminal


@pytest.mark.slow
def test_the_seed_decides(shell: Shell) -> None:
    same = [
        document(shell.run("audit", "problem.toml", "--json", "--seed", "7", "--out", f"r{i}").out)
        for i in range(2)
    ]
    other = document(shell.run("audit", "problem.toml", "--json", "--seed", "8", "--out", "r2").out)
    assert (
        same[0].pop("command")
        == "supnorm audit problem.toml --seed 7 --evaluations 1000 --cost cheap --out r0"
    )
    assert (
        same[1].pop("command")
        == "supnorm audit problem.toml --seed 7 --evaluations 1000 --cost cheap --out r1"
    )
    assert same[0] == same[1]
    assert other["charts"] != same[0]["charts"]
    assert other["seed"] == 8


@pytest.mark.slow
def test_the_seed_decides_in_another_process_too(shell: Shell) -> None:
    here = document(shell.run("audit", "problem.toml", "--json", "--seed", "7", "--out", "r0").out)
    there = document(shell.finish("audit", "problem.toml", "--json", "--seed", "7", "--out", "r1").out)
    for data in (here, there):
        data.pop("versions"), data.pop("command")  # this process has loaded more packages; r0 and r1
    assert here == there


@pytest.mark.slow
def test_the_command_repeats_the_run(shell: Shell) -> None:
    first = document(shell.run("audit", "problem.toml", "--json", "--seed", "7", "--evaluations", "700").out)
    words = first["command"].split()
    assert words[0] == "supnorm"
    assert words[-2:] == ["--cost", "cheap"]  # what a timing has decided is not left to another one
    again = document(shell.run(*words[1:], "--json").out)
    assert again == first


@pytest.mark.slow
def test_the_command_names_what_the_run_was_asked_for(shell: Shell) -> None:
    """A folder and a file with blanks, workers: what is copied from the page does the same once more."""
    shell.write(name="my problem.toml")
    asked = ("audit", "my problem.toml", "--json", "--out", "a run", "--workers", "2", "--trust")
    first = document(shell.run(*asked).out)
    assert first["command"].endswith("--workers 2 --trust --out 'a run'")
    again = document(shell.run(*shlex.split(first["command"])[1:], "--json").out)
    assert again == first
    assert first["command"] in html.unescape((shell.folder / "a run" / "report.html").read_text())


@pytest.mark.slow
def test_options_of_the_file_are_honoured(shell: Shell) -> None:
    shell.write(("evaluations = 1000", "evaluations = 300\nseed = 5"))
    data = document(shell.run("audit", "problem.toml", "--json").out)
    assert data["seed"] == 5
    assert data["budget"]["evaluations"] == 300


@pytest.mark.slow
def test_gradients_of_the_file_are_honoured(shell: Shell) -> None:
    pytest.importorskip("jax")
    (shell.folder / "smooth.py").write_text(
        "import jax.numpy as jnp\n"
        "def model(x): return jnp.sin(3 * x[:, 0]) * x[:, 1]\n"
        "def truth(x): return jnp.sin(3 * x[:, 0]) * x[:, 1] + 0.1 * x[:, 0] * x[:, 1]\n"
    )
    changes = (
        ("truth.py:model", "smooth.py:model"),
        ("truth.py:truth", "smooth.py:truth"),
    )
    shell.write(*changes)
    assert document(shell.run("audit", "problem.toml", "--json").out)["gradients"] == "both"
    shell.write(*changes, ("power = false", "power = false\ngradients = false"))
    assert document(shell.run("audit", "problem.toml", "--json", "--out", "no").out)["gradients"] == "none"


@pytest.mark.slow
def test_replay_gives_the_same_values(shell: Shell) -> None:
    shell.run("audit", "problem.toml", "--quiet", "--out", "run")
    worst = json.loads((shell.folder / "run" / "result.json").read_text())["witness"]
    data = json.loads(shell.run("replay", "run", "--json").out)
    assert data["x"] == worst["x"]
    assert data["error"] == pytest.approx(worst["error"], rel=1e-12)
    assert data["error_then"] == worst["error"]
    assert "the same error as in the run" in shell.run("replay", "run").out
    done = shell.run("replay", "run", "99")
    assert done.code == 2
    assert "peaks" in done.line


@pytest.mark.slow
def test_replay_of_another_problem_is_refused_in_one_line(shell: Shell) -> None:
    shell.run("audit", "problem.toml", "--quiet", "--out", "run")
    for old, new, said in (
        ('[model]\npython = "truth.py:model"\n', "", "other.toml has no [model]"),
        ("truth.py:model", "truth.py:two", "other.toml has other outputs than the run in run"),
    ):
        shell.write((old, new), name="other.toml")
        done = shell.run("replay", "run", "--problem", "other.toml")
        assert done.code == 2
        assert said in done.line


@pytest.mark.slow
def test_replay_notices_another_reference(shell: Shell) -> None:
    shell.run("audit", "problem.toml", "--quiet", "--out", "run")
    truth = shell.folder / "truth.py"
    truth.write_text(
        truth.read_text().replace("def truth(x): return np.exp", "def truth(x): return 1.5 * np.exp")
    )
    done = shell.run("replay", "run", "--problem", "problem.toml")
    assert "NOT the same error" in done.out
    assert done.code != 0  # a script must be able to tell


@pytest.mark.slow
def test_report_rebuilds_the_page(shell: Shell) -> None:
    shell.run("audit", "problem.toml", "--quiet", "--out", "run")
    page = shell.folder / "run" / "report.html"
    before = page.read_bytes()
    page.unlink()
    assert shell.run("report", "run").code == 0
    assert page.read_bytes() == before
    assert shell.run("report", "nothing").code == 2


@pytest.mark.slow
def test_report_tells_the_verdict_to_other_programs(shell: Shell) -> None:
    shell.run("audit", "problem.toml", "--evaluations", "300", "--no-power", "--out", "run")
    shown = shell.run("report", "run", "--format", "markdown")
    assert shown.code == 0
    assert shown.out.startswith("### ")
    sarif = json.loads(shell.run("report", "run", "--format", "sarif").out)
    assert sarif["version"] == "2.1.0"
    written = shell.run("report", "run", "--format", "junit", "--out", "sup.xml")
    assert written.code == 0
    assert (shell.folder / "sup.xml").read_text().startswith("<?xml")
    assert shell.run("report", "run", "--out", "page.html").code == 0
    assert (shell.folder / "page.html").read_text().startswith("<!doctype html>")
    refused = shell.run("report", "run", "--format", "pdf")
    assert refused.code == 2
    assert "html, markdown, junit, sarif, badge" in refused.err


@pytest.mark.slow
def test_compare_puts_models_in_one_table(shell: Shell) -> None:
    shell.write(name="a.toml")
    shell.write(("truth.py:model", "truth.py:agrees"), name="b.toml")
    done = shell.run("compare", "a.toml", "b.toml", "--json", "--out", "both")
    data = json.loads(done.out)
    assert data["schema"] == "supnorm.compare/1"
    assert [round(row["worst"], 4) for row in data["rows"]] == [0.3, 0.0001]
    assert [row["status"] for row in data["rows"]] == ["tolerance-exceeded", "nothing-found"]
    assert done.code == 1
    for row in data["rows"]:
        assert (shell.folder / "both" / row["folder"] / "report.html").exists()
    assert (shell.folder / "both" / "compare.html").exists()


@pytest.mark.slow
def test_compare_evaluates_each_model_at_the_worst_points_of_the_others(shell: Shell) -> None:
    """What the search of one model missed, at a point that another one found, decides about its tolerance."""
    shell.write(name="a.toml")
    assert shell.run("audit", "a.toml", "--quiet").code == 1
    found = json.loads((shell.folder / "a-run" / "result.json").read_text())["witness"]["x"]["a"]
    spike = f"np.where(abs(x[:, 0] - {found!r}) < 1e-12, 0.25, 0.0)"
    (shell.folder / "spike.py").write_text(
        f"import numpy as np\nfrom truth import truth\ndef model(x): return truth(x) + {spike}\n"
    )
    shell.write(("truth.py:model", "spike.py:model"), name="b.toml")
    shell.write(("truth.py:model", "truth.py:agrees"), name="c.toml")
    assert shell.run("audit", "b.toml", "--quiet").code == 0  # its own search misses the spike
    files = ("c.toml", "b.toml", "--json", "--out", "both")
    alone = json.loads(shell.run("compare", *files).out)["rows"]
    assert [row["status"] for row in alone] == ["nothing-found", "nothing-found"]
    done = shell.run("compare", "a.toml", *files[:-1], "all")
    a, c, b = json.loads(done.out)["rows"]
    assert done.code == 1
    assert b["status"] == "tolerance-exceeded"
    assert b["worst"] == pytest.approx(0.25)
    assert b["at"]["a"] == found
    assert b["found_by"] == a["title"]
    assert [row["there"][0] for row in (a, c, b)] == pytest.approx([0.3, 1e-4, 0.25], rel=1e-3)
    assert (c["status"], c.get("found_by")) == ("nothing-found", None)
    printed = shell.run("compare", "a.toml", "c.toml", "b.toml", "--quiet", "--out", "more")
    assert printed.code == 1
    assert json.loads((shell.folder / "more" / "compare.json").read_text())["rows"][2] == b | {"folder": "b"}
    page = (shell.folder / "more" / "compare.html").read_text()
    assert "missed its worst error of 0.25" in page
    assert "worst point of" in page


@pytest.mark.slow
@pytest.mark.parametrize("where", ["supnorm.gates.crossed.crossed", "supnorm.cli.compare.run_audit"])
def test_compare_keeps_the_table_at_a_request_between_the_audits(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """While a model was opened, or called at the worst points of the others, Ctrl-C lost the table of what was done."""
    shell.write(("truth.py:model", "truth.py:agrees"), name="good.toml")
    owner, _, name = where.rpartition(".")
    module, begun = importlib.import_module(owner), []
    original = getattr(module, name)

    def interrupted(*given: Any, **options: Any) -> Any:
        begun.append(name)
        if name == "crossed" or len(begun) > 1:
            raise KeyboardInterrupt
        return original(*given, **options)

    arguments = ("compare", "good.toml", "problem.toml", "--evaluations", "300", "--quiet")
    with monkeypatch.context() as patch:
        patch.setattr(module, name, interrupted)
        done = shell.run(*arguments)
    rows = json.loads((shell.folder / "compare-run" / "compare.json").read_text())["rows"]
    assert done.code == (1 if name == "crossed" else 3)  # a witness above the tolerance counts
    assert done.line.startswith("supnorm: interrupted ")
    assert done.line.endswith("run the same command with --resume")
    assert [row["status"] for row in rows] == ["nothing-found", "tolerance-exceeded"][: len(rows)]
    assert len(rows) == (2 if name == "crossed" else 1)
    assert shell.run(*arguments, "--resume").code == 1


@pytest.mark.slow
def test_compare_takes_the_forms_of_one_model(shell: Shell) -> None:
    pytest.importorskip("onnxruntime")
    done = shell.run("compare", "problem.toml", "--forms", "--evaluations", "500", "--json", "--out", "forms")
    data = json.loads(done.out)
    assert data["rows"][0]["title"] == "as it is"
    assert len(data["rows"]) >= 3
    assert data["differences"][0]["worst"] >= data["differences"][-1]["worst"]
    assert any("Not compared: compiled" in remark["text"] for remark in data["remarks"])
    assert done.code == 1  # each form exceeds the tolerance
    assert (shell.folder / "forms" / "float32" / "report.html").exists()
    page = (shell.folder / "forms" / "compare.html").read_text()
    assert "How far are the forms apart?" in page
    assert "The largest difference found between two forms" in page
    assert (
        "--forms compares the forms of one model" in shell.run("compare", "a.toml", "b.toml", "--forms").line
    )
    assert "--resume has no effect" in shell.run("compare", "problem.toml", "--forms", "--resume").line


@pytest.mark.slow
def test_a_request_in_the_audit_of_a_form_ends_the_comparison(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audit ended early, and the forms that follow were audited all the same."""
    audit, begun = auditing.audit, []

    def stopped(*given: Any, **options: Any) -> Any:
        begun.append(given)
        report = audit(*given, **options)
        INTERRUPTS.taken()
        return report

    monkeypatch.setattr(auditing, "audit", stopped)
    done = shell.run("compare", "problem.toml", "--forms", "--evaluations", "300", "--quiet")
    assert (done.code, len(begun)) == (3, 1)


@pytest.mark.slow
def test_compare_plants_no_errors_when_asked_not_to(shell: Shell) -> None:
    small = [("power = false", "power = true"), ("[audit]", "[power]\nruns = 1\nevaluations = 20\n[audit]")]
    for name in ("a.toml", "b.toml"):
        shell.write(*small, name=name)
    for options, planted in (((), True), (("--no-power",), False)):
        shell.run("compare", "a.toml", "b.toml", "--quiet", "--evaluations", "200", "--out", "both", *options)
        documents = [json.loads((shell.folder / "both" / n / "result.json").read_text()) for n in "ab"]
        assert [bool(d["power"]) for d in documents] == [planted, planted]
    assert "--no-power" in documents[0]["command"]


@pytest.mark.slow
def test_models_of_one_name_are_told_apart(shell: Shell) -> None:
    shell.write(name="a.toml")
    shell.write(('title = "A bump"', 'title = "Another"'), name="b.toml")
    data = json.loads(shell.run("compare", "a.toml", "b.toml", "--json", "--evaluations", "200").out)
    assert [row["title"] for row in data["rows"]] == ["model (a)", "model (b)"]


@pytest.mark.slow
def test_the_command_to_repeat_has_all_digits(shell: Shell) -> None:
    options = ("--power-heights", "1.23456789", "--seconds", "1.23456789", "--evaluations", "100")
    shell.run("audit", "problem.toml", "--quiet", "--out", "run", "--power-runs", "1", *options)
    command = json.loads((shell.folder / "run" / "result.json").read_text())["command"]
    assert "--power-heights 1.23456789" in command
    assert "--seconds 1.23456789" in command


def test_compare_refuses_questions_that_differ(shell: Shell) -> None:
    shell.write(name="a.toml")
    shell.write(("high = 2.0", "high = 2.5"), name="b.toml")
    done = shell.run("compare", "a.toml", "b.toml")
    assert done.code == 2
    assert "b.toml: [domain] b.high is 2.5, and 2.0 in a.toml; compare needs the same one" in done.line
    (shell.folder / "two").mkdir()
    (shell.folder / "two" / "truth.py").write_bytes((shell.folder / "truth.py").read_bytes())
    shell.write(name="two/b.toml")
    assert (
        "equal files in two folders count as different" in shell.run("compare", "a.toml", "two/b.toml").line
    )
    assert shell.run("compare", "a.toml").code == 2


@pytest.mark.slow
def test_compare_keeps_the_table_when_one_model_cannot_be_evaluated(shell: Shell) -> None:
    """The others get their lines, and the exit code is 2 all the same; 1 where one of them exceeds the tolerance."""
    broken, small = ("truth.py:model", "nowhere.py:model"), ("evaluations = 1000", "evaluations = 200")
    shell.write(("truth.py:model", "truth.py:agrees"), small, name="a.toml")
    shell.write(broken, small, name="b.toml")
    shell.write(("truth.py:model", "truth.py:agrees"), small, name="c.toml")
    shell.write(small, name="d.toml")
    for last, code in (("c.toml", 2), ("d.toml", 1)):
        done = shell.run("compare", "a.toml", "b.toml", last, "--json", "--quiet", "--out", f"to-{last}")
        assert done.code == code
        assert "nowhere.py" in done.err
        assert [row["folder"] for row in json.loads(done.out)["rows"]] == ["a", last[0]]
        assert (shell.folder / f"to-{last}" / "compare.html").exists()
    done = shell.run("compare", "b.toml", "b.toml", "--out", "none")
    assert done.code == 2
    assert "nowhere.py" in done.line


@pytest.mark.slow
def test_compare_says_where_models_were_not_searched_alike(shell: Shell) -> None:
    shell.write(("evaluations = 1000", "evaluations = 300"), name="a.toml")
    shell.write(("evaluations = 1000", "evaluations = 300\nseed = 4"), name="b.toml")
    done = shell.run("compare", "a.toml", "b.toml", "--json", "--quiet", "--out", "both")
    assert (
        "searches of the models differ (a: seed 0, 300 evaluations; b: seed 4, 300 evaluations)" in done.err
    )
    assert [(row["seed"], row["budget"]) for row in json.loads(done.out)["rows"]] == [(0, 300), (4, 300)]
    done = shell.run("compare", "a.toml", "b.toml", "--json", "--quiet", "--seed", "1", "--out", "alike")
    assert "alike (" not in done.err


def test_compare_tells_files_of_one_name_apart_and_knows_one_file_by_two_paths(tmp_path: Path) -> None:
    from supnorm.cli.compare import check_same_question

    table = '[reference]\npython = "{}:f"\n[error]\nmask = "{}:valid"\n[domain]\nx = [0.0, 1.0]\n'
    (tmp_path / "sub").mkdir()
    files = {
        "a.toml": table.format("truth.py", "truth.py"),
        "sub/same.toml": table.format("../truth.py", "../truth.py"),
        "sub/other.toml": table.format("../truth.py", "truth.py"),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    check_same_question([tmp_path / "a.toml", tmp_path / "sub/same.toml"])
    with pytest.raises(BadInput, match=r"other.toml: \[error\] mask is .*sub/truth.py:valid, and "):
        check_same_question([tmp_path / "a.toml", tmp_path / "sub/other.toml"])


def test_compare_asks_for_the_same_data_where_they_are_the_domain(tmp_path: Path) -> None:
    from supnorm.cli.compare import check_same_question

    for name, domain in (("a", "true"), ("b", "true"), ("c", "false"), ("d", "false")):
        box = "" if domain == "true" else "[domain]\nx = [0.0, 1.0]\n"
        text = f'[reference]\npython = "t.py:f"\n[data]\nfile = "{name}.csv"\ndomain = {domain}\n{box}'
        (tmp_path / f"{name}.toml").write_text(text)
    check_same_question([tmp_path / "c.toml", tmp_path / "d.toml"])
    with pytest.raises(BadInput, match=r"b.toml: \[data\] file is .*b.csv, and .*a.csv in"):
        check_same_question([tmp_path / "a.toml", tmp_path / "b.toml"])


def test_doctor_says_by_its_code_what_is_missing_as_json_too(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    from supnorm.cli import doctor

    monkeypatch.setattr(doctor, "NEEDED", ("no-such-package",))
    monkeypatch.setattr(doctor, "OPTIONAL", {})
    monkeypatch.setattr(doctor, "_devices", list)
    assert shell.run("doctor").code == 2
    assert shell.run("doctor", "--json").code == 2


@pytest.mark.slow
def test_doctor_knows_what_is_installed(shell: Shell) -> None:
    data = json.loads(shell.run("doctor", "--json").out)
    assert data["needed"]["numpy"]
    assert set(data["optional"]) >= {"torch", "onnx", "gsw"}
    done = shell.run("doctor")
    assert done.code == 0
    assert "numpy" in done.out


def test_the_version_is_printed(shell: Shell) -> None:
    done = shell.run("--version")
    assert done.code == 0
    assert done.out.startswith("supnorm ")


def test_help_lists_the_verbs(shell: Shell) -> None:
    done = shell.run("--help")
    assert done.code == 0
    for verb in ("audit", "compare", "replay", "report", "demo", "doctor"):
        assert verb in done.out


def test_help_of_the_demo_names_its_own_folder(shell: Shell) -> None:
    assert "demo-run" in shell.run("demo", "--help").out


@pytest.mark.parametrize(
    "code",
    ["import supnorm", "import sys; from supnorm.cli.main import run; run(['--help'])"],
    ids=["import", "help"],
)
def test_nothing_heavy_is_imported_for_nothing(code: str) -> None:
    probe = f"{code}\nimport sys\nprint('loaded:', [m for m in {HEAVY!r} if m in sys.modules])"
    source = str(Path(supnorm.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", probe],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": source, "PATH": "/usr/bin:/bin"},
    )
    assert done.stdout.splitlines()[-1] == "loaded: []"


@pytest.mark.slow
def test_planted_errors_by_file_and_by_options(shell: Shell) -> None:
    shell.write(
        ("power = false", "power = true\n[power]\nvolumes = [0.05]\nsheets = []\nruns = 2\nevaluations = 100")
    )
    rows = document(shell.run("audit", "problem.toml", "--json", "--out", "file").out)["power"]
    assert [(r["volume"], r["runs"], r["shape"]) for r in rows] == [(0.05, 2, "bump")]
    assert "volumes" in (shell.folder / "file" / "problem.toml").read_text()
    options = ("--power-runs", "3", "--power-heights", "1.5,2", "--power-sheets", "0.01")
    data = document(shell.run("audit", "problem.toml", "--json", "--out", "options", *options).out)
    assert [r["shape"] for r in data["power"]] == ["bump", "sheet"] * 2
    assert {r["runs"] for r in data["power"]} == {3}
    assert "--power-runs 3 --power-heights 1.5,2 --power-sheets 0.01" in data["command"]
    again = document(shell.run(*data["command"].split()[1:], "--json").out)
    assert again["power"] == data["power"]
    assert document(shell.run("audit", "problem.toml", "--json", "--no-power").out)["power"] == []
    for words, said in (
        (("--power-heights", "0.5"), "above 1"),
        (("--power-volumes", "many"), "--power-volumes wants numbers separated by commas, got 'many'"),
    ):
        refused = shell.run("audit", "problem.toml", *words)
        assert refused.code == 2
        assert said in refused.line


@pytest.mark.slow
def test_options_of_planted_errors_ask_for_them(shell: Shell) -> None:
    data = document(
        shell.run("audit", "problem.toml", "--json", "--power-volumes", "0.05", "--power-runs", "2").out
    )
    assert data["power"][0]["runs"] == 2
