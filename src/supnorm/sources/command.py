"""Calls programs in any language, which exchange lines on stdin and stdout.

The protocol: supnorm writes one line for each point with its d numbers, separated by spaces, in a form that reads back
exactly. The program answers with one line for each point, in order: its m numbers separated by spaces, ``nan`` for no
value, or ``error: text``. It may print nothing else on stdout. It may print anything on stderr; messages quote the last
line.

* ``protocol = "batch"``: supnorm starts the program for each batch, writes all lines, closes stdin, and reads the
  answers until the program ends. The time limit of a batch is ``timeout`` times its points. If lines are missing at the
  end, supnorm halves the batch until the points without an answer are alone.
* ``protocol = "point"``: the program keeps running; it must answer (and flush) each line before supnorm sends the next.

A point without an answer, or with an answer that is no line of numbers, is tried again ``retries`` times in a new process
and then reported as failed. Each calling thread has its own process, so workers are threads. The program runs in the
folder of the problem file, in its own process group, which is killed as a whole.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function, PartialFailure
from supnorm.problem.specification import SourceSpec
from supnorm.program import Unreadable
from supnorm.results import BadInput
from supnorm.sources.arguments import filled, takes_arguments
from supnorm.sources.bytecode import forget_bytecode
from supnorm.sources.conversation import Points
from supnorm.sources.lines import Answer, kill, last_line, read_answer, start, talk, write_point
from supnorm.sources.programs import unread

Array = NDArray[np.float64]
LABEL = 40  # largest number of characters of a program's name
TIMEOUT = 30.0  # seconds per point if the problem file gives none; without a limit a program could hang a run for ever


def open_command(spec: SourceSpec, root: Path, names: tuple[str, ...], where: str) -> Function:
    """The program of a table of the problem file as a `Function`; ``names`` are those of its inputs.

    Raises:
        BadInput: when there is no such program, or it may not be run.
    """
    assert spec.command is not None
    command = (_program(spec.command, root, where), *spec.command[1:])
    forget_bytecode(
        [root / part for part in spec.command if part.endswith(".py") and (root / part).is_file()]
    )
    limit = spec.timeout or TIMEOUT
    label = spec.name or _label(spec.command, root)
    ask: Any
    if takes_arguments(spec):
        ask = filled(spec, command, root, names, limit, where)
    elif spec.json_path or spec.pattern or spec.output_file:
        raise BadInput(
            f"{where} json_path, pattern and output_file are for a command that names its inputs, such as "
            f'command = ["{spec.command[0]}", "--{names[0]}", "{{{names[0]}}}"]'
        )
    elif spec.protocol == "batch":
        ask = Batches(command, root, limit)
    else:
        ask = Points(command, root, limit)

    def value(x: Array) -> Array:
        answers = ask(x)
        for _ in range(spec.retries):
            again = [i for i, a in enumerate(answers) if isinstance(a, str)]
            if not again:
                break
            for i, answer in zip(again, ask(x[again]), strict=True):
                answers[i] = answer
        return _values(answers, len(spec.outputs) if spec.outputs else None)

    reason = f"{label} is a separate program (command = [..]), whose code cannot be read"
    return unread(Function(value, name=label), Unreadable(reason, "NumPy, JAX or torch code, .pt2 or ONNX"))


def _label(command: list[str], root: Path) -> str:
    """The program's file and its options, because reference and recheck are often one program with different options.

    >>> _label(["./density", "--fine"], Path())
    'density --fine'
    """
    scripts = (
        i for i, part in enumerate(command) if not Path(part).is_absolute() and (root / part).is_file()
    )
    first = next(scripts, 0)  # the name of a script tells more than the name of its interpreter
    text = " ".join([Path(command[first]).name, *command[first + 1 :]])
    return text if len(text) <= LABEL else text[: LABEL - 1] + "…"


def _program(command: list[str], root: Path, where: str) -> str:
    name = command[0]
    here = root / name.replace("{folder}", str(root.resolve()))  # as in its arguments
    if os.sep in name and here.exists():
        if not os.access(here, os.X_OK) or here.is_dir():
            raise BadInput(f'{where} command = ["{name}", ...]: {here} may not be run; chmod +x it')
        return str(here.resolve())
    program = None if os.sep in name else shutil.which(name)
    if program is None:
        raise BadInput(
            f'{where} command = ["{name}", ...]: there is no such program; paths start from {root}, '
            'and a program beside the problem file is written "./name"'
        )
    return program


def _values(answers: list[Answer], outputs: int | None) -> Array:
    """Answers as an array ``(n, m)``; raises `PartialFailure` if some points have no answer."""
    given = [len(a) for a in answers if not isinstance(a, str) and not (len(a) == 1 and math.isnan(a[0]))]
    m = outputs or (max(set(given), key=given.count) if given else 1)
    values = np.full((len(answers), m), math.nan)
    messages = {}
    for i, answer in enumerate(answers):
        if isinstance(answer, str):
            messages[i] = answer
        elif len(answer) == m:
            values[i] = answer
        elif not (len(answer) == 1 and math.isnan(answer[0])):
            messages[i] = f"error: {len(answer)} numbers in the answer, {m} expected"
    if messages:
        raise PartialFailure(values, messages)
    return values


@dataclass(frozen=True)
class Batches:
    """Starts the program once for each batch."""

    command: tuple[str, ...]
    folder: Path
    timeout: float

    def __call__(self, x: Array) -> list[Answer]:
        text = "".join(map(write_point, x)).encode()
        with tempfile.TemporaryFile() as errors:
            process = start(self.command, self.folder, errors)
            try:
                talked = talk(process, text, self.timeout * len(x), len(x))
            finally:
                kill(process)
            cut = talked.late or talked.flooded
            lines = _lines(talked.output, cut)
            if len(lines) < len(x) and len(x) > 1 and not cut:
                # The program may have skipped a point or ended at it; halving the batch finds the points without a line.
                half = len(x) // 2
                return self(x[:half]) + self(x[half:])
            return self._answers(lines, len(x), cut, process.returncode, last_line(errors))

    def _answers(self, lines: list[str], n: int, late: bool, code: int, message: str) -> list[Answer]:
        if len(lines) > n:
            return [
                f"error: {len(lines)} lines for {n} points (the first: {lines[0][:60]!r}); messages belong on stderr"
            ] * n
        answers = [read_answer(line) for line in lines]
        missing: Answer = (
            f"timeout: no answer within {self.timeout:g} s per point"
            if late
            else f"error: ended with exit code {code} after {len(lines)} of {n} answers{message}"
        )
        return answers + [missing] * (n - len(lines))


def _lines(output: bytes, cut: bool) -> list[str]:
    """The lines that a program wrote; if it was stopped, the last one is left out, because it may end inside a number."""
    text = output.decode(errors="replace")
    if cut:
        text = text[: text.rfind("\n") + 1]
    return [line for line in text.splitlines() if line.strip()]
