"""What is not the user's: files below the folders of Python, of its packages, of the system and of supnorm itself."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from pathlib import Path

GENERAL = ("/", "/usr", "/usr/local")  # Python may be installed there; packages are below


HEAP = (
    1 << 9
)  # of ``__flags__``: the class was made while Python ran (Py_TPFLAGS_HEAPTYPE); compiled code made the others


def is_any(kind: type, *kinds: type) -> bool:
    """Whether a class is one of some classes, by identity: a class of the user can be equal to any other one.

    >>> class Equal(type):
    ...     __eq__ = frozenset({float}).__contains__
    ...     __hash__ = type.__hash__
    >>> class Number(float, metaclass=Equal): pass
    >>> Number in (float, int), is_any(Number, float, int), is_any(bool, bool)
    (True, False, True)
    """
    return any(kind is one for one in kinds)


def _installed() -> tuple[str, ...]:
    folders = {
        sys.prefix,
        sys.base_prefix,
        sys.exec_prefix,
        *site.getsitepackages(),
        site.getusersitepackages(),  # pip install --user
        # Of a .pth file or of PYTHONPATH, as clusters set it when software is loaded.
        *(p for p in sys.path if os.path.basename(p.rstrip(os.sep)) in ("site-packages", "dist-packages")),
        str(Path(__file__).parent),
    }
    every = {folder for p in folders for folder in (p, os.path.realpath(p)) if folder not in GENERAL}
    return tuple(folder.rstrip(os.sep) + os.sep for folder in sorted(every))


# All end with a separator, for `str.startswith`.
INSTALLED = _installed()
SYSTEM = ("/usr/", "/proc/", "/sys/", "/dev/", "/etc/", "/lib/")
# Folders of the system where people put code of their own, as images of containers do.
OWN = ("/usr/src/", "/usr/local/src/", "/usr/app/")


def is_foreign(file: str) -> bool:
    """Whether a file with an absolute path is not the user's.

    >>> is_foreign("/usr/share/dict/words"), is_foreign("/usr/src/app/model.py"), is_foreign(os.__file__)
    (True, False, True)
    """
    return file.startswith(INSTALLED) or (file.startswith(SYSTEM) and not file.startswith(OWN))


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

    This is less than what `is_foreign` names: the user's code may stand in the folder of an environment.

    >>> is_library(os.__file__), is_library("/usr/src/app/model.py"), is_library("/x/site-packages/torch/nn.py")
    (True, False, True)
    """
    parts = file.replace(os.sep, "/").split("/")
    return file.startswith(LIBRARIES) or "site-packages" in parts or "dist-packages" in parts


def home_of(kind: type) -> str:
    """The module of a class; empty where a class only says that it is of one, as any class of the user can.

    >>> home_of(Path), home_of(int), home_of(type("Path", (), {"__module__": "pathlib"}))
    ('pathlib', 'builtins', '')
    """
    name = type.__dict__["__module__"].__get__(kind)
    if not isinstance(name, str):
        return ""
    if not kind.__flags__ & HEAP:
        return name
    found: object = sys.modules.get(name)
    for part in kind.__qualname__.split("."):
        found = getattr(found, "__dict__", {}).get(part)
    return name if found is kind else ""
