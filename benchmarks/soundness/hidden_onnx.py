"""ONNX graphs that hide something from a reader: a small network, and behind it what rounds, branches or remembers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Graph = dict[str, Any]
FLOAT, DOUBLE, HALF, INT = 1, 11, 10, 7


def _c(g: Graph, value: Any, dtype: Any = np.float64) -> str:
    """A constant; its name."""
    from onnx import numpy_helper

    name = f"k{len(g['init'])}"
    g["init"].append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
    return name


def _n(g: Graph, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
    """A node; the name of its result."""
    from onnx import helper

    name = f"v{len(g['nodes'])}"
    g["nodes"].append(helper.make_node(op, list(inputs), [name], domain=domain, **attributes))
    return name


def _near(g: Graph) -> str:
    away = _n(g, "Abs", _n(g, "Sub", g["x0"], _c(g, g["C"])))
    return _n(g, "Less", away, _c(g, g["W"]))


def _plus(g: Graph, y: str, value: Any, dtype: Any = np.float64) -> str:
    return _n(g, "Add", y, _c(g, value, dtype))


def _branch(g: Graph, condition: str, then: str, other: str) -> str:
    """``If`` with two results of the outer graph."""
    from onnx import TensorProto, helper

    def one(name: str) -> Any:
        out = f"{name}_{condition}"
        info = helper.make_tensor_value_info(out, TensorProto.DOUBLE, None)
        return helper.make_graph([helper.make_node("Identity", [name], [out])], "branch", [], [info])

    return _n(g, "If", condition, then_branch=one(then), else_branch=one(other))


def _function(g: Graph, name: str, domain: str, nodes: list[Any], opset: int = 20) -> None:
    from onnx import helper

    imports = [helper.make_opsetid("", opset)]
    g["functions"].append(helper.make_function(domain, name, ["a"], ["b"], nodes, imports))
    g["domains"].add(domain)


def _own(g: Graph, y: str, name: str, kind: str, domain: str = "own") -> str:
    from onnx import helper

    def const(out: str, value: float) -> Any:
        tensor = helper.make_tensor(out, DOUBLE, [], [value])
        return helper.make_node("Constant", [], [out], value=tensor)

    if kind == "cast":
        nodes = [
            helper.make_node("Cast", ["a"], ["t"], to=FLOAT),
            helper.make_node("Cast", ["t"], ["b"], to=DOUBLE),
        ]
    elif kind == "shift":
        nodes = [const("h", g["H"]), helper.make_node("Add", ["a", "h"], ["b"])]
    else:
        nodes = [const("w", g["W"]), const("h", g["H"]), const("z", 0.0), helper.make_node("Abs", ["a"], ["s"]),
                 helper.make_node("Less", ["s", "w"], ["l"]), helper.make_node("Where", ["l", "h", "z"], ["t"]),
                 helper.make_node("Add", ["a", "t"], ["b"])]  # fmt: skip
    _function(g, name, domain, nodes)
    return _n(g, name, y, domain=domain)


def _twice(g: Graph, y: str, first: int, last: int = DOUBLE) -> str:
    return _n(g, "Cast", _n(g, "Cast", y, to=first), to=last)


def _scaled(g: Graph, y: str, op: str) -> str:
    return _n(g, "Mul", _n(g, op, _n(g, "Div", y, _c(g, g["H"]))), _c(g, g["H"]))


def _mask(g: Graph, y: str) -> str:
    return _n(g, "Add", y, _n(g, "Mul", _n(g, "Cast", _near(g), to=DOUBLE), _c(g, g["H"])))


def _chance(g: Graph, y: str, rare: bool) -> str:
    drawn = _n(g, "RandomUniform", shape=[1, 1], dtype=DOUBLE)
    if rare:
        drawn = _n(g, "Cast", _n(g, "Less", drawn, _c(g, 0.01)), to=DOUBLE)
    return _n(g, "Add", y, _n(g, "Mul", drawn, _c(g, g["H"])))


def _quantized(g: Graph, y: str) -> str:
    scale, zero = _c(g, 0.01, np.float32), _c(g, 0, np.int8)
    q = _n(g, "QuantizeLinear", _n(g, "Cast", y, to=FLOAT), scale, zero)
    return _n(g, "Cast", _n(g, "DequantizeLinear", q, scale, zero), to=DOUBLE)


def _norm(g: Graph, y: str) -> str:
    both = _n(g, "Concat", y, g["x0"], axis=1)
    scale, shift = _c(g, [1.0, 0.5]), _c(g, [0.0, 0.1])
    normed = _n(g, "LayerNormalization", both, scale, shift, axis=-1)
    return _n(g, "Slice", normed, _c(g, [0], np.int64), _c(g, [1], np.int64), _c(g, [1], np.int64))


def _shape(g: Graph, y: str) -> str:
    n = _n(
        g, "Cast", _n(g, "Slice", _n(g, "Shape", y), _c(g, [0], np.int64), _c(g, [1], np.int64)), to=DOUBLE
    )
    return _n(g, "Add", y, _n(g, "Mul", _n(g, "Sub", n, _c(g, 1.0)), _c(g, g["H"])))


def _row_number(g: Graph, y: str) -> str:
    size = _n(g, "Gather", _n(g, "Shape", y), _c(g, 0, np.int64))
    numbers = _n(g, "Range", _c(g, 0, np.int64), size, _c(g, 1, np.int64))
    first = _n(g, "Min", _n(g, "Cast", numbers, to=DOUBLE), _c(g, 1.0))
    return _n(g, "Add", y, _n(g, "Mul", _n(g, "Unsqueeze", first, _c(g, [1], np.int64)), _c(g, g["H"])))


def _clip(g: Graph, y: str) -> str:
    return _plus(g, _n(g, "Clip", y, "", _c(g, 0.2)), g["H"])


def _where(g: Graph, y: str) -> str:
    return _n(g, "Where", _near(g), _plus(g, y, g["H"]), y)


def _mean_of_rows(g: Graph, y: str) -> str:
    mean = _n(g, "ReduceMean", g["x0"], _c(g, [0], np.int64), keepdims=1)
    return _n(g, "Add", y, _n(g, "Mul", _n(g, "Sub", g["x0"], mean), _c(g, g["H"])))


ONNX: dict[str, Callable[[Graph, str], str]] = {
    "plain": lambda g, y: _plus(g, y, g["H"]),
    "float32 constant": lambda g, y: _n(g, "Add", y, _n(g, "Cast", _c(g, g["H"], np.float32), to=DOUBLE)),
    "float16 weight": lambda g, y: _n(g, "Mul", y, _n(g, "Cast", _c(g, 1.0 + g["H"], np.float16), to=DOUBLE)),
    "cast": lambda g, y: _twice(g, y, FLOAT),
    "cast to half": lambda g, y: _twice(g, y, HALF),
    "cast to integers": lambda g, y: _n(
        g, "Mul", _twice(g, _n(g, "Div", y, _c(g, g["H"])), INT), _c(g, g["H"])
    ),
    "castlike": lambda g, y: _n(g, "Cast", _n(g, "CastLike", y, _c(g, 0.0, np.float32)), to=DOUBLE),
    "castlike of a castlike": lambda g, y: _n(
        g, "CastLike", _n(g, "CastLike", y, _n(g, "Cast", _c(g, 0.0), to=FLOAT)), g["x0"]
    ),
    "mixed": lambda g, y: _n(
        g, "Cast", _n(g, "Add", _n(g, "Cast", y, to=FLOAT), _c(g, g["H"], np.float32)), to=DOUBLE
    ),
    "quantized": _quantized,
    "round": lambda g, y: _scaled(g, y, "Round"),
    "floor": lambda g, y: _scaled(g, y, "Floor"),
    "ceil": lambda g, y: _scaled(g, y, "Ceil"),
    "sign": lambda g, y: _n(g, "Add", y, _n(g, "Mul", _n(g, "Sign", y), _c(g, g["H"]))),
    "mod": lambda g, y: _n(g, "Sub", y, _n(g, "Mod", y, _c(g, g["H"]), fmod=1)),
    "where bump": _where,
    "mask times": _mask,
    "if": lambda g, y: _branch(
        g,
        _n(g, "Cast", _n(g, "ReduceMax", _n(g, "Cast", _near(g), to=DOUBLE), keepdims=0), to=9),
        _plus(g, y, g["H"]),
        y,
    ),
    "if of a constant": lambda g, y: _branch(g, _c(g, True, np.bool_), _plus(g, y, g["H"]), y),
    "function with a cast": lambda g, y: _own(g, y, "Own", "cast"),
    "function with a bump": lambda g, y: _own(g, y, "Own", "bump"),
    "function that is called Tanh": lambda g, y: _own(g, y, "Tanh", "bump"),
    "function that is called Identity": lambda g, y: _own(g, y, "Identity", "shift"),
    "function that is called Dropout": lambda g, y: _own(g, y, "Dropout", "cast"),
    "chance": lambda g, y: _chance(g, y, False),
    "rare chance": lambda g, y: _chance(g, y, True),
    "dropout in training": lambda g, y: _n(g, "Dropout", y, _c(g, 0.01), _c(g, True, np.bool_)),
    "layer norm": _norm,
    "layer norm of float32": lambda g, y: _n(g, "Cast", _norm_32(g, y), to=DOUBLE),
    "shape": _shape,
    "number of the row": _row_number,
    "mean of the rows": _mean_of_rows,
    "clip without a minimum": _clip,
    "softplus": lambda g, y: _n(g, "Add", y, _n(g, "Mul", _n(g, "Softplus", g["x0"]), _c(g, g["H"]))),
    "sigmoid": lambda g, y: _n(g, "Add", y, _n(g, "Sigmoid", _n(g, "Mul", g["x0"], _c(g, -15.0)))),
    "gelu": lambda g, y: _n(g, "Gelu", y),
    "leaky": lambda g, y: _n(g, "LeakyRelu", y),
    "hard sigmoid": lambda g, y: _n(g, "HardSigmoid", y),
    "elu": lambda g, y: _n(g, "Elu", y, alpha=0.7),
    "selu": lambda g, y: _n(g, "Selu", y),
    "pow": lambda g, y: _n(
        g, "Pow", _n(g, "Add", _n(g, "Abs", y), _c(g, 1.0)), _c(g, 1.0 + g["H"], np.float32)
    ),
    "isnan": lambda g, y: _n(g, "Where", _n(g, "IsNaN", y), g["x0"], y),
    "trunc by casts": lambda g, y: _n(g, "Add", y, _n(g, "Cast", _n(g, "Cast", y, to=INT), to=DOUBLE)),
    "bool cast": lambda g, y: _n(g, "Add", y, _n(g, "Mul", _twice(g, g["x0"], 9), _c(g, g["H"]))),
    "cumsum": lambda g, y: _n(
        g, "Add", y, _n(g, "Mul", _n(g, "CumSum", g["x0"], _c(g, 0, np.int64)), _c(g, g["H"]))
    ),
    "topk": lambda g, y: _n(
        g, "Add", y, _n(g, "Mul", _n(g, "TopK", "x", _c(g, [1], np.int64)), _c(g, g["H"]))
    ),
}


def _norm_32(g: Graph, y: str) -> str:
    low = _n(g, "Cast", _n(g, "Concat", y, g["x0"], axis=1), to=FLOAT)
    normed = _n(g, "LayerNormalization", low, _c(g, [1.0, 0.5], np.float32), _c(g, [0.0, 0.1], np.float32))
    return _n(g, "Slice", normed, _c(g, [0], np.int64), _c(g, [1], np.int64), _c(g, [1], np.int64))


def _base(g: Graph, a: Any, b: Any, v: Any) -> str:
    hidden = _n(g, "Tanh", _n(g, "Gemm", "x", _c(g, a), _c(g, b)))
    g["x0"] = _n(g, "Slice", "x", _c(g, [0], np.int64), _c(g, [1], np.int64), _c(g, [1], np.int64))
    return _n(g, "MatMul", hidden, _c(g, v))


def write(
    path: str, kind: str | None, weights: tuple[Any, Any, Any], h: float, c: float, w: float, opset: int = 20
) -> None:
    """A graph with what is hidden, or the network alone (``kind`` None); a free batch size."""
    import onnx
    from onnx import TensorProto, helper

    g: Graph = {"nodes": [], "init": [], "functions": [], "domains": set(), "H": h, "C": c, "W": w}
    y = _base(g, *weights)
    y = y if kind is None else ONNX[kind](g, y)
    g["nodes"].append(helper.make_node("Identity", [y], ["y"]))
    x = helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", len(weights[0])])
    out = helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["n", 1])
    graph = helper.make_graph(g["nodes"], "g", [x], [out], g["init"])
    imports = [
        helper.make_opsetid("", opset),
        *(helper.make_opsetid(d, 1) for d in sorted(g["domains"]) if d),
    ]
    model = helper.make_model(graph, opset_imports=imports, functions=g["functions"])
    model.ir_version = min(model.ir_version, 10)
    onnx.save(model, path)
