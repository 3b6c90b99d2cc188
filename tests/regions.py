"""What tests of guards and repairs leave out."""

from __future__ import annotations

import pytest

from supnorm.auditing.region import RegionVolume


@pytest.fixture(autouse=True)
def no_sizes_of_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes of regions take half of the time of a small guard or repair; tests/auditing tests them.

    An audit whose evaluations do not suffice has none either. What a module makes once for its tests has them.
    """
    monkeypatch.setattr(RegionVolume, "measure", lambda *given: None)
