"""Versions of Python and of the packages that took part in a result."""

from __future__ import annotations

import platform
import sys
from functools import cache
from importlib import metadata

PACKAGES = ("supnorm", "numpy", "scipy", "scikit-learn", "jax", "torch", "onnxruntime", "gsw", "CoolProp")
MODULES = {"scikit-learn": "sklearn"}


@cache  # reading it from the installed files takes some milliseconds
def version_of(package: str) -> str:
    """The version of an installed package; "unknown" for one that is run from a folder.

    >>> import supnorm
    >>> supnorm.__version__ == version_of("supnorm")
    True
    """
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


__version__ = version_of("supnorm")


def versions() -> dict[str, str]:
    """Python's version and those of the packages above that are loaded.

    >>> import numpy
    >>> versions()["numpy"] == numpy.__version__
    True
    """
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        if MODULES.get(package, package) in sys.modules:
            found[package] = version_of(package)
    return found
