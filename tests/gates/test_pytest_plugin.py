"""The pytest plugin, in a process of its own: fixture, marker, cache, pages, JUnit XML, and what its start costs."""

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from supnorm.gates.pytest_plugin import _marked

TESTS = """
import pytest
import supnorm as sn

BOX = sn.Domain(x=(0.0, 1.0))
truth = lambda x: x[:, 0] ** 2
model = lambda x: x[:, 0]


def test_passes(assert_sup_error):
    assert_sup_error(model, truth, BOX, below=0.3, evaluations=300)


@pytest.mark.sup_error(below=0.2, evaluations=300)
def test_fails(assert_sup_error):
    assert_sup_error(model, truth, BOX)


@pytest.mark.sup_error(evaluations=300, below=0.1)
def test_own_arguments_count(assert_sup_error):
    assert_sup_error(model, truth, BOX, 0.3)


def test_cached(assert_sup_error):
    assert_sup_error(model, truth, BOX, 0.3, evaluations=300, key="model 1")
"""


def _pytest(folder, *arguments):
    environment = dict(os.environ) | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    environment["PYTHONPATH"] = str(Path(import_module("supnorm").__file__).parents[1])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "supnorm.gates.pytest_plugin", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_fixture_marker_cache_pages_and_junit(tmp_path):
    (tmp_path / "test_model.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n")
    done = _pytest(tmp_path, "--junit-xml=out.xml", "--supnorm-pages=pages")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 3 passed" in done.stdout
    assert "the model is wrong by" in done.stdout
    assert ".error_at({'x': 0." in done.stdout
    assert "assertion.py" not in done.stdout  # the traceback ends at the test
    pages = sorted(path.name for path in (tmp_path / "pages").iterdir())
    assert pages == [
        f"test_model.py_{name}.{kind}"
        for name in ("test_cached", "test_fails", "test_own_arguments_count", "test_passes")
        for kind in ("csv", "html")
    ]
    properties = ElementTree.parse(tmp_path / "out.xml").findall(".//property[@name='sup_error']")
    assert len(properties) == 3  # of those that passed
    assert all(float(each.attrib["value"]) == pytest.approx(0.25, abs=1e-3) for each in properties)
    again = _pytest(tmp_path, "-k", "cached", "--supnorm-pages=other")
    assert again.returncode == 0, again.stdout
    assert not (tmp_path / "other").exists()  # it was left out
    cleared = _pytest(tmp_path, "-k", "cached", "--supnorm-pages=other", "--cache-clear")
    assert cleared.returncode == 0
    assert (tmp_path / "other").exists()


def test_the_plugin_imports_nothing_that_takes_time():
    code = (
        "import sys, supnorm.gates.pytest_plugin; "
        "print([m for m in ('numpy', 'scipy', 'jax', 'torch', 'pydantic', 'supnorm.auditing') if m in sys.modules])"
    )
    environment = dict(os.environ) | {"PYTHONPATH": str(Path(import_module("supnorm").__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_package_announces_it():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    plugin = import_module(project["entry-points"]["pytest11"]["supnorm"])
    assert callable(plugin.pytest_configure)


def _node(*marks):
    """A test with markers, the closest one first."""
    return SimpleNamespace(nodeid="test_it", iter_markers=lambda name: [mark.mark for mark in marks])


def test_a_marker_of_a_class_counts_beside_that_of_its_test():
    """A demanded proof of the class was lost where the test has a marker of its own."""
    of_test, of_class = (pytest.MarkDecorator(pytest.Mark("sup_error", (), given, _ispytest=True), _ispytest=True)
                         for given in ({"below": 0.5}, {"below": 9.0, "proved": True}))  # fmt: skip
    assert _marked(_node(of_test, of_class)) == {"below": 0.5, "proved": True}


def test_a_marker_with_a_number_without_a_name_is_refused():
    """It counted for nothing: the tolerance of the problem file was the limit."""
    mark = pytest.MarkDecorator(pytest.Mark("sup_error", (1e-3,), {}, _ispytest=True), _ispytest=True)
    with pytest.raises(pytest.UsageError, match="below=1e-3"):
        _marked(_node(mark))
