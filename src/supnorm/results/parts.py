"""Parts that the records of several verbs share: an estimate, a point, an axis and an error measure look alike in all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from supnorm.results.encoding import from_json
from supnorm.results.record import READ, Field, Number, Record


def _infinite(value: Any, info: ValidationInfo) -> Any:
    """An infinite number or none in a file; in Python the text "8" or "inf" is the name of something."""
    return from_json(value) if info.context == READ and value in (None, "inf", "-inf") else value


_Number = Annotated[
    float,
    Field(allow_inf_nan=True),
    BeforeValidator(_infinite),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["inf", "-inf", None]}]}),
]
Value = bool | int | _Number | str | Mapping[str, int | Number] | tuple["Fact", ...] | tuple[int, ...]


class Fact(Record):
    """A code and the values that its sentence names; the words come from a template (`supnorm.wording`).

    A value is a number, a name, a mapping of numbers by name (such as a point), some whole numbers, or further facts.

    >>> Fact(code="sample-most", values={"plain": 0.03}).to_dict()
    {'code': 'sample-most', 'values': {'plain': 0.03}}
    """

    code: str = Field(description="the fact in a word")
    values: Mapping[str, Value] = Field(
        default={}, description="the numbers and names in its sentence, and facts within it"
    )


class Sentence(Fact):
    """A fact with its sentence."""

    text: str = Field(description="the sentence")


class EstimateRecord(Record):
    """A statistical value: it holds for a sampling law, with a confidence, or as a plain sample number."""

    value: Number = Field(description="the number")
    kind: str = Field(
        description="`sample` (no interval is claimed), `exact` (over all points of a finite domain) or the name of the "
        "method of the interval"
    )
    n: int = Field(description="number of independent points on which it rests")
    law: str | None = Field(
        default=None, description="the sampling law for which it holds, if that is not the law of the result"
    )
    interval: tuple[Number, Number] | None = Field(
        default=None, description="lower and upper end of the interval, if a valid one is known"
    )
    confidence: float | None = Field(default=None, description="confidence of the interval")


class PointRecord(Record):
    """A point that was evaluated, with both values there."""

    x: Mapping[str, Number] = Field(description="input values by name")
    model: tuple[Number, ...] = Field(description="outputs of the model")
    reference: tuple[Number, ...] = Field(description="outputs of the reference")
    error: Number = Field(description="the error at this point")
    output: str = Field(description="name of the output that has this error")


class AxisRecord(Record):
    """One input of the problem."""

    name: str = Field(description="name of the input")
    low: float = Field(description="least value of the input")
    high: float = Field(description="largest value of the input")
    unit: str = Field(description="unit of the input; empty where none is known")
    scale: str = Field(description="`linear` or `log`")
    values: tuple[float, ...] | None = Field(
        description="the values of the input, if it takes no others; else null"
    )


class MeasureRecord(Record):
    """How the error of model against reference is measured."""

    kind: str = Field(description="kind of the error: `absolute`, `relative`, `scaled`, `ulp` or `function`")
    side: str = Field(
        description="`both`, or only model values above (`over`) or below (`under`) the reference count"
    )
    floor: float | None = Field(
        description="of a relative error: the least number by which it is divided; of one in ulp: below it the unit stays"
    )
    scale: tuple[float, ...] | None = Field(description="of a scaled error: what the outputs are divided by")
    unit: str = Field(description="unit of the error; empty where it has none")
    per_output: bool = Field(description="whether all errors are multiples of the tolerances of the outputs")
    failures: str = Field(
        description="what a model without a value counts as: an infinite `error`, or `ignore`"
    )
    precision: str | None = Field(
        default=None,
        description="of an error in ulp: whose unit in the last place it is, `float64` or `float32`",
    )
    joint: bool | None = Field(
        default=None, description="whether an error function gives one number for all of several outputs"
    )


class FiniteRecord(Record):
    """Where the worst error is infinite: what the errors of the other points are like."""

    row: int | None = Field(default=None, description="of a table: the row of `worst`")
    n: int = Field(description="how many of these points have a finite error")
    of: int = Field(description="number of points of the statistics")
    infinite: int = Field(description="how many of these points have an infinite error")
    rms: Number = Field(description="root mean square of the finite errors")
    mean: Number = Field(description="mean of the finite errors")
    quantiles: Mapping[str, Number] = Field(
        description="quantiles of the finite errors; null where the points are too few"
    )
    worst: Number | None = Field(description="the largest finite error found")
