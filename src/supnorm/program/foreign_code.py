"""Which code is not the user's: that of Python, of packages and of supnorm."""

from __future__ import annotations

import _imp
import sys
from collections import namedtuple
from functools import cache
from types import CodeType
from typing import Any

from supnorm.foreign import is_library

MAKER = ("_tuple_new",)  # the names in the code that makes a named tuple


def foreign_code(code: CodeType, names: dict[str, Any]) -> bool:
    """Whether code is not the user's: its module is of a library, and so is its file, if it has one.

    Both count, because code that is made from text can be given any file name.
    """
    name = names.get("__name__")
    if isinstance(name, str) and name.startswith("namedtuple_") and code.co_names == MAKER:
        return names.get("_tuple_new") is tuple.__new__ and _makes_tuple(code)
    home = sys.modules.get(name) if isinstance(name, str) else None
    file = code.co_filename
    ours = home is not None and _library_file(getattr(home, "__file__", None))
    if file.startswith("<frozen "):
        # `_collections_abc` says that it is `collections.abc`, which is another module.
        for one, module in ((name, home), (file[8:-1], sys.modules.get(file[8:-1]))):
            if module is not None and module.__dict__ is names:
                return (module is home and ours) or _imp.is_frozen(str(one))
    if ours and home.__dict__ is not names:  # torch puts objects of its own in the place of some modules
        return type(home).__module__.startswith("torch.") and _library_file(file)
    return ours and (file.startswith("<") or _library_file(file))


def _makes_tuple(code: CodeType) -> bool:
    """Whether code with so many arguments is that of Python for a named tuple: any code may stand in such a namespace."""
    made = _maker(code.co_argcount)
    return made is not None and (code.co_code, code.co_consts) == (made.co_code, made.co_consts)


@cache
def _maker(arguments: int) -> CodeType | None:
    if not arguments:
        return None
    make: Any = namedtuple
    made: CodeType = make("kind", [f"field_{k}" for k in range(arguments - 1)]).__new__.__code__
    return made


def _library_file(file: object) -> bool:
    return isinstance(file, str) and is_library(file)
