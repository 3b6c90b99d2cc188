"""``supnorm init``: a problem file to start from, which the reader accepts and which is never written over another file."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Shell

import supnorm as sn
from supnorm.problem.problem_file import read_specification


def table(path: Path) -> None:
    rows = ["flow,power,power_pred,site"] + [f"{k},{k * k},{k * k + 0.1},{'AB'[k % 2]}" for k in range(1, 9)]
    path.write_text("\n".join(rows) + "\n")


def test_a_table_is_ready_to_be_audited(shell: Shell) -> None:
    table(shell.folder / "power.csv")
    given = shell.run("init", "power.csv", "--out", "new/start.toml")
    assert given.code == 0, given.line
    assert "TODO" not in (shell.folder / "new/start.toml").read_text()
    spec = read_specification(shell.folder / "new/start.toml")
    assert spec.model is not None
    assert spec.reference is not None
    assert (spec.model.file, spec.model.inputs, spec.model.outputs) == (
        "../power.csv",
        ["flow"],
        ["power_pred"],
    )
    assert spec.reference.outputs == ["power"]
    assert (spec.domain["flow"].low, spec.domain["flow"].high) == (1.0, 8.0)
    assert shell.run("audit", "new/start.toml", "--out", "run").code == 0
    worst = json.loads((shell.folder / "run/result.json").read_text())["sup"]["lower"]
    assert worst == pytest.approx(0.1)


def test_a_column_of_few_values_is_offered_for_groups(shell: Shell) -> None:
    rows = [f"2024-01-{k + 1:02d},{'AB'[k % 2]},same,{k},{k * k},{k * k + 0.1}" for k in range(9)]
    (shell.folder / "t.csv").write_text("\n".join(["day,site,unit,flow,power,power_pred", *rows]) + "\n")
    assert shell.run("init", "t.csv", "--out", "start.toml").code == 0
    text = (shell.folder / "start.toml").read_text()
    assert '# by = ["site"]' in text
    assert "day" not in text
    (shell.folder / "u.csv").write_text("day,flow,power,power_pred\n2024-01-01,1,1,1\n2024-01-02,2,4,4\n")
    assert shell.run("init", "u.csv", "--out", "other.toml").code == 0
    assert "# by" not in (shell.folder / "other.toml").read_text()


def test_nothing_is_ever_overwritten(shell: Shell) -> None:
    table(shell.folder / "power.csv")
    before = (shell.folder / "problem.toml").read_text()
    given = shell.run("init", "power.csv")
    assert given.code == 2
    assert "problem.toml exists and is not overwritten" in given.line
    assert (shell.folder / "problem.toml").read_text() == before


def test_columns_that_cannot_be_guessed_are_asked_for(shell: Shell) -> None:
    (shell.folder / "t.csv").write_text("a,b,c\n1,2,3\n4,5,7\n")
    given = shell.run("init", "t.csv", "--out", "start.toml")
    assert given.code == 0
    assert "1 line is marked TODO" in given.out
    assert "numbers are in a, b, c" in (shell.folder / "start.toml").read_text()
    assert shell.run("audit", "start.toml").code == 2


def finished(shell: Shell) -> None:
    """The user takes the ranges as they are, and says so."""
    path = shell.folder / "start.toml"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "TODO: the range" not in line))


@pytest.mark.slow
def test_an_onnx_graph(shell: Shell) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    made, f = onnx.helper, onnx.TensorProto.FLOAT
    graph = made.make_graph(
        [made.make_node("Add", ["T", "p"], ["rho"])],
        "g",
        [made.make_tensor_value_info(n, f, ["n", 1]) for n in ("T", "p")],
        [made.make_tensor_value_info("rho", f, ["n", 1])],
    )
    model = made.make_model(graph, opset_imports=[made.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(shell.folder / "emulator.onnx"))
    assert shell.run("init", "emulator.onnx", "--out", "start.toml").code == 0
    text = (shell.folder / "start.toml").read_text()
    for words in ("input T: float32 (n, 1)", "output rho: float32 (n, 1)", "TODO: the range of each input"):
        assert words in text
    (shell.folder / "truth.py").write_text("def truth(x): return x[:, 0] + x[:, 1]\n")
    # Of ranges that nobody wrote.
    refused = shell.run("audit", "start.toml", "--evaluations", "1e3", "--no-power")
    assert refused.code == 2
    assert "is marked TODO, and the ranges below it are invented" in refused.line
    finished(shell)
    assert [*read_specification(shell.folder / "start.toml").domain] == ["T", "p"]
    assert shell.run("audit", "start.toml", "--evaluations", "1e3", "--no-power").code == 0


@pytest.mark.slow
def test_a_torch_export(shell: Shell) -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Linear(3, 2).eval()
    shape = ({0: torch.export.Dim("n", min=1, max=100_000)},)
    torch.export.save(
        torch.export.export(module, (torch.zeros(4, 3),), dynamic_shapes=shape), shell.folder / "m.pt2"
    )
    assert shell.run("init", "m.pt2", "--out", "start.toml").code == 0
    finished(shell)
    assert [*read_specification(shell.folder / "start.toml").domain] == ["x1", "x2", "x3"]


@pytest.mark.slow
def test_a_model_that_supnorm_has_fitted(shell: Shell) -> None:
    problem = sn.Problem(None, lambda x: np.sin(x[:, 0]), sn.Domain(T=(0.0, 1.0)))
    sn.fit(problem, tolerance=1e-3).save(shell.folder / "fitted")
    assert shell.run("init", "fitted/model.npz", "--out", "start.toml").code == 0
    finished(shell)
    spec = read_specification(shell.folder / "start.toml")
    assert spec.model is not None
    assert spec.model.file == "fitted/model.npz"
    assert [*spec.domain] == ["T"]


def test_netcdf_has_units(shell: Shell) -> None:
    xarray = pytest.importorskip("xarray")
    data = xarray.Dataset(
        {"t2m": (("lat",), [280.0, 281.0]), "t2m_pred": (("lat",), [280.5, 281.0])},
        coords={"lat": [10.0, 20.0]},
    )
    data["lat"].attrs["units"] = "degrees_north"
    data.to_netcdf(shell.folder / "t.nc")
    assert shell.run("init", "t.nc", "--out", "start.toml").code == 0
    spec = read_specification(shell.folder / "start.toml")
    assert (spec.domain["lat"].unit, spec.domain["lat"].high) == ("degrees_north", 20.0)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("model.pkl", "is a pickle, which runs code when it is loaded: refused"),
        ("truth.py", "name the function or object in it too: truth.py:NAME"),
        ("nowhere.csv", "nowhere.csv"),
        ("notes.txt", "files of this kind are not opened; known are .onnx"),
        ("broken.onnx", "broken.onnx"),
    ],
)
def test_what_cannot_be_read_is_named_and_nothing_is_written(shell: Shell, source: str, words: str) -> None:
    if source in ("model.pkl", "notes.txt", "broken.onnx"):
        (shell.folder / source).write_bytes(b"nothing")
    given = shell.run("init", source, "--out", "start.toml")
    assert given.code == 2
    assert words in given.line
    assert not (shell.folder / "start.toml").exists()


def test_a_python_function(shell: Shell) -> None:
    assert shell.run("init", "truth.py:model", "--out", "start.toml").code == 0
    finished(shell)
    spec = read_specification(shell.folder / "start.toml")
    assert spec.model is not None
    assert spec.model.python == "truth.py:model"


def test_names_of_a_model_write_no_table_of_their_own(tmp_path: Path) -> None:
    """A name in a comment began a line, and so a second reference with a command that the next audit ran."""
    onnx = pytest.importorskip("onnx")
    from supnorm.sources.starter import starting_problem

    name = 'x\n[recheck]\ncommand = ["touch", "owned"]\n#'
    ports = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.DOUBLE, ["n", 2]) for n in (name, "y")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Neg", [name], ["y"])], "g", ports[:1], ports[1:])
    path = tmp_path / "m.onnx"
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9), path
    )
    text = starting_problem(str(path), tmp_path)
    read = tomllib.loads(text)
    assert list(read) == ["title", "model", "reference", "domain", "error"]
    assert list(read["model"]) == ["file"]
    assert "[recheck]\\u000acommand" in text  # as one line of a comment


@pytest.mark.parametrize(
    "name", ["a\x7fb", "a\nb", 'a"]\n[recheck]\ncommand = ["true"]', "a\x85b", "#", "a\x00b"]
)
def test_hostile_columns_give_a_file_that_can_be_read(tmp_path: Path, name: str) -> None:
    from supnorm.sources.starter import starting_problem

    path = tmp_path / "t.csv"
    for header in ([name, "t", "t_pred", "kind"], ["x", "t", "t_pred", name], ["x", "t", "d", name]):
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, [1, 1, 1.5, "k"], [2, 2, 2.5, "k"]])
        read = tomllib.loads(starting_problem(str(path), tmp_path))
        assert list(read) == ["title", "model", "reference", "domain", "error"]
        assert header[0] in read["domain"]
