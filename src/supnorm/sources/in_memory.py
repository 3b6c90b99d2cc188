"""Which modules in memory may be of a user, and where a module comes from."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader
from types import ModuleType

from supnorm.foreign import is_foreign

_OF_PACKAGES: dict[str, ModuleType] = {}  # what `others` passes over, by name


def others(owner_of: Callable[[str, ModuleType], object]) -> list[tuple[str, ModuleType]]:
    """The entries of ``sys.modules`` but for those of Python and of packages, thousands, which are looked at once.

    Args:
        owner_of: which folder of a user a module was loaded for, by its name and itself, or None.
    """
    unknown = object()
    rest = [pair for pair in list(sys.modules.items()) if _OF_PACKAGES.get(pair[0], unknown) is not pair[1]]
    for name, module in rest:
        locations = locations_of(module)
        if locations and all(map(is_foreign, locations)) and owner_of(name, module) is None:
            _OF_PACKAGES[name] = module
    return rest


def locations_of(module: ModuleType) -> tuple[str, ...]:
    """The file of a module, or the folders of a package without one; modules that load themselves are not woken."""
    if not isinstance(module, ModuleType):
        return ()
    facts = object.__getattribute__(module, "__dict__")
    file, folders = facts.get("__file__"), facts.get("__path__")
    if isinstance(file, str):
        return (file,)
    return () if file is not None or folders is None else tuple(map(str, folders))


def is_compiled(module: ModuleType) -> bool:
    """Whether a module is compiled code from a file: it can be in memory only once."""
    facts = object.__getattribute__(module, "__dict__") if locations_of(module) else {}
    return isinstance(facts.get("__loader__"), ExtensionFileLoader)
