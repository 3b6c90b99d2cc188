"""``supnorm certify`` of a problem with ``[equation]``: files, resume, exit codes, ``check`` and ``audit``."""

from __future__ import annotations

import json

import pytest
from tests.cli.conftest import Shell
from tests.schema import demand_as_published

HEAT = """
import jax.numpy as jnp
def pinn(x): return 0.99 * jnp.sin(jnp.pi * x[:, 0]) * jnp.exp(-0.98 * x[:, 1])
def start(x): return jnp.sin(jnp.pi * x[:, 0])
def exact(x): return start(x) * jnp.exp(-0.1 * jnp.pi**2 * x[:, 1])
"""
PROBLEM = """
[model]
python = "heat.py:pinn"
output_units = ["K"]
[equation]
kind = "Heat"
diffusivity = 0.1
initial = "heat.py:start"
boundary = 0.0
[domain]
x = { low = 0.0, high = 1.0, unit = "m" }
t = { low = 0.0, high = 0.5, unit = "s" }
[error]
tolerance = 0.05
"""


@pytest.fixture
def work(shell: Shell) -> Shell:
    (shell.folder / "heat.py").write_text(HEAT)
    (shell.folder / "problem.toml").write_text(PROBLEM)
    return shell


@pytest.mark.slow
def test_a_solution_is_certified_checked_and_gone_on_with(work: Shell) -> None:
    done = work.run("certify", "problem.toml", "--json", "--out", "run")
    assert done.code == 0, done.err
    record = json.loads(done.out)
    demand_as_published(done.out)
    assert record == json.loads((work.folder / "run" / "solution.json").read_text())
    assert record["status"]["code"] == "within-tolerance"
    assert record["unit"] == "K"
    checked = work.run("check", "run/solution-certificate.json", "--problem", "problem.toml")
    assert checked.code == 0, checked.out
    assert "ACCEPTED, CONDITIONAL" in checked.out
    first = {one["name"]: one for one in record["parts"]}
    again = work.run("certify", "problem.toml", "--ratio", "1.5", "--out", "run", "--resume", "--json")
    assert again.code == 0, again.err
    tighter = json.loads(again.out)
    assert tighter["sup"]["upper"] < record["sup"]["upper"]
    assert tighter["sup"]["lower"] <= 0.01 <= tighter["sup"]["upper"] <= 1.5 * tighter["sup"]["lower"]
    assert all(one["boxes"] >= first[one["name"]]["boxes"] for one in tighter["parts"])
    (work.folder / "problem.toml").write_text(PROBLEM.replace("= 0.1", "= 0.11"))
    other = work.run("check", "run/solution-certificate.json", "--problem", "problem.toml")
    assert other.code == 1
    assert "its equation is not that of the problem" in other.out
    (work.folder / "problem.toml").write_text(PROBLEM)
    (work.folder / "heat.py").write_text(HEAT.replace("return jnp.sin(jnp.pi", "return 1.1 * jnp.sin(jnp.pi"))
    other = work.run("check", "run/solution-certificate.json", "--problem", "problem.toml")
    assert other.code == 1
    assert "the program of its initial is not that of the problem" in other.out


@pytest.mark.slow
def test_a_tolerance_that_is_exceeded_has_exit_code_1_also_of_its_file(work: Shell) -> None:
    (work.folder / "problem.toml").write_text(PROBLEM.replace("0.05\n", "0.001\n"))
    done = work.run("certify", "problem.toml", "--out", "run")
    assert done.code == 1, done.out
    assert "further than" in done.out
    assert work.run("check", "run/solution-certificate.json", "--problem", "problem.toml").code == 1


@pytest.mark.slow
def test_an_audit_needs_a_reference_and_takes_one_beside_the_equation(work: Shell) -> None:
    for verb in (["audit"], ["fit"], ["budget"]):
        refused = work.run(*verb, "problem.toml", "--out", "other")
        assert refused.code == 2, refused.out
        assert "no [reference]" in refused.line
    text = PROBLEM.replace("[equation]", '[reference]\npython = "heat.py:exact"\n[equation]')
    (work.folder / "problem.toml").write_text(text + "[audit]\nevaluations = 400\npower = false\n")
    audited = work.run("audit", "problem.toml", "--json", "--out", "run")
    assert audited.code == 0, audited.err
    record = json.loads(audited.out)
    assert record["sup"]["lower"] == pytest.approx(0.01, rel=0.05)
    assert any("against [reference]" in note for note in record["notes"]), record["notes"]
    assert "against [reference]" in (work.folder / "run" / "report.html").read_text()
    for words, code in (("tolerance = 0.05", 0), ("tolerance = 0.001", 1)):
        (work.folder / "problem.toml").write_text(text.replace("tolerance = 0.05", words))
        proved = work.run("certify", "problem.toml", "--json", "--out", f"proof{code}")
        assert proved.code == code, proved.err
        assert "the solution of [equation]; the [reference]" in json.loads(proved.out)["status"]["advice"]
        assert "the solution of [equation]" in (work.folder / f"proof{code}" / "solution.html").read_text()


@pytest.mark.slow
def test_conditions_of_faces_stand_in_the_file(work: Shell) -> None:
    """u = cos(pi x) exp(-0.1 pi^2 t) has du/dn = 0 at both ends; its value is asked for nowhere but at the start."""
    code = HEAT.replace("jnp.sin", "jnp.cos") + "def robin(x): return 3.0 * exact(x)\n"
    (work.folder / "heat.py").write_text(code)
    sides = 'sides = { x = [{ neumann = 0.0 }, { robin = 3.0, value = "heat.py:robin" }] }\n'
    text = PROBLEM.replace("boundary = 0.0\n", sides)
    (work.folder / "problem.toml").write_text(text)
    done = work.run("certify", "problem.toml", "--out", "run", "--json")
    assert done.code == 0, done.err
    sup = json.loads(done.out)["sup"]
    assert sup["lower"] <= 0.01 <= sup["upper"]
    checked = work.run("check", "run/solution-certificate.json", "--problem", "run/problem.toml")
    assert checked.code == 0, checked.out
    (work.folder / "problem.toml").write_text(text.replace("robin = 3.0", "robin = 4.0"))
    other = work.run("check", "run/solution-certificate.json", "--problem", "problem.toml")
    assert "its equation is not that of the problem" in other.out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('kind = "Heat"', 'kind = "Wave"', "equation.kind"),
        ("diffusivity = 0.1", "viscosity = 0.1", "Heat has no viscosity"),
        ('kind = "Heat"\ndiffusivity = 0.1', 'kind = "Burgers"', "viscosity is missing"),
        ("boundary = 0.0", 'boundary = "u"', "boundary must be a number or a formula"),
        ("boundary = 0.0", 'boundary = "heat.py:none"', "has no name none"),
        ("boundary = 0.0", 'approximation = "itself"', 'give "file.py:name", or "model"'),
        (
            "boundary = 0.0",
            'sides = { x = ["periodic", "boundary"] }',
            "'periodic' boundaries have no proved constant",
        ),
        ("boundary = 0.0", 'sides = { x = "open" }', "'open' boundaries have no proved constant"),
        ("boundary = 0.0", 'sides = { t = "periodic" }', "start of time"),
        ("boundary = 0.0", "sides = { x = [{ neumann = 0.0 }] }", "a pair"),
        (
            "boundary = 0.0",
            'sides = { x = [{ neumann = 0.0, robin = 1.0 }, "boundary"] }',
            "give { neumann = value }",
        ),
        ("boundary = 0.0", 'sides = { y = ["boundary", { neumann = 0.0 }] }', "no axis 'y'"),
        ("t = {", "s = {", 'no axis "t"'),
        ("tolerance = 0.05", 'kind = "relative"\nfloor = 0.1', "bounds the absolute error"),
        ("diffusivity = 0.1", "diffusivity = -1.0", "diffusivity must be a positive number"),
        ('[model]\npython = "heat.py:pinn"\noutput_units = ["K"]', "", "needs a model"),
    ],
)
def test_what_an_equation_cannot_be_is_refused_in_one_line(
    work: Shell, old: str, new: str, fault: str
) -> None:
    assert old in PROBLEM
    (work.folder / "problem.toml").write_text(PROBLEM.replace(old, new))
    refused = work.run("certify", "problem.toml", "--out", "run")
    assert refused.code == 2, refused.out
    assert fault in refused.line
