"""The result of an audit of fields."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.displacement import RADII
from supnorm.fields.grid import Grid
from supnorm.fields.state import FieldState
from supnorm.results import Status, write_whole
from supnorm.results.fields import EventRecord, FieldPointRecord, FieldsRecord, FieldVariableRecord
from supnorm.results.record import Recorded


@dataclass(frozen=True, eq=False)
class Maps:
    """What is kept of the state of a variable: its maps, see `supnorm.fields.accumulated.Accumulated`."""

    grid: Grid
    unit: str
    largest: NDArray[np.float32]
    missing: NDArray[np.int32]
    outside: NDArray[np.int32]

    @classmethod
    def of(cls, grid: Grid, unit: str, state: FieldState) -> Maps:
        """From a state; a map of zeros takes no memory."""
        missing, outside = (
            m if m.any() else np.broadcast_to(np.zeros(1, m.dtype), m.shape)
            for m in (state.missing, state.outside)
        )
        return cls(grid, unit, state.largest_map, missing, outside)


@dataclass(frozen=True, eq=False)
class FieldReport(Recorded):
    """The result of `audit_fields`; ``report["2m_temperature"]`` is the record of a variable.

    Attributes:
        record: everything as plain data, schema ``supnorm.fields/1``.
        parts: the maps of each variable.
        saved: called once the result is written; None for nothing.
    """

    record: FieldsRecord
    parts: dict[str, Maps]
    saved: Callable[[], None] | None = None

    def __repr__(self) -> str:
        """One line."""
        worst = ", ".join(f"{v.name}: {v.sup.lower:.4g}" for v in self.record.variables[:4])
        return f"FieldReport({self.status.code!r}, {worst})"

    @property
    def status(self) -> Status:
        """How it ended, and what to do next."""
        return self.record.status

    def __getitem__(self, name: str) -> FieldVariableRecord:
        """The record of a variable.

        Raises:
            KeyError: for a variable that was not compared.
        """
        for variable in self.record.variables:
            if variable.name == name:
                return variable
        raise KeyError(name)

    def sup_map(self, name: str) -> Any:
        """The largest error at each grid point, as an `xarray.DataArray`; NaN where nothing was compared."""
        import xarray

        maps = self.parts[name]
        grid, largest = maps.grid, maps.largest
        values = np.where(largest < 0, np.nan, largest)
        coords = {grid.names[0]: grid.y, grid.names[1]: grid.x}
        return xarray.DataArray(
            values,
            coords,
            grid.names,
            name=name,
            attrs={"units": maps.unit} if maps.unit else {},
        )

    def save(self, folder: Path | str) -> None:
        """Write ``fields.json``, ``events.csv`` and ``supmap.nc``: largest error, missing, outside values of each point."""
        folder = Path(folder)
        write_whole(folder / "events.csv", events_csv(self.record))
        write_whole(folder / "supmap.nc", self._maps())
        write_whole(folder / "fields.json", self.to_json())
        if self.saved is not None:
            self.saved()

    def _maps(self) -> bytes:
        import xarray

        arrays: dict[str, Any] = {}
        for name, maps in self.parts.items():
            plain, grid = _plain(name), maps.grid
            while f"{plain}_missing" in arrays:  # "a b" and "a_b"
                plain += "_"
            dims = tuple(f"{plain}_{d}" for d in grid.names)  # variables may have different grids
            coords = {dims[0]: grid.y, dims[1]: grid.x}
            for what, values in (
                ("largest_error", self.sup_map(name).values.astype(np.float32)),
                ("missing", maps.missing),
                ("outside", maps.outside),
            ):
                attributes = {"units": maps.unit} if what == "largest_error" and maps.unit else {}
                arrays[f"{plain}_{what}"] = xarray.DataArray(values, coords, dims, attrs=attributes)
        data = xarray.Dataset(arrays).to_netcdf(engine="h5netcdf")
        return bytes(data) if data is not None else b""


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


def events_csv(record: FieldsRecord) -> str:
    """All events reported, one line each, as CSV."""
    rows = [(v, e) for v in record.variables for e in v.events]
    names = sorted({k for _, e in rows for k in e.peak.at}, key=_order)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    head = (
        "prediction",
        "truth",
        "error",
        "ratio",
        *(f"unexplained_{r}" for r in RADII),
        "moved_rows",
        "moved_columns",
        "points",
        "area_km2",
        "first_lead",
        "last_lead",
    )
    writer.writerow(["variable", "unit", *names, *head])
    for variable, event in rows:
        writer.writerow(
            [_safe(variable.name), _safe(variable.unit), *_cells(event.peak, names), *_rest(event)]
        )
    return buffer.getvalue()


def _cells(peak: FieldPointRecord, names: list[str]) -> list[Any]:
    at = [
        _safe(str(peak.at.get(name, ""))) if isinstance(peak.at.get(name), str) else peak.at.get(name, "")
        for name in names
    ]
    moved = peak.moved if peak.moved is not None and peak.moved.explains else None
    move = ["", ""] if moved is None else [moved.rows, moved.columns]
    left = [peak.unexplained.get(str(r), "") for r in RADII]
    return [*at, peak.prediction, peak.truth, peak.error, peak.ratio, *left, *move]


def _rest(event: EventRecord) -> list[Any]:
    return [
        event.points,
        "" if event.area is None else event.area,
        _safe(event.leads[0]),
        _safe(event.leads[1]),
    ]


def _safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text


def _order(name: str) -> tuple[int, str]:
    known = ("init", "lead", "valid", "level", "member")
    return (known.index(name) if name in known else len(known), name)
