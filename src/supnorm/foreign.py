"""What is not the user's: files below the folders of Python, of its packages, of the system and of supnorm itself."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from pathlib import Path


def _foreign() -> tuple[str, ...]:
    installed = {
        sys.prefix,
        sys.base_prefix,
        sys.exec_prefix,
        *site.getsitepackages(),
        str(Path(__file__).parent),
    }
    system = ("/usr/", "/proc/", "/sys/", "/dev/", "/etc/", "/lib/")
    every = {folder for p in installed for folder in (p, os.path.realpath(p)) if folder not in ("/", "/usr")}
    return (*(folder.rstrip(os.sep) + os.sep for folder in sorted(every)), *system)


# They end with a separator, for `str.startswith`.
FOREIGN = _foreign()


def _libraries() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    every = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")} | {
        str(Path(__file__).parent)
    }
    both = {path for folder in every for path in (folder, os.path.realpath(folder))}
    return tuple(folder.rstrip(os.sep) + os.sep for folder in sorted(both))


LIBRARIES = _libraries()


def is_library(file: str) -> bool:
    """Whether code is of Python's library, of an installed package, or of supnorm.

    This is less than what is below `FOREIGN`: the user's code may stand in /usr/src/app, or in the folder of an environment.

    >>> is_library(os.__file__), is_library("/usr/src/app/model.py"), is_library("/x/site-packages/torch/nn.py")
    (True, False, True)
    """
    parts = file.replace(os.sep, "/").split("/")
    return file.startswith(LIBRARIES) or "site-packages" in parts or "dist-packages" in parts
