"""Opens gridded data as xarray Datasets: NetCDF, Zarr (v2 and v3), GRIB; values are read later, piece by piece."""

from __future__ import annotations

import json
import os
import warnings
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from supnorm.results import BadInput, install
from supnorm.results.guard import allowed, demand_name, memory_bounded
from supnorm.results.printable import first_line, one_line
from supnorm.sources.hdf5 import demand_sound

COUNTED = 200_000  # pieces: to list more takes minutes on a network disk
METADATA = (".zmetadata", ".zarray", "zarr.json")
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
        raise BadInput(f"{what}: reading {path.name} needs {package}: {_remedy(engine, path)}") from None
    attempts: list[dict[str, Any]] = [{"engine": engine, "decode_timedelta": True}]
    if engine == "cfgrib":  # no index: it is a pickle beside the file, which runs code when it is read
        attempts[0]["backend_kwargs"] = {"indexpath": ""}
    if engine == "h5netcdf":
        attempts.append({"engine": "scipy", "decode_timedelta": True})  # NetCDF 3 is not HDF5
    attempts.append(attempts[0] | {"decode_times": False})  # a time that nobody can decode stays a number
    words = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about consolidated metadata and calendars: nothing a user has to do
        for attempt in attempts:
            try:
                with memory_bounded(allowed(path.stat().st_size)):  # no values are read yet
                    if attempt["engine"] == "h5netcdf":
                        demand_sound(path)
                    return _named(_undecoded_fields(xarray, path, attempt), path)
            except Exception as error:
                if "cftime" in str(error) and find_spec("cftime") is None:
                    raise BadInput(
                        f"{what}: the times of {path.name} are in a calendar that only the package cftime reads: "
                        f"{install('fields')}"
                    ) from None
                words = words or first_line(error)
    raise BadInput(f"{what}: {path} cannot be read as {_kind(engine)}: {words}")


def _remedy(engine: str, path: Path) -> str:
    if engine != "cfgrib":
        return install("fields")
    return f"{install('grib')}, or convert it to NetCDF, as with cdo -f nc4 copy {path.name} {path.stem}.nc"


def _undecoded_fields(xarray: Any, path: Path, how: dict[str, Any]) -> Any:
    """The Dataset; a field in hours or seconds (a wave's period, the sunshine of a day) stays numbers."""
    data = xarray.open_dataset(path, chunks=None, **how)
    spans = [name for name, v in data.data_vars.items() if v.dtype.kind == "m"]
    if not spans:
        return data
    data.close()
    decoded = {str(name): name not in spans for name in data.variables}
    return xarray.open_dataset(path, chunks=None, **(how | {"decode_timedelta": decoded}))


def _named(data: Any, path: Path) -> Any:
    """The Dataset; each variable knows its file, for messages (readers of NetCDF say so themselves)."""
    for variable in data.variables.values():
        variable.encoding.setdefault("source", str(path))
    return data


def _demand_plain_codecs(path: Path, what: str) -> None:
    """Refuse a store whose metadata names a codec that runs code of the file when it is read.

    Raises:
        BadInput: naming the file.
    """
    # Links are followed, as the library follows them; a folder that was seen is not walked again.
    seen: set[str] = set()
    for folder, folders, names in os.walk(path, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in names:
            if name in METADATA and b"pickle" in _plain_text(Path(folder) / name):
                raise BadInput(
                    f"{what}: {Path(folder) / name} names the codec pickle, which runs code when it is read: write the "
                    "store without it"
                )


def _plain_text(file: Path) -> bytes:
    """The metadata in lower case and without the ways in which JSON can spell a letter (an escape, UTF-16)."""
    raw = file.read_bytes()
    with suppress(ValueError, RecursionError):
        raw += json.dumps(json.loads(raw), ensure_ascii=False).encode("utf-8", "replace")
    return raw.lower()


def _kind(engine: str) -> str:
    return {"zarr": "a Zarr store", "cfgrib": "GRIB", "h5netcdf": "NetCDF"}[engine]


def variables_of(dataset: Any) -> dict[str, Any]:
    """The variables of a Dataset that could be fields: real numbers with at least two dimensions.

    A dimension ``variable`` or ``channel`` whose coordinate is text holds several variables (Earth2Studio).

    Raises:
        BadInput: for two variables of one name: one of them would be left out unseen.
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
            parts = [(str(name), variable)]
        else:
            texts = map(str, variable.coords[split].values.tolist())
            parts = [(v, variable.isel({split: i}, drop=True)) for i, v in enumerate(texts)]
        for own, part in parts:
            if own in found:
                raise BadInput(
                    f"the data have the variable {one_line(own, 60)} twice: rename or leave out one of them"
                )
            found[own] = part
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


def size_of(path: Any) -> list[tuple[str, int, int, int]]:
    """Name, size and times of change of a file or of all files of a store, as far as they are `COUNTED`: a piece that was
    written anew leaves the metadata as they were.
    """
    root = os.path.realpath(path)
    if os.path.isfile(root):
        return [_stamp(root)]
    found = []
    for folder, folders, names in os.walk(root):
        folders.sort()
        found += [
            _stamp(file) for name in sorted(names) if os.path.exists(file := os.path.join(folder, name))
        ]
        if len(found) > COUNTED:
            break
    return found[:COUNTED]


def _stamp(file: str) -> tuple[str, int, int, int]:
    # A copy can have the time of another file (cp -p, rsync -t), but it was not made then.
    status = os.stat(file)
    return file, status.st_size, status.st_mtime_ns, status.st_ctime_ns
