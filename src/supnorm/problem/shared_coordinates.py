"""What two NetCDF files say of the rows that are paired: dimensions and coordinates that both have must be the same.

A coordinate that only one file has says nothing about the other one: a note names it. Inputs are compared as numbers, row
by row (`pairs`), and with a key the key decides which rows belong together: then only what holds for all rows is compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.coordinates import contradiction, meaning, over_rows
from supnorm.problem.rows import Rows
from supnorm.results import BadInput

LISTED = 8  # coordinates that a note names


def completed(a: Rows, b: Rows, values: Iterable[str]) -> tuple[Rows, Rows]:
    """Both with the variables that only the other file calls a coordinate, or that are the key of either.

    A level or the names of stations that one program writes as a coordinate are an ordinary variable of another one. A
    variable along other dimensions is something else: `height` is 2 m for one field, and the orography in another file.

    Args:
        values: names of the values that are compared, which are none.
    """
    return _with_variables(a, b, values), _with_variables(b, a, values)


def _with_variables(rows: Rows, other: Rows, values: Iterable[str]) -> Rows:
    if rows.variable is None:
        return rows
    read = dict(rows.coordinates)
    for name in sorted({*other.coordinates, *rows.key} - {*rows.coordinates, *values}):
        one, there = rows.variable(name), other.coordinates.get(name)
        if one is not None and (name in rows.key or (there is not None and {*one.dims} == {*there.dims})):
            read[name] = one
    return replace(rows, coordinates=read)


def in_the_order_of(rows: Rows, other: Rows) -> tuple[Rows, NDArray[np.intp]]:
    """The rows in the order of dimensions that another file has, and for each of them its number in its file.

    Where the dimensions or their sizes differ, rows stay as they are.
    """
    every = np.arange(math.prod(rows.sizes.values()))
    if rows.sizes != other.sizes or [*rows.sizes] == [*other.sizes]:
        return rows, every
    axes = [[*rows.sizes].index(d) for d in other.sizes]
    index = every.reshape(tuple(rows.sizes.values())).transpose(axes).ravel()
    turned = {}
    for name, one in rows.coordinates.items():
        dims = tuple(d for d in other.sizes if d in one.dims)
        values = one.values.transpose([one.dims.index(d) for d in dims])
        turned[name] = replace(one, values=values, dims=dims)
    return replace(rows, sizes={**other.sizes}, coordinates=turned), index


def demand_dimensions(a: Rows, b: Rows, names: str, remedy: str) -> None:
    """Check that rows of two files in their order run through the same dimensions, besides those that are inputs.

    Raises:
        BadInput: naming the dimensions, or their sizes.
    """
    first, second = ({d: n for d, n in rows.sizes.items() if d not in rows.inputs} for rows in (a, b))
    if not (first and second):
        return
    if [*first] != [*second]:
        raise BadInput(
            f"{names} run through different dimensions, {', '.join(first)} and {', '.join(second)}: {remedy}"
        )
    if first != second and math.prod(a.sizes.values()) == math.prod(b.sizes.values()):
        one, other = (", ".join(f"{d} = {n}" for d, n in rows.sizes.items()) for rows in (a, b))
        raise BadInput(f"{names} run through dimensions of different sizes, {one} and {other}: {remedy}")


def demand_coordinates(a: Rows, b: Rows, names: str, remedy: str) -> None:
    """Check that rows of two files in their order have the same coordinates.

    Raises:
        BadInput: naming the first coordinate that differs, where, and both values.
    """
    for name in _shared(a, b):
        first, second = a.coordinates[name], b.coordinates[name]
        _demand(meaning(name, first, second), names)
        differs = contradiction(name, first, second, (a.sizes, b.sizes))
        if differs is not None:
            what, one, other = differs
            raise BadInput(
                f"{names} differ in {what}, {one} and {other}: {remedy}; or remove a coordinate that does not matter"
            )


def demand_constants(a: Rows, b: Rows, names: str) -> None:
    """Check that two files do not contradict each other in a coordinate that holds for all their rows, or in what their
    keys mean.

    Raises:
        BadInput: naming the coordinate and both values.
    """
    for name in _shared(a, b):
        one, other = a.coordinates[name], b.coordinates[name]
        if one.values.size == other.values.size == 1 and name not in (*a.key, *b.key):
            _demand(contradiction(name, one, other, ({}, {})), names)
    for theirs, ours in zip(a.key, b.key, strict=False):
        if theirs in a.coordinates and ours in b.coordinates:
            _demand(meaning(f"the key {ours}", a.coordinates[theirs], b.coordinates[ours]), names)


def demand_one_for_all(
    a: Rows, b: Rows, paired: tuple[NDArray[np.intp], NDArray[np.intp]], names: str
) -> None:
    """Check that a coordinate that holds for all rows of one file is that of each paired row of the other one.

    Args:
        paired: the rows of either file that are compared.

    Raises:
        BadInput: naming the coordinate and both values.
    """
    for name in _shared(a, b):
        both = [rows.coordinates[name] for rows in (a, b)]
        many = [k for k, one in enumerate(both) if one.values.size > 1]
        if len(many) != 1 or name in (*a.key, *b.key):
            continue
        k, rows = many[0], (a, b)[many[0]]
        every = over_rows(both[k].values, both[k].dims, rows.sizes).ravel()[paired[k]]
        both[k] = replace(both[k], values=every, dims=("row",))
        _demand(contradiction(name, both[0], both[1], ({}, {})), names)


def _demand(differs: tuple[str, str, str] | None, names: str) -> None:
    if differs is not None:
        raise BadInput(
            f"{names} differ in {differs[0]}: {differs[1]} against {differs[2]}; give two tables with the same value, "
            "correct the wrong one, or remove a coordinate that does not matter"
        )


def one_sided(a: Rows, b: Rows) -> tuple[str, ...]:
    """Notes that name the coordinates that only one of two NetCDF files has."""
    if not (a.sizes and b.sizes):
        return ()
    used = {*a.inputs, *b.inputs, *a.key, *b.key}
    notes = []
    for rows, other in ((a, b), (b, a)):
        alone = [name for name in rows.coordinates if name not in other.coordinates and name not in used]
        if alone:
            more = f" and {len(alone) - LISTED} more" if len(alone) > LISTED else ""
            listed = ", ".join(alone[:LISTED]) + more
            notes.append(
                f"{rows.name} states {listed}, and {other.name} does not: nothing to compare it with"
            )
    return tuple(notes)


def _shared(a: Rows, b: Rows) -> list[str]:
    return [n for n in a.coordinates if n in b.coordinates and n not in a.inputs and n not in b.inputs]
