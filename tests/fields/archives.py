"""Small forecasts and analyses for the tests: Datasets of xarray in the usual layouts."""

import numpy as np
import xarray as xr

LAT, LON = np.linspace(-87.5, 87.5, 36), np.arange(0.0, 360.0, 5.0)
START = np.datetime64("2020-01-01T00", "ns")
HOUR = np.timedelta64(1, "h").astype("timedelta64[ns]")


def analysis(times=12, step=6, seed=0, lat=LAT, lon=LON, levels=None, unit="K"):
    """A truth: time, (level,) latitude, longitude."""
    generator = np.random.default_rng(seed)
    shape = (times, *(() if levels is None else (len(levels),)), len(lat), len(lon))
    values = 280 + 5 * generator.normal(size=shape)
    coords = {"time": START + np.arange(times) * step * HOUR, "lat": lat, "lon": lon}
    dims = ("time", "lat", "lon")
    if levels is not None:
        coords["level"], dims = levels, ("time", "level", "lat", "lon")
    made = xr.Dataset({"t2m": (dims, values.astype(np.float32), {"units": unit})}, coords)
    made["lat"].attrs["units"], made["lon"].attrs["units"] = "degrees_north", "degrees_east"
    return made


def forecast(truth, inits=(0, 2, 4), leads=(1, 2, 3), noise=0.5, seed=1, step=6):
    """A forecast that is right up to noise: time (init), prediction_timedelta, and the rest of the truth's dimensions."""
    generator = np.random.default_rng(seed)
    values = np.stack([np.stack([truth["t2m"].values[i + k] for k in leads]) for i in inits])
    values = (values + noise * generator.normal(size=values.shape)).astype(np.float32)
    rest = truth["t2m"].dims[1:]
    coords = {
        "time": truth["time"].values[list(inits)],
        "prediction_timedelta": np.array(leads) * step * HOUR,
    }
    coords |= {d: truth[d] for d in rest}
    dims = ("time", "prediction_timedelta", *rest)
    return xr.Dataset({"t2m": (dims, values, dict(truth["t2m"].attrs))}, coords)
