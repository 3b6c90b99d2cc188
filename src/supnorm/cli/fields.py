"""Options of a command from the fields of dataclasses, which alone define default, help and limits."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, TypeVar

import typer

from supnorm.results.numbers import literal
from supnorm.results.option import Option, options_of

Made = TypeVar("Made")
Command = Callable[..., int]


def with_options_of(*classes: type) -> Callable[[Command], Command]:
    """A command with an option for each `supnorm.results.option.option` of the classes.

    The command gets them in its ``**given`` by the names of the fields, as the user wrote them; None if not given.
    """

    def decorate(command: Command) -> Command:
        generated = [parameter for cls in classes for parameter in _parameters(cls)]
        return with_parameters(command, lambda **given: command(**given), generated)

    return decorate


def with_parameters(
    command: Command, changed: Command, more: Sequence[inspect.Parameter], without: Sequence[str] = ()
) -> Command:
    """``changed`` with the docstring and the parameters of ``command``, and with ``more`` after the first parameter."""
    keyword, rest = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD
    every = inspect.signature(command, eval_str=True).parameters.values()
    explicit = [p for p in every if p.kind is not rest and p.name not in without]
    parameters = [p.replace(kind=keyword) for p in (explicit[0], *more, *explicit[1:])]
    changed.__doc__, changed.__module__ = command.__doc__, command.__module__
    changed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    changed.__annotations__ = {p.name: p.annotation for p in parameters}
    return changed


def _parameters(cls: type) -> list[inspect.Parameter]:
    defaults = {f.name: f.default for f in dataclasses.fields(cls)}
    parameters = []
    for name, option in options_of(cls).items():
        shown = _text(defaults[name])
        help = option.help + (f" [default: {shown}]" if shown and "[default:" not in option.help else "")
        declared = declared_option(replace(option, help=help))
        parameters.append(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[option.kind | None, declared],
            )
        )
    return parameters


def declared_option(option: Option) -> Any:
    """What typer knows of an option; a number is read by `supnorm.results.option.NumberText`, and nothing else."""
    number = option.number
    metavar = option.metavar or ({int: "N", float: "NUMBER"}.get(option.kind) if number else None)
    return typer.Option(option.name, metavar=metavar, parser=number, help=option.help, show_default=False)


def number_option(name: str, help: str, kind: type = float, **limits: Any) -> Any:
    """The same for an option of a single verb; ``limits`` are fields of `Option`."""
    return declared_option(Option(name=name, help=help, kind=kind, **limits))


def _text(default: Any) -> str:
    """A default as a user would write it; empty if there is none.

    >>> _text((32, 64)), _text(4), _text("auto"), _text(None)
    ('32,64', '4', 'auto', '')
    """
    if default is dataclasses.MISSING or default is None:
        return ""
    if isinstance(default, str):
        return default
    return ",".join(map(str, default)) if isinstance(default, tuple) else literal(default, 6)


def written(cls: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a class that the user gave, by name without dashes."""
    names = {name: option.name.removeprefix("--") for name, option in options_of(cls).items()}
    return {names[name]: given[name] for name in names if given[name] is not None}


def made(cls: type[Made], given: Mapping[str, Any], **more: Any) -> Made:
    """An object of the class from the options that the user gave.

    Args:
        cls: the class.
        given: the texts of the options, by the names of the fields.
        more: values of other fields; a function reads the text of an option.

    Raises:
        BadInput: for an option that cannot be read.
    """
    fields: dict[str, Any] = {}
    for name, option in options_of(cls).items():
        read = more.pop(name, option.read)
        if given[name] is not None:
            fields[name] = read(given[name], option.name) if read else given[name]
    return cls(**fields, **more)
