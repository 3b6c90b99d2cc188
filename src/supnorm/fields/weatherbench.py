"""The largest error and its place as an aggregation of WeatherBench-X; import this file where that package is installed.

WeatherBench-X splits data into chunks, computes statistics at each grid point, and adds up weighted means. `Maximum`
takes the
largest value of each statistic instead, with the coordinates at which it stands, and merges chunks in the same way:

    from weatherbenchX.metrics.deterministic import AbsoluteError
    from supnorm.fields.weatherbench import Maximum

    statistics = compute_unique_statistics_for_all_metrics({"error": AbsoluteError()}, predictions, targets)
    state = Maximum(reduce_dims=["init_time", "latitude", "longitude"]).aggregate_statistics(statistics)
    state = state + other_chunk
    state.metric_values({"error": AbsoluteError()})["error.2m_temperature"].at_latitude
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray
from weatherbenchX.aggregation import AggregationState, Aggregator


@dataclasses.dataclass
class MaximumState(AggregationState):  # type: ignore[misc]
    """The largest value of each statistic and variable, with the coordinates at which it stands (``at_latitude``, ...)."""

    @classmethod
    def sum(cls, aggregation_states: Iterable[MaximumState]) -> MaximumState:
        """The larger of all states; of equal values that of the first state. A NaN is larger than every number."""
        parts = [
            s.sum_weighted_statistics for s in aggregation_states if s.sum_weighted_statistics is not None
        ]
        if not parts:
            return cls(None, None)
        return cls(
            {
                name: _merged([p[name] for p in parts if name in p])
                for name in dict.fromkeys(n for p in parts for n in p)
            },
            None,
        )

    def __add__(self, other: MaximumState) -> MaximumState:
        """The larger of both."""
        return self.sum([self, other])

    def mean_statistics(self) -> Any:
        """The largest values; WeatherBench-X makes its metrics of these."""
        return self.sum_weighted_statistics


@dataclasses.dataclass
class Maximum(Aggregator):  # type: ignore[misc]
    """Aggregates by the maximum over ``reduce_dims``; bins and weights do not apply.

    A NaN is larger than every number, so that no missing value is hidden; ``skipna`` leaves them out.
    """

    def aggregate_statistics(self, statistics: Mapping[str, Mapping[Any, xarray.DataArray]]) -> MaximumState:
        """The state of one chunk.

        Raises:
            ValueError: with bins or weights.
        """
        if self.bin_by or self.weigh_by:
            raise ValueError("the maximum has neither bins nor weights: leave bin_by and weigh_by out")
        found = {
            name: {
                v: _largest(stat, tuple(self.reduce_dims), self.skipna)
                for v, stat in variables.items()
                if {*self.reduce_dims} <= {*stat.dims}
            }
            for name, variables in statistics.items()
        }
        return MaximumState(found, None)


def _largest(stat: xarray.DataArray, dims: tuple[str, ...], skipna: bool) -> xarray.DataArray:
    """The largest value over some dimensions, with its coordinates along them."""
    rank = stat.fillna(-np.inf if skipna else np.inf)
    index = rank.argmax(dims)
    top = stat.isel(index)
    at = {f"at_{d}": stat[d][index[d]].drop_vars(d) if d in stat.coords else index[d] for d in dims}
    return top.drop_vars([c for c in top.coords if c in dims]).assign_coords(
        {k: v.reset_coords(drop=True) for k, v in at.items()}
    )


def _merged(parts: list[Mapping[Any, xarray.DataArray]]) -> dict[Any, xarray.DataArray]:
    found = {}
    for name in dict.fromkeys(n for p in parts for n in p):
        arrays = [p[name] for p in parts if name in p]
        both = xarray.concat(
            arrays, "part", join="outer", fill_value=-np.inf, coords="different", compat="equals"
        )
        found[name] = both.isel(part=both.fillna(np.inf).argmax("part"))
    return found
