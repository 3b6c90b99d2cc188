"""Files that make the HDF5 library overwrite memory, or look for an object without end, are refused before it reads them.

`benchmarks.soundness.fuzz` found both: without the check the first test ends this process, and the second does not end.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm.results import BadInput
from supnorm.sources.hdf5 import demand_sound
from supnorm.sources.table import column_names

h5py = pytest.importorskip("h5py")
xarray = pytest.importorskip("xarray")
pytest.importorskip("h5netcdf")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A sound file of three variables."""
    grid = np.linspace(0.0, 1.0, 6)
    field = xarray.Dataset({"y": (("a", "b"), np.zeros((6, 6)))}, {"a": grid, "b": grid})
    field.to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    return tmp_path / "t.nc"


def test_a_sound_file_is_read(path: Path) -> None:
    demand_sound(path)
    assert {*column_names(path, "t.nc")} == {"a", "b", "y"}


@pytest.mark.parametrize("attribute", ["DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS"])
@pytest.mark.parametrize(
    "content", [np.zeros((2, 3, 4)), np.zeros(2, np.complex128), "text", np.array(["a"] * 9, "S3")]
)
def test_an_attribute_for_coordinates_of_another_type_is_refused(
    path: Path, attribute: str, content: Any
) -> None:
    with h5py.File(path, "r+") as file:
        file["y"].attrs[attribute] = content
    with pytest.raises(BadInput, match=f"cannot be read as NetCDF: the attribute {attribute} of y"):
        column_names(path, "t.nc")


def test_a_list_of_another_length_is_refused(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["y"].attrs["DIMENSION_LIST"]
        many = np.empty(40, dtype=object)
        many[:] = [np.array([file["a"].ref], dtype=h5py.ref_dtype) for _ in many]
        file["y"].attrs.create("DIMENSION_LIST", many, dtype=h5py.vlen_dtype(h5py.ref_dtype))
    with pytest.raises(BadInput, match="the attribute DIMENSION_LIST of y is not as NetCDF writes it"):
        column_names(path, "t.nc")


@pytest.mark.parametrize("length", [0, 8, 2**40])
def test_a_block_whose_objects_do_not_follow_each_other_is_refused(path: Path, length: int) -> None:
    data = bytearray(path.read_bytes())
    first = data.find(b"GCOL") + 16
    size = struct.unpack_from("<Q", data, first + 8)[0]
    second = first + 16 + (size + 7) // 8 * 8
    struct.pack_into("<HHIQ", data, second, 0, 0, 0, length)
    path.write_bytes(data)
    with pytest.raises(BadInput, match="do not follow each other"):
        column_names(path, "t.nc")
