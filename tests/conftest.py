"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is no failure: times belong to the benchmarks.
settings.register_profile("supnorm", settings.default, deadline=None)
settings.load_profile("supnorm")
