"""What all tests of this folder use."""

from tests.regions import no_sizes_of_regions

__all__ = ["no_sizes_of_regions"]
