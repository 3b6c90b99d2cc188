import pytest

pytest.importorskip("xarray")
pytest.importorskip("zarr")
