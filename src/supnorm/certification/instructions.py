"""Whether the instructions that run on arrays are those that were executed while the code was read.

The program that a proof is about comes from one execution of the user's code on an object that stands for an array. Code
that asks what it is given (``type(x) is np.ndarray``, ``torch.compiler.is_exporting()``, a question in ``try``) or how many
points there are can go another way with arrays. On a small part of the domain no comparison of results shows this. What is
executed shows it:

* instructions that run and were never executed while the code was read (`demand_read`);
* instructions that raise an error while the code is read and none when they run, or the other way round (`demand_raised`),
  as in ``try: Decimal(v)``: Python's own functions refuse what stands for an array;
* expressions that give another number, truth value, text, type or function than while the code was read
  (`demand_same`), as in ``bump(x) * (type(x) is np.ndarray)``.

All are named, with file and line.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from types import CodeType

from supnorm.program.asking import asking_name, asking_step
from supnorm.program.elsewhere import Spot
from supnorm.program.executed import Executed
from supnorm.program.expressions import EXPRESSIONS, Expression, has_source, is_changed
from supnorm.program.given import NUMBERS, Given, alike, in_words, kinds
from supnorm.program.later import Later
from supnorm.results import BadInput
from supnorm.results.numbers import count


def demand_read(read: Executed, runs: Executed, what: str, points: int) -> None:
    """Check that all that runs was read.

    Args:
        read: instructions that were executed while the code was read.
        runs: those that were executed in a call with arrays.
        what: "model" or "reference".
        points: the number of points of this call.

    Raises:
        BadInput: names the first instruction that runs and was not read, or code that looks at its own execution.
    """
    if not read.readers:  # the program stood in a file, or came with the function
        return
    for seen in (read, runs):
        if (introspects := seen.introspection()) is not None:
            code, name = introspects
            raise BadInput(
                f"certify cannot read the {what}: {_where(code, None)} names {name}, by which code sees how Python executes "
                "it; a proof is about code that does the same when it is read and when it runs: leave it out"
            )
        if seen.ended:
            raise BadInput(
                f"certify cannot read the {what}: a call of it sets a trace function of Python (sys.settrace), so that "
                "certify cannot record what it executes; leave it out"
            )
    beyond = runs.beyond(read)
    if beyond is None:
        return
    asks = (
        "what it is given (type, isinstance, is_exporting, try)"
        if points == 1
        else f"what it is given (type, isinstance, is_exporting, try) or how many points there are ({count(points)} here)"
    )
    raise BadInput(
        f"certify cannot read the {what}: {_where(*beyond)} runs on arrays and was not executed while the code was read. "
        f"The code asks {asks} and goes another way then, so that another function would be proved than runs; write one "
        "way for all arrays"
    )


ROUNDING = 1e-9  # relative
_CAUGHT = (
    "The code catches it and goes another way then, so that another function would be proved than runs; write one way for "
    "all arrays, without try"
)


def demand_raised(read: Executed, runs: Executed, what: str) -> None:
    """Check that the same instructions raise the same errors, as often, of those that were executed both times.

    Args:
        read: what was executed while the code was read, a moment ago: it may have loaded something the first time.
        runs: what was executed in a call with arrays.
        what: "model" or "reference".

    Raises:
        BadInput: names the instruction and the error.
    """
    for one, other, when, else_ in (
        (read, runs, "while the code is read", "when it runs on arrays"),
        (runs, read, "when it runs on arrays", "while the code is read"),
    ):
        if (beyond := one.raised_beyond(other)) is not None:
            code, offset, error = beyond
            some = (offset, error) in other.raised.get(code, ())
            often = f"more often {when} than {else_}" if some else f"{when} and not {else_}"
            raise BadInput(
                f"certify cannot read the {what}: {_where(code, offset)} raises {error.__name__} {often}. {_CAUGHT}"
            )
    if (beyond := runs.failed_in_other_calls(read)) is not None:
        code, offset, error = beyond
        raise BadInput(
            f"certify cannot read the {what}: {_where(code, offset)} raises {error.__name__} in other calls when it runs on "
            f"arrays than while the code is read. {_CAUGHT}"
        )


# Code whose expressions cannot be watched, because its source is not known, may not name what tells what a value is.
ASKING = frozenset(
    {
        "type",
        "isinstance",
        "issubclass",
        "hasattr",
        "getattr",
        "id",
        "vars",
        "dir",
        "memoryview",
        "getsizeof",
        "Tracer",
    }
    | {
        "__qualname__",
        "__self__",
        "__func__",
        "__doc__",
        "__array_ufunc__",
        "__array_function__",
        "__class__",
        "__mro__",
        "__dict__",
        "is_exporting",
        "is_compiling",
        "is_tracing",
        "exec",
        "eval",
        "compile",
    }
    | {
        "globals",
        "locals",
        "__import__",
        "import_module",
        "is_fake",
        "singledispatch",
        "repr",
        "getrefcount",
        "methodcaller",
        "isscalar",
        "iterable",
    }
    | {
        "__sizeof__",
        "__doc__",
        "__module__",
        "__dir__",
        "__repr__",
        "__slots__",
        "__reduce_ex__",
        "attrgetter",
    }
)


def demand_watched(executed: Iterable[Executed], copies: Container[CodeType], what: str) -> None:
    """Check that all code was watched that has a source, and that other code reaches nothing that tells what a value is.

    Args:
        executed: what was executed while expressions were watched.
        copies: the code whose expressions are watched.
        what: "model" or "reference".

    Raises:
        BadInput: names the code, and what it names.
    """
    met = {i: (code, seen.names.get(i, {})) for seen in executed for i, code in seen.objects.items()}
    for code, names in met.values():  # each once: to find who holds it takes up to 0.1 s
        if code in copies:
            continue
        if has_source(code):
            raise BadInput(
                f"certify cannot read the {what}: {_where(code, None)} runs as a function that got its code or its built-in "
                "names in another way than by def or lambda, or as a generator that began before, so that certify cannot "
                "compare what its expressions give; write it as a function"
            )
        if is_changed(code):
            raise BadInput(
                f"certify cannot read the {what}: {_where(code, None)} is not what stands in this file now (it was edited "
                "since it was loaded, or an import hook or code.replace has changed it), so that certify cannot compare "
                "what its expressions give; load the file again as it is"
            )
        named = (
            min(ASKING.intersection(code.co_names), default=None)
            or asking_name(code, names)
            or asking_step(code)
        )
        if named:
            raise BadInput(
                f"certify cannot read the {what}: {_where(code, None)} names {named}, by which code can see whether it "
                f"is read, and the source of this code is not known (it was made from text); {_instead(code)}"
            )


def _instead(code: CodeType) -> str:
    """What to write instead of code that was made from text: a dataclass makes its methods so."""
    if "__create_fn__" not in code.co_qualname:
        return "write it into a file"
    return (
        f"a dataclass made it: write @dataclass(repr=False, eq=False), or a method {code.co_name} of your own"
    )


def demand_followed(spots: Sequence[Spot], what: str) -> None:
    """Check that no code of the user ran in a thread whose execution is not recorded.

    Args:
        spots: where it did.
        what: "model" or "reference".

    Raises:
        BadInput: names the code and the thread.
    """
    if spots:
        code, line, thread = spots[0]
        raise BadInput(
            f"certify cannot read the {what}: {Path(code.co_filename).name} line {line} ({code.co_qualname}) runs "
            f"meanwhile in a thread that was started before ({thread}), where certify cannot compare what runs "
            "with what was read; compute without this thread, or start it inside of the function; if it does other work, "
            "end it before"
        )


def demand_same(
    read: Executed,
    runs: Sequence[Executed],
    what: str,
    rows: tuple[int, int] | None = None,
    steady: Executed | None = None,
) -> None:
    """Check that expressions give what they gave while the code was read, apart from the arrays.

    Args:
        read: what the expressions gave while the code was read.
        runs: what they gave in calls with the same array. Where these differ (a counter, a clock), nothing is compared.
        what: "model" or "reference".
        rows: the numbers of rows of what was read and of the array, if they are different ones. Then a number may be the
            same or grow in proportion to the rows, as a size does; numbers of other turns, and shapes, may be any.
        steady: a second call with one row: what differs in it from the first is not compared with more rows.

    Raises:
        BadInput: names the expression, and both values.
    """
    _demand_seen(read, what)
    first, *others = runs
    alone = rows is None and read.readers == {"numpy"}  # then the same is executed as often
    for number, values in first.values.items():
        later = first.later.get(number, Later())
        if any(
            (other.values.get(number), other.later.get(number, later)) != (values, later) for other in others
        ):
            if alone and any(_differ_in_course(values, other.values.get(number, [])) for other in others):
                raise BadInput(_unsteady(EXPRESSIONS[number], what))
            continue
        if alone and _count(first, number) != _count(read, number):
            raise BadInput(_as_often(EXPRESSIONS[number], what))
        if rows and steady is not None and steady.values.get(number) != read.values.get(number):
            continue
        if EXPRESSIONS[number].course and not rows and not _within(values, read.values.get(number, [])):
            raise BadInput(_as_often(EXPRESSIONS[number], what))
        unread = next(
            (v for v in values if not _was_read(v, values, read.values.get(number, []), rows)), None
        )
        if unread is None and len(later) and not _explained(read, number, later, rows):
            raise BadInput(_as_often(EXPRESSIONS[number], what))
        if unread is not None:
            more = rows is not None and rows[1] > 1
            raise BadInput(_differs(EXPRESSIONS[number], unread, read.values.get(number, []), what, more))


def _demand_seen(read: Executed, what: str) -> None:
    """Refuse expressions by which code could learn unseen what it is given."""
    for number, values in read.values.items():
        one, seen = EXPRESSIONS[number], set().union(*map(kinds, values))
        if "unseen" in seen:
            raise BadInput(
                f"certify cannot read the {what}: {Path(one.file).name} line {one.line} uses {one.text}, by which code can "
                "look into memory, start a thread, see an array end or change NumPy's settings unseen, and so see whether "
                "it is read or what it is given; leave it out"
            )
        if "finds" in seen or (one.compared and _looked_for(one, values)):
            raise BadInput(
                f"certify cannot read the {what}: {Path(one.file).name} line {one.line} looks for arrays in {one.text}, or "
                "compares lists of them; what is the same object there is another one where the code runs; compare numbers "
                "by NumPy's functions"
            )
        if not one.called and "asks" in seen:
            raise BadInput(
                f"certify cannot read the {what}: {Path(one.file).name} line {one.line} hands {one.text} to other code, "
                "which can ask with it unseen what it is given; call it where its answer is used"
            )


def _looked_for(one: Expression, values: list[Given]) -> bool:
    """Whether an array is looked for in another object, or a list that holds one is compared."""
    arrays = {"stands", "tensor"}
    return any(
        (one.compared == "in" and value[0] in arrays) or (value[0] == "many" and arrays & kinds(value))
        for value in values
    )


def _differ_in_course(one: list[Given], other: list[Given]) -> bool:
    """Whether two calls differ in more than numbers, texts and arrays: in how often they come by, or in a truth value."""
    if len(one) != len(other):
        return True
    free = ("array", "tensor", "object", "many")
    return any(
        a != b and not (a[0] == b[0] and (a[0] in free or (a[0] == "plain" and a[1] == b[1] != "bool")))
        for a, b in zip(one, other, strict=True)
    )


def _count(seen: Executed, number: int) -> tuple[int, int]:
    """How many values an expression gave, those that are kept whole and the others."""
    return len(seen.values.get(number, [])), len(seen.later.get(number, ()))


def _explained(read: Executed, number: int, later: Later, rows: tuple[int, int] | None) -> bool:
    """Whether values behind those that are kept whole were read; with another number of rows, truth values and types."""
    of_read = read.later.get(number, Later())
    if len(of_read) != len(later):  # in any order
        of_read = of_read.after(read.values.get(number, []))
    if rows is not None and rows[0] != rows[1]:
        return of_read.same_answers(later)
    return of_read.explains(later)


def _within(ran: list[Given], read: list[Given]) -> bool:
    """Whether a statement went all of its ways when it was read, in this order: JAX and torch may execute it more often."""
    rest = iter(read)
    return all(one in rest for one in ran)


def _as_often(expression: Expression, what: str) -> str:
    where = f"{Path(expression.file).name} line {expression.line}: {_short(expression.text)}"
    return (
        f"certify cannot read the {what}: {where} is executed more or less often, or in another order, with arrays than "
        "while the code was read. The code asks what it is given, or how Python executes it, so that another function would "
        "be proved than runs; write one way for all arrays, without this question"
    )


def _unsteady(expression: Expression, what: str) -> str:
    where = f"{Path(expression.file).name} line {expression.line}: {_short(expression.text)}"
    return (
        f"certify cannot read the {what}: {where} goes another way from call to call with the same points, so that certify "
        "cannot compare what runs with what was read; compute each point in the same way in each call"
    )


def _short(text: str) -> str:
    return text if len(text) < 60 else f"{text[:57]}.."


def _was_read(one: Given, ran: list[Given], read: list[Given], rows: tuple[int, int] | None) -> bool:
    """Whether a value was read: at the same turn, or at any turn where there were more turns or fewer."""
    if rows and one[:2] in (("plain", "int"), ("plain", "float")):
        at_turns = zip(read, ran, strict=True) if len(ran) == len(read) else ()
        return all(_in_proportion(r, s, *rows) for r, s in at_turns if s is one)
    if rows and one[:2] == ("array", ()):
        at_turns = zip(read, ran, strict=True) if len(ran) == len(read) else ()
        return all(_scalars_in_proportion(r, s, *rows) for r, s in at_turns if s is one)
    if rows and not (one[0] in ("type", "function") or one[:2] in (("plain", "bool"), ("plain", "NoneType"))):
        return True
    if len(ran) != len(read):
        return any(alike(r, one) for r in read)
    return all(alike(r, s) for r, s in zip(read, ran, strict=True) if s is one)


def _in_proportion(read: Given, ran: Given, rows_read: int, rows_ran: int) -> bool:
    """Whether a number is the same for both numbers of rows, or in proportion to them."""
    if read[:2] != ran[:2]:
        return alike(read, ran)
    one, other = float(read[2]), float(ran[2])
    return other == one or other * rows_read == one * rows_ran != 0.0 or other != other != one


def _scalars_in_proportion(read: Given, ran: Given, rows_read: int, rows_ran: int) -> bool:
    """The same for numbers of NumPy, but for rounding: a sum of some numbers of a row may have another order in a batch."""
    if read[:3] != ran[:3] or ran[2][1:] not in NUMBERS:
        return True
    if ran[2][1] == "b":
        return bool(read[3] == ran[3])
    one, other = float(read[3]), float(ran[3])
    pairs = (one, other), (one * rows_ran, other * rows_read)
    return one != one or any(a == b or abs(a - b) <= ROUNDING * max(abs(a), abs(b)) for a, b in pairs)


def _differs(expression: Expression, ran: Given, read: list[Given], what: str, more: bool) -> str:
    before = next((r for r in read if not alike(r, ran)), None)
    text = _short(expression.text)
    then = "was not computed" if before is None else f"gave {in_words(before)}"
    line = f"{Path(expression.file).name} line {expression.line}"
    where = f"certify cannot read the {what}: {line}: {text} gives {in_words(ran)}"
    if more:
        then = then.replace("was not computed", "is not computed").replace("gave", "gives")
        return (
            f"{where} with several points, and {then} with one, as the code was read. The code uses how many points there "
            "are, so that another function would be proved than runs; compute each point from its own row alone (a "
            "number may stay the same or grow in proportion to the rows)"
        )
    return (
        f"{where} with arrays, and {then} while the code was read. The code asks what it is given, or how Python executes "
        "it, so that another function would be proved than runs; write one way for all arrays, without this question"
    )


def _where(code: CodeType, offset: int | None) -> str:
    """File, line and function of an instruction."""
    line: int | None = code.co_firstlineno
    if offset is not None:
        line = next((n for start, end, n in code.co_lines() if start <= offset < end and n), line)
    return f"{Path(code.co_filename).name} line {line} ({code.co_qualname})"
