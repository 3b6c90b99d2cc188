"""What each dimension of a gridded variable is: latitude, longitude, level, lead time, init or valid time, member.

Roles come from what the user says, from CF attributes (``standard_name``, ``axis``, ``units``), from the type of the
coordinate, and at last from names that WeatherBench 2, WeatherBench-X, Earth2Studio, ECMWF and CMIP use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from supnorm.results import BadInput
from supnorm.results.printable import one_line

ROLES = ("init", "lead", "level", "member", "y", "x")
STANDARD = {
    "latitude": "y",
    "projection_y_coordinate": "y",
    "grid_latitude": "y",
    "longitude": "x",
    "projection_x_coordinate": "x",
    "grid_longitude": "x",
    "air_pressure": "level",
    "height": "level",
    "altitude": "level",
    "depth": "level",
    "model_level_number": "level",
    "atmosphere_hybrid_sigma_pressure_coordinate": "level",
    "forecast_period": "lead",
    "forecast_reference_time": "init",
    "time": "init",
    "realization": "member",
}
NAMES = {
    "y": ("lat", "latitude", "y", "nlat", "rlat", "south_north", "yc"),
    "x": ("lon", "longitude", "x", "nlon", "rlon", "west_east", "xc"),
    "level": (
        "level",
        "pressure_level",
        "plev",
        "lev",
        "isobaricinhpa",
        "height",
        "altitude",
        "depth",
        "z",
        "model_level",
    ),
    "lead": (
        "lead_time",
        "prediction_timedelta",
        "step",
        "lead",
        "forecast_hour",
        "fhour",
        "forecast_period",
    ),
    "init": (
        "time",
        "init_time",
        "valid_time",
        "forecast_reference_time",
        "initialization_time",
        "date",
        "case",
    ),
    "member": ("member", "number", "realization", "ensemble", "ensemble_member", "sample"),
}
UNITS = (
    (re.compile(r"degrees?_?(north|N)$"), "y"),
    (re.compile(r"degrees?_?(east|E)$"), "x"),
)
AXES = {"Y": "y", "X": "x", "Z": "level"}


def roles_of(variable: Any, given: Mapping[str, str], what: str) -> dict[str, str]:
    """The role of each dimension of a variable, by the name of the dimension.

    Args:
        variable: an `xarray.DataArray`.
        given: dimension by role, as the user says.
        what: how a message names the variable.

    Raises:
        BadInput: for a dimension whose role is not known, two of one role, or fewer than two that span the grid.
    """
    unknown = set(given) - {*ROLES}
    if unknown:
        raise BadInput(f"--dims: {one_line(min(unknown), 40)} is no role; the roles are {', '.join(ROLES)}")
    said = {dimension: role for role, dimension in given.items()}
    roles = {d: said.get(d) or _role(variable, d) for d in map(str, variable.dims)}
    free = [d for d, role in roles.items() if not role]
    spans = {role for role in roles.values() if role in ("y", "x")}
    for role in ("x", "y"):  # the last dimensions without a role span the grid: x runs fastest
        if role not in spans and free:
            roles[free.pop()] = role
    flat = next((d for d, role in roles.items() if role == "level"), "")
    # A cut (z, x): its height spans the grid.
    if flat and "y" not in roles.values() and "x" in roles.values():
        roles[flat] = "y"
    if free:
        raise BadInput(
            f"{what}: the role of the dimension {one_line(free[0], 40)} cannot be told from its name and attributes; it has "
            f"the dimensions {_listed(variable.dims)}: say it, as in --dims level={one_line(free[0], 40)} "
            f"({', '.join(ROLES)})"
        )
    for role in ROLES:
        same = [d for d, r in roles.items() if r == role]
        if len(same) > 1:
            raise BadInput(
                f"{what}: the dimensions {_listed(same)} both look like {role}: say which one is, with --dims"
            )
    if not {"y", "x"} <= {*roles.values()}:
        raise BadInput(
            f"{what}: a field needs two dimensions that span its grid, got {_listed(variable.dims)}"
        )
    return {d: str(role) for d, role in roles.items()}


def _role(variable: Any, dimension: str) -> str:
    coordinate = variable.coords.get(dimension)
    if coordinate is not None:
        attributes = coordinate.attrs
        role = STANDARD.get(str(attributes.get("standard_name", "")))
        if role == "init" and coordinate.dtype.kind == "m":
            role = "lead"
        for pattern, found in UNITS:
            if role is None and pattern.match(str(attributes.get("units", ""))):
                role = found
        role = role or AXES.get(str(attributes.get("axis", "")))
        if role:
            return role
        if coordinate.dtype.kind in "mM":
            return "lead" if coordinate.dtype.kind == "m" else "init"
    return next((role for role, names in NAMES.items() if dimension.lower() in names), "")


def _listed(names: Sequence[Any]) -> str:
    return ", ".join(one_line(str(n), 40) for n in names)
