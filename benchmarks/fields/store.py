"""A synthetic forecast archive in WeatherBench 2's layout, with faults planted at known places.

Truth: smooth random waves that move, with a red spectrum. Prediction: the truth with errors that grow with lead time, smooth
in space as forecast errors are. Three variables, Zarr v3, one chunk a field; written piece by piece, so any size fits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
VARIABLES = {
    "2m_temperature": ("K", 250.0, 300.0),
    "specific_humidity": ("kg kg-1", 1e-4, 0.02),
    "geopotential": ("m2 s-2", 4.8e4, 5.7e4),
}
HOURS = 6


@dataclass(frozen=True)
class Plan:
    """Sizes of an archive.

    Attributes:
        inits, leads, rows, columns: numbers of each; the truth has ``inits * 2 + leads`` times.
        compressed: whether chunks are compressed (zstd).
    """

    inits: int = 12
    leads: int = 20
    rows: int = 721
    columns: int = 1440
    compressed: bool = False
    seed: int = 0

    @property
    def gigabytes(self) -> float:
        """Size of prediction and truth without compression."""
        fields = self.inits * self.leads + self.times
        return len(VARIABLES) * fields * self.rows * self.columns * 4 / 1e9

    @property
    def times(self) -> int:
        """Number of times of the truth: inits are 12 hours apart, lead times 6."""
        return 2 * (self.inits - 1) + self.leads + 1


@dataclass
class Planted:
    """The faults, by name: where they are and what has to be found."""

    faults: dict[str, dict[str, Any]] = field(default_factory=dict)


class Waves:
    """Smooth random fields with a red spectrum: sums of a few hundred waves are made once and shifted in longitude."""

    def __init__(self, plan: Plan, number: int) -> None:
        self._generator = np.random.default_rng((plan.seed, number))
        self._patterns = [self._pattern(plan, slope) for slope in (2.5, 2.5, 1.7, 1.7)]
        self._columns = plan.columns

    def _pattern(self, plan: Plan, slope: float) -> Floats:
        noise = self._generator.normal(size=(plan.rows, plan.columns))
        spectrum = np.fft.rfft2(noise)
        k = np.hypot(
            np.fft.fftfreq(plan.rows)[:, None] * plan.rows, np.fft.rfftfreq(plan.columns)[None] * plan.columns
        )
        pattern = np.fft.irfft2(spectrum * np.maximum(k, 1.0) ** -slope, s=(plan.rows, plan.columns))
        return (pattern / pattern.std()).astype(np.float32)

    def truth(self, time: int) -> Floats:
        """A field of mean 0 and deviation about 1."""
        a, b = (np.roll(self._patterns[k], -(s * time) % self._columns, axis=1) for k, s in ((0, 5), (1, 3)))
        return np.float32(0.8) * a + np.float32(0.6) * b

    def error(self, init: int, lead: int) -> Floats:
        """The error of a forecast: its deviation grows from 0.01 to about 0.1."""
        a = np.roll(self._patterns[2], -(97 * init + 11 * lead) % self._columns, axis=1)
        b = np.roll(self._patterns[3], -(41 * init + 7 * lead) % self._columns, axis=1)
        return np.float32(0.01 + 0.005 * lead) * (np.float32(0.8) * a + np.float32(0.6) * b)


def write(folder: Path, plan: Plan) -> Planted:
    """Write ``prediction.zarr`` and ``truth.zarr``; what was planted."""
    import xarray
    import zarr

    lat, lon = np.linspace(90.0, -90.0, plan.rows), np.arange(plan.columns) * 360.0 / plan.columns
    start = np.datetime64("2020-01-01T00", "ns")
    inits = start + np.arange(plan.inits) * np.timedelta64(2 * HOURS, "h")
    leads = (np.arange(plan.leads) + 1) * np.timedelta64(HOURS, "h").astype("timedelta64[ns]")
    times = start + np.arange(plan.times) * np.timedelta64(HOURS, "h")
    space = {
        "latitude": ("latitude", lat, {"units": "degrees_north", "standard_name": "latitude"}),
        "longitude": ("longitude", lon, {"units": "degrees_east", "standard_name": "longitude"}),
    }
    dims = {
        "prediction": ("time", "prediction_timedelta", "latitude", "longitude"),
        "truth": ("time", "latitude", "longitude"),
    }
    coords = {"prediction": {"time": inits, "prediction_timedelta": leads}, "truth": {"time": times}}
    groups = {}
    for side in dims:
        path = folder / f"{side}.zarr"
        xarray.Dataset(coords={**coords[side], **space}).to_zarr(path, mode="w", consolidated=False)
        groups[side] = zarr.open_group(path, mode="a")
    planted = _plan_faults(plan, lat, lon)
    for number, (name, (unit, low, high)) in enumerate(VARIABLES.items()):
        waves, middle, half = Waves(plan, number), (low + high) / 2, (high - low) / 8
        shape = {
            "prediction": (plan.inits, plan.leads, *lat.shape, *lon.shape),
            "truth": (plan.times, *lat.shape, *lon.shape),
        }
        arrays = {
            side: groups[side].create_array(
                name, shape=shape[side], chunks=(1,) * (len(shape[side]) - 2) + shape[side][-2:], dtype="float32",
                compressors="auto" if plan.compressed else None, dimension_names=dims[side], attributes={"units": unit},
                fill_value=np.nan,
            )
            for side in dims
        }  # fmt: skip

        def truth(time: int, waves: Waves = waves, middle: float = middle, half: float = half) -> Floats:
            return np.float32(middle) + np.float32(half) * waves.truth(time)

        for time in range(plan.times):
            arrays["truth"][time] = truth(time)
        for init in range(plan.inits):
            for lead in range(plan.leads):
                field = truth(2 * init + lead + 1) + np.float32(half) * waves.error(init, lead)
                _plant(name, init, lead, field, planted, plan)
                arrays["prediction"][init, lead] = field
    return planted


def _plan_faults(plan: Plan, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> Planted:
    """The list of faults: sizes are in kelvin, places in parts of the grid, so that every size of archive has them."""

    def row(part: float) -> int:
        return int(part * (plan.rows - 1))

    def column(part: float) -> int:
        return int(part * (plan.columns - 1))

    late, middle = plan.leads - 1, plan.leads // 2
    t, q, z = VARIABLES
    return Planted(
        {
            "pixel": {
                "variable": t,
                "init": 3 % plan.inits,
                "lead": late,
                "row": row(0.3),
                "column": column(0.4),
                "add": 25.0,
            },
            "date line": {
                "variable": t,
                "init": 1 % plan.inits,
                "lead": (middle, middle + 1, middle + 2),
                "row": row(0.6),
                "add": 12.0,
            },
            "checkerboard": {
                "variable": t,
                "init": 0,
                "lead": middle,
                "row": row(0.2),
                "column": column(0.7),
                "add": 15.0,
            },
            "early pixel": {
                "variable": t,
                "init": 2 % plan.inits,
                "lead": 0,
                "row": row(0.5),
                "column": column(0.15),
                "add": 4.0,
            },
            "missing": {"variable": z, "init": plan.inits - 1, "lead": middle, "row": row(0.4), "points": 16},
            "infinite": {
                "variable": z,
                "init": 0,
                "lead": late,
                "row": row(0.7),
                "column": column(0.5),
                "points": 1,
            },
            "negative humidity": {
                "variable": q,
                "init": 1 % plan.inits,
                "lead": 2,
                "row": row(0.25),
                "points": 5,
            },
        }
    )


def _plant(name: str, init: int, lead: int, field: Floats, planted: Planted, plan: Plan) -> None:
    for kind, fault in planted.faults.items():
        leads = fault["lead"] if isinstance(fault["lead"], tuple) else (fault["lead"],)
        if name != fault["variable"] or init != fault["init"] or lead not in leads:
            continue
        row, column = fault["row"], fault.get("column", 0)
        if kind in ("pixel", "early pixel"):
            field[row, column] += fault["add"]
        elif kind == "date line":
            field[row : row + 4, -3:] += fault["add"]
            field[row : row + 4, :3] += fault["add"]
        elif kind == "checkerboard":
            sign = np.where(np.add.outer(np.arange(16), np.arange(16)) % 2, 1.0, -1.0)
            field[row : row + 16, column : column + 16] += (fault["add"] * sign).astype(np.float32)
        elif kind == "missing":
            field[row, : fault["points"]] = np.nan
        elif kind == "infinite":
            field[row, column] = np.inf
        else:
            field[row, : fault["points"]] = -1e-5
