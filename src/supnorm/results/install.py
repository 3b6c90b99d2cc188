"""The command that installs what an optional part of supnorm needs: the one place where messages take it from.

The packages are those of the extras in ``pyproject.toml`` (a test compares them). An extra itself can only be installed
from supnorm's own folder, so a message names the packages, which any folder can install.
"""

from __future__ import annotations

EXTRAS = {
    "torch": ("torch>=2.6",),
    "onnx": ("onnx>=1.16", "onnxruntime>=1.18"),
    "parquet": ("pyarrow>=16",),
    "fields": ("xarray>=2024.10", "h5netcdf>=1.3", "h5py>=3.10", "zarr>=3.0", "numba>=0.60", "cftime>=1.6"),
    "grib": ("cfgrib>=0.9.15", "eccodes>=2.39"),
    "examples": ("gsw>=3.6", "CoolProp>=6.6"),
    "checker": ("python-flint>=0.6",),
    "dask": ("distributed>=2024.1",),
    "claims": (
        "mpmath>=1.3",
        "python-flint>=0.6",
        "gsw>=3.6",
        "fluids>=1.3,<2",
        "ht>=1.2",
        "pyerfa>=2.0",
        "jplephem>=2.9",
        "de421",
        "de405",
    ),
    "mpmath": ("mpmath>=1.3",),
    "serve": ("fastapi>=0.115", "uvicorn>=0.30"),
}


def install(extra: str) -> str:
    """The command for one extra.

    Raises:
        KeyError: for an extra that does not exist.

    >>> install("onnx")
    "pip install 'onnx>=1.16' 'onnxruntime>=1.18'"
    """
    return "pip install " + " ".join(f"'{package}'" for package in EXTRAS[extra])
