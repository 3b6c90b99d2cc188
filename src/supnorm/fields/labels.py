"""Which level and which member of the truth belongs to each one of the prediction: by their labels.

Where one side has no labels, the order of both files counts, and a note says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.label_texts import label_texts
from supnorm.fields.moments import as_array
from supnorm.fields.side import Side, is_member
from supnorm.fields.units import same_unit
from supnorm.results import BadInput
from supnorm.results.printable import one_line

CLOSE = 1e-6  # of a level: what single precision changes, and more
Index = NDArray[np.int64]


def levels_of(p: Side, t: Side, what: str) -> tuple[Index, tuple[str, ...], list[str]]:
    """Which level of the truth belongs to each one of the prediction, -1 for none; their texts, and notes.

    Raises:
        BadInput: for levels that cannot be paired.
    """
    name, other = p.dimension("level"), t.dimension("level")
    _demand_same_level(p, t, what)
    if name is None:
        if t.size("level") > 1:
            raise BadInput(
                f"{what}: the truth has {t.size('level')} levels and the prediction has none: choose one first"
            )
        return np.zeros(1, dtype=np.int64), ("",), []
    n = p.size("level")
    mine, others = (_labels(side, role) for side, role in ((p, name), (t, other)))
    texts = [str(i + 1) for i in range(n)]
    if mine is not None:
        own = np.ravel(p.variable.coords[name].values).tolist()
        texts = [
            f"{v:.7g}" if isinstance(v, float | int) else one_line(text, 40)
            for v, text in zip(own, mine, strict=True)
        ]
    if mine is None or others is None:
        if t.size("level") != n:
            raise BadInput(
                f"{what}: the prediction has {n} levels and the truth {t.size('level')}, without numbers to pair them"
            )
        notes = (
            [_in_order("levels", mine is not None)] if n > 1 and (mine is None) != (others is None) else []
        )
        return np.asarray(p.numbers.get("level", np.arange(n)), dtype=np.int64), tuple(texts), notes
    index = _by_label(mine, others, texts, what)
    names = [one_line(text, 40) for text in others]
    if (index < 0).all():
        raise BadInput(
            f"{what}: no level of the prediction ({', '.join(texts[:5])}) is one of the truth "
            f"({', '.join(names[:5])}); levels are compared by their numbers or names"
        )
    without = [text for text, i in zip(texts, index, strict=True) if i < 0]
    notes = [f"The truth has no level {', '.join(without)}: left out."] if without else []
    lacking = [text for i, text in enumerate(names) if i not in index]
    if lacking:
        notes.append(
            f"The prediction has no level {', '.join(lacking[:8])}{', ...' if len(lacking) > 8 else ''} of the truth."
        )
    return index, tuple(texts), notes


def _by_label(mine: list[str], others: list[str], texts: list[str], what: str) -> Index:
    """The number in the truth of each level of the prediction, -1 for none: by numbers, or by names.

    Raises:
        BadInput: for a level that is there twice.
    """
    numbers, truth = as_array(mine), as_array(others)
    if np.isfinite(numbers).all() and np.isfinite(truth).all():
        near = np.abs(truth - numbers[:, None]) <= CLOSE * np.maximum(np.abs(numbers), 1e-300)[:, None]
        whole = (numbers == np.round(numbers))[:, None] & (truth == np.round(truth))
        equal = truth == numbers[:, None]
        near &= ~whole | equal  # 1,000,000 and 1,000,001 are two
        near &= equal | ~(equal.any(axis=1)[:, None] & equal.any(axis=0))  # each has an equal partner
    else:
        near = np.array(others, dtype=object) == np.array(mine, dtype=object)[:, None]
        if len({*mine}) < len(mine):
            twice = next(text for text in mine if mine.count(text) > 1)
            raise BadInput(f"{what}: the prediction has the level {one_line(twice, 40)} twice")
    _demand_once(near, mine, others, what)
    return np.where(near.any(axis=1), near.argmax(axis=1), -1)


def _demand_once(near: NDArray[np.bool_], mine: list[str], others: list[str], what: str) -> None:
    """Refuse two levels of one side that are one level of the other side.

    Args:
        near: which level of the prediction, in the rows, is which one of the truth.
        mine, others: the levels of both.

    Raises:
        BadInput: naming the three levels.
    """
    for found, one, many, (side, other) in (
        (near, mine, others, ("truth", "prediction")),
        (near.T, others, mine, ("prediction", "truth")),
    ):
        for text, row in zip(one, found, strict=True):
            if row.sum() < 2:
                continue
            both = [one_line(many[i], 40) for i in np.flatnonzero(row)[:2]]
            if both[0] == both[1]:
                raise BadInput(f"{what}: the {side} has the level {both[0]} twice: leave one of them out")
            raise BadInput(
                f"{what}: the levels {both[0]} and {both[1]} of the {side} are both taken for the level "
                f"{one_line(text, 40)} of the {other}, because they differ by less than rounding may: leave one of them "
                "out, or round the levels of both files"
            )


def _demand_same_level(p: Side, t: Side, what: str) -> None:
    """Refuse levels in different units (1000 hPa would be paired with 1000 Pa), and single levels that differ.

    Raises:
        BadInput: naming both.
    """
    mine, other = p.level(), t.level()
    if mine is None or other is None:
        return
    units = [str(c.attrs.get("units", "")).strip() for c in (mine, other)]
    if all(units) and not same_unit(*units):
        if not mine.dims and not other.dims and mine.name != other.name:
            return  # a height in metres beside a pressure: two coordinates of one field may say both
        raise BadInput(
            f"{what}: the levels of the prediction are in {one_line(units[0], 30)} and those of the truth in "
            f"{one_line(units[1], 30)}: convert one of them"
        )
    if (mine.dims and other.dims) or max(mine.size, other.size) > 1:
        return
    if mine.name != other.name and not all(units):
        return
    values = [as_array(np.ravel(c.values).tolist()) for c in (mine, other)]
    if np.isfinite(values).all() and abs(values[0][0] - values[1][0]) > CLOSE * max(
        abs(values[0][0]), 1e-300
    ):
        raise BadInput(
            f"{what}: the prediction is at the level {values[0][0]:.7g} and the truth at {values[1][0]:.7g}: choose the same"
        )


def members_of(
    p: Side, t: Side, how: str | None, what: str
) -> tuple[tuple[str, ...], Index, bool, list[str]]:
    """The members of the prediction, which one of the truth belongs to each, whether they are averaged, and notes.

    Args:
        how: ``"each"`` or ``"mean"``, as the user says.

    Raises:
        BadInput: for members that cannot be paired.
    """
    mine, others = p.size("member"), t.size("member")
    if others > 1 and mine != others:
        raise BadInput(
            f"{what}: the truth has {others} members and the prediction {mine}: choose one of the truth first"
        )
    if mine == 1 or others == mine:
        index, notes = _same_members(p, t, what)
        return _member_texts(p), index, False, notes
    if how not in ("mean", "each"):
        raise BadInput(
            f"{what}: the prediction has {mine} members and the truth one: say --member each (every member against it) or "
            "--member mean (their mean)"
        )
    if how == "mean":
        return ("mean",), np.zeros(1, dtype=np.int64), True, []
    return _member_texts(p), np.zeros(mine, dtype=np.int64), False, []


def _same_members(p: Side, t: Side, what: str) -> tuple[Index, list[str]]:
    """The member of the truth with the same label, of as many members.

    Raises:
        BadInput: for labels that are not the same on both sides.
    """
    n = p.size("member")
    mine, others = (_labels(side, _member_name(side)) for side in (p, t))
    if mine is None or others is None:
        alone = n > 1 and (mine is None) != (others is None)
        return np.arange(n), [_in_order("members", mine is not None)] if alone else []
    if n == 1:  # a forecast, and the member that stands for the truth
        same = mine == others
        one, other = (one_line(text[0], 40) for text in (mine, others))
        return np.zeros(1, dtype=np.int64), [] if same else [
            f"The prediction is the member {one} and the truth the member {other}."
        ]
    remedy = (
        "give both the same labels, or pair them in the order of the files: remove the labels of one side, as with "
        f"data.drop_vars({t.dimension('member')!r})"
    )
    for side, texts in (("prediction", mine), ("truth", others)):
        if len({*texts}) < n:
            twice = next(text for text in texts if texts.count(text) > 1)
            raise BadInput(f"{what}: the {side} has the member {one_line(twice, 40)} twice: {remedy}")
    if {*mine} != {*others}:
        at = next(i for i, text in enumerate(mine) if text not in others)
        raise BadInput(
            f"{what}: the prediction has the member {one_line(mine[at], 40)} at position {at + 1}, where the truth has "
            f"{one_line(others[at], 40)}, and no member of the truth has this label: {remedy}"
        )
    return np.array([others.index(text) for text in mine]), []


def _in_order(which: str, mine: bool) -> str:
    side, other = ("prediction", "truth") if mine else ("truth", "prediction")
    return f"Only the {side} states its {which}: they were paired with those of the {other} in the order of the files."


def _labels(side: Side, name: str | None) -> list[str] | None:
    """The labels along a dimension in words; None without any."""
    there = name is not None and name in side.variable.coords
    return label_texts(side.variable.coords[name]) if there else None


def _member_name(side: Side) -> str | None:
    """The coordinate with the members of a side: that of the dimension, or a single one."""
    name = side.dimension("member")
    if name is not None:
        return name
    single: Sequence[Any] = [c for c in side.variable.coords.values() if not c.dims and is_member(c)]
    return str(single[0].name) if single else None


def _member_texts(p: Side) -> tuple[str, ...]:
    name = p.dimension("member")
    if name is None:
        return ("",)
    if name not in p.variable.coords:
        return tuple(str(i + 1) for i in range(p.size("member")))
    return tuple(one_line(text, 40) for text in label_texts(p.variable.coords[name]))
