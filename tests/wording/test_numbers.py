"""Sentences and messages write their numbers by results/numbers.py, so that all of them read alike."""

from __future__ import annotations

import ast

from tests.wording import templates

ROOMS = ("auditing", "certification", "cli", "planning", "training", "wording")


def test_numbers_in_sentences_and_messages_are_written_by_the_formatter() -> None:
    inline = templates.number_formats(templates.trees(*ROOMS))
    assert [line for line in inline if "{p:g}" not in line] == []  # in the key of a norm, as L2


def test_a_number_that_is_formatted_in_place_is_seen() -> None:
    seen = ["{x:,}", "{x:.2g}", "{x:,.0f}", "{x:.0%}", "{x:g}", "{x:.17g}", "{x:e}", "{x:.0f}"]
    other = ["{x}", "{x!r}", "{x:>12}", "{x:%H}", "{x:02d}", "{num(x)}"]
    for text in (*seen, *other):
        assert bool(templates.number_formats([ast.parse(f"f'{text}'")])) == (text in seen), text
