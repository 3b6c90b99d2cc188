"""The tables of `problem.toml` and their keys, checked; `problem_file` reads the file, `sources` opens what it names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from supnorm.problem.checked_table import Table as Table  # others take it from here
from supnorm.problem.claim_table import ClaimSpec
from supnorm.problem.declared import Declared

KINDS = ("file", "python", "command", "root", "flow", "integral", "mpmath")  # of sources
OPTIONS = {  # keys of a source, and the kinds that have them
    "start": ("root", "flow"),
    "between": ("root",),
    "initial": ("flow",),
    "time": ("flow",),
    "components": ("flow",),
    "limits": ("integral",),
    "arguments": ("mpmath",),
    "template": ("command",),
    "json_path": ("command",),
    "pattern": ("command",),
    "output_file": ("command",),
}


class DeclaredSpec(Table):
    """``declared`` of a source whose code cannot be read: see `supnorm.problem.Declared`."""

    bound: float | list[float] | None = None
    stretch: float = Declared.stretch
    order: int | None = None
    derivatives: dict[str, float] | None = None  # by input
    accuracy: float = Declared.accuracy


class SourceSpec(Table):
    """``[model]``, ``[reference]`` or ``[recheck]``: exactly one of file, python, command, root, flow, integral, mpmath.

    ``file``: .onnx, .pt2, .pt (TorchScript), .npz (written by supnorm), .csv/.parquet/.nc (a table of computed values).
    ``python``: ``"file.py:name"``, a function or a ready object (nn.Module, Keras or scikit-learn model).
    ``command``: a program and its arguments, which exchanges lines on stdin and stdout; or names inputs: ``"{flow}"``.
    ``root``: ``"file.py:g"``, g(x, y): the function is the y with g(x, y) = 0 ``between`` two ends.
    ``flow``: ``"file.py:f"``, f(t, y, p): the function is y(t, p) with y' = f, y = ``initial`` at ``start``.
    ``integral``: ``"file.py:f"``, f(x, s): the function is the integral of f over s within ``limits``.
    ``mpmath``: the name of one of its functions; ``"mpmath:NAME"`` is short for the table.
    """

    file: str | None = None
    python: str | None = None
    command: list[str] | None = None
    root: str | None = None
    flow: str | None = None
    integral: str | None = None
    mpmath: str | None = None
    # root: where Newton's method begins, a number or "file.py:name"; flow: the time of ``initial``
    start: float | str | None = None
    between: list[float | str] | None = None  # root: the ends of the branch
    initial: list[float] | str | None = None  # flow: y at the start; numbers, or "file.py:name" of p
    time: str | None = None  # flow: the axis that is time; without it the first one
    components: list[int] | None = None  # flow: those of y that are outputs, from 0 on
    limits: list[float | str] | None = None  # integral: from and to; numbers, or "file.py:name"
    arguments: list[int | float | str] | None = None  # mpmath: numbers are fixed, names are inputs
    name: str = ""
    inputs: list[str] | None = None  # input names (columns, graph inputs) in the order of the axes
    outputs: list[str] | None = None
    key: str | list[str] | None = None  # columns that decide which rows of two tables belong together
    by: str | list[str] | None = None  # columns of a table by whose values errors are reported
    output_units: list[str] | None = None
    per_point: bool = False
    batch: int | None = Field(default=None, ge=1)  # rows per call; exported graphs with a fixed batch
    device: str = "cpu"
    precision: str | None = None  # "float32" or "float64" where the source can do both
    # Seconds per point (command, per_point).
    timeout: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    retries: int = Field(default=0, ge=0)
    residuals: list[str] | None = None  # networks of `repair` that are added to this function
    patches: list[str] | None = None  # networks of `repair` that correct this function inside ellipsoids
    declared: DeclaredSpec | None = None  # declared bounds, for conditional certificates
    template: str | None = None  # command: input file in which names of inputs stand in braces
    json_path: str | list[str] | None = None  # command with names: where the outputs are in its JSON
    pattern: str | list[str] | None = None  # command with names: regular expressions that find the outputs
    output_file: str | None = None  # command with names: file with the outputs, instead of stdout
    protocol: str = "batch"  # command: "batch" (all lines, then answers) or "point" (line by line)

    @model_validator(mode="before")
    @classmethod
    def _of_a_name(cls, given: Any) -> Any:
        named = isinstance(given, str) and given.startswith("mpmath:")
        return {"mpmath": given.removeprefix("mpmath:")} if named else given

    @model_validator(mode="after")
    def _one_kind(self) -> SourceSpec:
        given = [k for k in KINDS if getattr(self, k)]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(KINDS)}; got {', '.join(given) or 'none'}")
        self._demand_options(given[0])
        if self.protocol not in ("batch", "point"):
            raise ValueError(f'protocol must be "batch" or "point", got {self.protocol!r}')
        if self.json_path and self.pattern:
            raise ValueError("give json_path or pattern, not both")
        if self.precision not in (None, "float32", "float64"):
            raise ValueError(f'precision must be "float32" or "float64", got {self.precision!r}')
        key = [self.key] if isinstance(self.key, str) else self.key
        if key is not None and (not all(key) or not len(key) == len({*key}) > 0):
            raise ValueError("key must name one column or several different ones")
        names = self.outputs or []
        if len(set(names)) < len(names):
            raise ValueError(f"outputs must have different names, got {', '.join(names)}")
        return self

    def _demand_options(self, kind: str) -> None:
        """See that what a root, a flow or an integral needs is there, and that no other source has it."""
        if kind == "root" and len(self.between or ()) != 2:
            raise ValueError("root needs the ends of its branch: between = [low, high]")
        if kind == "flow" and not self.initial:
            raise ValueError('flow needs its state at the start: initial = [1.0, 0.0], or "file.py:name"')
        if kind == "flow" and isinstance(self.start, str):
            raise ValueError("start of a flow is a time, a number")
        if kind == "integral" and len(self.limits or ()) != 2:
            raise ValueError("integral needs its limits: limits = [from, to]")
        for key, kinds in OPTIONS.items():
            if getattr(self, key) is not None and kind not in kinds:
                raise ValueError(f"{key} belongs to {' and '.join(kinds)}; leave it out")


class AxisSpec(Table):
    """One axis of ``[domain]``; ``[low, high]`` stands for ``{ low = .., high = .. }``."""

    low: float | None = None
    high: float | None = None
    unit: str = ""
    scale: str = "linear"
    values: list[float] | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_a_pair(cls, given: Any) -> Any:
        return {"low": given[0], "high": given[1]} if isinstance(given, list) and len(given) == 2 else given

    @model_validator(mode="after")
    def _range_or_values(self) -> AxisSpec:
        if self.values is None and (self.low is None or self.high is None):
            raise ValueError("give low and high, or values")
        if self.values is not None and (self.low is not None or self.high is not None):
            raise ValueError("give low and high, or values; both were given")
        return self


class ErrorSpec(Table):
    """``[error]``."""

    kind: str = "absolute"
    side: str = "both"
    floor: float | None = None
    scale: float | list[float] | None = None
    python: str | None = None
    mask: str | None = None
    tolerance: float | list[float] | None = None
    derivatives: bool = False
    step: float | None = None
    failures: Literal["error", "ignore"] = "error"
    precision: str | None = None  # ulp: "float64" or "float32"


class ConstraintSpec(Table):
    """``[constraints]``: functions of a Python file, one or several."""

    python: str | list[str]


class DataSpec(Table):
    """``[data]``: points the model was trained on; with ``domain = true`` they define the domain."""

    file: str
    inputs: list[str] | None = None
    domain: bool = False


class LawSpec(Table):
    """``[law]``: the distribution of the inputs: a sampler ``(n, rng) -> (n, d)`` or a file of points."""

    python: str | None = None
    file: str | None = None
    name: str = ""


def law_name(spec: LawSpec) -> str:
    """The name of a law: its ``name`` in the problem file, otherwise the name of its file."""
    return spec.name or Path(spec.python or spec.file or "").name


def _whole(given: Any) -> Any:
    """TOML reads 1e5 as a float: where a whole number is meant, it is one."""
    return int(given) if isinstance(given, float) and given.is_integer() else given


class AuditSpec(Table):
    """``[audit]``: budget and options of the audit."""

    evaluations: Annotated[int | None, BeforeValidator(_whole)] = Field(
        default=None, ge=100, le=100_000_000_000
    )
    seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    seed: int | None = Field(default=None, ge=0)
    workers: int | None = Field(default=None, ge=1)
    gradients: bool = True
    norms: list[float] | None = None  # powers p of the sample norms L^p
    cost: str | None = Field(default=None, pattern=r"^(cheap|expensive(-model|-both)?(:[1-9][0-9]{0,4})?)$")
    power: bool = True


class PowerSpec(Table):
    """``[power]``: the errors that are planted to measure what the search misses."""

    heights: list[float] | None = None
    volumes: list[float] | None = None
    sheets: list[float] | None = None
    runs: int | None = Field(default=None, ge=1, le=10_000)
    evaluations: Annotated[int | None, BeforeValidator(_whole)] = Field(
        default=None, ge=20, le=100_000_000_000
    )


class SideSpec(Table):
    """What is given on a face instead of the value: ``{ neumann = .. }`` or ``{ robin = coefficient, value = .. }``."""

    neumann: float | str | None = None
    robin: float | None = None
    value: float | str | None = None  # robin

    @model_validator(mode="after")
    def _one_kind(self) -> SideSpec:
        if (self.neumann is None) == (self.robin is None) or (self.value is not None and self.robin is None):
            raise ValueError("give { neumann = value }, or { robin = coefficient, value = value }")
        return self


class EquationSpec(Table):
    """``[equation]``: the differential equation that the model solves (`supnorm.problem.equations`).

    ``kind`` is a name of `supnorm.equations`. Texts are formulas, ``"file.py:name"``, of points ``(n, d)``; "u" among the
    velocities is the solution itself.
    """

    kind: Literal["Poisson", "Helmholtz", "Heat", "AdvectionDiffusion", "Burgers"]
    time: str | None = None  # name of the time axis
    k: float | None = None  # Helmholtz
    diffusivity: float | None = None  # Heat, AdvectionDiffusion
    viscosity: float | None = None  # Burgers
    velocity: list[float | str] | None = None  # AdvectionDiffusion
    reaction: float | str | None = None  # AdvectionDiffusion
    source: float | str | None = None
    boundary: float | str | None = None
    initial: float | str | None = None
    # By axis, at its low and its high end, "boundary" for the value; or "periodic".
    sides: dict[str, list[SideSpec | str] | str] | None = None
    approximation: str | None = None  # the function whose residual is bounded: "file.py:name" or "model"


class ProblemSpec(Table):
    """The whole file."""

    title: str = ""
    model: SourceSpec | None = None
    reference: SourceSpec | None = None  # may be missing beside [equation] only
    recheck: SourceSpec | None = None
    equation: EquationSpec | None = None
    error: ErrorSpec = ErrorSpec()
    domain: dict[str, AxisSpec] = Field(default_factory=dict)
    constraints: ConstraintSpec | None = None
    data: DataSpec | None = None
    law: LawSpec | None = None
    audit: AuditSpec = AuditSpec()
    power: PowerSpec = PowerSpec()
    claim: ClaimSpec | None = None  # what is published about the model; `supnorm claim` judges it
