"""Ways to break a file: its bytes, the numbers and words in it, the structure that its kind has.

Each takes a seeded generator and the good file, and returns what is written in its place.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import json
import math
import random
import sqlite3
import warnings
import zipfile
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np


class Quick(random.Random):
    """Python's generator under NumPy's names, as far as they are used here: a tenth of the time for single numbers."""

    def integers(self, low: int, high: int | None = None) -> int:
        """A whole number in ``[0, low)`` or ``[low, high)``."""
        first, end = (0, low) if high is None else (low, high)
        return first + int(self.random() * (end - first))

    def bytes(self, count: int) -> bytes:
        """Random bytes."""
        return self.randbytes(count)


Rng = np.random.Generator | Quick
Break = Callable[[Rng, bytes], bytes]
ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2, 7, 1e308, -1e-320, math.inf, math.nan, 2**31, 2**63, 10**30, 10**400, "", "a", "\x1b[31m",
    "\u202e", "inf", "1_000", "１２", "\x00", "../../../etc/passwd", "/dev/zero", [], {}, [[]], [1.0], ["a"], {"a": 1},
    [[[[1]]]], "x" * 5000, [0.0] * 2000, -(10**15), 10**9,
)  # fmt: skip
# Bytes of a member that is blown up; the larger, the rarer: the largest takes a second to write.
BLOWN_UP = (10,) * 800 + (10**5,) * 150 + (10**6,) * 50 + (3 * 10**8,)


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
    """A JSON value with some of its parts replaced, left out, or put deep inside others; it is changed itself."""
    for _ in range(times or int(rng.integers(1, 4))):
        holder, key = _place(rng, tree)
        if holder is None:
            return _odd(rng)
        way = int(rng.integers(6))
        if way == 0:
            del holder[key]
        elif way == 1:
            holder[key] = _deep(holder[key], int(pick(rng, (5, 80, 900))))
        elif way == 2 and isinstance(holder[key], list) and holder[key]:
            holder[key] = (holder[key] * int(rng.integers(2, 5)))[int(rng.integers(2)) :]
        else:
            holder[key] = _odd(rng)
    return tree


def _odd(rng: Rng) -> Any:
    return copy.deepcopy(pick(rng, ODD_VALUES))  # of lists, which are changed in turn


def broken_signed(rng: Rng, data: bytes) -> bytes:
    """A certificate with odd values and the digest that belongs to them: otherwise nothing but the digest is looked at."""
    from supnorm.certification.certificate import digest

    tree = broken_tree(rng, json.loads(data))
    if isinstance(tree, dict) and "digest" in tree:
        with contextlib.suppress(ValueError, TypeError, RecursionError):
            tree["digest"] = digest(tree)
    return json.dumps(tree).encode()


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


def broken_cells(rng: Rng, data: bytes) -> bytes:
    """A table of text with odd cells, and with cells and lines left out, doubled or put elsewhere."""
    lines = [line.split(",") for line in data.decode(errors="replace").split("\n")]
    for _ in range(int(rng.integers(1, 4))):
        line, way = pick(rng, lines), int(rng.integers(8))
        at = int(rng.integers(len(line))) if line else 0
        if way < 3:
            odd = pick(rng, (*ODD_VALUES, *ODD_CELLS))
            line[at : at + 1] = [odd if isinstance(odd, str) else _digits(odd)]
        elif way == 3:
            del line[at : at + 1]
        elif way == 4:
            line[at:at] = line[at : at + 1] * int(pick(rng, (1, 2, 3000)))
        elif way == 5:
            lines.insert(int(rng.integers(len(lines))), [*line])
        elif way == 6 and len(lines) > 1:
            lines.remove(line)
        else:
            line.append(pick(rng, ODD_CELLS))
    end = pick(rng, ("\n", "\n", "\n", "\r\n", "\r", "\n\n", "\x0b"))
    return end.join(pick(rng, (",",) * 9 + (";", "\t")).join(line) for line in lines).encode(errors="replace")


def broken_rows(rng: Rng, data: bytes) -> bytes:
    """A database of SQLite with odd cells, other tables, and things that no store has."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(data[:18] + b"\1\1" + data[20:])  # not in WAL mode, which needs a file
        connection.isolation_level = None
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        for _ in range(int(rng.integers(1, 4))):
            table = pick(rng, tables)
            columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
            column, way = pick(rng, columns), int(rng.integers(9))
            if way < 5:
                odd = pick(rng, (*ODD_CELLS, *ODD_VALUES, b"", b"\x00" * 8, b"\xff" * 16, rng.bytes(24)))
                plain = odd if isinstance(odd, str | bytes | float | None) else json.dumps(odd)[:5000]
                where = f"WHERE rowid = {int(rng.integers(1, 25))}" if rng.random() < 0.7 else ""
                asked = (f'UPDATE "{table}" SET "{column}" = ? {where}', (plain,))
            else:
                asked = (
                    (f'ALTER TABLE "{table}" DROP COLUMN "{column}"', ()),
                    (f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "other"', ()),
                    (f'DELETE FROM "{table}" WHERE rowid > {int(rng.integers(25))}', ()),
                    (pick(rng, ODD_TABLES).format(table), ()),
                )[way - 5]
            with contextlib.suppress(sqlite3.Error, UnicodeError, OverflowError):
                connection.execute(*asked)
        made = bytes(connection.serialize())
        return made[:18] + data[18:20] + made[20:]


ODD_CELLS = (
    "", " ", '"', '"1', '"a,b"', "1,5", "1e999", "-1e999", "1e-400", "NaN", "-inf", "0x1p-3", "1_0", "\ufeff", "\x00", "\r",
    "9007199254740993", "1" * 400, "2026-11-30", "1;2", "TRUE", "+", "-", ".", "1e", "١", "a", "b", "y", "Ā" * 70, "=1+1",
)  # fmt: skip
ODD_TABLES = (
    'DROP TABLE "{0}"', "CREATE VIEW v AS SELECT * FROM {0}", "CREATE TABLE t (x)", "PRAGMA user_version = 77",
    'CREATE TRIGGER g AFTER INSERT ON "{0}" BEGIN DELETE FROM "{0}"; END', 'INSERT INTO "{0}" SELECT * FROM "{0}"',
    'CREATE INDEX i ON "{0}" (1)', 'ALTER TABLE "{0}" RENAME TO other', "PRAGMA application_id = -1",
    'ALTER TABLE "{0}" ADD COLUMN more', "VACUUM", "PRAGMA encoding = 'UTF-16'",
)  # fmt: skip


def broken_parquet(rng: Rng, data: bytes) -> bytes:
    """A Parquet file with columns of odd types, names and lengths."""
    import pyarrow
    import pyarrow.parquet

    table = _parquet(data)
    for _ in range(int(rng.integers(1, 3))):
        way, at = int(rng.integers(6)), int(rng.integers(table.num_columns))
        if way < 3:
            table = table.set_column(at, table.column_names[at], pick(rng, _odd_columns(table.num_rows)))
        elif way == 3:
            table = table.rename_columns(
                [pick(rng, ("a", "b", "y", "", "\x1b[31m", "x" * 3000)) for _ in table.columns]
            )
        elif way == 4 and table.num_columns > 1:
            table = table.remove_column(at)
        else:
            table = table.slice(0, int(pick(rng, (0, 1, 2))))
    target = io.BytesIO()
    pyarrow.parquet.write_table(
        table,
        target,
        compression=pick(rng, ("none", "snappy", "gzip", "zstd")),
        use_dictionary=rng.random() < 0.5,
    )
    return target.getvalue()


@cache
def _parquet(data: bytes) -> Any:
    import pyarrow.parquet

    return pyarrow.parquet.read_table(io.BytesIO(data))


@cache
def _odd_columns(n: int) -> list[Any]:
    import pyarrow

    kinds: tuple[tuple[Any, Any], ...] = (
        ([2**63 - 1] * n, pyarrow.int64()), ([2**64 - 1] * n, pyarrow.uint64()), (["a"] * n, None), ([None] * n, None),
        ([math.nan] * n, None), ([math.inf] * n, None), ([True] * n, None), ([[1.0]] * n, None), ([{"a": 1.0}] * n, None),
        ([b"\xff"] * n, None), (["1.5"] * n, None), ([0] * n, pyarrow.timestamp("ns")), ([1] * n, pyarrow.duration("s")),
        ([1] * n, pyarrow.decimal128(38, 0)), ([1] * n, pyarrow.decimal256(76, -70)), ([1.5] * n, pyarrow.float16()),
        ([1.5] * n, pyarrow.float32()), ([1] * n, pyarrow.date32()), ([1] * n, pyarrow.time64("us")),
        ([[]] * n, pyarrow.list_(pyarrow.null())), (["\x1b[31m\u202e"] * n, None),
    )  # fmt: skip
    made = []
    for values, kind in kinds:
        with contextlib.suppress(pyarrow.ArrowException, TypeError, ValueError):
            made.append(
                pyarrow.array(np.array(values, np.float16) if kind == pyarrow.float16() else values, kind)
            )
    return [*made, pyarrow.array(["a"] * n).dictionary_encode()]


def broken_hdf(rng: Rng, data: bytes) -> bytes:
    """A NetCDF file with odd attributes, types, shapes and dimensions."""
    import h5py

    target = io.BytesIO(data)
    with h5py.File(target, "r+") as file:
        for _ in range(int(rng.integers(1, 4))):
            name, way = pick(rng, ("a", "b", "y")), int(rng.integers(7))
            one = file.get(name)
            with contextlib.suppress(TypeError, ValueError, OSError, KeyError, RuntimeError, AttributeError):
                if way < 4 and one is not None:
                    one.attrs[pick(rng, ODD_ATTRIBUTES)] = pick(rng, ODD_CONTENTS)
                elif way == 4:
                    del file[name]
                elif way == 5:
                    del one.attrs[pick(rng, [*one.attrs])]
                else:
                    del file[name]
                    file.create_dataset(name, data=pick(rng, ODD_CONTENTS))
    return target.getvalue()


ODD_ATTRIBUTES = (
    "units", "_FillValue", "missing_value", "scale_factor", "add_offset", "valid_range", "valid_min", "valid_max", "dtype",
    "calendar", "coordinates", "DIMENSION_LIST", "CLASS", "NAME", "_Netcdf4Dimid", "_Unsigned", "flag_values", "_Encoding",
    "ancillary_variables", "bounds", "grid_mapping", "_Netcdf4Coordinates", "REFERENCE_LIST", "standard_name",
)  # fmt: skip
ODD_CONTENTS: tuple[Any, ...] = (
    "", "days since 2000-01-01", "days since 0", "furlongs since then", "true", "a b", "y", "\x1b[31m", "x" * 5000, 0, -1,
    1e308, math.nan, math.inf, 2**62, [1.0, 2.0], [2.0, 1.0], [math.nan, 1.0], np.zeros(0), np.zeros((6, 6), np.int8),
    np.zeros((2, 3, 4)), np.zeros(6, np.complex128), np.zeros(6, np.uint64), np.array(["a"] * 6, "S3"), np.zeros(6, "V8"),
    np.zeros(6, [("x", "f8"), ("y", "i4")]), np.float16(1.5), np.zeros(7), b"\xff\xfe", [[1.0]], True,
)  # fmt: skip


def broken_lines(rng: Rng, data: bytes) -> bytes:
    """Lines of JSON with odd values, and with lines left out, doubled or cut."""
    lines = data.split(b"\n")
    for _ in range(int(rng.integers(1, 4))):
        at, way = int(rng.integers(len(lines))), int(rng.integers(6))
        if way == 0:
            lines.insert(at, lines[at])
        elif way == 1 and len(lines) > 1:
            del lines[at]
        elif way == 2:
            lines[at] = lines[at][: int(rng.integers(len(lines[at]) + 1))]
        else:
            lines[at] = _or_bytes(broken_json, rng, lines[at])
    return b"\n".join(lines)


def _or_bytes(way: Break, rng: Rng, data: bytes) -> bytes:
    """Broken in a way, or in its bytes where it is broken already."""
    try:
        return way(rng, data)
    except (ValueError, TypeError, RecursionError, EOFError, MemoryError):
        return broken_bytes(rng, data)


def broken_sealed(rng: Rng, data: bytes) -> bytes:
    """A certificate in lines that is broken, with the digest that belongs to it in its last line."""
    content = broken_lines(rng, data[: data.rstrip(b"\n").rfind(b"\n") + 1])
    content = content if content.endswith(b"\n") else content + b"\n"
    return (
        content
        + json.dumps({"digest": hashlib.sha256(content).hexdigest()}, separators=(",", ":")).encode()
        + b"\n"
    )


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
            members[i] = (name, _or_bytes(broken_json, rng, content))
        elif name.endswith(".npy") and way < 5:
            members[i] = (name, _or_bytes(broken_npy, rng, content))
        else:
            members[i] = (name, broken_bytes(rng, content))
    target = io.BytesIO()
    with (
        warnings.catch_warnings(),
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        warnings.simplefilter("ignore")  # of doubled names
        for name, content in members:
            archive.writestr(name, content)
    return target.getvalue()


def broken_metadata(rng: Rng, data: bytes) -> bytes:
    """A saved model or guard with odd words or arrays; a guard gets the digest that belongs to them."""
    from supnorm.guarding.saving import digest

    with np.load(io.BytesIO(data)) as file:
        arrays = {name: file[name] for name in file.files}
    words = json.loads(str(arrays.pop("metadata"))) if "metadata" in arrays else None
    if arrays and (words is None or rng.random() < 0.3):
        name = pick(rng, [*arrays])
        arrays[name] = pick(rng, ODD_ARRAYS)(arrays[name])
    else:
        words = broken_tree(rng, words)
    if isinstance(words, dict) and "digest" in words:
        with contextlib.suppress(ValueError, TypeError, RecursionError):
            words["digest"] = digest(words, arrays)
    target = io.BytesIO()
    np.savez(target, **arrays, **({} if words is None else {"metadata": np.array(json.dumps(words))}))
    return target.getvalue()


ODD_ARRAYS: tuple[Callable[[Any], Any], ...] = (
    lambda a: a * math.nan, lambda a: a * 1e308 * 10, lambda a: a * 1e-320, lambda a: a[:0], lambda a: a[..., None],
    lambda a: a.ravel(), lambda a: a.T, lambda a: a[1:], lambda a: np.concatenate([a, a]), lambda a: a.astype("f4"),
    lambda a: a.astype("i8"), lambda a: a.astype("U9"), lambda a: a * 0, lambda a: -a, lambda a: a > 0, lambda a: a + 1e300,
    lambda a: np.array(1.0), lambda a: np.zeros((0, 2)), lambda a: a[::-1], lambda a: a.astype(">f8"),
)  # fmt: skip


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
    told = {"shape": shape, "fortran_order": bool(rng.integers(2)), "descr": kind}
    if rng.random() < 0.5:
        told[pick(rng, list(told))] = {
            "shape": array.shape,
            "fortran_order": False,
            "descr": array.dtype.str,
        }[pick(rng, list(told))]
    head = f"{told!r}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + array.tobytes()


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


SIGNED = (broken_bytes, broken_json, broken_signed, broken_signed, broken_signed)
SEALED = (broken_bytes, broken_lines, broken_sealed, broken_sealed, broken_sealed)
WAYS: dict[str, tuple[Break, ...]] = {
    ".npz": (broken_bytes, broken_zip, broken_zip, broken_metadata),
    ".guard": (broken_bytes, broken_zip, broken_metadata, broken_metadata),
    ".onnx": (broken_bytes, broken_onnx, broken_onnx),
    ".pt2": (broken_bytes, broken_zip, broken_zip, broken_zip),
    ".pt": (broken_bytes, broken_zip),
    ".csv": (broken_bytes, broken_text, broken_cells, broken_cells),
    ".parquet": (broken_bytes, broken_bytes, broken_parquet),
    ".nc": (broken_bytes, broken_bytes, broken_hdf),
    ".toml": (broken_bytes, broken_text, broken_toml, broken_toml),
    ".json": (broken_bytes, broken_text, broken_json, broken_json),
    ".jsonl": (broken_bytes, broken_text, broken_lines, broken_lines),
    ".sqlite": (broken_bytes, broken_rows),
}
