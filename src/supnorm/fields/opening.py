"""Opens gridded data as xarray Datasets: NetCDF, Zarr (v2 and v3), GRIB; values are read later, piece by piece."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from supnorm.results import BadInput, install
from supnorm.results.guard import demand_name
from supnorm.results.printable import one_line

COUNTED = 200_000  # pieces: to list more takes minutes on a network disk
GRIB = (".grib", ".grib2", ".grb", ".grb2")


def opened(data: Any, what: str) -> Any:
    """An `xarray.Dataset` from a path or a Dataset (a DataArray becomes one).

    Args:
        data: the path of a file or store, or an object of xarray.
        what: how messages name it.

    Raises:
        BadInput: when it cannot be opened.
    """
    try:
        import xarray
    except ImportError:
        raise BadInput(f"{what}: reading fields needs xarray: {install('fields')}") from None
    if isinstance(data, xarray.DataArray):
        return data.to_dataset(name=data.name or "value")
    if isinstance(data, xarray.Dataset):
        return data
    if not isinstance(data, str | os.PathLike):
        raise BadInput(f"{what}: give a path, an xarray Dataset or a DataArray, got {type(data).__name__}")
    path = Path(data)
    demand_name(path, what)
    if not path.exists():
        raise BadInput(f"{what}: {path} does not exist")
    return _open(xarray, path, what)


def _open(xarray: Any, path: Path, what: str) -> Any:
    store = path.is_dir()
    if store:
        _demand_plain_codecs(path, what)
    if store and not any((path / name).exists() for name in (".zgroup", ".zmetadata", "zarr.json")):
        raise BadInput(f"{what}: {path} is a folder, but no Zarr store: it has neither zarr.json nor .zgroup")
    if not store and not path.is_file():
        raise BadInput(f"{what}: {path} is neither a file nor a Zarr store")
    engine = "zarr" if store else "cfgrib" if path.suffix.lower() in GRIB else "h5netcdf"
    package = {"zarr": "zarr", "cfgrib": "cfgrib", "h5netcdf": "h5netcdf"}[engine]
    try:
        __import__(package)
    except ImportError:
        how = "pip install cfgrib" if engine == "cfgrib" else install("fields")
        raise BadInput(f"{what}: reading {path.name} needs {package}: {how}") from None
    attempts: list[dict[str, Any]] = [{"engine": engine, "decode_timedelta": True}]
    if engine == "h5netcdf":
        attempts.append({"engine": "scipy", "decode_timedelta": True})  # NetCDF 3 is not HDF5
    attempts.append({"engine": engine, "decode_times": False})  # a time that nobody can decode stays a number
    words = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about consolidated metadata and calendars: nothing a user has to do
        for attempt in attempts:
            try:
                return xarray.open_dataset(path, chunks=None, **attempt)
            except Exception as error:
                words = words or (str(error).splitlines() or [type(error).__name__])[0]
    raise BadInput(f"{what}: {path} cannot be read as {_kind(engine)}: {one_line(words, 160)}")


def _demand_plain_codecs(path: Path, what: str) -> None:
    """Refuse a store whose metadata names a codec that runs code of the file when it is read.

    Raises:
        BadInput: naming the file.
    """
    files = [path / ".zmetadata", path / "zarr.json", *path.glob("**/.zarray"), *path.glob("**/zarr.json")]
    for file in files:
        if file.is_file() and "pickle" in file.read_text(encoding="utf-8", errors="replace").lower():
            raise BadInput(
                f"{what}: {file} names the codec pickle, which runs code when it is read: write the store without it"
            )


def _kind(engine: str) -> str:
    return {"zarr": "a Zarr store", "cfgrib": "GRIB", "h5netcdf": "NetCDF"}[engine]


def variables_of(dataset: Any) -> dict[str, Any]:
    """The variables of a Dataset that could be fields: real numbers with at least two dimensions.

    A dimension ``variable`` or ``channel`` whose coordinate is text holds several variables (Earth2Studio).
    """
    found: dict[str, Any] = {}
    for name, variable in dataset.data_vars.items():
        if variable.dtype.kind not in "fiu" or variable.ndim < 2:
            continue
        split = next(
            (d for d in map(str, variable.dims) if d in ("variable", "channel") and d in variable.coords
             and variable.coords[d].dtype.kind in "UOS"),
            None,
        )  # fmt: skip
        if split is None:
            found[str(name)] = variable
        else:
            found |= {
                str(v): variable.sel({split: v}, drop=True) for v in variable.coords[split].values.tolist()
            }
    return found


def never_written(path: Any, name: str) -> tuple[int, int]:
    """How many pieces of an array of a Zarr store were never written, so that they read as the fill value, and of how many.

    (0, 0) for what is no store, and for arrays of more than `COUNTED` pieces.
    """
    if not isinstance(path, str | os.PathLike) or not Path(path).is_dir():
        return 0, 0
    import zarr

    try:
        array = zarr.open_group(Path(path), mode="r")[name]
        total = int(array.nchunks)
        return (total - int(array.nchunks_initialized), total) if total <= COUNTED else (0, 0)
    except Exception:  # a group of another form: what can be read is compared all the same
        return 0, 0


def size_of(path: Any) -> list[tuple[str, int, int]]:
    """Name, size and time of change of the files that identify a store or a file: the metadata, not every piece."""
    path = Path(path)
    files = (
        [path]
        if path.is_file()
        else [p for n in ("zarr.json", ".zmetadata", ".zgroup") if (p := path / n).exists()]
    )
    return [(str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns) for p in files]
