"""Problems whose honest certificates are forged: each way of proof, and each thing that a file says, stands in one."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.approximants import save
from supnorm.approximants.approximation import SurfaceModel
from supnorm.approximants.rational import PartialFractions
from supnorm.certification import ComposedCertificate, certify
from supnorm.certification.narrowing import Strategy
from supnorm.problem import Domain, Problem
from supnorm.sources import open_problem

CODE = """
import numpy as np

RNG = np.random.default_rng(7)
W1, B1, V1 = RNG.normal(size=(1, 8)), RNG.normal(size=8), RNG.normal(size=(8, 1)) / 4
W2, B2, V2 = RNG.normal(size=(2, 8)), RNG.normal(size=8), RNG.normal(size=(8, 2)) / 4
W3, B3, V3 = RNG.normal(size=(3, 6)) / 2, RNG.normal(size=6), RNG.normal(size=(6, 1)) / 4


def net(x): return np.tanh(x @ W1 + B1) @ V1
def wave(x): return net(x) + 0.01 * np.sin(3 * x)
def ripple(x): return net(x) + 0.001 * np.sin(3 * x)
def pair(x): return np.tanh(x @ W2 + B2) @ V2
def pair_off(x): return pair(x) + 0.01 * np.exp(-x[:, :1] ** 2) * x[:, 1:]
def pair_near(x): return pair(x) + 0.002 * np.exp(-x[:, :1] ** 2) * x[:, 1:]
def kinks(x): return np.maximum(x @ W2 + B2, 0.0) @ V2[:, :1]
def kinks_off(x): return kinks(x) + 0.05 * x[:, :1]
def kinks_near(x): return kinks(x) + 0.01 * x[:, :1]
def three(x): return np.tanh(x @ W3 + B3) @ V3
def three_off(x): return three(x) + 0.01 * np.sin(x[:, :1] + x[:, 1:2] * x[:, 2:])
def three_near(x): return three(x) + 0.001 * np.sin(x[:, :1] + x[:, 1:2] * x[:, 2:])
def law(x): return np.log(x[:, :1]) + x[:, 1:] ** 2
def law_off(x): return np.log(x[:, :1] + 0.01) + x[:, 1:] ** 2
def law_near(x): return np.log(x[:, :1] + 0.002) + x[:, 1:] ** 2
def over(x): return (2.0 + np.cos(x)) / (1.5 + x ** 2)
def over_off(x): return over(x) * (1.0 + 0.01 * np.sin(2 * x))
def over_near(x): return over(x) * (1.0 + 0.001 * np.sin(2 * x))
def black(x): return np.array(np.sin(x).tolist())
def bare(x): return np.tanh(x)
def black_off(x): return np.sin(x) + 0.01 * x
def black_near(x): return np.sin(x) + 0.001 * x
def pipe(x): return (x[:, :1] ** 0.8 + 2.0 / x[:, :1]) ** -0.5 * np.log(3.0 + x[:, 1:] * x[:, :1])
def pipe_off(x): return pipe(x) * (1.0 + 0.01 * np.sin(x[:, 1:] * 3.0)) + 0.002 * np.abs(x[:, 1:] - 1.0)
def pipe_near(x): return pipe(x) * (1.0 + 0.001 * np.sin(x[:, 1:] * 3.0)) + 0.0002 * np.abs(x[:, 1:] - 1.0)
def sine(x): return np.sin(x)
def sine_off(x): return np.sin(x) + 1e-19 * np.cos(3 * x)
def sine_near(x): return np.sin(x) + 1e-20 * np.cos(3 * x)
def left(x): return x[:, 0] < 0.9
def valve(x): return np.where(x[:, :1] < 0.3, net(x), 0.5 + 0.1 * x)
def valve_off(x): return np.where(x[:, :1] < 0.32, net(x), 0.5 + 0.1 * x) + 0.01 * np.sin(3 * x)
def valve_near(x): return valve(x) + 0.001 * np.sin(3 * x)
def step(x): return np.tanh(x) + (np.exp(x[:, :1]) > 1.5) * x ** 2
def step_off(x): return step(x) + 0.01 * np.where(np.sin(3 * x) > 0.2, x, 1.0)
def step_near(x): return step(x) + 0.001 * np.where(np.sin(3 * x) > 0.2, x, 1.0)
"""
TORCH = """
import torch


def smooth(x): return torch.nn.functional.softplus(x)
def off(x): return smooth(x) * (1.0 + 1e-9 * x)
def near(x): return smooth(x) * (1.0 + 1e-10 * x)
"""  # linear above 20, as its programs are not
LOOPS = """
import jax.numpy as jnp
from jax import lax

STEPS = jnp.array([0.9, -0.7, 1.1])


def step(h, w): return jnp.tanh(h * w + 0.1), None
def smooth(x): return lax.scan(step, x, STEPS)[0]
def off(x): return smooth(x) + 0.01 * jnp.polyval(jnp.array([0.3, -1.0, 0.5]), x)
def near(x): return smooth(x) + 0.001 * jnp.polyval(jnp.array([0.3, -1.0, 0.5]), x)
"""
GRAPH = """<ir_version: 10, opset_import: ["" : 20, "own" : 1]>
g (double[N,1] x) => (double[N,1] y) { t = Tanh(x) r = own.rest(x) y = Add(t, r) }
<domain: "own", opset_import: ["" : 20]>
rest (a) => (b) { k = Constant<value = double[1] {0.01}>() s = Sin(a) b = Mul(k, s) }
<domain: "own", opset_import: ["" : 20]>
rest (a) => (b) { k = Constant<value = double[1] {0.001}>() s = Cos(a) b = Mul(k, s) }
"""  # two functions of one name; which one is called says the overload
GRAPH_IN_SINGLE = """<ir_version: 10, opset_import: ["" : 20]>
g (float[N,1] x) => (float[N,1] y) {
  k = Constant<value = float[1] {%s}>() t = Tanh(x) s = Sin(x) r = Mul(k, s) y = Add(t, r)
}
"""
OFF = {"off32": 0.01, "near32": 0.001}  # its factor
PROBLEMS = {  # name: (model, the same nearer to the reference, reference, the rest of the problem file)
    "tanh net": ("wave", "ripple", "net", "[domain]\nx = [-1.0, 1.0]\n"),
    "over": ("wave", "ripple", "net", '[domain]\nx = [-1.0, 1.0]\n[error]\nside = "over"\ntolerance = 0.02\n'),
    "two outputs": ("pair_off", "pair_near", "pair", "[domain]\nx = [-1.0, 1.0]\ny = [0.0, 1.0]\n"),
    "kinks": ("kinks_off", "kinks_near", "kinks", "[domain]\nx = [-1.0, 1.0]\ny = [0.0, 1.0]\n"),
    "graded": ("three_off", "three_near", "three", "[domain]\nx = [-0.5, 0.5]\ny = [-0.5, 0.5]\nz = [0.0, 0.5]\n"),
    "log axis": (
        "law_off", "law_near", "law",
        '[domain]\np = { low = 0.1, high = 10.0, scale = "log", unit = "bar" }\ny = [0.0, 1.0]\n',
    ),
    "relative": (
        "over_off", "over_near", "over", '[domain]\nx = [-1.0, 1.0]\n[error]\nkind = "relative"\nfloor = 0.5\n'
    ),
    "notes": (
        "wave", "ripple", "net",
        '[domain]\nx = { values = [-1.0, -0.5, 0.0, 0.25, 0.5, 1.0] }\n[error]\nmask = "code.py:left"\n',
    ),
    "branches": ("torch_net.py:off", "torch_net.py:near", "torch_net.py:smooth", "[domain]\nx = [18.0, 22.0]\n"),
    "composed": (
        "pipe_off", "pipe_near", "pipe",
        '[domain]\nx = { low = 0.1, high = 20.0, scale = "log" }\ny = [0.5, 2.0]\n[error]\nkind = "relative"\nfloor = 0.0\n',
    ),
    "tiny": ("sine_off", "sine_near", "sine", "[domain]\nx = [-1.0, 1.0]\n"),
    "declared": ("black_off", "black_near", "black", "[domain]\nx = [-1.0, 1.0]\n"),
    "loop": ("loops.py:off", "loops.py:near", "loops.py:smooth", "[domain]\nx = [-1.0, 1.0]\n"),
    "rational": ("off.npz", "near.npz", "rational.npz", "[domain]\nx = [-1.0, 1.0]\n"),
    "overloads": ("off.onnx", "near.onnx", "bare", "[domain]\nx = [-1.0, 1.0]\n"),
    "deployed": ("off32.onnx", "near32.onnx", "bare", "[domain]\nx = [-1.0, 1.0]\n"),
    "threshold": ("valve_off", "valve_near", "valve", "[domain]\nx = [-1.0, 1.0]\n"),
    "computed threshold": ("step_off", "step_near", "step", "[domain]\nx = [-1.0, 1.0]\n"),
    "units": (
        "wave", "ripple", "net",
        '[domain]\nx = { low = -1.0, high = 1.0, unit = "m" }\n[constraints]\npython = "code.py:left"\n',
    ),
}  # fmt: skip
STRATEGIES: dict[str, Strategy] = {
    "composed": ComposedCertificate(degrees=((6,), (5,), (4,), (3,)))
}  # else the default
IN_UNITS = 'output_units = ["kg/m3"]\n'
MORE = {  # of the tables of model and reference
    "declared": ("", "declared = { bound = 12.0, stretch = 3.0, accuracy = 1e-15 }\n"),
    "units": (IN_UNITS, IN_UNITS),
}


@dataclass(frozen=True)
class Honest:
    """A certificate that says the truth, and what is false beside it.

    Attributes:
        problem: what it is about.
        data: the file's content.
        nearer: that of the same problem with a model nearer to the reference: true of another problem.
    """

    name: str
    problem: Problem
    data: dict[str, Any]
    nearer: dict[str, Any]

    @property
    def lower(self) -> float:
        """A proved error: no smaller upper bound is true."""
        return float.fromhex(self.data["lower"])

    @property
    def upper(self) -> float:
        """A proved bound: no larger lower bound is true."""
        return float.fromhex(self.data["upper"])

    def rounded(self) -> float:
        """How far the deployed model was seen from exact arithmetic; no smaller claim of its rounding is true."""
        x = np.random.default_rng(0).uniform(-1.0, 1.0, (20_000, 1)).astype(np.float32).astype(float)
        exact = np.tanh(x) + float(np.float32(OFF["off32"])) * np.sin(x)
        return float(np.max(np.abs(self.problem.model.value(x) - exact)))

    def copy(self) -> dict[str, Any]:
        """Its content, to be changed."""
        return copy.deepcopy(self.data)


def honest_files(folder: Path) -> list[Honest]:
    """Certify each problem, and its neighbour."""
    (folder / "code.py").write_text(CODE)
    (folder / "torch_net.py").write_text(TORCH)
    (folder / "loops.py").write_text(LOOPS)
    _rational_functions(folder)
    _graphs(folder)
    found = []
    for number, (name, (model, nearer, reference, rest)) in enumerate(PROBLEMS.items()):
        problems = []
        for version, function in enumerate((model, nearer)):
            path = folder / f"problem{number}{version}.toml"
            sides = zip(("model", "reference"), (function, reference), MORE.get(name, ("", "")), strict=True)
            tables = "".join(f"[{side}]\n{_named(which)}\n{more}" for side, which, more in sides)
            path.write_text(tables + rest)
            problems.append(open_problem(path))
        data = [_content(p, folder, STRATEGIES.get(name)) for p in problems]
        found.append(Honest(name, problems[0], data[0], data[1]))
    return found


def _named(which: str) -> str:
    if which.endswith((".npz", ".onnx")):
        return f'file = "{which}"'
    return f'python = "{which if ":" in which else "code.py:" + which}"'


def _rational_functions(folder: Path) -> None:
    """A rational function with two pairs of poles and a real one, and two near it."""
    alpha, beta, outer = np.array([0.2, -0.6]), np.array([0.3, 0.5]), np.array([1.4])
    plain = np.array([0.3, -0.2, 0.5, 0.4, -0.3, 0.2, 0.1])[:, None]
    for name, room in (("rational", 0.0), ("off", 0.01), ("near", 0.001)):
        changed = plain + room * np.array([0.0, 1.0, 0.0, 0.5, 0.0, 0.0, 0.3])[:, None]
        surface = PartialFractions(alpha, beta, outer, changed, 2)
        save(SurfaceModel(surface, Domain(x=(-1.0, 1.0))), folder / f"{name}.npz")


def _graphs(folder: Path) -> None:
    """The same graph, with a call of one of two functions that differ in their overload alone."""
    import onnx
    from onnx import parser

    for name, called in (("off", "first"), ("near", "second")):
        model = parser.parse_model(GRAPH)
        for function, overload in zip(model.functions, ("first", "second"), strict=True):
            function.overload = overload
        next(node for node in model.graph.node if node.domain == "own").overload = called
        onnx.save(model, folder / f"{name}.onnx")
    for name, factor in OFF.items():
        onnx.save(parser.parse_model(GRAPH_IN_SINGLE % factor), folder / f"{name}.onnx")


def _content(problem: Problem, folder: Path, strategy: Strategy | None) -> dict[str, Any]:
    path = folder / "certificate.json"
    # Fewer boxes than those from which a certificate is a file in lines, which `lines` forges.
    certify(problem, ratio=1.1, boxes=20_000, seconds=10.0, strategy=strategy).certificate.save(path)
    return dict(json.loads(path.read_text()))
