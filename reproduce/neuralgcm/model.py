"""NeuralGCM's smallest model: its weights, its initial state, and a forecast of some hours as a Zarr store.

The package neuralgcm ships a stochastic model of 2.8 degrees and 32 levels (191,174 weights, trained as a demonstration)
and one analysis of ERA5. There is no later analysis, so a forecast can only be compared with another one of the model.
"""

from __future__ import annotations

import importlib.resources
import io
import pickle
from pathlib import Path
from typing import Any

import jax
import numpy as np

WEIGHTS = "data/tl63_stochastic_mini.pkl"


class _Weights(pickle.Unpickler):
    """The file was written by an older JAX, whose arrays have an attribute that the present one refuses."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("jax._src.array", "_reconstruct_array"):
            return _array
        return super().find_class(module, name)


def _array(function: Any, arguments: Any, state: Any, _: Any) -> Any:
    values = function(*arguments)
    values.__setstate__(state)
    return values


def weights() -> dict[str, Any]:
    """The checkpoint of the package that is installed."""
    import neuralgcm

    file = importlib.resources.files(neuralgcm).joinpath(WEIGHTS)
    found: dict[str, Any] = _Weights(io.BytesIO(file.read_bytes())).load()
    return found


def in_double(tree: Any) -> Any:
    """All arrays of single precision in double precision."""

    def double(leaf: Any) -> Any:
        single = getattr(leaf, "dtype", None) == np.float32
        return np.asarray(leaf, dtype=np.float64) if single else leaf

    return jax.tree_util.tree_map(double, tree)


def _draw_in_single() -> None:
    """The model draws numbers of the default type: without this, double precision would draw others."""
    draw = jax.random.truncated_normal
    jax.random.truncated_normal = lambda *arguments: draw(*arguments, dtype=np.float32)


def forecast(path: Path, hours: int, double: bool, seed: int) -> None:
    """Write a forecast, in the layout of WeatherBench 2.

    Args:
        path: of the Zarr store.
        hours: steps of one hour.
        double: compute in double precision; the random numbers are those of single precision.
        seed: of the random numbers.
    """
    import neuralgcm
    import xarray
    from neuralgcm import demo

    jax.config.update("jax_enable_x64", double)
    _draw_in_single()
    checkpoint = weights()
    if double:
        checkpoint["params"] = in_double(checkpoint["params"])
    model = neuralgcm.PressureLevelModel.from_checkpoint(checkpoint)
    analysis = demo.load_data(model.data_coords)
    inputs, forcings = model.data_from_xarray(analysis.isel(time=0))
    if double:
        inputs, forcings = in_double((inputs, forcings))
    advance, decode = jax.jit(model.advance), jax.jit(model.decode)
    state = jax.jit(model.encode)(inputs, forcings, jax.random.key(seed))
    fields: list[dict[str, Any]] = []
    for hour in range(hours):
        state = advance(state, forcings)
        fields.append({name: np.asarray(v) for name, v in decode(state, forcings).items() if np.ndim(v) == 3})
        print(f"hour {hour + 1}: {fields[-1]['temperature'].dtype}", flush=True)
    dims = ("time", "prediction_timedelta", "level", "longitude", "latitude")
    leads = (np.arange(hours) + 1) * np.timedelta64(1, "h").astype("timedelta64[ns]")
    coords = {"time": analysis["time"].values, "prediction_timedelta": leads}
    coords |= {name: analysis[name] for name in dims[2:]}
    made = {name: (dims, np.stack([f[name] for f in fields])[None]) for name in fields[0]}
    units = {name: str(analysis[name].attrs.get("units", "")) for name in made}
    data = xarray.Dataset(made, coords)
    for name, unit in units.items():
        data[name].attrs["units"] = unit
    data["latitude"].attrs["units"], data["longitude"].attrs["units"] = "degrees_north", "degrees_east"
    chunks = {name: {"chunks": (1, 1, *data[name].shape[2:])} for name in made}
    data.to_zarr(path, mode="w", consolidated=False, encoding=chunks)


if __name__ == "__main__":
    import sys

    forecast(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "float64", int(sys.argv[4]))
