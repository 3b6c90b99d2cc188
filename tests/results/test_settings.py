"""Every frozen dataclass of settings, in every room: a value of a wrong type or size is refused in one line by name."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.approximants.approximation import NotApplicable
from supnorm.evaluation.limit import Limit
from supnorm.networks import Network, Scaling
from supnorm.results import BadInput
from supnorm.results.settings import Settings, kinds_of, least
from supnorm.training.optimiser import FunctionLoss

SOURCE = Path(sn.__file__).parent
# Frozen dataclasses whose fields all have defaults and which are no settings: results, parts of a problem (they have checks
# of their own), what the command line has read already, and the data of algorithms.
NO_SETTINGS = {
    "auditing": {"RowStatistics", "Bend", "Halt", "Planted", "Traits"},
    "certification": {"Tree", "Agreement", "Margins", "Enough"},
    "checker": {"Cost"},
    "cli": {
        "TableOptions",
        "PlantedOptions",
        "SearchOptions",
        "Asked",
        "FitOptions",
        "GuardOptions",
        "RepairOptions",
        "Sharing",
    }
    | {"FieldOptions", "ServeOptions"},
    "evaluation": {"Limit"},
    "fields": {"Observed", "Turn", "Sizes"},
    "pages": {"Bands"},
    "planning": {"LearningCurve", "Basis", "SmoothClass"},
    "problem": {"Axis", "Declared", "Function", "ErrorMeasure", "Rows"},
    "program": {"Discrepancy"},
    "results": {"Allowed"},
    "sources": {"Reader"},
}
# `Calls.store` has a type that only type checkers know, and weights may be an array, a word or a file: both are checked
# where they are used.
UNCHECKED = {"store", "weights"}
OTHER_NAMES = {("PlanningCalls", "most"): "calls"}  # as `budget` and the command line name it


# A class with its decorators; two empty lines stand behind it.
FROZEN = re.compile(r"^@dataclass\([^)]*frozen=True.*?(?=\n\n\n|\Z)", re.MULTILINE | re.DOTALL)


def _with_defaults() -> Iterator[tuple[str, str]]:
    """Module and name of every public frozen dataclass that can be made without arguments."""
    # To parse whole files takes seconds, in each process of the suite.
    for path in sorted(SOURCE.rglob("*.py")):
        for found in FROZEN.finditer(path.read_text(encoding="utf-8")):
            node = next(n for n in ast.parse(found[0]).body if isinstance(n, ast.ClassDef))
            fields = [
                f for f in node.body if isinstance(f, ast.AnnAssign) and "ClassVar" not in ast.unparse(f)
            ]
            if not node.name.startswith("_") and fields and all(f.value is not None for f in fields):
                yield ".".join(("supnorm", *path.relative_to(SOURCE).with_suffix("").parts)), node.name


CLASSES = [
    getattr(importlib.import_module(module), name)
    for module, name in _with_defaults()
    if name not in NO_SETTINGS.get(module.split(".")[1], ())
]
FIELDS = [(cls, f.name) for cls in CLASSES for f in dataclasses.fields(cls)]


def _ids(value: Any) -> str:
    return getattr(value, "__name__", str(value))


def test_every_dataclass_of_settings_is_found_and_checks_itself() -> None:
    assert len(CLASSES) > 30
    assert [cls.__name__ for cls in CLASSES if not issubclass(cls, Settings)] == []
    stale = {n for names in NO_SETTINGS.values() for n in names} - {name for _, name in _with_defaults()}
    assert stale <= {"LearningCurve", "SmoothClass"}


@pytest.mark.parametrize("cls", CLASSES, ids=_ids)
def test_the_types_of_all_fields_are_known(cls: Any) -> None:
    assert {name for name, kind in kinds_of(cls).items() if kind is Any} <= UNCHECKED


@pytest.mark.sampled(60)
@pytest.mark.parametrize(("cls", "name"), FIELDS, ids=_ids)
def test_a_value_of_a_wrong_type_is_refused_by_name(cls: Any, name: str) -> None:
    kind = str(kinds_of(cls)[name])
    if name == "weights":
        return
    wrong: list[Any] = [object(), 1j, b"a", [[["a"]]], int]
    wrong += [] if "Mapping" in kind else [{}]
    wrong += [] if "str" in kind else ["a", "7"]
    wrong += [] if "bool" in kind else [True]
    wrong += [] if "int" in kind or "float" in kind else [0, 2.5]
    wrong += [] if "None" in kind or name in UNCHECKED else [None]
    for value in wrong:
        if "Callable" in kind and callable(value):
            continue
        with pytest.raises(BadInput, match=OTHER_NAMES.get((cls.__name__, name), name)) as refused:
            cls(**{name: value})
        assert "\n" not in str(refused.value)


@pytest.mark.sampled(60)
@pytest.mark.parametrize(("cls", "name"), FIELDS, ids=_ids)
def test_numbers_beyond_all_limits_are_refused_by_name(cls: Any, name: str) -> None:
    kind = str(kinds_of(cls)[name])
    if "int" not in kind and "float" not in kind:
        return
    for number in (float("nan"), float("inf"), -1, -0.5, 10**400, *((2.5,) if "float" not in kind else ())):
        if number in cls.LIMITS.get(name, ()):  # limits of the field's own, such as degrees of longitude
            continue
        value: Any = number
        for _ in range(kind.count("tuple")):
            value = (value,)
        with pytest.raises(BadInput, match=OTHER_NAMES.get((cls.__name__, name), name)):
            cls(**{name: value})


@pytest.mark.parametrize("cls", CLASSES, ids=_ids)
def test_the_defaults_are_allowed_and_stay_what_they_are(cls: Any) -> None:
    made = cls()
    for field in dataclasses.fields(cls):
        if field.default is not MISSING:
            assert getattr(made, field.name) is field.default
    assert made == cls()


LINE, SQUARE = sn.Domain(x=(0.0, 1.0)), sn.Domain(x=(0.0, 1.0), y=(0.0, 1.0))
PICTURES = sn.Pictures(even=2, near=2, line=2, grid=2, thumbnail=2)


def _wave(x: np.ndarray[Any, Any]) -> Any:
    return np.sin(5 * x[:, :1]) * x[:, -1:] + (x.sum(axis=1, keepdims=True) > 1.2)


def _slope(x: np.ndarray[Any, Any]) -> Any:
    return _wave(x), lambda weight: np.stack(
        [5 * np.cos(5 * x[:, 0]) * x[:, 1] * weight[:, 0], np.sin(5 * x[:, 0]) * weight[:, 0]], axis=1
    )


def _search(strategy: Any) -> None:
    for vjp in (None, _slope):
        model = sn.Function(value=_wave, vjp=vjp)
        reference = sn.Function(
            value=lambda x: 0.0 * x[:, :1], vjp=vjp and (lambda x: (0.0 * x[:, :1], lambda w: 0.0 * x))
        )
        count = 400
        if isinstance(strategy, sn.SurrogateSearch):  # it is fitted, and searched, again and again
            count, strategy = 100, dataclasses.replace(strategy, inner=min(strategy.inner, 300))
        sn.audit(
            sn.Problem(model, reference, SQUARE), evaluations=count, strategy=strategy, pictures=PICTURES
        )


def _approximate(strategy: Any) -> None:
    domain = LINE if isinstance(strategy, sn.PiecewiseChebyshev) else SQUARE
    x = np.random.default_rng(0).random((60, domain.d))
    try:
        if hasattr(strategy, "from_function"):
            strategy.from_function(_wave, domain, 300)
        else:
            strategy.from_samples(x, _wave(x), domain)
    except NotApplicable:
        pass


def _prove(strategy: Any) -> None:
    sn.certify(
        sn.Problem(lambda x: np.tanh(3 * x[:, 0]), lambda x: 0.4 * x[:, 0], LINE), strategy=strategy, boxes=3
    )


def _train(part: Any) -> None:
    rng, limit = np.random.default_rng(0), Limit(evaluations=6)
    x = np.linspace(-1.0, 1.0, 20)[:, None]
    network = Network.init(rng, 1, 1, 3, 2, scaling=Scaling.of_data(x, np.sin(x)))
    if hasattr(part, "minimise"):
        part.minimise(FunctionLoss.of_residuals(lambda t: (t - 2.0, np.eye(3))), np.ones(3), limit)
    elif hasattr(part, "add"):
        part.add(network, x, np.sin(x), limit, rng)
    elif hasattr(part, "run"):
        part.run(network, x, np.sin(x), lambda network, i: (x[:2], np.sin(x[:2])), limit)
    elif hasattr(part, "starts"):
        part.train(part.start(x, np.sin(x), LINE, 3, rng), x, np.sin(x), None, rng)
    else:
        part.train(network, x, np.sin(x), limit, rng)


SEARCHES: dict[str, Callable[[Any], Any]] = {
    "Ascent": lambda part: sn.ScreenAndAscent(ascent=part),
    "EvolutionStrategy": lambda part: sn.ScreenAndAscent(strategy=part),
    "DifferentialEvolution": lambda part: sn.ScreenAndAscent(differential=part),
    "Discontinuities": lambda part: sn.ScreenAndAscent(discontinuities=part),
    "Polish": lambda part: sn.ScreenAndAscent(polish=part),
    "ScreenAndAscent": lambda part: part,
    "SurrogateSearch": lambda part: part,
}
LEAST = [
    (cls, name, value)
    for cls, name in FIELDS
    if cls.__module__.split(".")[1] in ("approximants", "certification", "training")
    or cls.__name__ in SEARCHES
    if cls.__name__ not in ("FitCalls",)
    for value in [least(cls, name)]
    if value is not None
]


@pytest.mark.slow
@pytest.mark.parametrize(("cls", "name", "value"), LEAST, ids=_ids)
def test_the_least_allowed_number_ends_in_a_result(cls: Any, name: str, value: float) -> None:
    default = getattr(cls(), name)
    part = cls(**{name: (value,) * len(default) if isinstance(default, tuple) else value})
    room = cls.__module__.split(".")[1]
    with np.errstate(all="ignore"):
        if room == "auditing":
            _search(SEARCHES[cls.__name__](part))
        else:
            {"approximants": _approximate, "certification": _prove, "training": _train}[room](part)
