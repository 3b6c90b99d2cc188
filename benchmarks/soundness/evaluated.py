"""The error of a certificate at points, from its programs, by NumPy and by mpmath: for judges of forged files."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
from scipy import special

_NUMPY: dict[str, Callable[..., Any]] = {
    "neg": np.negative, "abs": np.abs, "relu": lambda z: np.maximum(z, 0.0), "tanh": np.tanh, "sin": np.sin, "cos": np.cos,
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
    "min": np.minimum, "max": np.maximum,
}  # fmt: skip
_MPMATH: dict[str, Callable[..., Any]] = {
    "neg": lambda z: -z, "abs": abs, "relu": lambda z: max(z, mp.mpf(0)), "tanh": mp.tanh, "sin": mp.sin, "cos": mp.cos,
    "exp": mp.exp, "log": mp.log, "sqrt": mp.sqrt, "add": lambda a, b: a + b, "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b, "div": lambda a, b: a / b, "min": min, "max": max,
}  # fmt: skip


def _array(entry: dict[str, Any]) -> np.ndarray[Any, Any]:
    return np.frombuffer(base64.b64decode(entry["data"]), dtype="<f8").reshape(entry["shape"])


def _side(v: Any, side: str) -> Any:
    return abs(v) if side == "both" else v if side == "over" else -v


def errors(head: dict[str, Any], key: str, t: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Sizes of the error at points, shape ``(n,)``, in float64; where it is no number, minus infinity."""
    with np.errstate(all="ignore"):
        rows = [_side(_values(p["nodes"], t), head["side"]) for p in head[key]]
        size = np.min(rows, axis=0).max(axis=1)
    return np.where(np.isfinite(size), size, -np.inf)


def _values(nodes: list[dict[str, Any]], t: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    known: list[Any] = []
    for node in nodes:
        op, args = node["op"], [known[a] for a in node["args"]]
        if op == "input":
            value = t
        elif op == "constant":
            value = np.broadcast_to(_array(node["value"]), (len(t), node["width"]))
        elif op == "affine":
            value = args[0] @ _array(node["weight"]).T + _array(node["bias"])
        elif op == "take":
            value = args[0][:, node["columns"]]
        elif op == "concat":
            value = np.concatenate(args, axis=1)
        elif op == "pow":
            value = args[0] ** float.fromhex(node["exponent"])
        elif op == "gammainc":
            value = special.gammainc(float.fromhex(node["shape"]), args[0])
        else:
            value = _NUMPY[op](*args)
        known.append(value)
    return known[-1]  # type: ignore[no-any-return]


def error_at(head: dict[str, Any], key: str, t: np.ndarray[Any, Any]) -> Any:
    """Size of the error at one point, in 40 digits: the largest output of the smallest alternative."""
    with mp.workdps(40):
        rows = [[_side(v, head["side"]) for v in _exact(p["nodes"], t)] for p in head[key]]
        return max(mp.mpf(0), *(min(outputs) for outputs in zip(*rows, strict=True)))


def _exact(nodes: list[dict[str, Any]], t: np.ndarray[Any, Any]) -> list[Any]:
    known: list[list[Any]] = []
    for node in nodes:
        op, args = node["op"], [known[a] for a in node["args"]]
        if op == "input":
            row = [mp.mpf(float(v)) for v in t]
        elif op == "constant":
            row = [mp.mpf(float(v)) for v in _array(node["value"])]
        elif op == "affine":
            weight, bias = _array(node["weight"]), _array(node["bias"])
            row = [mp.fdot(map(float, w), args[0]) + float(b) for w, b in zip(weight, bias, strict=True)]
        elif op == "take":
            row = [args[0][c] for c in node["columns"]]
        elif op == "concat":
            row = [v for part in args for v in part]
        elif op == "pow":
            row = [v ** mp.mpf(float.fromhex(node["exponent"])) for v in args[0]]
        elif op == "gammainc":
            row = [mp.gammainc(float.fromhex(node["shape"]), 0, v, regularized=True) for v in args[0]]
        else:
            row = [_MPMATH[op](*values) for values in zip(*args, strict=True)]
        known.append(row)
    return known[-1]
