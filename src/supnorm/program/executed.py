"""Which instructions of the user's code were executed, so that reading it and running it can be compared.

`supnorm.program.recording` records them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from supnorm.program.given import Given, kinds
from supnorm.program.later import Later

# With these, code can see that its instructions are recorded, or end the recording; or what NumPy warned of.
INTROSPECTION = frozenset(
    {"gettrace", "settrace", "setprofile", "getprofile", "settrace_all_threads", "monitoring", "f_trace"}
    | {
        "__code__",
        "__supnorm_see__",
        "__supnorm_entered__",
        "f_trace_opcodes",
        "_getframe",
        "_current_frames",
        "currentframe",
        "_getframemodulename",
    }
    # These tell of a warning.
    | {"__warningregistry__", "onceregistry", "_onceregistry"}
)
# Values of an expression that are kept, some 300 bytes each; of those behind them, what tells unseen what a value is.
MOST = 1000
TELLING = frozenset({"asks", "unseen", "finds"})

Entered = tuple[CodeType, int]  # code, and the number of the thread


@dataclass(eq=False)
class Executed:
    """Instructions of the user's code that were executed.

    Attributes:
        offsets: those of each code object, in the order in which they were executed first.
        steps: how many instructions were executed, each as often as it was.
        objects: these code objects by identity; several may be equal, such as those of a file that was loaded twice.
        names: the global names of each, by the same identity.
        readers: names of the readers that have read code meanwhile.
        values: what each watched expression gave (`expressions`), by its number, in order; at most `MOST` values of each.
        later: the others of each expression with more values.
        ended: whether code has ended the recording, or has set a trace function beside it.
        raised: of each code object, the instructions that raised an error or passed one on, with the error's type, and how
            often.
        entered: how often each code object was entered by each thread, as a list of this one number; the thread that
            records has the number 0.
        failures: the same errors in these calls, each with the number of its call.
        dropped: whether nobody will look at it (`unrecorded`).
    """

    offsets: dict[CodeType, dict[int, None]] = field(default_factory=dict)
    steps: int = 0
    objects: dict[int, CodeType] = field(default_factory=dict)
    names: dict[int, dict[str, Any]] = field(default_factory=dict)
    readers: set[str] = field(default_factory=set)
    values: dict[int, list[Given]] = field(default_factory=dict)
    later: dict[int, Later] = field(default_factory=dict)
    ended: bool = False
    raised: dict[CodeType, Counter[tuple[int, type]]] = field(default_factory=dict)
    entered: dict[Entered, list[int]] = field(default_factory=dict)
    failures: dict[Entered, list[tuple[int, int, type]]] = field(default_factory=dict)
    dropped: bool = False

    def join(self, other: Executed) -> None:
        """Add what another recording has."""
        self.readers |= other.readers
        self.objects |= other.objects
        self.names |= other.names
        self.steps += other.steps
        for code, offsets in other.offsets.items():
            self.offsets.setdefault(code, {}).update(offsets)
        for code, raised in other.raised.items():
            self.raised.setdefault(code, Counter()).update(raised)
        self.ended |= other.ended
        for one, entered in other.entered.items():
            known_entered = self.entered.setdefault(one, [0])
            for i, at, error in other.failures.get(one, ()):
                self.failures.setdefault(one, []).append((known_entered[0] + i, at, error))
            known_entered[0] += entered[0]
        for number, values in other.values.items():
            known = self.values.setdefault(number, [])
            for one in values:
                self.tell(number, one, known)
        for number, later in other.later.items():
            self.later.setdefault(number, Later()).extend(later)

    def tell(self, number: int, one: Given, known: list[Given]) -> None:
        """Add a value of an expression to those that are known of it."""
        if len(known) < MOST or kinds(one) & TELLING:
            known.append(one)
        else:
            self.later.setdefault(number, Later()).add(one)

    def beyond(self, other: Executed) -> tuple[CodeType, int] | None:
        """The first instruction that was executed here and not there: code and offset; None if there is none."""
        for code, offsets in self.offsets.items():
            known = other.offsets.get(code, {})
            for offset in offsets:
                if offset not in known:
                    return code, offset
        return None

    def raised_beyond(self, other: Executed) -> tuple[CodeType, int, type] | None:
        """The first error that an instruction raised more often here than there, where it was executed, too.

        Returns:
            Code, offset, the error's type; None if there is none.
        """
        for code, raised in self.raised.items():
            executed, known = other.offsets.get(code, {}), other.raised.get(code, Counter())
            for (offset, error), often in raised.items():
                if "torch" in self.readers | other.readers:  # torch.export may execute code more than once
                    often = 1
                if offset in executed and often > known[offset, error]:
                    return code, offset, error
        return None

    def failed_in_other_calls(self, other: Executed) -> tuple[CodeType, int, type] | None:
        """An error of code whose calls did not fail here as they failed there, one after the other.

        Where there were more calls there, as JAX and torch may execute code again, those here have to be some of them.
        """
        # Several threads may share work in another way each time.
        known = range(2 if max((n for _, n in (*self.entered, *other.entered)), default=0) < 2 else 1)
        for one in {**self.failures, **other.failures}:
            if one[1] not in known or one not in self.entered or one not in other.entered:
                continue
            mine, its = self.failures.get(one, []), other.failures.get(one, [])
            same = mine == its if self.entered[one] == other.entered[one] else self._among(other, one)
            if (mine or its) and not same:
                _, offset, error = (mine or its)[0]
                return one[0], offset, error
        return None

    def _among(self, other: Executed, code: Entered) -> bool:
        both: list[dict[int, list[tuple[int, type]]]] = [{}, {}]
        for seen, known in zip((self, other), both, strict=True):
            for number, offset, error in seen.failures.get(code, []):
                known.setdefault(number, []).append((offset, error))
        rest = iter(both[1].get(i, []) for i in range(1, other.entered[code][0] + 1))
        return all(both[0].get(i, []) in rest for i in range(1, self.entered[code][0] + 1))

    def introspection(self) -> tuple[CodeType, str] | None:
        """Code that names what could see or end a recording, and this name."""
        for code in self.offsets:
            texts = (*code.co_names, *(c for c in code.co_consts if isinstance(c, str)))
            if named := INTROSPECTION.intersection(texts):
                return code, min(named)
        return None
