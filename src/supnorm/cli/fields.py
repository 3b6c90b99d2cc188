"""Options of a command that are fields of dataclasses: default, help and limits stand there and nowhere else."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

import typer

from supnorm.results.option import options_of

Made = TypeVar("Made")
Command = Callable[..., int]


def with_options_of(*classes: type) -> Callable[[Command], Command]:
    """A command with an option for each `supnorm.results.option.option` of the classes.

    They reach it in its ``**given`` by the names of the fields, as they were written; None where they were not.
    """

    def decorate(command: Command) -> Command:
        own = [
            p
            for p in inspect.signature(command, eval_str=True).parameters.values()
            if p.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        generated = [parameter for cls in classes for parameter in _parameters(cls)]
        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [p.replace(kind=keyword) for p in (own[0], *generated, *own[1:])]

        def with_options(**given: Any) -> int:
            return command(**given)

        with_options.__doc__ = command.__doc__
        with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        with_options.__annotations__ = {p.name: p.annotation for p in parameters}
        return with_options

    return decorate


def _parameters(cls: type) -> list[inspect.Parameter]:
    defaults = {f.name: f.default for f in dataclasses.fields(cls)}
    parameters = []
    for name, option in options_of(cls).items():
        shown = _text(defaults[name])
        help = option.help + (f" [default: {shown}]" if shown and "[default:" not in option.help else "")
        declared = typer.Option(
            option.name,
            metavar=option.metavar,
            min=option.low,
            max=option.high,
            help=help,
            show_default=False,
        )
        parameters.append(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[option.kind | None, declared],
            )
        )
    return parameters


def _text(default: Any) -> str:
    """A default as it would be written; empty where there is none.

    >>> _text((32, 64)), _text(4), _text(None)
    ('32,64', '4', '')
    """
    if default is dataclasses.MISSING or default is None:
        return ""
    return ",".join(map(str, default)) if isinstance(default, tuple) else f"{default:g}"


def written(cls: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a class that were written, by name without dashes."""
    names = {name: option.name.removeprefix("--") for name, option in options_of(cls).items()}
    return {names[name]: given[name] for name in names if given[name] is not None}


def made(cls: type[Made], given: Mapping[str, Any], **more: Any) -> Made:
    """An object of the class from the options that were written.

    Args:
        cls: the class.
        given: what was written, by the names of the fields.
        more: other fields; a function reads the text of an option.

    Raises:
        BadInput: for an option that cannot be read.
    """
    fields: dict[str, Any] = {}
    for name, option in options_of(cls).items():
        read = more.pop(name, option.read)
        if given[name] is not None:
            fields[name] = read(given[name], option.name) if read else given[name]
    return cls(**fields, **more)
