"""Problem files written and read back: the same problem, also from another folder."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supnorm.problem import Axis, Domain, Problem
from supnorm.problem.save import save_problem, write_toml
from supnorm.results import BadInput
from supnorm.sources import open_problem

TRUTH = """
import numpy as np
def model(x): return x[:, 0] + x[:, 1]
def truth(x): return x[:, 0] * x[:, 1]
def below(x): return x[:, 0] < x[:, 1]
def own(n, f, x): return abs(n - f) * 2
def where(x, f): return f > 0.1
def sampler(n, rng): return rng.random((n, 2)) * 0.5
cloud = np.random.default_rng(0).random((40, 2))
"""
WHOLE = f"""
title = 'A "quoted" title'
[model]
python = "truth.py:model"
name = "net"
outputs = ["u"]
[reference]
command = ["{sys.executable}", "code.py"]
timeout = 5.0
outputs = ["u"]
[recheck]
python = "truth.py:truth"
[error]
python = "truth.py:own"
mask = "truth.py:where"
tolerance = 0.25
[domain]
a = {{ low = 0.0, high = 1.0, unit = "m" }}
b = {{ low = 1e-3, high = 2.0, scale = "log" }}
[constraints]
python = "truth.py:below"
[law]
python = "truth.py:sampler"
[data]
file = "truth.py:cloud"
[audit]
evaluations = 5000
seed = 3
"""
CODE = "import sys\nfor line in sys.stdin:\n    a, b = map(float, line.split())\n    print(a * b)\n"


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    (tmp_path / "truth.py").write_text(TRUTH)
    (tmp_path / "code.py").write_text(CODE)
    path = tmp_path / "problem.toml"
    path.write_text(WHOLE)
    return path


def same(one: Problem, two: Problem) -> None:
    x = np.random.default_rng(2).random((20, 2)) * 0.9 + 0.01
    for key in ("model", "reference", "recheck"):
        np.testing.assert_array_equal(getattr(one, key)(x), getattr(two, key)(x))
    errors = [p.error(p.model(x), p.reference(x), x)[0] for p in (one, two)]
    np.testing.assert_array_equal(*errors)
    assert one.domain.axes == two.domain.axes
    assert one.domain.names == two.domain.names
    np.testing.assert_array_equal(one.domain.contains(x), two.domain.contains(x))
    assert one.law is not None
    assert two.law is not None
    draws = [p.law.draw(9, np.random.default_rng(0)) for p in (one, two)]  # type: ignore[union-attr]
    np.testing.assert_array_equal(*draws)
    assert one.law.name == two.law.name
    assert one.title == two.title
    assert one.model.name == two.model.name
    np.testing.assert_array_equal(one.data, two.data)


@pytest.mark.slow
def test_everything_survives_beside_the_file_and_elsewhere(whole: Path, tmp_path: Path) -> None:
    problem = open_problem(whole)
    save_problem(problem, tmp_path / "again.toml")
    same(problem, open_problem(tmp_path / "again.toml"))
    away = tmp_path / "runs" / "first"
    away.mkdir(parents=True)
    save_problem(problem, away / "problem.toml")
    moved = open_problem(away / "problem.toml")
    same(problem, moved)
    back = tmp_path / "back.toml"
    save_problem(moved, back)
    assert tomllib.loads(back.read_text()) == tomllib.loads((tmp_path / "again.toml").read_text())
    written = tomllib.loads((away / "problem.toml").read_text())
    assert written["model"]["python"] == "../../truth.py:model"
    assert written["audit"] == {"evaluations": 5000, "seed": 3}
    assert not list(away.glob("*.part"))


@pytest.mark.slow
def test_changes_since_the_file_are_written(whole: Path, tmp_path: Path) -> None:
    problem = open_problem(whole)
    domain = Domain.from_axes({"a": Axis(0.0, 0.5, "m"), "b": Axis(0.5, 1.0)}, problem.domain.constraints)
    changed = replace(problem, domain=domain, tolerance=0.5, title="")
    save_problem(changed, tmp_path / "changed.toml")
    again = open_problem(tmp_path / "changed.toml")
    assert again.domain.axes == domain.axes
    assert again.error.limit == 0.5
    assert again.title == ""


def test_what_has_no_path_is_named(whole: Path, tmp_path: Path) -> None:
    problem = open_problem(whole)
    domain = Domain.from_axes({"a": (0.0, 1.0), "b": (0.0, 1.0)}, [lambda x: x[:, 0] < 1])
    python = Problem(lambda x: x[:, 0], problem.reference, domain, source=whole)
    target = tmp_path / "no.toml"
    with pytest.raises(BadInput) as caught:
        save_problem(python, target)
    assert "\n" not in str(caught.value)
    assert "model (<lambda>)" in str(caught.value)
    assert "a constraint (<lambda>)" in str(caught.value)
    assert "reference" not in str(caught.value)
    assert not target.exists()


@pytest.mark.slow
def test_a_problem_is_written_without_the_rooms_that_open_files(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np; from supnorm.problem import Domain, Function, Problem; "
        "from supnorm.problem.save import save_problem\n"
        "f = Function(np.sin, origin={'python': 'truth.py:f'})\n"
        f"save_problem(Problem(f, f, Domain(x=(0.0, 1.0))), {str(tmp_path / 'written.toml')!r})\n"
        "print([m for m in sys.modules if m.startswith('supnorm.sources')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert 'python = "' in (tmp_path / "written.toml").read_text()


@pytest.mark.slow
def test_other_data_than_those_of_the_file_have_no_path(whole: Path, tmp_path: Path) -> None:
    problem = open_problem(whole)
    with pytest.raises(BadInput, match="have no path: the data;"):
        save_problem(replace(problem, data=problem.data[1:]), tmp_path / "no.toml")
    save_problem(replace(problem, data=problem.data.copy()), tmp_path / "yes.toml")
    same(problem, open_problem(tmp_path / "yes.toml"))


@pytest.mark.slow
def test_a_domain_of_data_survives(tmp_path: Path) -> None:
    (tmp_path / "truth.py").write_text(TRUTH)
    (tmp_path / "problem.toml").write_text(
        '[model]\npython = "truth.py:model"\n[reference]\npython = "truth.py:truth"\n'
        '[data]\nfile = "truth.py:cloud"\ninputs = ["a", "b"]\ndomain = true\n'
    )
    problem = open_problem(tmp_path / "problem.toml")
    save_problem(problem, tmp_path / "again.toml")
    again = open_problem(tmp_path / "again.toml")
    x = np.random.default_rng(1).random((200, 2))
    inside = problem.domain.contains(x)
    assert 0 < inside.sum() < 200
    np.testing.assert_array_equal(inside, again.domain.contains(x))
    box = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    save_problem(replace(problem, domain=box), tmp_path / "box.toml")
    boxed = open_problem(tmp_path / "box.toml")
    assert boxed.domain.contains(x).all()
    np.testing.assert_array_equal(boxed.data, problem.data)
    half = Domain.from_samples(problem.data[:20], ["a", "b"])
    with pytest.raises(BadInput, match="the data points of the domain"):
        save_problem(replace(problem, domain=half), tmp_path / "half.toml")


finite = st.floats(-1e300, 1e300, allow_nan=False)
ranges = st.tuples(finite, finite).map(sorted).filter(lambda r: r[0] < r[1])
letters = st.characters(exclude_categories=["Cs"])
units = st.text(letters, max_size=6)
linear = st.builds(lambda r, unit: Axis(*r, unit), ranges, units)
log = st.builds(
    lambda r, unit: Axis(*r, unit, "log"),
    st.tuples(st.floats(1e-300, 1.0), st.floats(2.0, 1e300)),
    units,
)
discrete = st.builds(
    lambda v, unit: Axis(0, 1, unit, values=tuple(v)), st.lists(finite, min_size=1, unique=True), units
)
names = st.text(letters, min_size=1, max_size=8)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    folder = tmp_path_factory.mktemp("opened")
    (folder / "truth.py").write_text("def f(x): return x[:, 0]\n")
    (folder / "one.toml").write_text(
        '[reference]\npython = "truth.py:f"\n[domain]\nx = { low = 0.0, high = 1.0 }\n'
    )
    return open_problem(folder / "one.toml")


@pytest.mark.slow
@given(axes=st.dictionaries(names, st.one_of(linear, log, discrete), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_axes_survive(opened: Problem, axes: dict[str, Axis]) -> None:
    assert opened.source is not None
    path = opened.source.with_name("two.toml")
    problem = replace(opened, domain=Domain.from_axes(dict(axes)), law=None)
    path.unlink(missing_ok=True)
    if any("\0" in text for name, axis in axes.items() for text in (name, axis.unit)):
        with pytest.raises(BadInput, match="null character"):
            save_problem(problem, path)
        assert not path.exists()
        return
    save_problem(problem, path)
    again = open_problem(path).domain
    assert again.names == tuple(axes)
    assert again.axes == tuple(axes.values())


plain = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), units)
tables = st.dictionaries(names, st.one_of(plain, st.lists(plain, max_size=3), st.dictionaries(names, plain)))


@pytest.mark.slow
@given(st.dictionaries(names, st.one_of(plain, tables), max_size=4))
def test_toml_is_read_back(content: dict[str, Any]) -> None:
    assert tomllib.loads(write_toml(content)) == content
