"""What the doctests of the package cannot import everywhere."""

from importlib.util import find_spec

# WeatherBench-X is in no package index; who has it imports this file.
collect_ignore = [] if find_spec("weatherbenchX") else ["src/supnorm/fields/weatherbench.py"]
if not find_spec("xarray"):
    collect_ignore.append("src/supnorm/fields/accessor.py")
if not find_spec("numba"):
    collect_ignore.append("src/supnorm/fields/compiled.py")
