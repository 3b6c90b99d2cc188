"""One network in every form: the same values, the same gradients."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr

from supnorm.certification import certify
from supnorm.problem import Domain, Function, Problem
from supnorm.problem.specification import SourceSpec
from supnorm.program import program_of
from supnorm.results import BadInput
from supnorm.sources import from_torch
from supnorm.sources.model_file import open_file
from supnorm.sources.open import open_function
from supnorm.sources.python import open_python

torch = pytest.importorskip("torch")
NAMES = ("T", "p")
FILE = """
import torch, jax.numpy as jnp, numpy as np
from pathlib import Path
here = Path(__file__).parent
w = np.load(here / "weights.npz")

def build():
    dtype = torch.float64 if w["w1"].dtype == np.float64 else torch.float32
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)
    ).to(dtype)
    with torch.no_grad():
        for i, layer in ((1, net[0]), (2, net[2]), (3, net[4])):
            layer.weight.copy_(torch.as_tensor(w[f"w{i}"]))
            layer.bias.copy_(torch.as_tensor(w[f"b{i}"]))
    return net.eval()

net = build()

def tensors(x):
    return net(x)

def batch(x):
    h = jnp.tanh(x @ w["w1"].T + w["b1"])
    h = jnp.maximum(h @ w["w2"].T + w["b2"], 0)
    return h @ w["w3"].T + w["b3"]

def plain(x):
    h = np.tanh(x @ w["w1"].T + w["b1"])
    h = np.maximum(h @ w["w2"].T + w["b2"], 0)
    return h @ w["w3"].T + w["b3"]

def scalar(T, p):
    return plain(np.array([[T, p]]))[0]

def row(x):
    return plain(x[None])[0]
"""


@dataclass
class Forms:
    folder: Path
    dtype: str
    reference: Any

    def open(self, names: tuple[str, ...] = NAMES, **table: Any) -> Function:
        probe = np.random.default_rng(0).random((4, len(names)))
        trust = table.get("file") == "net.pt"
        return open_function(
            SourceSpec(**table), self.folder, names, probe, trust, where="problem.toml: [model]"
        )


def build_forms(folder: Path, dtype: str) -> Forms:
    rng = np.random.default_rng(7)
    shapes = {"w1": (8, 2), "b1": 8, "w2": (8, 8), "b2": 8, "w3": (2, 8), "b3": 2}
    weights = {k: rng.normal(size=s).astype(dtype) for k, s in shapes.items()}
    np.savez(folder / "weights.npz", **weights)
    (folder / "net.py").write_text(FILE)
    from supnorm.sources.userfile import load_module

    user = load_module(folder / "net.py", "test")
    export_all(user.net, folder, getattr(torch, dtype))
    return Forms(folder, dtype, user.plain)


def export_all(net: Any, folder: Path, dtype: Any) -> None:
    import warnings

    x = torch.zeros(3, 2, dtype=dtype)
    free = ({0: torch.export.Dim("n")},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own deprecated parts while it exports
        torch.export.save(torch.export.export(net, (x,), dynamic_shapes=free), folder / "net.pt2")
        torch.export.save(torch.export.export(net, (x,)), folder / "tied.pt2")
        torch.jit.trace(net, x).save(str(folder / "net.pt"))
        program = torch.onnx.export(
            net, (x,), dynamo=True, dynamic_shapes=free, input_names=["x"], verbose=False
        )
        program.save(str(folder / "net.onnx"))


@pytest.fixture(scope="module", params=["float64", "float32"])
def forms(request: Any, tmp_path_factory: Any) -> Forms:
    return build_forms(tmp_path_factory.mktemp(request.param), request.param)


TABLES: dict[str, dict[str, Any]] = {
    "module": {"python": "net.py:net"},
    "builder": {"python": "net.py:build"},
    "torch": {"python": "net.py:tensors"},
    "jax": {"python": "net.py:batch"},
    "numpy": {"python": "net.py:plain"},
    "scalar": {"python": "net.py:scalar", "per_point": True},
    "row": {"python": "net.py:row", "per_point": True},
    "pt2": {"file": "net.pt2"},
    "tied pt2": {"file": "tied.pt2"},
    "torchscript": {"file": "net.pt"},
    "onnx": {"file": "net.onnx"},
}


def points(n: int = 11) -> Any:
    return np.random.default_rng(3).normal(size=(n, 2))


@pytest.mark.slow
@pytest.mark.parametrize("form", TABLES)
def test_values_agree(forms: Forms, form: str) -> None:
    function = forms.open(**TABLES[form])
    allowed = 1e-12 if forms.dtype == "float64" else 2e-5
    x = points()
    exact = forms.reference(x)
    np.testing.assert_allclose(function(x), exact, rtol=allowed, atol=allowed)
    np.testing.assert_allclose(function(x[:1]), exact[:1], rtol=allowed, atol=allowed)


@pytest.mark.parametrize("form", ["module", "torch", "jax", "pt2", "tied pt2", "torchscript", "onnx"])
def test_gradients_agree_with_differences(forms: Forms, form: str) -> None:
    function = forms.open(**TABLES[form])
    x, weights = points(), np.random.default_rng(5).normal(size=(11, 2))
    assert function.vjp is not None
    y, pull = function.vjp(x)
    np.testing.assert_allclose(y, function(x), rtol=1e-6)
    step = 1e-6
    for column in range(2):
        shift = np.zeros(2)
        shift[column] = step
        slope = (forms.reference(x + shift) - forms.reference(x - shift)) / (2 * step)
        expected = (slope * weights).sum(1)
        tolerance = 1e-6 if forms.dtype == "float64" else 1e-3
        np.testing.assert_allclose(pull(weights)[:, column], expected, rtol=tolerance, atol=tolerance)


def test_what_torchscript_must_become_to_be_certified_is_named(forms: Forms) -> None:
    from supnorm.program import Unsupported, program_of

    with pytest.raises(Unsupported, match=r"TorchScript.*\.pt2, or exported to ONNX"):
        program_of(forms.open(**TABLES["torchscript"]), 2)


@pytest.mark.parametrize("form", TABLES)
def test_precision_is_reported(forms: Forms, form: str) -> None:
    function = forms.open(**TABLES[form])
    own = form in ("module", "builder", "torch", "pt2", "tied pt2", "torchscript", "onnx")
    assert function.precision == (forms.dtype if own else "float64")
    assert any("float32" in note for note in function.notes) == (function.precision == "float32")


@pytest.mark.parametrize("form", ["module", "pt2", "torchscript"])
def test_a_float64_copy_is_named(forms: Forms, form: str) -> None:
    function = forms.open(**TABLES[form], precision="float64")
    assert function.precision == "float64"
    np.testing.assert_allclose(function(points()), forms.reference(points()), rtol=1e-6, atol=1e-6)
    if forms.dtype == "float32":
        assert any("float64" in note for note in function.notes)


@pytest.mark.parametrize("form", TABLES)
def test_order_of_inputs(forms: Forms, form: str) -> None:
    function = forms.open(names=("p", "T"), inputs=["T", "p"], **TABLES[form])
    x = points()
    np.testing.assert_allclose(function(x[:, ::-1]), forms.reference(x), rtol=2e-5, atol=2e-5)
    if function.vjp is not None:
        straight = forms.open(**TABLES[form])
        assert straight.vjp is not None
        one = np.ones((11, 2))
        np.testing.assert_allclose(
            function.vjp(x[:, ::-1])[1](one)[:, ::-1], straight.vjp(x)[1](one), rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("form", ["pt2", "onnx", "module", "torchscript"])
def test_made_again_elsewhere(forms: Forms, form: str) -> None:
    function = forms.open(**TABLES[form])
    again = pickle.loads(pickle.dumps(function.remake))()
    np.testing.assert_array_equal(again(points()), function(points()))


@pytest.mark.parametrize("form", ["pt2", "tied pt2", "onnx"])
def test_wrong_number_of_axes(forms: Forms, form: str) -> None:
    with pytest.raises(BadInput, match=r"do not take the 3 axes a, b, c"):
        forms.open(names=("a", "b", "c"), **TABLES[form])


def test_the_first_layer_is_read_through_a_normalisation() -> None:
    from supnorm.sources.torch import first_layer

    class Normalised(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 5, dtype=torch.float64)
            self.last = torch.nn.Linear(5, 1, dtype=torch.float64)

        def forward(self, x: Any) -> Any:
            return self.last(torch.relu(self.layer((x - 3.0) / torch.tensor([2.0, 50.0]))))

    net = Normalised()
    x = np.random.default_rng(0).normal(size=(6, 2)) * 10
    found = first_layer(net, x)
    assert found is not None
    inside = net.layer(torch.as_tensor((x - 3.0) / [2.0, 50.0])).detach().numpy()
    np.testing.assert_allclose(x @ found[0].T + found[1], inside, atol=1e-12)
    squared = torch.nn.Sequential(Square(), torch.nn.Linear(2, 1, dtype=torch.float64))
    assert first_layer(squared, x) is None


class Square(torch.nn.Module):  # type: ignore[misc, name-defined]
    def forward(self, x: Any) -> Any:
        return x**2


def test_dropout_stays_as_the_user_left_it() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(2, 64), torch.nn.Dropout(0.5), torch.nn.Linear(64, 1))
    x = points()
    random = from_torch(net)
    assert np.abs(random(x) - random(x)).max() > 0
    fixed = from_torch(net.eval())
    np.testing.assert_array_equal(fixed(x), fixed(x))


def test_objects_with_predict(tmp_path: Path) -> None:
    (tmp_path / "forest.py").write_text(
        "import numpy as np\nfrom sklearn.ensemble import RandomForestRegressor\n"
        "x = np.random.default_rng(0).random((50, 2))\n"
        "forest = RandomForestRegressor(5, random_state=0).fit(x, x[:, 0])\n"
    )
    forms = Forms(tmp_path, "float64", None)
    function = forms.open(python="forest.py:forest")
    x = np.random.default_rng(1).random((20, 2))
    assert function(x).shape == (20, 1)
    assert np.abs(function(x)[:, 0] - x[:, 0]).max() < 0.2
    with pytest.raises(BadInput, match="takes 2 inputs, the domain has 3"):
        forms.open(names=("a", "b", "c"), python="forest.py:forest")


def test_a_predictor_that_works_in_its_argument_leaves_the_points_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "clip.py").write_text(
        "class Clipped:\n    def predict(self, x):\n        x[x > 0.5] = 0.5\n        return x[:, 0]\nclipped = Clipped()\n"
    )
    function = Forms(tmp_path, "float64", None).open(python="clip.py:clipped")
    x = np.full((3, 2), 0.75)
    assert function.value(x).tolist() == [[0.5]] * 3
    assert (x == 0.75).all()


def test_several_graph_inputs(tmp_path: Path) -> None:
    class Two(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, pressure: Any, state: Any) -> Any:
            return pressure * 100 + state[:, :1] * 10 + state[:, 1:]

    parts = (torch.zeros(4, 1, dtype=torch.float64), torch.zeros(4, 2, dtype=torch.float64))
    n = torch.export.Dim("n")
    torch.export.save(
        torch.export.export(Two(), parts, dynamic_shapes=({0: n}, {0: n})), tmp_path / "two.pt2"
    )
    forms = Forms(tmp_path, "float64", None)
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    in_order = forms.open(names=("a", "b", "c"), file="two.pt2")
    assert in_order(x).ravel().tolist() == [123.0, 456.0]
    listed = forms.open(names=("a", "b", "c"), file="two.pt2", inputs=["state", "pressure"])
    assert listed(x).ravel().tolist() == [312.0, 645.0]
    axes = forms.open(names=("a", "b", "c"), file="two.pt2", inputs=["c", "b", "a"])
    assert axes(x).ravel().tolist() == [321.0, 654.0]
    with pytest.raises(BadInput, match="must name each axis"):
        forms.open(names=("a", "b", "c"), file="two.pt2", inputs=["x", "y", "z"])


@pytest.mark.parametrize("form", ["module", "onnx"])
def test_the_first_layer_is_the_networks(forms: Forms, form: str) -> None:
    found = forms.open(**TABLES[form]).first_layer
    swapped = forms.open(names=("p", "T"), inputs=["T", "p"], **TABLES[form]).first_layer
    weights = np.load(forms.folder / "weights.npz")
    assert found is not None
    assert swapped is not None
    np.testing.assert_allclose(found[0], weights["w1"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[1], weights["b1"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(swapped[0], weights["w1"][:, ::-1], rtol=1e-5, atol=1e-5)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("form", ["onnx", "jax", "row", "scalar"])
def test_programs_can_be_had(tmp_path: Path, forms: Forms, form: str) -> None:
    from supnorm.program import program_of

    table = dict(TABLES[form])
    if "per_point" in table:
        (forms.folder / "smooth.py").write_text(
            "import jax.numpy as jnp\ndef row(x): return jnp.sin(x[0]) * x[1]\n"
            "def scalar(T, p): return jnp.sin(T) * p\n"
        )
        table["python"] = f"smooth.py:{form}"
    function = forms.open(**table)
    x = points()
    np.testing.assert_allclose(program_of(function, 2).value(x), function(x), rtol=1e-4, atol=1e-4)


def test_a_program_follows_the_order_of_inputs(forms: Forms) -> None:
    function = forms.open(names=("p", "T"), inputs=["T", "p"], file="net.onnx")
    x = points()
    np.testing.assert_allclose(function.program.value(x), function(x), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_an_onnx_graph_that_mixes_the_batch_has_no_derivative(tmp_path: Path) -> None:
    export(Centred(), tmp_path / "centred.onnx")
    function = Forms(tmp_path, "float64", None).open(file="centred.onnx")
    assert function.vjp is None
    assert any("black box" in note and "depends on other points" in note for note in function.notes)


@pytest.mark.slow
def test_an_onnx_graph_with_other_operations_is_a_black_box(tmp_path: Path) -> None:
    export(Floor(), tmp_path / "floor.onnx")
    function = Forms(tmp_path, "float64", None).open(file="floor.onnx")
    assert function.vjp is None
    assert function.program is None
    assert any("black box" in note and "Floor" in note for note in function.notes)
    x = points()
    np.testing.assert_array_equal(function(x)[:, 0], np.floor(x[:, 0]) + x[:, 1])


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", ["onnx", "pt2"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "Floor",
            {"onnx": "operation Floor of m.onnx", "pt2": "operation torch aten.floor.default of m.pt2"},
        ),
        ("Sorted", {"onnx": "operation TopK of m.onnx", "pt2": "operation torch aten.sort.default of m.pt2"}),
        (
            "Centred",
            {form: f"m.{form}: code whose result .* depends on other points" for form in ("onnx", "pt2")},
        ),
    ],
)
def test_what_a_certificate_cannot_read_in_a_file_is_named(
    tmp_path: Path, form: str, name: str, said: dict[str, str]
) -> None:
    from supnorm.program import Unsupported, program_of

    path = tmp_path / f"m.{form}"
    module = {"Floor": Floor, "Sorted": Sorted, "Centred": Centred}[name]()
    export(module, path) if form == "onnx" else save_pt2(module, path)
    function = Forms(tmp_path, "float64", None).open(file=path.name)
    with pytest.raises(Unsupported, match=f"^{said[form]}.*; nearest supported form: ") as refusal:
        program_of(function, 2)
    assert "ONNX" not in str(refusal.value)


def save_pt2(module: Any, path: Path) -> None:
    x = (torch.zeros(3, 2, dtype=torch.float64),)
    torch.export.save(torch.export.export(module, x, dynamic_shapes=({0: torch.export.Dim("n")},)), path)


@pytest.mark.parametrize(("dtype", "near"), [("float32", 1e-5), ("bfloat16", 0.05)])
def test_a_graph_that_casts_its_inputs_is_read(tmp_path: Path, dtype: str, near: float) -> None:
    """The cast is exported with an assertion, a node without a result."""
    torch.manual_seed(0)
    save_pt2(Cast(getattr(torch, dtype)).eval(), tmp_path / "cast.pt2")
    function = Forms(tmp_path, "float64", None).open(file="cast.pt2")
    assert function.precision == dtype
    assert function.program is not None
    assert np.allclose(function.program.value(points()), function.value(points()), rtol=0, atol=near)


class Cast(torch.nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, dtype: Any) -> None:
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).to(
            dtype
        )
        self.dtype = dtype

    def forward(self, x: Any) -> Any:
        return self.net(x.to(self.dtype))


class Sorted(torch.nn.Module):  # type: ignore[misc, name-defined]
    def forward(self, x: Any) -> Any:
        return torch.sort(x, -1).values


class Centred(torch.nn.Module):  # type: ignore[misc, name-defined]
    def forward(self, x: Any) -> Any:
        return x - x.mean(0, keepdim=True)


class Floor(torch.nn.Module):  # type: ignore[misc, name-defined]
    def forward(self, x: Any) -> Any:
        return torch.floor(x[:, 0]) + x[:, 1]


def export(module: Any, path: Path) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = (torch.zeros(3, 2, dtype=torch.float64),)
        free = ({0: torch.export.Dim("n")},)
        torch.onnx.export(module, x, dynamo=True, dynamic_shapes=free, verbose=False).save(str(path))


def test_our_own_networks_open(tmp_path: Path) -> None:
    from supnorm.networks import Network, save

    net = Network.init(np.random.default_rng(0), d=2, m=1, width=8, depth=2)
    save(net, tmp_path / "net.npz")
    forms = Forms(tmp_path, "float64", None)
    x = points()
    np.testing.assert_array_equal(forms.open(file="net.npz")(x), net.value(x))
    swapped = forms.open(names=("a", "b"), file="net.npz", inputs=["b", "a"])
    np.testing.assert_allclose(swapped(x), net.value(x[:, ::-1]), rtol=1e-14)
    with pytest.raises(BadInput, match="takes"):
        forms.open(names=("a", "b", "c"), file="net.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(BadInput) as caught:
        forms.open(file="other.npz")
    assert 'problem.toml: [model] file = "other.npz"' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_cancels_in_torchs_gelu_is_no_other_row(tmp_path: Path) -> None:
    net = torch.nn.GELU().double()
    batch = ({0: torch.export.Dim("n")},)
    torch.export.save(
        torch.export.export(net, (torch.zeros(2, 1).double(),), dynamic_shapes=batch), tmp_path / "m.pt2"
    )
    x = np.linspace(-9.0, -7.0, 9)[:, None]
    function = open_file(SourceSpec(file="m.pt2"), tmp_path, ("x",), x, False, "[model]")
    assert function.program is not None, function.notes
    bound = certify(Problem(function, lambda x: 0.0 * x, Domain(x=(-9.0, -7.0))), ratio=1.1)
    assert bound.lower <= 7.0 * ndtr(-7.0) <= bound.upper <= 1.1 * bound.lower
    assert np.abs(function.value(x)).max() <= bound.deployed_upper <= 1.2 * bound.lower


def test_numpy_code_beside_torch_code_is_numpy_code(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text(
        "import numpy as np, torch\n"
        "def softplus(x): return np.logaddexp(x[:, 0], 0.0)\n"
        "def sine(x): return torch.sin(x[:, 0])\n"
    )
    x = np.linspace(0.0, 1.0, 5)[:, None]
    plain = open_python(SourceSpec(python="f.py:softplus"), tmp_path, x, "[reference]")
    assert plain.value.kind == ""  # type: ignore[attr-defined]
    assert "softplus" in program_of(plain, 1).operations
    assert open_python(SourceSpec(python="f.py:sine"), tmp_path, x, "[reference]").value.kind == "torch"  # type: ignore[attr-defined]


def test_a_module_that_squeezes_its_output_gives_one_value_for_one_point():
    class Squeezed(torch.nn.Module):
        def forward(self, x):
            return torch.sin(x[:, :1]).squeeze()

    function = from_torch(Squeezed().eval())
    assert function.value(np.array([[0.5, 0.1]])).shape == (1, 1)
    assert function.value(np.full((3, 2), 0.5)).shape == (3, 1)
