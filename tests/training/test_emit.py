"""Fitted models as C source and as ONNX graphs, compiled and run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp

import supnorm as sn
from supnorm.program import Node, Program
from supnorm.training.c_code import c_source
from supnorm.training.emit import emit
from supnorm.training.source_code import BINARY, UNARY, points

CC = shutil.which("gcc") or shutil.which("cc")
BOX = sn.Domain(a=(0.1, 2.0), b=(0.2, 1.0))
needs_cc = pytest.mark.skipif(CC is None, reason="no C compiler")


def compiled(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "m.c").write_text(text)
    strict = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    subprocess.run(
        [str(CC), "-O2", *strict, "-DSUPNORM_TEST", "m.c", "-lm", "-o", "m"], cwd=folder, check=True
    )
    return subprocess.run([str(folder / "m")], capture_output=True, text=True, check=False)


def every_operation() -> Program:
    """One program that has all operations that can be written."""
    rng = np.random.default_rng(0)
    nodes = [Node("input", (), 2), Node("affine", (0,), 3, weight=rng.random((3, 2)), bias=rng.random(3))]
    for name in UNARY:
        nodes.append(Node(name, (1,), 3))
    nodes.append(Node("pow", (1,), 3, parameter=-2.5))
    nodes.append(Node("leaky_relu", (2,), 3, parameter=0.1))
    nodes.append(Node("constant", (), 3, value=np.array([0.5, 1.5, 2.5])))
    for name in BINARY:
        nodes.append(Node(name, (len(nodes) - 1, 1), 3))
    parts = tuple(range(1, len(nodes)))
    nodes.append(Node("concat", parts, 3 * len(parts)))
    nodes.append(
        Node("take", (len(nodes) - 1,), 3 * len(parts), columns=np.arange(3 * len(parts))[::-1].copy())
    )
    return Program(tuple(nodes))


@needs_cc
def test_all_operations_compile_without_a_warning_and_agree_with_the_test_vectors(tmp_path: Path) -> None:
    done = compiled(c_source(every_operation(), BOX), tmp_path)
    assert (done.returncode, done.stdout) == (0, "0 values differ\n")


@needs_cc
def test_a_wrong_weight_is_noticed_by_the_test_vectors(tmp_path: Path) -> None:
    program = every_operation()
    weight = repr(float(np.asarray(program.nodes[1].weight)[0, 0]))
    text = c_source(program, BOX)
    assert text.count(weight) == 1
    done = compiled(text.replace(weight, repr(float(weight) * (1 + 1e-9))), tmp_path)
    assert done.returncode == 1


@needs_cc
@pytest.mark.slow
@pytest.mark.parametrize("method", ["auto", "network"])
def test_a_fitted_model_as_c_and_as_onnx(method: str, tmp_path: Path) -> None:
    problem = sn.Problem(None, lambda x: np.sin(2 * x[:, 0]) * np.exp(x[:, 1]), BOX)
    result = sn.fit(problem, tolerance=1e-2, method=method, seconds=20)
    x = BOX.from_unit(np.random.default_rng(1).random((200, 2)))
    assert (result.model.predict(x) == result.model(x)).all()
    emit(result.model, BOX, tmp_path / "model.c")
    assert compiled((tmp_path / "model.c").read_text(), tmp_path).returncode == 0
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    emit(result.model, BOX, tmp_path / "model.onnx")
    y = runtime.InferenceSession(str(tmp_path / "model.onnx")).run(["y"], {"x": x})[0]
    assert np.abs(y - result.model(x)).max() < 1e-10


def exact(program: Program, x: list[float]) -> list[object]:
    """A network of affine maps and tanh in 60 digits."""
    with mp.workdps(60):
        v = [mp.mpf(t) for t in x]
        for node in program.nodes[1:]:
            if node.op == "affine":
                v = [
                    mp.fsum([mp.mpf(float(w)) * t for w, t in zip(row, v, strict=True)]) + mp.mpf(float(b))
                    for row, b in zip(np.asarray(node.weight), np.asarray(node.bias), strict=True)
                ]
            else:
                v = [mp.tanh(t) for t in v]
        return v


def test_the_bound_in_the_header_holds_against_60_digits() -> None:
    """As many points as the header speaks of, in each of 7 networks: 224 in all."""
    import re

    for seed in range(7):
        rng = np.random.default_rng(seed)
        layers = [Node("input", (), 2)]
        for width in (8, 8, 1):
            k = layers[-1].width
            scale = rng.normal(size=(width, k)) * 10.0 ** rng.uniform(-1, 1)
            layers.append(
                Node("affine", (len(layers) - 1,), width, weight=scale, bias=rng.normal(size=width))
            )
            if width > 1:
                layers.append(Node("tanh", (len(layers) - 1,), width))
        program = Program(tuple(layers))
        text = c_source(program, BOX)
        said = re.search(r"within (\S+) of those", text)
        assert said is not None
        assert "at 32 of the 32 test vectors" in text
        x = points(BOX)
        y = program.value(x)[:, 0]
        for row, value in zip(x.tolist(), y.tolist(), strict=True):
            assert abs(mp.mpf(value) - exact(program, row)[0]) <= mp.mpf(said[1])


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    program = Program((Node("input", (), 2), Node("lgamma", (0,), 2)))
    model = sn.Function(program.value, program=program)
    with pytest.raises(sn.BadInput, match="lgamma in C"):
        emit(model, BOX, tmp_path / "m.c")
    with pytest.raises(sn.BadInput, match=r"as C \(\.c\), Fortran \(\.F90\) or ONNX"):
        emit(sn.Function(every_operation().value, program=every_operation()), BOX, tmp_path / "m.f90")
    with pytest.raises(sn.BadInput, match="letters, digits and _"):
        c_source(every_operation(), BOX, "a b")
    assert not [*tmp_path.iterdir()]


@needs_cc
def test_values_that_overflow_or_have_no_number_agree(tmp_path: Path) -> None:
    """Infinity minus infinity is no number: such test vectors were counted as different."""
    nodes = [
        Node("input", (), 2),
        Node("affine", (0,), 2, weight=np.diag([900.0, 1.0]), bias=np.array([0.0, -0.5])),
    ]
    nodes += [Node("exp", (1,), 2), Node("log", (1,), 2), Node("add", (2, 3), 2)]
    done = compiled(c_source(Program(tuple(nodes)), BOX), tmp_path)
    assert (done.returncode, done.stdout) == (0, "0 values differ\n")


@needs_cc
def test_fast_math_is_refused_by_the_compiler(tmp_path: Path) -> None:
    (tmp_path / "m.c").write_text(c_source(every_operation(), BOX))
    done = subprocess.run([str(CC), "-c", "-ffast-math", "m.c"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert "without -ffast-math" in done.stderr


@pytest.mark.parametrize("name", ["exp", "double", "main", "test_x"])
def test_a_function_that_c_has_already_is_refused(name: str) -> None:
    with pytest.raises(sn.BadInput, match="must not be one of C"):
        c_source(every_operation(), BOX, name)


@needs_cc
def test_names_of_inputs_stay_in_their_comment(tmp_path: Path) -> None:
    hostile = '*/\nint main(void){return 7;}\n/*??/\n"'
    program = Program((Node("input", (), 1), Node("neg", (0,), 1)))
    done = compiled(c_source(program, sn.Domain(**{hostile: (0.0, 1.0)})), tmp_path)
    assert done.returncode == 0
