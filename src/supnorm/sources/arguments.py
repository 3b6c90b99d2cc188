"""Calls programs that take a point as arguments or as an input file: one process for each point.

``command = ["sim", "--flow", "{flow}"]`` gets each input in the place of its name; ``template = "case.in.tmpl"`` is a
file in which names in braces are replaced, and ``{input}`` among the arguments is the path of what was written. All
other braces stay as they are, so that a template may be JSON. The answer is one line of numbers on stdout, or is found by
``json_path`` (a path of keys) or ``pattern`` (a regular expression) in the output or in ``output_file``.

With a template or an output file each call has an empty working folder of its own; otherwise the program runs in the
folder of the problem file. Only the last match of a pattern counts, which is the converged one of an iteration.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput
from supnorm.results.suggestion import did_you_mean
from supnorm.sources.lines import Answer, kill, last_line, read_answer, start, talk

Array = NDArray[np.float64]
NAMED = re.compile(r"\{([^{}:\s\"',]+)(:[^{}\s\"',]+)?\}")
OURS = ("input", "folder")  # paths that an argument may name
LINES = 10_000_000  # of a program's messages; `lines.MOST` bytes end its output anyway
LAST, QUOTED = 3, 60  # lines of an output that a message quotes, and their characters
LARGEST = 50_000_000  # bytes of a template or an output file


def takes_arguments(spec: SourceSpec) -> bool:
    """Whether a command names its inputs in its arguments or in a template."""
    return bool(spec.template) or any(NAMED.search(part) for part in spec.command or ())


@dataclass(frozen=True)
class Reader:
    """Finds the numbers of an answer.

    Attributes:
        json: paths of keys, such as ``result.power`` or ``cells[0].T``.
        patterns: regular expressions; the number is the first group, or the whole match.
    """

    json: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    def __call__(self, text: str) -> Answer:
        """The numbers in an output, or a message that begins with ``error:``.

        >>> Reader(json=("a.b[1]",))('{"a": {"b": [1, 2.5]}}')
        [2.5]
        >>> Reader(patterns=(r"P *= *(\\S+)",))("P = 1.0\\nP = 2.5D+01 bar")
        [25.0]
        >>> Reader()("  1.5 2.5 ")
        [1.5, 2.5]
        """
        if self.patterns:
            return _all([_matched(pattern, text) for pattern in self.patterns])
        if self.json:
            try:
                document = _document(text)
            except ValueError:
                return f"error: the output has no JSON; {_quoted(text)}"
            return _all([_at(document, path) for path in self.json])
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) != 1:
            what = f"{len(lines)} lines instead of one line of numbers"
            return f"error: {what}; {_quoted(text)}; name the number by json_path or pattern"
        return read_answer(lines[0])


def _quoted(text: str) -> str:
    """What a program printed: the last lines, where answers usually stand, in quotes.

    >>> _quoted("start\\n\\nloss: 2.5 Pa\\n")
    "the program printed 'start' / 'loss: 2.5 Pa'"
    """
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    if not lines:
        return "the program printed nothing"
    shown = " / ".join(repr(line if len(line) <= QUOTED else f"{line[:QUOTED]}…") for line in lines[-LAST:])
    return (
        f"the program printed {shown}"
        if len(lines) <= LAST
        else f"the last lines of {len(lines):,} are {shown}"
    )


def _all(parts: Sequence[float | str]) -> Answer:
    message = next((part for part in parts if isinstance(part, str)), None)
    return message if message is not None else [part for part in parts if not isinstance(part, str)]


def _matched(pattern: str, text: str) -> float | str:
    match = None
    for match in re.finditer(pattern, text, re.MULTILINE):  # noqa: B007 (the last one counts)
        pass
    if match is None:
        return f"error: nothing in the output matches '{pattern}'; {_quoted(text)}"
    cell = match[1] if match.re.groups else match[0]
    return _number(cell, f"what '{pattern}' matches")


def _number(cell: Any, what: str) -> float | str:
    if cell is None:
        return math.nan
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return float(cell)
    try:
        text = str(cell).strip()
        if isinstance(cell, bool) or not text.isascii() or "_" in text:
            raise ValueError
        return float(re.sub(r"(?<=[\d.])[dD](?=[+-]?\d)", "e", text))  # Fortran writes 1.5D+01
    except ValueError:
        return f"error: {what} is no number: {str(cell)[:60]!r}"


def _document(text: str) -> Any:
    """The JSON of an output, which may have lines of messages before it."""
    try:
        return json.loads(text)
    except ValueError:
        starts = [m.start() for m in re.finditer(r"^[\[{]", text, re.MULTILINE)]
        for at in starts:
            try:
                return json.loads(text[at:])
            except ValueError:
                continue
        raise


def _at(document: Any, path: str) -> float | str:
    value = document
    for key in re.findall(r"[^.\[\]]+", path):
        if isinstance(value, list) and key.lstrip("-").isdecimal() and -len(value) <= int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            there = [*value] if isinstance(value, dict) else []
            near = did_you_mean(key, there) or (f"; it has {', '.join(there[:10])}" if there else "")
            return f"error: the output has no {path} (at {key}){near}"
    return _number(value, path)


@dataclass(frozen=True)
class Filled:
    """Runs the program once for each point.

    Attributes:
        command: program and arguments, with the names of inputs in braces.
        names: of the inputs, in the order of the columns of the points.
        root: the folder of the problem file.
        timeout: seconds for a point.
        reader: finds the answer.
        template: name and text of the input file; None without one.
        output: name of the file with the answer; empty: stdout.
    """

    command: tuple[str, ...]
    names: tuple[str, ...]
    root: Path
    timeout: float
    reader: Reader
    template: tuple[str, str] | None = None
    output: str = ""

    def __call__(self, x: Array) -> list[Answer]:
        return [self._one(row.tolist()) for row in x]

    def _one(self, point: list[float]) -> Answer:
        values = dict(zip(self.names, point, strict=True))
        if self.template is None and not self.output:
            return self._run(values, self.root)
        with tempfile.TemporaryDirectory(prefix="supnorm-") as folder:
            return self._run(values, Path(folder))

    def _run(self, values: dict[str, float], folder: Path) -> Answer:
        paths = {"folder": str(self.root.resolve())}
        if self.template is not None:
            name, text = self.template
            (folder / name).write_text(fill(text, values), encoding="utf-8")
            paths["input"] = str(folder / name)
        command = tuple(fill(part, values, paths) for part in self.command)
        with tempfile.TemporaryFile() as errors:
            process = start(command, folder, errors)
            try:
                done = talk(process, b"", self.timeout, LINES)
            finally:
                kill(process)
            if done.late:
                return f"timeout: no end within {self.timeout:g} s"
            if done.flooded:
                return "error: printed more than can be read"
            if process.returncode != 0:
                return f"error: ended with exit code {process.returncode}{last_line(errors)}"
        if not self.output:
            return self.reader(done.output.decode(errors="replace"))
        try:
            with (folder / self.output).open("rb") as file:
                return self.reader(file.read(LARGEST).decode(errors="replace"))
        except OSError as error:
            return f"error: output_file {self.output}: {error.strerror}"


def fill(text: str, values: dict[str, float], paths: dict[str, str] | None = None) -> str:
    """A text with numbers in the place of names in braces; other braces stay.

    >>> fill('{"T": {T}, "p": {p:.2e}}', {"T": 0.1, "p": 12345.0})
    '{"T": 0.1, "p": 1.23e+04}'
    """

    def written(match: re.Match[str]) -> str:
        name, form = match[1], match[2]
        if name in values:
            return format(values[name], form[1:]) if form else repr(values[name])
        return (paths or {}).get(name, match[0])

    return NAMED.sub(written, text)


def filled(
    spec: SourceSpec, command: tuple[str, ...], root: Path, names: tuple[str, ...], limit: float, where: str
) -> Filled:
    """What calls the program of a table of the problem file.

    Raises:
        BadInput: for a template that cannot be read, a name that is no input, or an input that is named nowhere.
    """
    template = None
    if spec.template:
        path = root / spec.template
        try:
            with path.open("rb") as file:
                text = file.read(LARGEST).decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise BadInput(f'{where} template = "{spec.template}": cannot be read: {why}') from None
        template = re.sub(r"\.(tmpl|template)$", "", path.name), text
    _demand_names(command, "" if template is None else template[1], names, where)
    texts = {
        key: tuple([given] if isinstance(given, str) else given or ())
        for key, given in _answers(spec).items()
    }
    for pattern in texts["pattern"]:
        try:
            re.compile(pattern)
        except re.error as error:
            raise BadInput(f"{where} pattern = {pattern!r}: no regular expression: {error}") from None
    beside = tuple(
        str((root / part).resolve()) if i and (root / part).is_file() else part
        for i, part in enumerate(command)
    )
    return Filled(
        beside, names, root, limit, Reader(texts["json"], texts["pattern"]), template, spec.output_file or ""
    )


def _answers(spec: SourceSpec) -> dict[str, str | list[str] | None]:
    return {"json": spec.json_path, "pattern": spec.pattern}


def _demand_names(command: Sequence[str], template: str, names: tuple[str, ...], where: str) -> None:
    arguments = {match[1]: match[2] for part in command for match in NAMED.finditer(part)}
    known = {match[1]: match[2] for match in NAMED.finditer(template) if match[1] in names}
    for name in arguments:
        if name not in (*names, *OURS):
            near = did_you_mean(name, names) or ";"
            raise BadInput(f"{where} command: {{{name}}} is no input{near} inputs are {', '.join(names)}")
    if "input" in arguments and not template and "input" not in names:
        raise BadInput(f"{where} command: {{input}} is the path of the input file: give template = FILE too")
    absent = [name for name in names if name not in arguments and name not in known]
    if absent:
        home = "an argument or the template" if template else "an argument"
        raise BadInput(
            f"{where} command: input {absent[0]} is named nowhere; write {{{absent[0]}}} in {home}"
        )
    for name, form in (known | arguments).items():
        try:
            format(0.5, (form or ":")[1:])
        except ValueError:
            raise BadInput(
                f"{where} command: {{{name}{form}}} is no format of a number; use such as :.6e"
            ) from None
