"""``.npz`` archives of plain arrays: headers are checked before anything is allocated, and nothing is unpickled."""

from __future__ import annotations

import math
import sys
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from supnorm.results.door import reading, said
from supnorm.results.guard import demand_unpacked
from supnorm.results.printable import one_line
from supnorm.results.status import BadInput

MEMBERS = 100_000  # arrays of a file; a network has two for each layer
HEADER = 10_000  # characters, which is NumPy's own limit


def read_arrays(
    path: Path, what: str = "", hint: str = "is not a whole .npz file of arrays"
) -> dict[str, Any]:
    """All arrays of an archive, by name: real numbers or text.

    Args:
        path: the file.
        what: how messages name it; the path by default.
        hint: what messages say about a file that is something else.

    Raises:
        BadInput: for a file that is damaged or something else, for arrays of objects or complex numbers, and for shapes
            that do not fit the size of the file.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.npz"
    >>> np.savez(path, x=np.arange(3.0))
    >>> read_arrays(path)
    {'x': array([0., 1., 2.])}
    """
    what = what or str(path)
    with reading(path, what, hint) as size:
        with path.open("rb") as file:
            if file.read(4) != b"PK\x03\x04":
                raise BadInput(said(what, hint))
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith(".npy")]
            if len(members) > MEMBERS:
                raise BadInput(f"{what} holds {len(members):,} arrays, more than {MEMBERS:,}")
            demand_unpacked(archive, size, what)
            found = {}
            for member in members:
                name = member.filename.removesuffix(".npy")
                with archive.open(member) as file:
                    found[name] = _array(file, member.file_size, f"{said(what, hint)}: {one_line(name, 60)}")
            return found


def _array(file: Any, size: int, what: str) -> NDArray[Any]:
    shape, fortran, dtype, begun = _header(file, what)
    count = math.prod(shape)
    if count * dtype.itemsize != size - begun:
        raise BadInput(
            f"{what} claims the shape {one_line(str(shape), 60)}, which its {size - begun:,} bytes do not have"
        )
    data = file.read(size - begun)
    if len(data) != size - begun:
        raise BadInput(f"{what} is cut short")
    if (
        dtype.kind == "U"
        and (np.frombuffer(data, np.dtype("u4").newbyteorder(dtype.byteorder)) > sys.maxunicode).any()
    ):
        raise BadInput(f"{what} holds text with characters that do not exist")
    array = np.frombuffer(data, dtype=dtype).reshape(shape[::-1] if fortran else shape)
    return np.array(array.T if fortran else array)


def _header(file: BinaryIO, what: str) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, order, type and the length of the header."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise BadInput(f"{what} is of an unknown version of .npy, {version}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file, max_header_size=HEADER)
    if dtype.hasobject:
        raise BadInput(
            f"{what} holds Python objects, which are pickles: refused; save plain arrays of numbers"
        )
    if dtype.kind not in "biufU" or (dtype.kind == "f" and dtype.itemsize > 8):
        raise BadInput(f"{what} holds {dtype}; real numbers of at most 64 bits are read")
    if any(n < 0 for n in shape):
        raise BadInput(f"{what} claims the shape {one_line(str(shape), 60)}")
    return shape, fortran, dtype, file.tell()
