"""Files that are made to do harm: pipes and devices, bombs, loops without end, sizes that no memory holds."""

from __future__ import annotations

import json
import os
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Prepare = Callable[[Path], Any]
QUICK = ["--evaluations", "200", "--no-power", "--quiet"]
AUDIT = ["audit", "bad.toml", *QUICK]
RESUMED = ["audit", "problem.toml", "--out", "run", "--resume", *QUICK]
DOORS = (
    "problem.toml truth.py net.npz net.onnx net.pt2 net.pt t.csv t.parquet t.nc law.npz run/result.json run/points.csv "
    "run/evaluations.sqlite cert/certificate.json"
)
DOMAIN = "[error]\ntolerance = 0.5\n[domain]\na = [0.0, 1.0]\nb = [0.0, 1.0]\n"


def cases() -> Iterator[tuple[str, list[str], Prepare]]:
    """Name, command, and what is done to the folder before."""
    for name in DOORS.split():
        for kind, put in KINDS.items():
            yield f"{kind} as {name}", _reader(name), _in_place(name, put)
    for name, text in TEXTS.items():
        yield name, AUDIT, _written("bad.toml", text)
    for name, model in _graphs():
        yield name, AUDIT, model
    yield "zip bomb", ["audit", "net.npz.toml", *QUICK], _bomb("net.npz")
    yield "zip bomb pt2", ["audit", "net.pt2.toml", *QUICK], _bomb("net.pt2")
    for depth in (1_000, 100_000, 5_000_000):
        deep = "[" * depth + "]" * depth
        for path, argv in (
            ("run/result.json", ["report", "run"]),
            ("cert/certificate.json", ["check", "cert/certificate.json"]),
            ("cert/certificate.json", ["certify", "net.npz.toml", "--out", "cert", "--resume"]),
        ):
            yield f"{path} {depth} deep for {argv[0]}", argv, _written(path, deep)
    yield "endless view as a store", RESUMED, _endless_store
    yield "rows that lie in a store", RESUMED, _lying_store
    for address in ("tcp://127.0.0.1:1", "nonsense", "tcp://10.255.255.1:9999", "", "tls://x", "inproc://1"):
        yield f"dask {address}", ["audit", "problem.toml", *QUICK, "--dask", address], _nothing
    yield "not UTF-8", ["audit", os.fsdecode(b"bad\xff.toml"), *QUICK], _odd_name
    yield "not UTF-8 out", ["audit", "problem.toml", *QUICK, "--out", os.fsdecode(b"out\xff")], _nothing
    yield "long out", ["audit", "problem.toml", *QUICK, "--out", "a" * 5000], _nothing
    yield "out in a device", ["audit", "problem.toml", *QUICK, "--out", "/dev/null/a"], _nothing


def _nothing(folder: Path) -> None:
    """The folder as it is."""


def _reader(name: str) -> list[str]:
    return {
        "problem.toml": ["audit", "problem.toml", *QUICK], "truth.py": ["audit", "problem.toml", *QUICK],
        "run/result.json": ["report", "run"], "run/points.csv": ["report", "run"], "run/evaluations.sqlite": RESUMED,
        "cert/certificate.json": ["check", "cert/certificate.json"],
    }.get(name, ["audit", f"{name}.toml", *QUICK])  # fmt: skip


def _in_place(name: str, put: Prepare) -> Prepare:
    def prepare(folder: Path) -> None:
        (folder / name).unlink()
        put(folder / name)

    return prepare


KINDS: dict[str, Prepare] = {
    "pipe": os.mkfifo,
    "zeros": lambda path: path.symlink_to("/dev/zero"),
    "folder": lambda path: path.mkdir(),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: None,
    "large": lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 30_000_000_000),
}


def _written(name: str, text: str) -> Prepare:
    return lambda folder: (folder / name).write_text(text)


PAIR = '[model]\npython = "truth.py:model"\n[reference]\npython = "truth.py:truth"\n'
TEXTS = {
    "deep TOML": "a = " + "[" * 100_000,
    "deep keys": ".".join(["a"] * 50_000) + " = 1",
    "5,000 digits": PAIR + DOMAIN.replace("0.5", "1" * 5000),
    "5,000 hexadecimal digits": PAIR + DOMAIN.replace("0.5", "0x" + "f" * 5000),
    "2,000 axes": PAIR + "[domain]\n" + "".join(f"x{i} = [0.0, 1.0]\n" for i in range(2000)),
    "1e12 runs": PAIR + DOMAIN + "[power]\nruns = 1000000000000\n",
    "1e15 evaluations": PAIR + DOMAIN + "[audit]\nevaluations = 1000000000000000\nseconds = 1\n",
    "a million values": PAIR + f"[domain]\na = {{ values = {list(range(1_000_000))} }}\nb = [0.0, 1.0]\n",
    "null in a name": PAIR.replace("truth.py:model", "a\\u0000.py:f") + DOMAIN,
    "null in a file": PAIR.replace('python = "truth.py:model"', 'file = "a\\u0000.npz"') + DOMAIN,
    "long file": PAIR.replace('python = "truth.py:model"', f'file = "{"a" * 5000}.npz"') + DOMAIN,
    "long python": PAIR.replace("truth.py:model", "a" * 5000 + ".py:f") + DOMAIN,
    "command of a device": PAIR.replace('python = "truth.py:model"', 'command = ["/dev/zero"]') + DOMAIN,
    "command without end": PAIR.replace('python = "truth.py:model"', 'command = ["yes"]\ntimeout = 1')
    + DOMAIN,
}


def _graphs() -> Iterator[tuple[str, Prepare]]:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    def graph(nodes: list[Any], given: dict[str, Any], outputs: Any = (("y", None),)) -> Prepare:
        ends = [helper.make_tensor_value_info("x", TensorProto.DOUBLE, [None, 2])]
        out = [helper.make_tensor_value_info(n, TensorProto.DOUBLE, k) for n, k in outputs]
        weights = [numpy_helper.from_array(np.asarray(v), k) for k, v in given.items()]
        opset = [helper.make_opsetid("", 17)]
        model = helper.make_model(
            helper.make_graph(nodes, "g", ends, out, weights), opset_imports=opset, ir_version=9
        )

        def prepare(folder: Path) -> None:
            (folder / "bad.onnx").write_bytes(model.SerializeToString())
            text = '[model]\nfile = "bad.onnx"\n[reference]\npython = "truth.py:truth"\n' + DOMAIN
            (folder / "bad.toml").write_text(text)

        return prepare

    node, told = helper.make_node, helper.make_tensor_value_info
    body = helper.make_graph(
        [node("Identity", ["c"], ["go"]), node("Add", ["v", "v"], ["w"])], "body",
        [told("i", TensorProto.INT64, []), told("c", TensorProto.BOOL, []), told("v", TensorProto.DOUBLE, None)],
        [told("go", TensorProto.BOOL, []), told("w", TensorProto.DOUBLE, None)],
    )  # fmt: skip
    yield "endless loop", graph([node("Loop", ["", "yes", "x"], ["y"], body=body)], {"yes": True})
    many = np.int64(2**62)
    yield "loop of 2^62", graph([node("Loop", ["n", "yes", "x"], ["y"], body=body)], {"yes": True, "n": many})
    wide = np.array([10**5, 10**5])
    summed = [
        node("ReduceSum", ["h"], ["k"]),
        node("Cast", ["k"], ["z"], to=11),
        node("Add", ["x", "z"], ["y"]),
    ]
    yield "shape of 80 GB", graph([node("ConstantOfShape", ["s"], ["h"]), *summed], {"s": wide})
    yield "expand to 80 GB", graph([node("Expand", ["x", "s"], ["y"])], {"s": np.array([10**5, 10**5, 1, 2])})
    ends = {"a": 0.0, "b": 1e15, "c": 1.0}
    yield "range without end", graph([node("Range", ["a", "b", "c"], ["h"]), *summed], ends)
    yield "no outputs", graph([node("Identity", ["x"], ["y"])], {}, ())
    steps = {"s": np.array([0]), "e": np.array([1]), "a": np.array([1]), "t": np.array([0])}
    yield "zero steps", graph([node("Slice", ["x", "s", "e", "a", "t"], ["y"])], steps)
    yield "a cycle", graph([node("Add", ["x", "y"], ["z"]), node("Add", ["x", "z"], ["y"])], {})
    yield "tile of 2^60", graph([node("Tile", ["x", "s"], ["y"])], {"s": np.array([1, 2**60])})


def _bomb(name: str) -> Prepare:
    def prepare(folder: Path) -> None:
        zeros = bytes(10_000_000)
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for i in range(3):
                with archive.open(f"a/data/weights/w{i}.npy", "w", force_zip64=True) as file:
                    for _ in range(100):
                        file.write(zeros)

    return prepare


def _odd_name(folder: Path) -> None:
    (folder / os.fsdecode(b"bad\xff.toml")).write_bytes((folder / "problem.toml").read_bytes())


def _endless_store(folder: Path) -> None:
    path = folder / "run" / "evaluations.sqlite"
    held = sqlite3.connect(path)
    rows = held.execute("SELECT key, value FROM about").fetchall()
    held.close()
    path.unlink()
    store = sqlite3.connect(path)
    store.execute("CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    store.executemany("INSERT INTO about VALUES (?, ?)", rows)
    store.execute(
        "CREATE VIEW batches AS WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) "
        "SELECT i AS id, 'reference' AS side, '' AS purpose, 1 AS n, zeroblob(16) AS x, zeroblob(8) AS y, "
        "'{}' AS messages, 0.0 AS seconds FROM r"
    )
    store.commit()
    store.close()


def _lying_store(folder: Path) -> None:
    store = sqlite3.connect(folder / "run" / "evaluations.sqlite")
    store.execute("UPDATE batches SET n = 1000000000000, messages = ?", (json.dumps([1]),))
    store.execute(
        "INSERT INTO batches VALUES (NULL, 'reference', '', -1, zeroblob(7), zeroblob(3), 'x', 0.0)"
    )
    store.execute(
        "INSERT INTO batches VALUES (NULL, 'model', '', 1, zeroblob(900000000), zeroblob(8), '{}', 0.0)"
    )
    store.commit()
    store.close()
