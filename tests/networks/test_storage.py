"""Files: round trips, foreign and damaged files, exports run by other software."""

import json
from pathlib import Path

import numpy as np
import pytest

from supnorm.networks import ACTIVATIONS, Network, Scaling, load, save, to_onnx, to_torch
from supnorm.results import BadInput

SCALING = Scaling([1.0, 0.0, 3.0], [2.0, 1.0, 0.5], [5.0, 1.0], [2.0, 0.1], log=(False, False, True))
X = np.random.default_rng(0).uniform(0.5, 4.0, (30, 3))
FILES = Path(__file__).parent / "files"
KINDS = [{}, {"residual": True}, {"fourier": 3}]


def make(activation="tanh", **kind) -> Network:
    rng = np.random.default_rng(3)
    names = {"inputs": ("T", "p", "q"), "outputs": ("rho", "mu")}
    return Network.init(rng, 3, 2, 6, 3, activation, scaling=SCALING, **names, **kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_network_is_the_same_to_the_last_bit(tmp_path, kind):
    net = make(**kind)
    save(net, tmp_path / "net.npz")
    again = load(tmp_path / "net.npz")
    np.testing.assert_array_equal(again.value(X), net.value(X))
    assert (again.widths, again.inputs, again.outputs) == (net.widths, net.inputs, net.outputs)


@pytest.mark.parametrize(
    ("name", "y"),
    [
        ("plain-1", [[1.4436398092962621, 1.2403579001719196], [4.198144703540214, 1.04995578735362]]),
        ("modular-1", [[2.659450746722101, 0.9277893233989125], [2.8105500000702164, 0.948496736153916]]),
    ],
)
def test_files_of_the_two_former_classes_are_read_and_saved_again(tmp_path, name, y):
    """Files and values are those of supnorm 0.1 with a class for plain and another one for modular networks."""
    x = np.array([[0.5, 1.5, 2.0], [1.0, 0.25, 4.0]])
    net = load(FILES / f"{name}.npz")
    save(net, tmp_path / "again.npz")
    for read in (net, load(tmp_path / "again.npz")):
        np.testing.assert_allclose(read.value(x), y, rtol=1e-14)
        assert (read.inputs, read.outputs, bool(read.takes)) == (
            ("T", "p", "q"),
            ("rho", "mu"),
            "mod" in name,
        )


def test_a_part_with_a_scaling_of_its_own_is_refused(tmp_path):
    with np.load(FILES / "modular-1.npz") as file:
        arrays = {k: file[k] for k in file.files}
    np.savez(tmp_path / "net.npz", **{**arrays, "part1.output_scale": np.array([2.0, 1.0])})
    with pytest.raises(BadInput, match=r"net\.npz: part1\.output_scale: a part has no scaling of its own"):
        load(tmp_path / "net.npz")


def write(path, **changes):
    """A saved network with some arrays replaced, or dropped where None."""
    save(make(), path)
    with np.load(path) as file:
        arrays = {k: file[k] for k in file.files}
    for name, value in changes.items():
        if value is None:
            del arrays[name]
        else:
            arrays[name] = value
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metadata": None}, "not a model of supnorm"),
        ({"metadata": np.array("{")}, "metadata cannot be read"),
        ({"metadata": np.array(json.dumps({"format": "other/3"}))}, "its format is 'other/3'"),
        ({"W1": None}, "damaged network file"),
        ({"b0": np.zeros(4)}, "do not fit the architecture"),
        ({"b0": np.full(6, np.nan)}, "parameters that are NaN"),
        ({"input_scale": np.zeros(3)}, "input_scale must be positive"),
    ],
)
def test_damaged_and_foreign_archives_are_refused_by_name(tmp_path, changes, message):
    path = tmp_path / "net.npz"
    write(path, **changes)
    with pytest.raises(BadInput, match=message) as caught:
        load(path)
    assert "net.npz" in str(caught.value)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "empty.npz").write_bytes(b"")
    np.save(tmp_path / "one.npy", np.zeros(3))
    save(make(), tmp_path / "cut.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "cut.npz").read_bytes()[:900])
    np.savez(tmp_path / "pickled.npz", metadata=np.array([{"a": 1}], dtype=object))
    for name in ("text.npz", "empty.npz", "one.npy", "cut.npz", "pickled.npz"):
        with pytest.raises(BadInput, match=r"not an \.npz file of arrays"):
            load(tmp_path / name)
    with pytest.raises(BadInput, match="no such file"):
        load(tmp_path / "none.npz")
    with pytest.raises(BadInput, match="cannot be read"):
        load(tmp_path)
    with pytest.raises(BadInput, match=r"give a name that ends in \.npz"):
        save(make(), tmp_path / "net.onnx")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - {"gelu"}))
def test_onnx_runs_in_onnxruntime_to_rounding(tmp_path, activation, kind):
    runtime = pytest.importorskip("onnxruntime")
    net = make(activation, **kind)
    to_onnx(net, tmp_path / "net.onnx")
    session = runtime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"x": X})
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, net.value(X), rtol=1e-13, atol=1e-13)


def test_onnx_of_gelu_runs_in_the_reference_evaluator(tmp_path):
    reference = pytest.importorskip("onnx.reference")
    net = make("gelu")
    to_onnx(net, tmp_path / "net.onnx")
    (y,) = reference.ReferenceEvaluator(str(tmp_path / "net.onnx")).run(None, {"x": X})
    np.testing.assert_allclose(y, net.value(X), rtol=3e-7)  # it rounds the error function to float32


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_torch_module_is_the_same_function(activation, kind):
    torch = pytest.importorskip("torch")
    net = make(activation, **kind)
    module = to_torch(net)
    with torch.no_grad():
        y = module(torch.tensor(X)).numpy()
    np.testing.assert_allclose(y, net.value(X), rtol=1e-13, atol=1e-13)
    assert sum(p.numel() for p in module.parameters()) == net.size
