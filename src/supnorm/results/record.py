"""Records: the typed, frozen form of the result of a verb, with its JSON, its JSON Schema and the text of its keys.

A room writes a record as a class of fields, each with its type and a description; nothing else is needed. The JSON
in both directions, the schema of ``supnorm schema`` and the table of keys in docs/results.md all come from it:

>>> import numpy as np
>>> class Peak(Record):
...     x: Mapping[str, float] = Field(description="input values by name")
...     error: Number = Field(description="the error there")
...     row: int | None = Field(None, description="number of the row; only where a table was given")
>>> class Search(Result):
...     SCHEMA: ClassVar[str] = "supnorm.search/1"
...     peaks: tuple[Peak, ...] = Field(description="distinct peaks, worst first")
...     seconds: Seconds = Field(description="wall time")
...     class_: str = Field(description="how expensive a call is: `cheap` or `expensive`")
...     charts: Data = Field(description="data of the pictures")
>>> found = Search(peaks=(Peak(x={"a": 0.5}, error=np.inf),), seconds=1.0, class_="cheap", charts=np.arange(2))
>>> found.to_dict()  # doctest: +NORMALIZE_WHITESPACE
{'schema': 'supnorm.search/1', 'peaks': [{'x': {'a': 0.5}, 'error': 'inf'}], 'seconds': 1.0, 'class': 'cheap',
 'charts': [0, 1]}
>>> Search.from_dict(found.to_dict()) == found
True

The rules:

* `float` is a finite number. `Number` may be infinite (JSON: ``"inf"``, ``"-inf"``) or have no value (NaN, JSON: ``null``).
* A field without a default is always written. One with a default is left out of the JSON while it has that value.
* A field whose name ends in ``_`` has the JSON key without it (``class_``).
* A `Status` is a `StatusField`.
* Other JSON (data of pictures) is `Data`: plain lists, mappings, numbers and text. No record holds an array.
* Keys that a reader does not know are kept and written again: later versions may add some. In Python they are refused.
* A changed copy is ``found.changed(seconds=2.0)``; it is checked as a new one is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)

from supnorm.results.door import DAMAGED, read_json
from supnorm.results.encoding import dumps, from_json, to_json
from supnorm.results.printable import one_line
from supnorm.results.status import BadInput, ExitCode, Status
from supnorm.results.upward import pages

__all__ = ["Data", "Field", "Number", "Record", "Result", "Seconds", "StatusField", "unit"]

READ = {"supnorm": "read"}  # the context while a file is read: unknown keys are kept


def _number(value: Any) -> Any:
    return from_json(value) if value is None or isinstance(value, str) else value


def unit(name: str) -> Any:
    """The unit of a number, for ``Annotated[float, unit("ms")]``."""
    return Field(json_schema_extra={"unit": name})


Number = Annotated[
    float,
    Field(allow_inf_nan=True),
    BeforeValidator(_number),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["inf", "-inf", None]}]}),
]
Seconds = Annotated[float, unit("s")]
Data = Annotated[Any, BeforeValidator(to_json)]
StatusField = Annotated[
    Status,
    PlainSerializer(lambda status: {"code": status.code, "advice": status.advice, "exit": int(status.exit)}),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {
                "code": {"type": "string", "description": "how the result ended, in a word"},
                "advice": {"type": "string", "description": "why it ended, and what to do next"},
                "exit": {
                    "enum": [int(code) for code in ExitCode],
                    "description": "exit code of the command line",
                },
            },
            "required": ["code", "advice", "exit"],
        }
    ),
]


class Record(BaseModel):
    """A part of a result: typed, frozen fields, each with a description (see the module)."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        allow_inf_nan=False,
        protected_namespaces=(),
        alias_generator=lambda name: name.removesuffix("_"),
        populate_by_name=True,
        defer_build=True,  # a run needs few of the records, and building all takes 0.2 s
    )

    def model_post_init(self, context: Any) -> None:
        """Refuse keywords that are no fields, unless they come from a file.

        Raises:
            TypeError: naming them.
        """
        if self.model_extra and context != READ:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(self.model_extra))}")

    def to_dict(self) -> dict[str, Any]:
        """As plain data: mappings, lists, text, numbers; infinite ones as text, those without a value as None."""
        plain: dict[str, Any] = to_json(self.model_dump(by_alias=True, exclude_defaults=True))
        return plain

    def to_json(self) -> str:
        """As JSON text."""
        return dumps(self.to_dict())

    def changed(self, **fields: Any) -> Self:
        """A copy with other values of some fields.

        Raises:
            pydantic.ValidationError: for a value of another type.
            TypeError: for a name that is no field.
        """
        if unknown := set(fields) - set(type(self).model_fields):
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        return type(self).model_validate({**dict(self), **fields}, context=READ)


class Result(Record):
    """A whole result, with the name and number of its schema.

    Attributes:
        SCHEMA: such as ``"supnorm.audit/1"``; it is written first, as ``schema``.
    """

    SCHEMA: ClassVar[str] = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain data, as `Record.to_dict`."""
        return {"schema": self.SCHEMA, **super().to_dict()}

    def _repr_html_(self) -> str:
        """The answer in a notebook, as that of `Recorded`."""
        text: str = pages().embedded(self)
        return text

    @classmethod
    def from_dict(cls, data: Any, where: str = "the result") -> Self:
        """Read what `to_dict` gave; keys that are not known are kept.

        Args:
            data: the mapping.
            where: how a message names it, such as the path of the file.

        Raises:
            BadInput: naming the key, what is wrong with it and what stands there.
        """
        if not isinstance(data, Mapping) or data.get("schema") != cls.SCHEMA:
            raise BadInput(f'{where}: the schema is not "{cls.SCHEMA}"')
        try:
            return cls.model_validate({k: v for k, v in data.items() if k != "schema"}, context=READ)
        except ValidationError as error:
            raise BadInput(f"{where} {DAMAGED}: {_first(error)}") from None

    @classmethod
    def read(cls, path: Path | str, what: str = "", hint: str = "is not a whole JSON file") -> Self:
        """Read a file that `to_json` filled.

        Raises:
            BadInput: when it cannot be read, is no JSON, or not of this schema.
        """
        return cls.from_dict(read_json(Path(path), what, hint), what or str(path))


class HasRecord(Protocol):
    """What has a result as plain data."""

    @property
    def record(self) -> Result:
        """The result as plain data."""


class Recorded:
    """What a verb returns; its ``record`` holds what was found."""

    def to_dict(self: HasRecord) -> dict[str, Any]:
        """The record as strict JSON data, with its schema: infinite numbers as text, those without a value as None."""
        return self.record.to_dict()

    def to_json(self: HasRecord) -> str:
        """The record as JSON text."""
        return self.record.to_json()

    def to_html(self: HasRecord) -> str:
        """The page as HTML text: what `supnorm.write_page` writes into a file."""
        text: str = pages().page_text(self.record)
        return text

    def _repr_html_(self: HasRecord) -> str:
        """The answer in a notebook: verdict, sentence, and the picture or the table that carries it."""
        text: str = pages().embedded(self.record)
        return text


def _first(error: ValidationError) -> str:
    """The first fault in words: the key, what is wrong, and what was got."""
    fault = error.errors(include_url=False)[0]
    key = ".".join(map(str, fault["loc"])) or "it"
    if fault["type"] == "missing":
        return f"it has no {one_line(repr(key), 80)}"
    return f"{one_line(key, 80)}: {fault['msg'][:1].lower()}{fault['msg'][1:]}, got {one_line(repr(fault['input']), 60)}"
