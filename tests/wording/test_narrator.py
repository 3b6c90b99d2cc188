"""The narrator: values are formatted and escaped, marks become HTML or vanish, nothing is left out in silence."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from supnorm.results.numbers import ErrorUnit
from supnorm.results.record import READ
from supnorm.wording import Fact, Narrator, fact

SAY = Narrator(
    {
        "worst": "The worst error, {worst:error}, is **{times:ratio} times** the [rms:RMS error] of "
        "{n:count} {n:point|points}{where}.",
        "name": "{name} & others",
    },
    ErrorUnit("absolute", "K"),
)


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.integers(0, 10**9), st.text(max_size=20))
def test_text_and_html_say_the_same(worst: float, times: float, n: int, where: str) -> None:
    fact = Fact(code="worst", values={"worst": worst, "times": times, "n": n, "where": where})
    html = SAY.html(fact)
    assert unescape(re.sub(r"<[^>]+>", "", html)) == SAY.text(fact)
    assert html.count("<") == 4


def test_one_and_many() -> None:
    values = {"worst": 1.5, "times": 2.0, "where": ""}
    assert SAY.text(Fact(code="worst", values=values | {"n": 1})).endswith("of 1 point.")
    assert SAY.text(Fact(code="worst", values=values | {"n": 0})).endswith("of 0 points.")


def test_values_are_escaped_and_marks_in_values_are_none() -> None:
    fact = Fact(code="name", values={"name": "**<script>** [rms:x]"})
    assert SAY.html(fact) == "**&lt;script&gt;** [rms:x] &amp; others"
    assert SAY.text(fact) == "**<script>** [rms:x] & others"


def test_sentences_are_left_out_where_the_fact_lacks_their_value() -> None:
    say = Narrator(
        {"rows": "{n?: {n:one row|{n:count} rows}{at?: at {at:point}|}.}{alone?: {alone:and}.| All have partners.}",
         "side": "the {name} lacks {n:count}"}
    )  # fmt: skip
    sides = tuple(fact("side", name=name, n=1000) for name in ("model", "<b>"))
    whole = fact("rows", n=2000, at={"a": 0.5, "b": float("inf")}, alone=sides)
    words = "2,000 rows at a = 0.5, b = infinite. the model lacks 1,000 and the <b> lacks 1,000."
    assert say.text(whole) == words
    assert say.html(whole) == words.replace("<b>", "&lt;b&gt;")
    assert say.text(fact("rows", n=1)) == "one row. All have partners."
    assert say.text(fact("rows", n=0, alone=())) == "All have partners."


def test_markup_of_the_page_is_taken_as_it_is() -> None:
    fact = Fact(code="name", values={"name": "T"})
    assert SAY.html(fact, name=Markup("<i>T</i>")) == "<i>T</i> &amp; others"


def test_what_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError):
        SAY.text(Fact(code="name"))
    with pytest.raises(KeyError):
        SAY.text(Fact(code="other"))


VALUES = [True, 3, 0.25, float("inf"), "a row", "8", "0.5", {"a": 0.5}, (3, 5), (fact("y", n=1),)]


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_a_fact_survives_json(value: Any) -> None:
    fact = Fact(code="x", values={"v": value})
    again = Fact.model_validate(fact.to_dict(), context=READ)
    assert again == fact
    assert type(again.values["v"]) is type(value)


def test_a_part_without_its_value_is_left_out() -> None:
    say = Narrator({"jump": "A jump of {height:num 2}{at?: near **{at}**}."})
    assert say.text(fact("jump", height=2.345)) == "A jump of 2.3."
    assert say.html(fact("jump", height=2.345, at="x < 1")) == "A jump of 2.3 near <b>x &lt; 1</b>."
    with pytest.raises(KeyError):
        say.text(fact("jump", at="x"))


@given(st.floats(1e-12, 1e9), st.integers(2, 6), st.sampled_from(["absolute", "relative"]))
def test_bounds_are_rounded_outwards(bound: float, digits: int, kind: str) -> None:
    ends = {"low": f"{{bound:error at least {digits}}}", "high": f"{{bound:error at most {digits}}}"}
    say = Narrator(ends | {"plain": f"{{bound:at most {digits}}}"}, ErrorUnit(kind))
    low, high = (number(say.text(fact(code, bound=bound))) / say.error.factor for code in ("low", "high"))
    assert low <= bound * (1 + 1e-15)
    assert bound * (1 - 1e-15) <= high <= low * (1 + 10.0 ** (1 - digits) * (1 + 1e-9)) + 1e-300
    assert bound * (1 - 1e-15) <= number(say.text(fact("plain", bound=bound)))


def test_points_have_the_units_of_their_inputs() -> None:
    say = Narrator({"at": "{x:point}; {x:exact point}"}, units={"p": "Pa", "T": "°C"})
    found = say.text(fact("at", x={"p": 1.25e5, "T": 20.5, "n": 3.0}))
    assert found == "p = 125 kPa, T = 20.5 °C, n = 3; p = 125,000, T = 20.5, n = 3"


def test_a_sentence_is_its_fact_with_words() -> None:
    named = fact("name", name="T")
    sentence = SAY.say(named)
    assert (sentence.code, sentence.values, sentence.text) == ("name", named.values, "T & others")
    assert SAY.text(sentence) == sentence.text


def number(text: str) -> float:
    """What a formatted number says."""
    head = text.removesuffix(" %").replace(",", "")
    power = re.fullmatch(r"(?:(\S+) × )?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", head)
    if power is None:
        return float(head)
    exponent = power[2].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    return float(f"{power[1] or 1}e{exponent}")
