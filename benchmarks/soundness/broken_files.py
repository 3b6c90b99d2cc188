"""Ways to break a file: its bytes, the numbers and words in it, the structure that its kind has.

Each takes a seeded generator and the good file, and returns what is written in its place.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

Rng = np.random.Generator
Break = Callable[[Rng, bytes], bytes]
ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2, 7, 1e308, -1e-320, math.inf, math.nan, 2**31, 2**63, 10**30, 10**400, "", "a", "\x1b[31m",
    "\u202e", "inf", "1_000", "１２", "\x00", "../../../etc/passwd", "/dev/zero", [], {}, [[]], [1.0], ["a"], {"a": 1},
    [[[[1]]]], "x" * 5000, [0.0] * 2000, -(10**15), 10**9,
)  # fmt: skip
# Bytes of a member that is blown up; the largest is rare, because it takes a second to write.
BLOWN_UP = (10,) * 20 + (10**6,) * 20 + (3 * 10**8,)


def pick(rng: Rng, things: Any) -> Any:
    """One of them."""
    return things[int(rng.integers(len(things)))]


def broken_bytes(rng: Rng, data: bytes) -> bytes:
    """Bits flipped, parts cut out, doubled, overwritten or put in."""
    found = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        n = max(len(found), 1)
        at, size = int(rng.integers(n)), int(2 ** rng.uniform(0, math.log2(n + 1)))
        way = int(rng.integers(8))
        if way < 3 and found:
            found[at] ^= 1 << int(rng.integers(8))
        elif way == 3:
            found = found[:at]
        elif way == 4:
            del found[at : at + size]
        elif way == 5:
            found[at:at] = found[at : at + size]
        elif way == 6:
            found[at : at + min(size, 8)] = pick(rng, (b"\xff" * 8, b"\x00" * 8, b"\x7f" + b"\xff" * 7))
        else:
            found[at:at] = rng.bytes(min(size, 64))
    return bytes(found)


def broken_text(rng: Rng, data: bytes) -> bytes:
    """Numbers and words of a text replaced by odd ones."""
    words = data.decode(errors="replace").split(" ")
    for _ in range(int(rng.integers(1, 4))):
        odd = pick(rng, ODD_VALUES)
        words[int(rng.integers(len(words)))] = odd if isinstance(odd, str) else _digits(odd)
    return " ".join(words).encode(errors="replace")


def _digits(value: Any) -> str:
    return json.dumps(value) if rng_free(value) else "9" * 5000


def rng_free(value: Any) -> bool:
    """Whether Python writes it: no integers of over 4,300 digits."""
    return not isinstance(value, int) or value.bit_length() < 14_000


def broken_tree(rng: Rng, tree: Any, times: int | None = None) -> Any:
    """A JSON value with some of its parts replaced, left out, or put deep inside others."""
    tree = json.loads(json.dumps(tree))
    for _ in range(times or int(rng.integers(1, 4))):
        holder, key = _place(rng, tree)
        if holder is None:
            return pick(rng, ODD_VALUES)
        way = int(rng.integers(6))
        if way == 0:
            del holder[key]
        elif way == 1:
            holder[key] = _deep(holder[key], int(pick(rng, (5, 80, 900))))
        elif way == 2 and isinstance(holder[key], list) and holder[key]:
            holder[key] = (holder[key] * int(rng.integers(2, 5)))[int(rng.integers(2)) :]
        else:
            holder[key] = pick(rng, ODD_VALUES)
    return tree


def _deep(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value


def _place(rng: Rng, tree: Any) -> tuple[Any, Any]:
    places: list[tuple[Any, Any]] = []
    open_ = [tree]
    while open_ and len(places) < 20_000:
        here = open_.pop()
        keys = list(here) if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ()
        for key in keys:
            places.append((here, key))
            open_.append(here[key])
    return pick(rng, places) if places else (None, None)


def broken_json(rng: Rng, data: bytes) -> bytes:
    """A JSON file with odd values."""
    return json.dumps(broken_tree(rng, json.loads(data))).encode()


def broken_toml(rng: Rng, data: bytes) -> bytes:
    """A problem file with odd values under its keys."""
    import tomllib

    from supnorm.problem.save import write_toml

    tree = _without_none(broken_tree(rng, tomllib.loads(data.decode())))
    try:
        return write_toml(tree).encode() if isinstance(tree, dict) else b"title = 1"
    except (ValueError, TypeError, RecursionError, AttributeError):
        return broken_text(rng, data)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return [_without_none(v) for v in value if v is not None] if isinstance(value, list) else value


def broken_zip(rng: Rng, data: bytes) -> bytes:
    """An archive with a member broken, left out, doubled or blown up."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    for _ in range(int(rng.integers(1, 3))):
        if not members:
            break
        i = int(rng.integers(len(members)))
        name, content = members[i]
        way = int(rng.integers(6))
        if way == 0:
            members.pop(i)
        elif way == 1:
            members[i] = (name, bytes(int(pick(rng, BLOWN_UP))))
        elif way == 2:
            members[i] = (pick(rng, members)[0], content)
        elif name.endswith(".json") and way < 5:
            members[i] = (name, broken_json(rng, content))
        elif name.endswith(".npy") and way < 5:
            members[i] = (name, broken_npy(rng, content))
        else:
            members[i] = (name, broken_bytes(rng, content))
    target = io.BytesIO()
    import warnings

    with warnings.catch_warnings(), zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of doubled names
        for name, content in members:
            archive.writestr(name, content)
    return target.getvalue()


def broken_npy(rng: Rng, data: bytes) -> bytes:
    """An array whose header says something else."""
    array = np.lib.format.read_array(io.BytesIO(data))
    shape = pick(
        rng,
        ((10**13,), (2**40, 2**40), (-1,), (0,), (), (3, 0, 10**9), array.shape[::-1], (1,) * 40, (True,)),
    )
    kind = pick(
        rng,
        ("<f8", ">f8", "<c16", "<f2", "<f16", "|O", "<i8", "<U9", "|V8", "<M8[s]", "|b1", array.dtype.str),
    )
    head = io.BytesIO()
    told = {"shape": shape, "fortran_order": bool(rng.integers(2)), "descr": kind}
    if rng.random() < 0.5:
        told[pick(rng, list(told))] = {
            "shape": array.shape,
            "fortran_order": False,
            "descr": array.dtype.str,
        }[pick(rng, list(told))]
    np.lib.format._write_array_header(head, told)  # type: ignore[attr-defined]
    return head.getvalue() + array.tobytes()


def broken_onnx(rng: Rng, data: bytes) -> bytes:
    """A graph with odd attributes, shapes, names, types and operations."""
    import onnx

    model = onnx.load_from_string(data)
    graph = model.graph
    for _ in range(int(rng.integers(1, 4))):
        node, weight = pick(rng, graph.node), pick(rng, graph.initializer)
        way = int(rng.integers(11))
        if way == 0:
            node.op_type = pick(rng, ("Loop", "Expand", "Tile", "Slice", "Pad", "Range", "ConstantOfShape", "Conv", "Nope",
                                      "Reshape", "Gather", "Pow", "CumSum", "Resize", "Scan", "If"))  # fmt: skip
        elif way == 1:
            del weight.dims[:]
            weight.dims.extend(pick(rng, ([2**40, 2**40], [-1], [0], [10**9], [2, 8, 1], [])))
        elif way == 2:
            weight.data_type = int(rng.integers(0, 24))
        elif way == 3:
            weight.raw_data = broken_bytes(rng, weight.raw_data)
        elif way == 4:
            node.input[0] = node.output[0]  # a cycle
        elif way == 5:
            del pick(rng, (graph.output, graph.input, graph.node, graph.initializer))[:]
            if not (graph.node and graph.initializer):
                break
        elif way == 6:
            weight.data_location = onnx.TensorProto.EXTERNAL
            told = weight.external_data.add()
            told.key, told.value = (
                "location",
                pick(rng, ("/dev/zero", "../x", "truth.py", "", "a" * 5000, "pipe")),
            )
        elif way == 7:
            size = pick(rng, (graph.input or graph.output)).type.tensor_type
            size.shape.dim.add().dim_value = int(pick(rng, (0, -1, 10**12, 2)))
        elif way == 8:
            attribute = node.attribute.add()
            attribute.name, attribute.type, attribute.i = (
                "axis",
                onnx.AttributeProto.INT,
                int(rng.integers(-99, 99)),
            )
        elif way == 9:
            model.opset_import[0].version = int(pick(rng, (0, 1, 7, 9, 99, 2**40)))
        else:
            node.input.append(pick(rng, ("", "x", "w", "none")))
    return model.SerializeToString()


WAYS: dict[str, tuple[Break, ...]] = {
    ".npz": (broken_bytes, broken_zip, broken_zip),
    ".onnx": (broken_bytes, broken_onnx, broken_onnx),
    ".pt2": (broken_bytes, broken_zip, broken_zip, broken_zip),
    ".pt": (broken_bytes, broken_zip),
    ".csv": (broken_bytes, broken_text),
    ".parquet": (broken_bytes,),
    ".nc": (broken_bytes,),
    ".toml": (broken_bytes, broken_text, broken_toml, broken_toml),
    ".json": (broken_bytes, broken_text, broken_json, broken_json),
    ".sqlite": (broken_bytes,),
}
