"""Which field of the truth belongs to an init and a lead time of the prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.coarse_times import demand_distinct
from supnorm.fields.label_texts import label_texts
from supnorm.fields.moments import (
    UNITS,
    added,
    apart_texts,
    key_of,
    lead_text,
    leads_of,
    moments_of,
    time_text,
)
from supnorm.fields.near_times import Times
from supnorm.fields.own_valid_times import demand_own_valid_times
from supnorm.fields.side import Side
from supnorm.results import BadInput
from supnorm.results.printable import one_line


def texts_of(side: Side, what: str) -> tuple[str, ...]:
    """The init or valid times of a side in words; one empty text where it has none."""
    dimension, clock = side.dimension("init"), side.clock()
    if clock is None:
        return tuple(map(str, range(side.size("init")))) if dimension is not None else ("",)
    if _is_text(clock):
        return tuple(one_line(text, 40) for text in label_texts(clock))
    return tuple(map(time_text, moments_of(clock, what)))


def moments(side: Side, what: str) -> list[Any] | None:
    """The init or valid times of a side; None where it has none."""
    clock = side.clock()
    if clock is None:
        return [float(i) for i in range(side.size("init"))] if side.dimension("init") is not None else None
    if _is_text(clock):
        return label_texts(clock)
    return moments_of(clock, what)


def _as_labels(side: Side, times: list[Any]) -> list[Any]:
    """Plain numbers in words, to be paired with names: 1 with "1"."""
    return label_texts(side.clock()) if side.clock() is not None and isinstance(times[0], float) else times


def _is_text(clock: Any) -> bool:
    return clock.dtype.kind in "UOS" and not hasattr(np.ravel(clock.values)[0], "calendar")


def times_of(
    p: Side, t: Side, unit: str | None, what: str, notes: list[str]
) -> tuple[list[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Lead times of the prediction, empty if it has none; which init and lead time of the truth belong to each of its own.

    Args:
        unit: of lead times that are plain numbers, as the user says.
        notes: gets a sentence if times were paired in the order of the files.

    Raises:
        BadInput: for times that cannot be paired.
    """
    mine, others = _of_both(p, t, what, notes)
    dated = mine is not None and not isinstance(mine[0], float | str)
    leads, truth_leads = (
        _leads(s, unit, dated, f"{what} of the {n}") for s, n in ((p, "prediction"), (t, "truth"))
    )
    demand_own_valid_times(p, mine, leads, f"{what} of the prediction")
    demand_own_valid_times(t, others, truth_leads, f"{what} of the truth")
    shape = (p.size("init"), p.size("lead"))
    found, found_lead = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    if len(truth_leads) == 1 and others is not None and not (leads and t.dimension("lead") is not None):
        others = others if t.is_valid_time(t.clock()) else _all_added(others, truth_leads[0], what)
        truth_leads = []  # a truth of one lead time is valid at one time
    if truth_leads:  # the truth is a forecast too, or both are roll-outs
        if not leads and len(truth_leads) > 1:
            raise BadInput(
                f"{what}: the truth has {len(truth_leads)} lead times and the prediction has none: choose one"
            )
        found, found_lead = _same_forecasts(mine, others, leads, truth_leads, shape, what)
        for side, times, name in ((p, mine, "prediction"), (t, others, "truth")):
            demand_distinct(side, times, others, found, f"{what} of the {name}")
        return leads, found, found_lead
    if leads and p.dimension("lead") is not None and p.is_valid_time(p.clock()) and others is not None:
        raise BadInput(
            f"{what}: the prediction has lead times beside {one_line(str(p.clock().name), 40)}, which says when a field is "
            "valid and not when the forecast begins: give it the init time as a dimension"
        )
    if others is not None and mine is None and not leads:
        if len(others) > 1:
            raise BadInput(f"{what}: the truth has {len(others)} times and the prediction has no time")
    elif others is not None:
        found = _valid_times(mine, others, leads, shape, what)
        for side, times, name in ((p, mine, "prediction"), (t, others, "truth")):
            demand_distinct(side, times, others, found, f"{what} of the {name}")
    return leads, found, found_lead


def _of_both(p: Side, t: Side, what: str, notes: list[str]) -> tuple[list[Any] | None, list[Any] | None]:
    """The times of both sides, as they can be compared: names where one side has names, and numbers where none are known.

    Raises:
        BadInput: for times that cannot be compared.
    """
    _demand_one_origin(p, t, what)
    mine, others = (moments(s, f"{what} of the {n}") for s, n in ((p, "prediction"), (t, "truth")))
    if mine and others and isinstance(mine[0], str) != isinstance(others[0], str):
        mine, others = (_as_labels(s, own) for s, own in ((p, mine), (t, others)))
    notes += _twice(mine or [])
    if _times_in_order(p, t, what, notes):
        mine = others = [float(i) for i in range(p.size("init"))]
    return mine, others


def _twice(times: Sequence[Any]) -> list[str]:
    """That a prediction has times more than once, as a note."""
    again = len(times) - len({v if isinstance(v, str) else key_of(v) for v in times})
    if not again:
        return []
    return [
        f"The prediction has {again:,} of its times more than once: each field counts, so these times weigh more in the RMS "
        "error."
    ]


def _times_in_order(p: Side, t: Side, what: str, notes: list[str]) -> bool:
    """Whether only one side states its times, and both are paired in the order of the files.

    A time or lead time that a file does not state is the number of its field. Such a number may be paired with another one,
    and with no time that is stated.

    Raises:
        BadInput: naming the dimension without a coordinate, if other times are stated.
    """
    sides = (p, "prediction"), (t, "truth")
    bare = [(n, s, role) for s, n in sides for role in ("init", "lead") if _is_bare(s, role)]
    said = [(n, role) for s, n in sides for role in ("init", "lead") if _is_said(s, role)]
    leads = [s.dimension("lead") is not None or s.single_lead() is not None for s in (p, t)]
    if leads[0] == leads[1]:  # inits are paired with inits, and lead times with lead times
        bare = [(n, s, role) for n, s, role in bare if any(r == role for _, r in said)]
    if not bare or not said:
        return False
    side, one, role = bare[0]
    clocks = [c for s in (p, t) if (c := s.clock()) is not None]
    plain = all(c.dtype.kind in "iuf" for c in clocks)
    alone = role == "init" and len(bare) == 1 and leads[0] == leads[1]
    if alone and plain and p.size("init") == t.size("init"):
        other = "truth" if side == "prediction" else "prediction"
        notes.append(
            f"Only the {other} states its times: they were paired with those of the {side} in the order of the files."
        )
        return True
    name = str(one.dimension(role))
    words = "lead times" if role == "lead" else "times"
    raise BadInput(
        f"{what}: the dimension {one_line(name, 40)} of the {side} has no coordinate, so its {words} are not known, "
        "and other times are stated: give them, as with "
        f"data.assign_coords({{{name!r}: [...]}})"
    )


def _is_bare(side: Side, role: str) -> bool:
    return side.size(role) > 1 and side.axis(role) is None


def _is_said(side: Side, role: str) -> bool:
    if role == "init":
        return side.clock() is not None
    single = side.single_lead()
    return side.axis("lead") is not None or (single is not None and single.dtype.kind == "m")


def _demand_one_origin(p: Side, t: Side, what: str) -> None:
    """Refuse times that are plain numbers counted from different dates.

    Raises:
        BadInput: naming both units.
    """
    clocks = [s.clock() for s in (p, t)]
    if any(c is None or c.dtype.kind not in "iuf" for c in clocks):
        return
    mine, other = (" ".join(str(c.attrs.get("units", "")).split()) for c in clocks)
    if mine and other and mine != other:
        raise BadInput(
            f"{what}: the times of the prediction are in {one_line(mine, 40)} and those of the truth in "
            f"{one_line(other, 40)}: decode both as dates first"
        )


def _leads(side: Side, unit: str | None, dated: bool, what: str) -> list[Any]:
    """The lead times of a side; empty if it has none."""
    name = side.dimension("lead")
    if name is None:
        single = side.single_lead()
        if single is None or (side.is_valid_time(side.clock()) and side.clock() is not None):
            return []
        known = single.dtype.kind == "m" or str(unit or single.attrs.get("units", "")).lower() in UNITS
        return leads_of(single, unit, dated, what) if known or dated else []
    if name not in side.variable.coords:
        return [float(i) for i in range(side.size("lead"))]
    return leads_of(side.variable.coords[name], unit, dated, what)


def _all_added(start: list[Any], lead: Any, what: str) -> list[Any]:
    """The valid times of forecasts.

    Raises:
        BadInput: for a begin that is text.
    """
    if isinstance(start[0], str):
        raise BadInput(
            f"{what}: {one_line(start[0], 40)!r} is no time, so no lead time can be added to it: the truth needs the lead "
            "times of the prediction"
        )
    return [added(v, lead) for v in start]


def _same_forecasts(
    mine: list[Any] | None,
    others: list[Any] | None,
    leads: list[Any],
    truth_leads: list[Any],
    shape: tuple[int, int],
    what: str,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """By equal init and equal lead time."""
    if others is not None and mine is None and len(others) > 1:
        raise BadInput(f"{what}: the truth has {len(others)} inits and the prediction has none: choose one")
    found, found_lead = np.full(shape, -1, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    at = Times(truth_leads, f"{what}: the truth", "lead time")
    when = Times(others, f"{what}: the truth", "time") if others and mine else None
    inits = [0] * shape[0] if when is None or mine is None else [*map(when.position, mine)]
    steps = [at.position(lead) for lead in leads] if leads else [0] * shape[1]
    _demand_once(inits, mine or [], lambda i: time_text((others or [])[i]), "times", what)
    _demand_once(steps, leads, lambda i: lead_text(truth_leads[i]), "lead times", what)
    for i, k in np.ndindex(*shape):
        init, lead = inits[i], steps[k]
        if init >= 0 and lead >= 0:
            found[i, k], found_lead[i, k] = init, lead
    return found, found_lead


def _valid_times(
    mine: list[Any] | None, others: list[Any], leads: list[Any], shape: tuple[int, int], what: str
) -> NDArray[np.int64]:
    """By equal valid time."""
    found = np.full(shape, -1, dtype=np.int64)
    when = Times(others, f"{what}: the truth", "time")
    starts = [0.0] * shape[0] if mine is None else mine
    for k in range(shape[1]):
        for i, v in enumerate(_all_added(starts, leads[k], what) if leads else starts):
            found[i, k] = when.position(v)
        _demand_once(found[:, k], mine or [], lambda i: time_text(others[i]), "times", what)
    if shape[1] > 1:
        for row in found:
            _demand_once(row, leads, lambda i: time_text(others[i]), "lead times", what)
    return found


def _demand_once(
    found: Iterable[Any], mine: Sequence[Any], partner: Callable[[int], str], name: str, what: str
) -> None:
    """Refuse two times of the prediction, not the same one twice, that are one time of the truth.

    Args:
        found: the number of the time of the truth of each one of the prediction, -1 for none.
        mine: of the prediction; empty where it has none.
        partner: the text of a time of the truth, by its number.
        name: ``"times"`` or ``"lead times"``.

    Raises:
        BadInput: naming the three.
    """
    first: dict[int, Any] = {}
    for i, value in zip(found, mine, strict=False):
        if i < 0 or isinstance(value, str):
            continue
        other = first.setdefault(int(i), value)
        if key_of(other) != key_of(value):
            one, two = apart_texts([other, value], name == "lead times")
            raise BadInput(
                f"{what}: the {name} {one} and {two} of the prediction are both taken for {partner(int(i))} of the "
                "truth, because they differ by less than rounding may: leave one of them out, or round the times of "
                "both files"
            )
