"""Runs calls of NumPy alone, on arrays of random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from supnorm.foreign import is_any
from supnorm.program.branches import Comparison
from supnorm.program.each_operator import Case, Operators
from supnorm.program.operations import Unreadable
from supnorm.program.recording import unrecorded
from supnorm.program.tracing import Tensor
from supnorm.program.watched import Unlike, Watched


class Calls(Operators):
    """Collects calls of NumPy while code is traced."""

    def note_call(
        self, read: Callable[..., Any], caller: Any, args: tuple[Any, ...], named: dict[str, Any]
    ) -> None:
        """Note a call of NumPy that was read, to be compared with what it is alone.

        Args:
            read: the method of what stands for an array that reads the call.
            caller, args, named: its arguments.
        """
        with unrecorded():
            name = read.__name__
            if (
                name == "__array_ufunc__"
            ):  # its method is `__call__`; what it is written into changes after it
                run, given, options = args[0], args[2:], {k: v for k, v in named.items() if k != "out"}
            elif name == "__array_function__":
                run, given, options = args[0], args[2], args[3]
            else:
                run, given, options = None, (caller, *args), named
            stands = [*_stands([given, options])]
            values = iter([_value(one) for one in stands])
            if not all(isinstance(_value(one), Tensor | Comparison) for one in stands):
                return
            arguments = _mapped([tuple(given), options], (Watched,), lambda _: next(values))

            def ran(some: Any) -> Any:
                positional, others = some
                if run is None:
                    return getattr(positional[0], name)(*positional[1:], **others)
                return run(*positional, **others)

            def again(build: Any, some: Any) -> list[Any]:
                build.events, build.thread, build.calling = caller.build.events, caller.build.thread, True
                kinds = iter(map(type, stands))
                positional, others = _mapped(
                    some, (Tensor, Comparison), lambda value: next(kinds)(build, value)
                )
                first = next(one for one in _stands([positional, others]) if type(one) is type(caller))
                if name == "__array_ufunc__":
                    result = read(first, run, args[1], *positional, **others)
                elif name == "__array_function__":
                    result = read(first, run, args[1], positional, others)
                else:
                    result = read(*positional, **others)
                return [_value(one) for one in (result if is_any(type(result), list, tuple) else [result])]

            shown = name if run is None else run.__name__
            types = [caller.build.least] * len(stands)
            self.note(caller.build, f"np.{shown}", repr(run), arguments, types, again, ran)

    def demand_alike(self) -> None:
        """Run all calls, and compare.

        Raises:
            Unlike: names a call that gives other numbers than were read of it; then no other reader may be tried.
        """
        try:
            with unrecorded():
                self.demand(_by_numpy)
        except Unreadable as error:
            raise Unlike(error.operation, error.nearest) from None


def _by_numpy(cases: Sequence[Case]) -> list[list[list[Any]]]:
    """For each call its results at each draw."""
    with np.errstate(all="ignore"):
        results = [[case.token(arguments) for arguments in case.arguments] for case in cases]
    return [[list(one) if is_any(type(one), list, tuple) else [one] for one in draws] for draws in results]


def _stands(value: Any) -> Iterator[Any]:
    """What stands for an array, also in lists."""
    if issubclass(type(value), Watched):
        yield value
    elif is_any(type(value), list, tuple, dict):
        for one in value.values() if type(value) is dict else value:
            yield from _stands(one)


def _mapped(value: Any, kinds: tuple[type, ...], change: Callable[[Any], Any]) -> Any:
    """Nested arguments with others for those of these classes."""
    kind = type(value)
    if issubclass(kind, kinds):
        return change(value)
    if kind is dict:
        return {k: _mapped(v, kinds, change) for k, v in value.items()}
    return kind([_mapped(one, kinds, change) for one in value]) if is_any(kind, list, tuple) else value


def _value(one: Any) -> Any:
    """The tensor or comparison of what stands for an array; None for all else."""
    held = vars(one) if issubclass(type(one), Watched) else {}
    return held.get("value", held.get("comparison"))
