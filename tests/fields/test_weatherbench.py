"""The maximum as an aggregation of WeatherBench-X, where it is installed; and the accessor of Datasets."""

import numpy as np
import pytest
import xarray as xr
from tests.fields.archives import analysis, forecast

import supnorm.fields.accessor  # noqa: F401


def test_the_accessor():
    truth = analysis()
    wrong = forecast(truth)
    report = wrong.supnorm.audit(truth, tolerance=100.0)
    assert report.status.code == "within-tolerance"


def test_the_maximum_of_chunks_is_that_of_the_whole():
    pytest.importorskip("weatherbenchX")
    from supnorm.fields.weatherbench import Maximum

    generator = np.random.default_rng(0)
    dims, shape = ("init_time", "lead_time", "latitude", "longitude"), (6, 3, 8, 9)
    coords = {d: np.arange(n) * 10.0 for d, n in zip(dims, shape, strict=True)}
    error = xr.DataArray(generator.random(shape), coords, dims)
    error[4, 1, 2, 3] = 7.0
    error[2, 2, 5, 6] = np.nan
    statistics = {"AbsoluteError": {"t": error}}
    aggregator = Maximum(reduce_dims=["init_time", "latitude", "longitude"])
    whole = aggregator.aggregate_statistics(statistics).mean_statistics()["AbsoluteError"]["t"]
    parts = [aggregator.aggregate_statistics({"AbsoluteError": {"t": error[i : i + 2]}}) for i in (4, 0, 2)]
    merged = (parts[0] + parts[1] + parts[2]).mean_statistics()["AbsoluteError"]["t"]
    xr.testing.assert_equal(whole, merged)
    assert float(whole[1]) == 7.0
    assert (float(whole.at_init_time[1]), float(whole.at_latitude[1]), float(whole.at_longitude[1])) == (
        40.0,
        20.0,
        30.0,
    )
    assert np.isnan(whole[2])
    assert float(whole.at_init_time[2]) == 20.0
    skipping = Maximum(reduce_dims=["init_time", "latitude", "longitude"], skipna=True)
    assert float(skipping.aggregate_statistics(statistics).mean_statistics()["AbsoluteError"]["t"][2]) < 1
