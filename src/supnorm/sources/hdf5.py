"""What the HDF5 library reads from a NetCDF file without asking how long it is.

It keeps which coordinate belongs to a dimension in attributes (``H5DS``), and reads them into memory of the size that they
should have. If a damaged file has longer ones in their place, or another type, other memory of this process is overwritten.
The entries of these attributes lie in blocks of the file (global heaps, "GCOL"): a block whose objects do not follow each
other makes the library (2.0) look for the next object without end. Both were found by broken files (`test_hdf5.py`).
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Any

LISTS = ("DIMENSION_LIST", "DIMENSION_LABELS")  # of a variable: one entry for each of its dimensions
SEARCHED = (
    2**28
)  # bytes of a file that is searched for blocks: below a second, and NetCDF begins with its attributes
SIGNATURE, LEAST = b"\x89HDF\r\n\x1a\n", 4096
_HEAP, _OBJECT = struct.Struct("<4sB3xQ"), struct.Struct("<HHIQ")


def demand_sound(path: Path) -> None:
    """Check the blocks and the attributes for coordinates in a file; of one that is not HDF5 there is nothing to check.

    Raises:
        ValueError: naming what HDF5 would not read safely.
    """
    try:
        import h5py
    except ImportError:  # then another package reads the file, or none
        return
    if not h5py.is_hdf5(path):
        return
    _demand_blocks(path)
    with h5py.File(path, "r") as file:
        file.visititems(_demand)


def _demand_blocks(path: Path) -> None:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = data.find(SIGNATURE, 0, SEARCHED)
        lengths = data[start + (14 if data[start + 8] < 2 else 10)]
        if lengths != 8:
            raise ValueError(f"its lengths have {lengths} bytes instead of 8")
        at = data.find(b"GCOL", 0, SEARCHED)
        while at >= 0:
            if len(data) - at >= _HEAP.size and not _follow(data, at):
                raise ValueError("the objects of one of its blocks (global heap) do not follow each other")
            at = data.find(b"GCOL", at + 1, SEARCHED)


def _follow(data: mmap.mmap, at: int) -> bool:
    """Whether the objects of a block end where it ends; True for bytes that are no block, which the library refuses."""
    _, version, size = _HEAP.unpack_from(data, at)
    if version != 1 or not LEAST <= size <= len(data) - at:
        return True
    begin, end = at + _HEAP.size, at + size
    while begin + _OBJECT.size <= end:
        index, _, _, length = _OBJECT.unpack_from(data, begin)
        if index == 0:  # what is free, to the end
            return bool(begin + length == end)
        begin += _OBJECT.size + (length + 7) // 8 * 8
    return bool(begin <= end)


def _demand(name: str, item: Any) -> None:
    import h5py

    if not isinstance(item, h5py.Dataset):
        return
    for attribute in (*LISTS, "REFERENCE_LIST"):
        if not h5py.h5a.exists(item.id, attribute.encode()):
            continue
        held = h5py.h5a.open(item.id, attribute.encode())
        kind = held.get_type()
        if attribute == "DIMENSION_LIST":
            good = isinstance(kind, h5py.h5t.TypeVlenID) and kind.get_super() == h5py.h5t.STD_REF_OBJ
        elif attribute == "DIMENSION_LABELS":
            good = isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str()
        else:
            good = isinstance(kind, h5py.h5t.TypeCompoundID) and _is_pair(kind)
        if not good or (attribute in LISTS and held.shape != (item.ndim,)):
            raise ValueError(f"the attribute {attribute} of {name[:40]} is not as NetCDF writes it")


def _is_pair(kind: Any) -> bool:
    """Whether it is a reference with the number of a dimension."""
    import h5py

    types = [kind.get_member_type(k) for k in range(kind.get_nmembers())]
    return (
        len(types) == 2 and types[0] == h5py.h5t.STD_REF_OBJ and isinstance(types[1], h5py.h5t.TypeIntegerID)
    )
