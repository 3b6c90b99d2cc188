"""Opens the problem file of a roll-out: which functions step, where they start, and what is watched."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, ValidationError, model_validator

from supnorm.evaluation.opened_files import recording
from supnorm.fields.rollout import Rollout, prepared
from supnorm.fields.rollout_settings import RolloutSettings
from supnorm.fields.rollout_state import Observed
from supnorm.problem.fingerprint import content_of
from supnorm.problem.problem_file import read_toml
from supnorm.problem.specification import Table
from supnorm.results import BadInput
from supnorm.results.door import reading
from supnorm.results.guard import LARGEST, exists
from supnorm.results.printable import one_line
from supnorm.results.working_folder import demand_same_folder, working_folder
from supnorm.sources.beside import opening, remember
from supnorm.sources.unnamed_files import files_of
from supnorm.sources.userfile import UserFunction, load_object

LARGEST_STATES = 4 << 30  # bytes of a file of initial states; they have to fit into memory several times


class StepSpec(Table):
    """``[step]`` or ``[reference]``: ``python = "file.py:name"``, a function from a state to the next one."""

    python: str
    name: str = ""


class InitialSpec(Table):
    """``[initial]``: ``python``, a function without arguments or a list of states, or ``file``, .npy or .npz."""

    python: str | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _one(self) -> InitialSpec:
        if (self.python is None) == (self.file is None):
            raise ValueError("give exactly one of python, file")
        return self


class FieldsSpec(Table):
    """``[fields]``: what of a state is compared, and its axes."""

    observe: str | None = None
    variables: list[str] = Field(default_factory=list)
    axes: list[str] = Field(default_factory=list)
    coordinates: str | None = None
    periodic: list[str] = Field(default_factory=list)


class GuardSpec(Table):
    """``[guard]``: ``python``, a function of a state that returns booleans."""

    python: str
    fallback: bool = False


class RolloutErrorSpec(Table):
    """``[error]``."""

    tolerance: float | dict[str, float] | None = None
    kappa: float = RolloutSettings.kappa
    reach: int = RolloutSettings.reach


class RolloutSpec(Table):
    """The whole file."""

    title: str = ""
    steps: int | None = Field(default=None, ge=1, le=10**9)
    numbered: bool = False
    x64: bool = True
    step: StepSpec
    reference: StepSpec
    initial: InitialSpec
    fields: FieldsSpec = FieldsSpec()
    totals: dict[str, str] = Field(default_factory=dict)
    bounds: dict[str, list[float]] = Field(default_factory=dict)
    error: RolloutErrorSpec = RolloutErrorSpec()
    guard: GuardSpec | None = None


@dataclass(frozen=True)
class Opened:
    """A problem file that was opened.

    Attributes:
        rollout: the work, not begun.
        identity: of the file, the code that it names and the initial states.
        files: all of these.
    """

    rollout: Rollout
    identity: str
    files: tuple[Path, ...]


def read_rollout(path: Path) -> RolloutSpec:
    """Parse and check a problem file.

    Raises:
        BadInput: for a missing or unreadable file, invalid TOML, unknown keys or values of the wrong type.
    """
    missing = "; give the path of the problem file of a roll-out (TOML)"
    with reading(path, hint=": cannot be read", largest=LARGEST["problem"], missing=missing):
        raw, _ = read_toml(path)
        if "model" in raw or "domain" in raw:
            raise BadInput(
                f"{path}: this is the problem file of an audit; that of a roll-out has [step], [reference], [initial]"
            )
        try:
            return RolloutSpec.model_validate(raw)
        except ValidationError as error:
            raise BadInput(f"{path}: {_first_line(error)}") from None


def open_rollout(path: Path, steps: int | None = None, seconds: float | None = None) -> Opened:
    """Read a problem file and open what it names.

    Args:
        path: the file; paths in it start from its folder.
        steps: in place of those of the file.
        seconds: limit of time.

    Raises:
        BadInput: one line with file, key, the value that was given, and the remedy.
    """
    spec = read_rollout(path)
    count = steps or spec.steps
    if count is None:
        raise BadInput(f"{path}: steps is missing; write steps = 100, or give --steps 100")
    named = [file for text in _named(spec) if (file := path.parent / text).is_file()]
    began_in = working_folder()
    with opening(named):
        try:
            return _opened(spec, path, named, count, seconds)
        except (BadInput, OSError):
            demand_same_folder(began_in, path)  # no file has its relative path any more
            raise


def _opened(spec: RolloutSpec, path: Path, named: list[Path], count: int, seconds: float | None) -> Opened:
    root, where = path.parent, path.name
    with recording() as opened:
        function: Callable[[str | None, str], Any] = lambda text, key: (  # noqa: E731
            None if text is None else UserFunction(text, root, f"{where}: {key}")
        )
        states = _initial(spec.initial, root, f"{where}: [initial]")
        axes = _axes(spec.fields, root, where)
        settings = RolloutSettings(
            numbered=spec.numbered,
            fallback=spec.guard is not None and spec.guard.fallback,
            kappa=spec.error.kappa,
            reach=spec.error.reach,
            axes=axes,
            periodic=tuple(spec.fields.periodic),
            seconds=seconds,
            x64=spec.x64,
        )
        try:
            rollout = prepared(
                function(spec.step.python, "[step] python"),
                function(spec.reference.python, "[reference] python"),
                states,
                steps=count,
                observed=Observed(
                    function(spec.fields.observe, "[fields] observe"), tuple(spec.fields.variables)
                ),
                totals={name: function(text, f"[totals] {name}") for name, text in spec.totals.items()},
                bounds={name: (*pair,) for name, pair in spec.bounds.items()},  # type: ignore[misc]
                guard=function(spec.guard.python if spec.guard else None, "[guard] python"),
                tolerance=spec.error.tolerance,
                settings=settings,
                title=spec.title,
            )
        except BadInput as error:
            raise BadInput(f"{where}: {error}") from error.__cause__
    beside = files_of(opened.files - {os.path.abspath(path)}, named)
    every = {path, *named, *beside}
    files = [file.resolve() for file in (*named, *beside)]
    remember({file: content_of(file) for file in files}, [f for f in named if f.suffix == ".py"])
    return Opened(rollout, _identity(every, root), (*every,))


def _named(spec: RolloutSpec) -> list[str]:
    """Paths as the problem file gives them."""
    code = [
        spec.step.python,
        spec.reference.python,
        spec.initial.python,
        spec.fields.observe,
        *spec.totals.values(),
    ]
    code += [spec.fields.coordinates, spec.guard.python if spec.guard else None]
    return [text.rpartition(":")[0] for text in code if text] + (
        [spec.initial.file] if spec.initial.file else []
    )


def _initial(spec: InitialSpec, root: Path, where: str) -> Any:
    if spec.file is not None:
        path, said = root / spec.file, f'{where} file = "{spec.file}"'
        if path.suffix not in (".npy", ".npz"):
            raise BadInput(
                f"{said}: give a .npy (its first axis numbers the states) or .npz file, or python = .."
            )
        if not exists(path):
            raise BadInput(f"{said}: there is no file {path}; paths start from {root}")
        with reading(path, said, largest=LARGEST_STATES):
            loaded = np.load(path, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return list(loaded) if loaded.ndim else [loaded]
            fields = {name: loaded[name] for name in loaded.files}
        lengths = {len(v) if v.ndim else 0 for v in fields.values()}
        if len(lengths) != 1 or lengths == {0}:
            raise BadInput(
                f"{said}: the first axis of each array must number the states; it has lengths {sorted(lengths)}"
            )
        return [{name: values[k] for name, values in fields.items()} for k in range(lengths.pop())]
    assert spec.python is not None
    named = load_object(spec.python, root, f"{where} python")
    if not callable(named):
        return named
    function = UserFunction(spec.python, root, f"{where} python")
    try:
        return function()
    except Exception as error:
        raise BadInput(
            f'{where} python = "{spec.python}" failed: {type(error).__name__}: {one_line(str(error), 200)}'
        ) from error


def _axes(spec: FieldsSpec, root: Path, where: str) -> dict[str, Any]:
    axes: dict[str, Any] = dict.fromkeys(spec.axes)
    if len(axes) < len(spec.axes):
        raise BadInput(f"{where}: [fields] axes must be different names, got {', '.join(spec.axes)}")
    if spec.coordinates is None:
        return axes
    key = f"{where}: [fields] coordinates"
    named = load_object(spec.coordinates, root, key)
    values = named() if callable(named) else named
    if not isinstance(values, dict) or not {*values} <= {*axes}:
        raise BadInput(
            f"{key} must be a mapping from axes ({', '.join(axes) or 'none are named'}) to coordinates"
        )
    return axes | {name: np.asarray(v, dtype=float) for name, v in values.items()}


def _identity(files: set[Path], root: Path) -> str:
    """A digest of the files, by their names from the problem's folder on; more steps may be taken later."""
    digest = hashlib.sha256()
    for name, file in sorted((os.path.relpath(file, root), file) for file in files):
        digest.update(name.encode() + b"\0")
        with open(file, "rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()


def _first_line(error: ValidationError) -> str:
    """The first fault in words."""
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    loc = [
        str(part) for part in first["loc"] if part not in ("float", "dict[str,float]", "list[float]", "str")
    ]
    key = ".".join(loc)
    tables: dict[str, type[Table]] = {
        "step": StepSpec,
        "reference": StepSpec,
        "initial": InitialSpec,
        "fields": FieldsSpec,
        "error": RolloutErrorSpec,
        "guard": GuardSpec,
    }
    known = ", ".join((tables.get(loc[0], RolloutSpec) if len(loc) > 1 else RolloutSpec).model_fields)
    if first["type"] == "extra_forbidden":
        return f"unknown key {key} = {one_line(repr(first['input']), 80)}; known keys here: {known}"
    if first["type"] == "missing":
        return f"{key} is missing; known keys here: {known}"
    return f"{key}: {first['msg'].removeprefix('Value error, ')}, got {one_line(repr(first['input']), 80)}"
