"""What the doctests of the package cannot import everywhere, and what pytest need not do to the package."""

import sys
from importlib.util import find_spec


def _leave_the_package_as_it_is() -> None:
    """supnorm has a plugin for pytest, so pytest rewrites every assertion of the package: of 800 modules, in each process.

    That is done for tests, whose assertions tell their values; an assertion of the package needs none of it.
    """
    for finder in sys.meta_path:
        marked = getattr(finder, "_must_rewrite", None)
        if isinstance(marked, set) and "supnorm" in marked:
            marked.discard("supnorm")
            finder._marked_for_rewrite_cache.clear()  # type: ignore[attr-defined]


_leave_the_package_as_it_is()

# WeatherBench-X is in no package index; who has it imports this file.
collect_ignore = [] if find_spec("weatherbenchX") else ["src/supnorm/fields/weatherbench.py"]
if not find_spec("xarray"):
    collect_ignore.append("src/supnorm/fields/accessor.py")
if not find_spec("numba"):
    collect_ignore.append("src/supnorm/fields/compiled.py")
