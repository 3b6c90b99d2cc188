"""The folders whose code is not the user's: those of Python, of its packages, and of supnorm itself."""

from __future__ import annotations

import os
import site
import sys
from pathlib import Path


def _foreign() -> tuple[str, ...]:
    installed = {
        sys.prefix,
        sys.base_prefix,
        sys.exec_prefix,
        *site.getsitepackages(),
        str(Path(__file__).parents[1]),
    }
    system = ("/usr/", "/proc/", "/sys/", "/dev/", "/etc/", "/lib/")
    every = {folder for p in installed for folder in (p, os.path.realpath(p)) if folder not in ("/", "/usr")}
    return (*(folder.rstrip(os.sep) + os.sep for folder in sorted(every)), *system)


# They end with a separator, for `str.startswith`.
FOREIGN = _foreign()
