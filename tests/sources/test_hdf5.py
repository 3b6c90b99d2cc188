"""Files that make the HDF5 library overwrite memory, look without end or take gigabytes are refused.

`benchmarks.soundness.fuzz` found all: without the check the first test ends this process, and the second does not end.
"""

from __future__ import annotations

import struct
import subprocess
import sys
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


CHILD = """
import resource
from pathlib import Path
{imports}
folder = Path({folder!r})
{sound}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    {call}
except Exception as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e6)
"""
TABLE = """
from supnorm.sources.open_function import open_function
from supnorm.problem.specification import SourceSpec
import numpy as np
def read(name):
    spec = SourceSpec(file=name, inputs=["a", "b"], outputs=["y"])
    open_function(spec, folder, ("a", "b"), np.zeros((1, 2)))
"""
FIELDS = """
from supnorm.fields.opening import opened
def read(name):
    opened(folder / name, "fields")
"""


@pytest.mark.parametrize("imports", [TABLE, FIELDS], ids=["table", "fields"])
def test_a_small_file_takes_no_gigabytes(path: Path, imports: str) -> None:
    """Of what was never written the library makes as much as the file says that there is."""
    sound = path.with_name("sound.nc")
    sound.write_bytes(path.read_bytes())
    with h5py.File(path, "w") as file:
        file.create_dataset("y", shape=(), dtype="S1250000000")
        file.create_dataset("a", shape=200_000_000, dtype="f8", chunks=1_000_000).make_scale("a")
    assert path.stat().st_size < 100_000
    code = CHILD.format(
        imports=imports, folder=str(path.parent), sound="read('sound.nc')", call="read('t.nc')"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    words, gigabytes = told.splitlines()
    assert "cannot be read as NetCDF" in words
    assert float(gigabytes) < 0.9
