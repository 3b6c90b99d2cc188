"""From facts to sentences: fields with a format of ours, and three marks for HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

from markupsafe import Markup, escape

from supnorm.results import numbers
from supnorm.results.outward import rounded_down, rounded_up
from supnorm.results.parts import Fact, Sentence

_TERM = re.compile(r"\[([a-z0-9-]+):([^\]]+)\]")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_OPTIONAL = re.compile(r"⟨([^⟩]*)⟩")
_NAME = re.compile(r"\{(\w+)")
# How a value is written; the number formats are those of results/numbers.py.
_FORMATS: Mapping[str, Callable[..., str]] = {
    "": str,
    "num": numbers.num,
    "at most": numbers.at_most,
    "at least": numbers.at_least,
    "from log10": numbers.from_log10,
    "beyond one": numbers.beyond_one,
    "literal": numbers.literal,
    "count": numbers.count,
    "ratio": numbers.ratio,
    "percent": numbers.percent,
    "share": numbers.share,
    "spelled": numbers.spelled,
}
_ROUNDED: Mapping[str, Callable[[float, int], float]] = {
    "error": lambda value, digits: value,
    "error at most": rounded_up,
    "error at least": rounded_down,
}


@dataclass(frozen=True)
class Narrator:
    """Renders facts by their templates.

    A template is a sentence. ``{name:format}`` is a value in a number format (``num``, ``count``, ``ratio``, ``percent``,
    ``share``, ``spelled``, ``from log10``, ``beyond one``, ``literal`` for a command; ``at most`` and ``at least`` are
    bounds, rounded outwards; ``error``, ``error at most`` and ``error at least`` have the unit of the run's error;
    ``num 2`` has two digits); ``{n:point|points}`` chooses by number. ``⟨ near {at}⟩`` is left out where the fact has no
    such value.
    ``**words**`` is bold on a page, and ``[rms:typical error]`` links to an entry of its glossary.

    Args:
        templates: the template of each code.
        error: writes an error with its unit.

    >>> template = "The [rms:RMS] of {n:count} {n:point|points} is **{rms:error}**."
    >>> say = Narrator({"found": template}, numbers.ErrorUnit("relative"))
    >>> fact = Fact(code="found", values={"n": 20000, "rms": 0.0123})
    >>> say.text(fact)
    'The RMS of 20,000 points is 1.23 %.'
    >>> print(say.html(fact))
    The <a class="term" href="#g-rms" data-term="rms">RMS</a> of 20,000 points is <b>1.23 %</b>.
    """

    templates: Mapping[str, str]
    error: numbers.ErrorUnit = numbers.ErrorUnit("absolute")

    def text(self, *facts: Fact) -> str:
        """The facts as plain text, one after the other.

        Raises:
            KeyError: for a code without a template, or a value that the template names and the fact lacks.
        """
        return " ".join(self._text(fact) for fact in facts)

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
        plain = _BOLD.sub(r"\1", _TERM.sub(r"\2", self._template(fact)))
        return "".join(self._pieces(plain, fact.values))

    def _html(self, fact: Fact, markup: Mapping[str, Markup]) -> Markup:
        marked = _BOLD.sub(r"<b>\1</b>", str(escape(self._template(fact))))
        marked = _TERM.sub(r'<a class="term" href="#g-\1" data-term="\1">\2</a>', marked)
        literal, values = True, {**fact.values, **markup}
        whole = Markup("")
        for piece in self._pieces(marked, values):
            whole += Markup(piece) if literal else escape(piece)
            literal = not literal
        return whole

    def _template(self, fact: Fact) -> str:
        """The template without the optional parts for which the fact has no values."""

        def part(optional: re.Match[str]) -> str:
            return optional[1] if all(name in fact.values for name in _NAME.findall(optional[1])) else ""

        return _OPTIONAL.sub(part, self.templates[fact.code])

    def _pieces(self, template: str, values: Mapping[str, Any]) -> Iterable[Any]:
        """In turn what the template says itself and what a value says; the first is the template's."""
        for literal, name, spec, _ in Formatter().parse(template):
            yield literal
            if name is not None:
                yield self._value(values[name], spec or "")

    def _value(self, value: Any, spec: str) -> Any:
        if isinstance(value, Markup):
            return value
        if "|" in spec:
            one, _, many = spec.partition("|")
            return one if value == 1 else many
        name, _, last = spec.rpartition(" ")
        digits = int(last) if last.isdigit() else 3
        name = name if last.isdigit() else spec
        if name in _ROUNDED:
            return self.error(_ROUNDED[name](value, digits), digits)
        return _FORMATS[name](value, digits) if last.isdigit() else _FORMATS[name](value)
