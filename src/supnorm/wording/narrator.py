"""From facts to sentences: fields with a format of ours, and three marks for HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from string import Formatter
from typing import Any

from markupsafe import Markup, escape

from supnorm.results import numbers
from supnorm.results.duration import duration
from supnorm.results.outward import rounded_down, rounded_up
from supnorm.results.parts import AxisRecord, Fact, Sentence

# Marks of a template: how each looks in HTML; as text its words are left.
_MARKS = {
    re.compile(r"\*\*(.+?)\*\*"): r"<b>\1</b>",
    re.compile(r"`([^`]+)`"): r"<code>\1</code>",
    re.compile(r"\[#([a-z-]+):([^\]]+)\]"): r'<a href="#\1">\2</a>',
    re.compile(r"\[\.([a-z-]+):([^\]]+)\]"): r'<span class="\1">\2</span>',
    re.compile(r"\[([a-z0-9-]+):([^\]]+)\]"): r'<a class="term" href="#g-\1" data-term="\1">\2</a>',
}
# How a value is written; the number formats are those of results/numbers.py.
_FORMATS: Mapping[str, Callable[..., str]] = {
    "": str,
    "num": numbers.num,
    "at most": numbers.at_most,
    "at least": numbers.at_least,
    "from log10": numbers.from_log10,
    "at least from log10": numbers.at_least_from_log10,
    "beyond one": numbers.beyond_one,
    "literal": numbers.literal,
    "exact": numbers.exact,
    "count": numbers.count,
    "ratio": numbers.ratio,
    "percent": numbers.percent,
    "share": numbers.share,
    "spelled": numbers.spelled,
    "Spelled": lambda n: numbers.spelled(n).capitalize(),
    "duration": duration,
    "exact point": lambda at: ", ".join(f"{name} = {numbers.exact(x)}" for name, x in at.items()),
    "in": lambda many: ", ".join(f"{name} in {numbers.count(n)}" for name, n in many.items()),
    "at": lambda many: ", ".join(f"{name} at {numbers.count(n)}" for name, n in many.items()),
    "rows": lambda rows: ", ".join(map(numbers.count, rows)),
}
_ROUNDED: Mapping[str, Callable[[float, int], float]] = {
    "error": lambda value, digits: value,
    "error at most": rounded_up,
    "error at least": rounded_down,
}
# Between further facts that are a value.
_JOINTS = {"list": ", ", "and": " and ", "points": "; "}


@dataclass(frozen=True)
class Narrator:
    """Renders facts by their templates.

    A template is a sentence with the values of its fact in braces:

    * ``{name:format}``: a value in a number format: ``num``, ``exact`` (all digits), ``count``, ``ratio``, ``percent``,
      ``share``, ``spelled``, ``Spelled``, ``duration``, ``from log10``, ``beyond one``, ``literal`` (for a command); bounds
      ``at most`` and ``at least`` are rounded outwards; ``error``, ``error at most`` and ``error at least`` have the unit of
      the run's error; ``num 2`` has two digits, ``num {digits}`` as many as the value ``digits``.
    * ``rows`` of several numbers; ``point`` ("a = 0.5 m, b = 2"; ``exact point`` with all digits and without units), ``in``
      ("a in 5") and ``at`` of numbers by name; ``list``, ``points`` and ``and`` of further facts, whose words are joined by
      a comma, a semicolon or "and".
    * ``{n:one row|{n:count} rows}``: one or several, by the number ``n``.
    * ``{name?:words}``, ``{name?:words|other words}``: whether the fact has this value; a count of zero, false and what is
      empty are none.

    Marks are for pages; in plain text their words are left: ``**words**`` is bold, a command stands between backticks,
    ``[rms:typical error]`` links to an entry of the glossary, ``[#where:point]`` to a section of the page, and
    ``[.nb:words]`` has a style class. Blanks at the ends of a template are left out, so that its optional sentences may
    each begin with one.

    Args:
        templates: the template of each code.
        error: writes an error with its unit.
        units: of inputs, by name, as they are printed (`units_of`); of an input that is not there no unit is printed.

    >>> template = "The [rms:RMS] of {n:one point|{n:count} points} is **{rms:error}**.{worst?: One has {worst:error}.}"
    >>> say = Narrator({"found": template}, numbers.ErrorUnit("relative"))
    >>> fact = Fact(code="found", values={"n": 20000, "rms": 0.0123})
    >>> say.text(fact), say.text(Fact(code="found", values={"n": 1, "rms": 0.5, "worst": 0.5}))
    ('The RMS of 20,000 points is 1.23 %.', 'The RMS of one point is 50 %. One has 50 %.')
    >>> print(say.html(fact))
    The <a class="term" href="#g-rms" data-term="rms">RMS</a> of 20,000 points is <b>1.23 %</b>.
    """

    templates: Mapping[str, str]
    error: numbers.ErrorUnit = numbers.ErrorUnit("absolute")
    units: Mapping[str, str] = field(default_factory=dict)

    def text(self, *facts: Fact) -> str:
        """The facts as plain text, one after the other.

        Raises:
            KeyError: for a code without a template, or a value that the template names and the fact lacks.
        """
        return " ".join(map(self._text, facts))

    def say(self, fact: Fact) -> Sentence:
        """The fact with its sentence, for a result.

        Raises:
            KeyError: as `text`.
        """
        return Sentence(code=fact.code, values=fact.values, text=self._text(fact))

    def html(self, *facts: Fact, **markup: Markup) -> Markup:
        """The facts as HTML; values are escaped.

        Args:
            facts: what is said, in order.
            markup: values in place of those of the facts that are HTML, such as a link to a point.

        Raises:
            KeyError: as `text`.
        """
        return Markup(" ").join(self._html(fact, markup) for fact in facts)

    def _text(self, fact: Fact) -> str:
        plain = self.templates[fact.code]
        for mark in _MARKS:
            plain = mark.sub(rf"\{mark.groups}", plain)
        return "".join(self._pieces(plain, fact.values, str, self._text)).strip()

    def _html(self, fact: Fact, markup: Mapping[str, Markup]) -> Markup:
        marked = str(escape(self.templates[fact.code]))
        for mark, html in _MARKS.items():
            marked = mark.sub(html, marked)
        inner = partial(self._html, markup=markup)
        return Markup("").join(self._pieces(marked, {**fact.values, **markup}, Markup, inner)).strip()

    def _pieces(
        self, template: str, values: Mapping[str, Any], own: Callable[[str], str], say: Callable[[Fact], str]
    ) -> Iterable[str]:
        """What a template says, piece by piece.

        Args:
            own: makes a piece of words of the template itself.
            say: renders a fact that is a value.
        """
        for literal, name, spec, _ in Formatter().parse(template):
            yield own(literal)
            if name is None:
                continue
            spec = spec or ""
            if name.endswith("?"):
                value = values.get(name[:-1])
                there = isinstance(value, float) or bool(value)
                yield from self._pieces(_choice(spec, there), values, own, say)
            elif "|" in spec:
                yield from self._pieces(_choice(spec, values[name] == 1), values, own, say)
            elif spec in _JOINTS:
                yield own(_JOINTS[spec]).join(map(say, values[name]))
            else:
                yield self._value(values[name], spec.format(**values) if "{" in spec else spec)

    def _value(self, value: Any, spec: str) -> str:
        if isinstance(value, Markup):
            return value
        name, _, last = spec.rpartition(" ")
        digits = int(last) if last.isdigit() else 3
        name = name if last.isdigit() else spec
        if name == "point":
            return ", ".join(
                f"{of} = {numbers.with_unit(x, self.units.get(of, ''), 6)}" for of, x in value.items()
            )
        if name in _ROUNDED:
            return self.error(_ROUNDED[name](value, digits), digits)
        return _FORMATS[name](value, digits) if last.isdigit() else _FORMATS[name](value)


def units_of(axes: Iterable[AxisRecord]) -> dict[str, str]:
    """The unit of each input as it is printed; inputs without one are left out.

    >>> units_of([AxisRecord(name="T", low=0.0, high=9.0, unit="degC", scale="linear", values=None)])
    {'T': '°C'}
    """
    return {axis.name: numbers.pretty_unit(axis.unit) for axis in axes if axis.unit}


def _choice(spec: str, first: bool) -> str:
    """One of two alternatives, which a bar outside of braces separates; without a bar the second is empty."""
    depth = 0
    for i, letter in enumerate(spec):
        depth += (letter == "{") - (letter == "}")
        if letter == "|" and not depth:
            return spec[:i] if first else spec[i + 1 :]
    return spec if first else ""
