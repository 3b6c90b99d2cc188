"""The first problem file of a model or a table: what the file itself says is filled in, the rest is marked to be done.

``supnorm init`` writes it. Nothing in a model file is executed that `open_problem` would not execute either.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from supnorm.problem.problem_file import INVENTED
from supnorm.results import BadInput
from supnorm.results.door import reading, reading_table
from supnorm.sources import csv_table, netcdf_table, parquet_table
from supnorm.sources.model_file import KNOWN, PYTHON, REFUSED
from supnorm.sources.second_prediction import likeness, second_predictions
from supnorm.sources.table import column_names, read_columns
from supnorm.sources.table_problem import MOST_INPUTS, ranges_of

TABLES = (".csv", ".parquet", ".nc")
FEW = 50  # values of a column by which errors are reported, at most
MOST = 200  # inputs that are written out: of an image nobody wants a line for each pixel
BARE = re.compile(r"[A-Za-z0-9_-]+")
CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
MARKS = ("_pred", "_prediction", "_predicted", "_hat", "_model", "_emulated", "_forecast")
FRONTS = tuple(f"{mark[1:]}_" for mark in MARKS)


@dataclass(frozen=True)
class Described:
    """What a model file says of itself.

    Attributes:
        inputs: names of the inputs, one for each number of a point.
        lines: about inputs and outputs, for comments.
        ranges: low and high, where the file has them.
    """

    inputs: tuple[str, ...]
    lines: tuple[str, ...]
    ranges: tuple[tuple[float, float], ...] = ()


def starting_problem(source: str, folder: Path) -> str:
    """The text of a problem file.

    Args:
        source: path of a model or a table, or ``file.py:name``.
        folder: where the problem file will be; paths in it start from there.

    Raises:
        BadInput: for a file that is not there, is of another kind or cannot be read.
    """
    name = source.rpartition(":")[0]
    if name.endswith(".py"):
        return _of_python(source, folder)
    path = Path(source)
    suffix = path.suffix.lower()
    if suffix == ".py":
        raise BadInput(f"{path}: name the function or object in it too: {path}:NAME")
    if suffix in TABLES:
        return _of_table(path, folder)
    if suffix in REFUSED:
        raise BadInput(f"{path} {REFUSED[suffix]}")
    if suffix not in READERS:
        raise BadInput(f"{path}: files of this kind are not opened; known are {KNOWN}, for others {PYTHON}")
    with reading(path, str(path), missing="; give the path of a model or of a table"):
        described = READERS[suffix](path)
    model = [f"file = {quoted(_beside(path, folder))}", *(f"# {line}" for line in described.lines)]
    return _written(path.stem, model, _axes(described), described.inputs)


def quoted(text: str) -> str:
    """A text of TOML."""
    return json.dumps(text, ensure_ascii=False)


def _text(lines: Sequence[str]) -> str:
    """The lines as a file: what a name of a model or a table brings along begins no line of its own.

    A name may stand in a comment, where nothing quotes it; a line break in it would begin a table of its author's choice,
    with a command to run. TOML allows no control characters in comments, and none in quotes unless it is escaped.
    """
    return "".join(
        f"{CONTROL.sub(lambda character: f'{chr(92)}u{ord(character[0]):04x}', line)}\n" for line in lines
    )


def _beside(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def _axes(described: Described) -> list[str]:
    if described.ranges:
        lines = ["# The ranges that the file names."]
        pairs: Sequence[tuple[float, float]] = described.ranges
    else:
        lines = [
            f"{INVENTED} for which the model has to be right. The file does not say it. Then delete this line."
        ]
        pairs = [(0.0, 1.0)] * len(described.inputs)
    if not described.inputs:
        return [*lines, 'x = { low = 0.0, high = 1.0, unit = "" }', "# a line for each input"]
    return lines + [
        f'{_key(name)} = {{ low = {low!r}, high = {high!r}, unit = "" }}'
        for name, (low, high) in zip(described.inputs, pairs, strict=True)
    ]


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else quoted(name)


def _written(title: str, model: Sequence[str], axes: Sequence[str], inputs: Sequence[str]) -> str:
    shown = ", ".join(inputs[:6]) + (", ..." if len(inputs) > 6 else "")
    lines = [
        f"title = {quoted(title)}",
        "",
        "[model]",
        *model,
        "",
        "[reference]",
        "# TODO: what the model stands in for. One of:",
        '#   python = "truth.py:truth"       a function of points (n, d)' + (f": {shown}" if shown else ""),
        '#   command = ["./sim", "--x", "{x}"]   a program; json_path or pattern says where the answer stands',
        '#   file = "values.csv"             values that are computed already',
        'python = "truth.py:truth"',
        "# per_point = true                 # if the function takes one point at a time",
        "",
        "[domain]",
        *axes,
        "",
        "[error]",
        '# kind = "relative"                # with floor = the size below which the error counts as absolute',
        "# tolerance = 0.01                 # the largest error that you accept; above it the exit code is 1",
        "",
        "# supnorm schema problem prints all keys with their meaning.",
    ]
    return _text(lines)


def _of_python(source: str, folder: Path) -> str:
    file, _, name = source.rpartition(":")
    path = Path(file)
    with reading(path, str(path), missing="; give FILE.py:NAME"):
        pass
    model = [
        f"python = {quoted(f'{_beside(path, folder)}:{name}')}",
        "# per_point = true                 # if it takes one point at a time",
    ]
    return _written(name, model, _axes(Described((), ())), ())


def _of_onnx(path: Path) -> Described:
    from supnorm.sources.onnx import described

    inputs, outputs = described(path)
    return _ports(inputs, outputs)


def _of_pt2(path: Path) -> Described:
    from supnorm.sources.aten import NeedsTrust
    from supnorm.sources.torch import device_of
    from supnorm.sources.torch_export import read_graph

    try:
        graph = read_graph(path, device_of("cpu", str(path)))
    except NeedsTrust as reason:
        raise BadInput(f"{path}: refused, {reason}; export the model again with torch.export.save") from None
    except BadInput as error:
        raise BadInput(f"{path} {error}") from None
    return _ports([(p.name, p.shape, p.precision) for p in graph.ports], [])


def _of_npz(path: Path) -> Described:
    from supnorm.approximants import load

    network = load(path)
    function = network.as_function()
    inputs = function.inputs or tuple(f"x{k + 1}" for k in range(network.d))
    outputs = f"outputs: {', '.join(function.outputs)}" if function.outputs else ""
    return Described(tuple(inputs), tuple(filter(None, (f"inputs: {', '.join(inputs)}", outputs))))


Named = tuple[str, Sequence[int | None], str]


def _ports(inputs: Sequence[Named], outputs: Sequence[Named]) -> Described:
    """Inputs of a graph: each that takes one number has its own name, the numbers of a wide one are counted."""
    names: list[str] = []
    for name, shape, _ in inputs:
        width = math.prod(s or 0 for s in shape[1:]) if len(shape) > 1 else 1
        if width == 1:
            names.append(name)
        else:
            names += [f"x{len(names) + k + 1}" for k in range(width)]
    if len(names) > MOST:
        names = []
    ports = [f"input {_shown(one)}" for one in inputs] + [f"output {_shown(one)}" for one in outputs]
    return Described(tuple(names), tuple(ports))


def _shown(port: Named) -> str:
    name, shape, precision = port
    return f"{name}: {precision} ({', '.join('n' if s is None else str(s) for s in shape)})"


READERS: dict[str, Callable[[Path], Described]] = {".onnx": _of_onnx, ".pt2": _of_pt2, ".npz": _of_npz}


def _of_table(path: Path, folder: Path) -> str:
    """A table: its numeric columns with their ranges, and which of them look like truth and prediction."""
    what = str(path)
    with reading_table(path, what, missing="; give the path of a model or of a table"):
        there = column_names(path, what)
        ranges = ranges_of(path, there, what)
        units = _units(path, [*ranges], what)
    pairs = _pairs([*ranges])
    truth, prediction = [t for t, _ in pairs], [p for _, p in pairs]
    inputs = [name for name in ranges if name not in (*truth, *prediction)]
    if pairs and path.suffix.lower() == ".nc":
        inputs = netcdf_table.along(path, inputs, [*truth, *prediction], what)
    doubtful = _doubtful(path, inputs, [*truth, *prediction], what)
    file = f"file = {quoted(_beside(path, folder))}"
    listed = f"inputs = {json.dumps(inputs, ensure_ascii=False)}"
    doubts = [
        f"# TODO: {name} looks like {of} in another form. If it is another prediction, delete it from inputs and domain."
        for name, of, _, _ in doubtful
    ]
    by = _by(path, [name for name in there if name not in ranges], what)
    todo = [] if pairs else [_unnamed(path, [*ranges], what)]
    lines = [
        f"title = {quoted(path.stem)}",
        "",
        *todo,
        *doubts,
        "[model]",
        file,
        listed,
        f"outputs = {json.dumps(prediction or ['PREDICTION'], ensure_ascii=False)}",
        *by,
        "",
        "[reference]",
        file,
        listed,
        f"outputs = {json.dumps(truth or ['TRUTH'], ensure_ascii=False)}",
        *by,
        "",
        "[domain]                            # from the smallest to the largest value of each column",
        *(
            f"{_key(name)} = {{ low = {ranges[name][0]!r}, high = {ranges[name][1]!r}, "
            f"unit = {quoted(units.get(name, ''))} }}"
            for name in inputs
        ),
        "",
        "[error]",
        "# tolerance = 0.01                 # the largest error that you accept; above it the exit code is 1",
        '# failures = "ignore"              # a missing prediction counts as an infinite error without this line',
        "",
        "# supnorm schema problem prints all keys with their meaning.",
    ]
    return _text(lines)


def _by(path: Path, texts: Sequence[str], what: str) -> list[str]:
    """The line that offers columns by whose values errors can be reported: of text, with few values that repeat."""
    if not texts or path.suffix.lower() == ".nc":
        return []
    read = csv_table.texts if path.suffix.lower() == ".csv" else parquet_table.cells
    kinds = {
        name: (len({*cells}), len(cells)) for name, cells in zip(texts, read(path, texts, what), strict=True)
    }
    few = [name for name, (n, rows) in kinds.items() if 1 < n <= min(FEW, rows // 2)]
    if not few:
        return []
    more = f"; few values are also in {', '.join(few[1:])}" if few[1:] else ""
    return [
        f"# by = [{quoted(few[0])}]                   # report the errors for each value of a column{more}"
    ]


def _unnamed(path: Path, names: Sequence[str], what: str) -> str:
    """The line that asks for truth and prediction, with the columns that are nearly equal."""
    line = f"# TODO: name the columns of prediction and truth; numbers are in {', '.join(names)}"
    if path.suffix.lower() == ".nc" or len(names) > MOST_INPUTS:
        return line
    columns = dict(zip(names, read_columns(path, names, what).T, strict=True))
    pairs = [
        (a, b) for a, b in combinations(names, 2) if (likeness(columns[a], columns[b]) or ("",))[0] == "equal"
    ]
    alike = [name for name in names if any(name in pair for pair in pairs)]
    return f"{line}; nearly equal are {', '.join(alike)}" if alike else line


def _doubtful(
    path: Path, inputs: Sequence[str], values: Sequence[str], what: str
) -> list[tuple[str, str, str, float]]:
    """Inputs that look like truth or prediction; of a gridded file, whose variables can be huge, none are looked at."""
    if not values or path.suffix.lower() == ".nc":
        return []
    columns = dict(zip([*inputs, *values], read_columns(path, [*inputs, *values], what).T, strict=True))
    return second_predictions({n: columns[n] for n in inputs}, {n: columns[n] for n in values})


def _units(path: Path, names: Sequence[str], what: str) -> dict[str, str]:
    if path.suffix.lower() != ".nc":
        return {}
    return netcdf_table.units(path, names, what)


def _pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Columns that look like a truth and its prediction, by their names.

    >>> _pairs(["flow", "power", "power_pred", "pred_T", "T"])
    [('power', 'power_pred'), ('T', 'pred_T')]
    """
    bare = {name.lower(): name for name in names}
    pairs = []
    for name in names:
        low = name.lower()
        ends = [low.removesuffix(m) for m in MARKS if low.endswith(m)]
        ends += [low.removeprefix(f) for f in FRONTS if low.startswith(f)]
        for stem in ends:
            truth = next(
                (bare[t] for t in (stem, f"{stem}_true", f"{stem}_truth", f"{stem}_obs") if t in bare), None
            )
            if truth is not None and truth != name:
                pairs.append((truth, name))
                break
    return pairs
