"""Nothing in a model file runs: pickles, doctored archives, graphs that name functions, damaged files."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm.problem import Function
from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput
from supnorm.sources.open_function import open_function

torch = pytest.importorskip("torch")
X = np.random.default_rng(0).random((5, 2))


class Bomb:
    """Unpickling it creates a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


@pytest.fixture
def net(tmp_path: Path) -> Any:
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).double()
    x = (torch.zeros(4, 2, dtype=torch.float64),)
    free = ({0: torch.export.Dim("n")},)
    torch.export.save(torch.export.export(module, x, dynamic_shapes=free), tmp_path / "net.pt2")
    return module


def opened(folder: Path, file: str, trust: bool = False) -> Function:
    return open_function(SourceSpec(file=file), folder, ("a", "b"), X, trust, where="problem.toml: [model]")


def rewritten(source: Path, target: Path, change: Callable[[str, bytes], bytes], more: Any = ()) -> None:
    """A copy of a zip with changed members and further ones."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        top = old.namelist()[0].split("/")[0]
        for name in old.namelist():
            new.writestr(name, change(name.partition("/")[2], old.read(name)))
        for name, content in more:
            new.writestr(f"{top}/{name}", content)


def saved(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def refused(folder: Path, file: str, *said: str) -> None:
    with pytest.raises(BadInput) as caught:
        opened(folder, file)
    message = str(caught.value)
    assert "\n" not in message
    for part in (f'problem.toml: [model] file = "{file}"', *said):
        assert part in message


def test_an_ordinary_export_loads(tmp_path: Path, net: Any) -> None:
    y = net(torch.as_tensor(X)).detach().numpy()
    np.testing.assert_allclose(opened(tmp_path, "net.pt2")(X), y, rtol=1e-14)
    np.testing.assert_allclose(opened(tmp_path, "net.pt2", trust=True)(X), y, rtol=1e-14)


def test_doctored_sample_inputs_are_never_read(tmp_path: Path, net: Any) -> None:
    mark = tmp_path / "mark"
    bomb = saved(Bomb(mark))
    doctored = tmp_path / "doctored.pt2"
    rewritten(tmp_path / "net.pt2", doctored, lambda n, c: bomb if "sample_inputs" in n else c)
    y = opened(tmp_path, "doctored.pt2")(X)
    np.testing.assert_allclose(y, net(torch.as_tensor(X)).detach().numpy(), rtol=1e-14)
    assert not mark.exists()
    torch.load(io.BytesIO(bomb), weights_only=False)  # the bomb is live: full unpickling creates the file
    assert mark.exists()


def as_pickled(name: str, content: bytes) -> bytes:
    """Says that the first weight is pickled."""
    if not name.endswith("model_weights_config.json"):
        return content
    config = json.loads(content)
    next(iter(config["config"].values()))["use_pickle"] = True
    return json.dumps(config).encode()


def test_a_pickled_weight_that_needs_full_unpickling_is_refused(tmp_path: Path, net: Any) -> None:
    mark = tmp_path / "mark"
    rewritten(
        tmp_path / "net.pt2",
        tmp_path / "bad.pt2",
        lambda n, c: saved(Bomb(mark)) if n == "data/weights/weight_0" else as_pickled(n, c),
    )
    refused(tmp_path, "bad.pt2", "refused", "pickle of more than tensors", "--trust")
    assert not mark.exists()


def test_a_pickled_weight_of_plain_tensors_is_read(tmp_path: Path, net: Any) -> None:
    weight = saved(net[0].weight.detach())
    rewritten(
        tmp_path / "net.pt2",
        tmp_path / "plain.pt2",
        lambda n, c: weight if n == "data/weights/weight_0" else as_pickled(n, c),
    )
    np.testing.assert_allclose(
        opened(tmp_path, "plain.pt2")(X), net(torch.as_tensor(X)).detach().numpy(), rtol=1e-14
    )


def test_pickled_objects_among_the_constants_are_refused(tmp_path: Path, net: Any) -> None:
    mark = tmp_path / "mark"

    def change(name: str, content: bytes) -> bytes:
        if not name.endswith("model_constants_config.json"):
            return content
        entry = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None}
        return json.dumps({"config": {"c": entry}}).encode()

    more = [("data/constants/opaque_obj_0", pickle.dumps(Bomb(mark)))]
    rewritten(tmp_path / "net.pt2", tmp_path / "bad.pt2", change, more)
    refused(tmp_path, "bad.pt2", "refused", "pickled object")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("target", "argument"),
    [
        ("torch.os.system", {"as_string": "touch mark"}),
        ("torch.hub.load", {"as_string": "x"}),
        ("_operator.methodcaller", {"as_string": "touch"}),
        ("torch.ops.aten.from_file.default", {"as_string": "mark"}),
        ("torch.ops.aten.from_file.default", {"as_int": 1}),
        ("torch.ops.mylib.run.default", {"as_int": 1}),
        ("builtins.eval", {"as_string": "1"}),
    ],
)
def test_graphs_that_call_anything_but_tensor_operations(
    tmp_path: Path, net: Any, target: str, argument: Any
) -> None:
    def change(name: str, content: bytes) -> bytes:
        if name != "models/model.json":
            return content
        model = json.loads(content)
        node = model["graph_module"]["graph"]["nodes"][0]
        node["target"] = target
        node["inputs"] = [{"name": "command", "arg": argument, "kind": 1}]
        return json.dumps(model).encode()

    rewritten(tmp_path / "net.pt2", tmp_path / "bad.pt2", change)
    refused(tmp_path, "bad.pt2", "refused")


def test_sizes_written_as_python_are_not_evaluated(tmp_path: Path, net: Any) -> None:
    mark = tmp_path / "mark"
    code = f"__import__('pathlib').Path({str(mark)!r}).touch()"

    def change(name: str, content: bytes) -> bytes:
        if name != "models/model.json":
            return content
        model = json.loads(content)
        model["guards_code"] = [code]
        for meta in model["graph_module"]["graph"]["tensor_values"].values():
            for size in meta["sizes"]:
                if "as_expr" in size:
                    size["as_expr"]["expr_str"] = code
        return json.dumps(model).encode()

    rewritten(tmp_path / "net.pt2", tmp_path / "odd.pt2", change)
    assert opened(tmp_path, "odd.pt2")(X).shape == (5, 1)
    assert not mark.exists()


def test_compiled_libraries_are_refused(tmp_path: Path, net: Any) -> None:
    more = [("data/aotinductor/model/model.so", b"\x7fELF")]
    rewritten(tmp_path / "net.pt2", tmp_path / "bad.pt2", lambda n, c: c, more)
    refused(tmp_path, "bad.pt2", "compiled libraries")


@pytest.mark.parametrize("suffix", ["pt", "pkl", "pickle", "joblib", "pth", "ckpt"])
@pytest.mark.parametrize("writer", ["pickle", "torch", "old torch"])
def test_pickles_are_refused_and_never_executed(tmp_path: Path, suffix: str, writer: str) -> None:
    mark = tmp_path / "mark"
    target = tmp_path / f"model.{suffix}"
    if writer == "pickle":
        target.write_bytes(pickle.dumps(Bomb(mark)))
    else:
        torch.save(Bomb(mark), target, _use_new_zipfile_serialization=writer == "torch")
    refused(tmp_path, target.name, "pickle", "refused", "python =")
    assert not mark.exists()


def test_a_pickle_named_pt2(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    torch.save(Bomb(mark), tmp_path / "zip.pt2")
    (tmp_path / "raw.pt2").write_bytes(pickle.dumps(Bomb(mark)))
    refused(tmp_path, "zip.pt2", "torch.export")
    refused(tmp_path, "raw.pt2", "torch.export")
    assert not mark.exists()


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("share", [0.3, 0.7, 0.98])
def test_files_cut_short(tmp_path: Path, net: Any, share: float) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(net, torch.zeros(1, 2, dtype=torch.float64)).save(str(tmp_path / "net.pt"))
        torch.onnx.export(net, (torch.zeros(1, 2, dtype=torch.float64),), dynamo=True, verbose=False).save(
            str(tmp_path / "net.onnx")
        )
    for name in ("net.pt2", "net.pt", "net.onnx"):
        content = (tmp_path / name).read_bytes()
        (tmp_path / f"cut-{name}").write_bytes(content[: int(share * len(content))])
        refused(tmp_path, f"cut-{name}")


class Saves(torch.nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, mark: str) -> None:
        super().__init__()
        self.mark = mark

    def forward(self, x):
        torch.save(x, self.mark)
        return x


class SavesWhileLoaded(torch.nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, mark: str) -> None:
        super().__init__()
        self.mark = mark

    @torch.jit.export
    def __getstate__(self):
        return self.mark, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.mark, self.training = state
        torch.save(torch.zeros(1), self.mark)

    def forward(self, x):
        return x


@pytest.mark.parametrize("kind", [Saves, SavesWhileLoaded])
def test_torchscript_runs_when_trusted_only(tmp_path: Path, kind: Any) -> None:
    """torch.save of TorchScript writes a file, even while the archive is loaded: nothing of it runs without trust."""
    import warnings

    mark = tmp_path / "mark"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(kind(str(mark))).save(str(tmp_path / "writer.pt"))
    mark.unlink(missing_ok=True)
    refused(tmp_path, "writer.pt", "TorchScript", "can write and read files", "--trust")
    assert not mark.exists()
    opened(tmp_path, "writer.pt", trust=True)(X)
    assert mark.exists()  # the file is live


def test_files_of_other_kinds(tmp_path: Path) -> None:
    for name, said in (
        ("m.h5", "Keras"),
        ("m.safetensors", "without a network"),
        ("m.xyz", "known are .onnx"),
    ):
        (tmp_path / name).write_bytes(b"1")
        refused(tmp_path, name, said, "python =")
    refused(tmp_path, "none.onnx", "there is no file")


@pytest.mark.slow
def test_an_untrusted_operation_runs_when_trusted(tmp_path: Path) -> None:
    class Choice(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return torch.cond(x.sum() > 0, lambda x: x[:, 0] * 2, lambda x: x[:, 1] * 3, (x,))

    torch.export.save(
        torch.export.export(Choice(), (torch.ones(5, 2, dtype=torch.float64),)), tmp_path / "cond.pt2"
    )
    refused(tmp_path, "cond.pt2", "refused", "--trust")
    np.testing.assert_allclose(opened(tmp_path, "cond.pt2", trust=True)(X)[:, 0], X[:, 0] * 2)


def _other_order(name: str, content: bytes) -> bytes:
    """The arguments of the linear layers, which torch takes by their names, in another order."""
    if name != "models/model.json":
        return content
    model = json.loads(content)
    for node in model["graph_module"]["graph"]["nodes"]:
        if "linear" in node["target"]:
            node["inputs"].reverse()
    return json.dumps(model).encode()


def test_arguments_in_another_order_are_refused(tmp_path: Path, net: Any) -> None:
    rewritten(tmp_path / "net.pt2", tmp_path / "odd.pt2", _other_order)
    refused(tmp_path, "odd.pt2", "linear", "in the order bias, weight, input, not input, weight, bias")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("member", ["models/model.json", "data/weights/weight_0"])
def test_a_member_that_is_there_twice_is_refused(tmp_path: Path, net: Any, member: str) -> None:
    """Python's zip files have the last of two, torch's the first one."""
    with zipfile.ZipFile(tmp_path / "net.pt2") as archive:
        content = next(archive.read(n) for n in archive.namelist() if n.endswith(member))
    rewritten(tmp_path / "net.pt2", tmp_path / "twice.pt2", lambda n, c: c, [(member, content)])
    refused(tmp_path, "twice.pt2", member, "twice")


def test_two_top_folders_are_refused(tmp_path: Path, net: Any) -> None:
    shutil.copy(tmp_path / "net.pt2", tmp_path / "two.pt2")
    with zipfile.ZipFile(tmp_path / "two.pt2", "a") as archive:
        archive.writestr("other/models/model.json", "{}")
    refused(tmp_path, "two.pt2", "2 top folders")


def test_a_constant_with_the_name_of_a_weight_is_refused(tmp_path: Path, net: Any) -> None:
    with zipfile.ZipFile(tmp_path / "net.pt2") as archive:
        weights = next(n for n in archive.namelist() if n.endswith("model_weights_config.json"))
        config = json.loads(archive.read(weights))["config"]
        name, entry = next(iter(config.items()))
        raw = archive.read(next(n for n in archive.namelist() if n.endswith("weights/" + entry["path_name"])))

    def change(member: str, content: bytes) -> bytes:
        return (
            json.dumps({"config": {name: entry}}).encode()
            if member.endswith("constants_config.json")
            else content
        )

    more = [("data/constants/" + entry["path_name"], raw)]
    rewritten(tmp_path / "net.pt2", tmp_path / "both.pt2", change, more)
    refused(tmp_path, "both.pt2", name, "among its weights and among its constants")


@pytest.mark.parametrize(
    "target",
    [
        "_convert_indices_from_csr_to_coo.default",
        "_sparse_coo_tensor_unsafe.default",
        "resize_.default",
        "adaptive_max_pool2d_backward.default",
        "ctc_loss.IntList",
        "native_batch_norm.default",
    ],
)
def test_an_operation_that_does_not_check_its_arguments_is_refused(
    tmp_path: Path, net: Any, target: str
) -> None:
    """Some write beyond the end of an array, which ended the process without a word."""

    def change(name: str, content: bytes) -> bytes:
        return content.replace(b"torch.ops.aten.tanh.default", f"torch.ops.aten.{target}".encode())

    rewritten(tmp_path / "net.pt2", tmp_path / "bad.pt2", change)
    refused(tmp_path, "bad.pt2", "refused", target, "--trust")


def test_the_copy_is_what_was_meant(tmp_path: Path, net: Any) -> None:
    """The doctoring itself keeps a file loadable, so that refusals are for their reasons."""
    rewritten(tmp_path / "net.pt2", tmp_path / "same.pt2", lambda n, c: c)
    np.testing.assert_array_equal(opened(tmp_path, "same.pt2")(X), opened(tmp_path, "net.pt2")(X))
    shutil.copy(tmp_path / "same.pt2", tmp_path / "again.pt2")
    np.testing.assert_array_equal(
        opened(tmp_path, "again.pt2", trust=True)(X), opened(tmp_path, "net.pt2")(X)
    )
