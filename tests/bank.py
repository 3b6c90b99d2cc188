"""The small bank of `tests.problems`, made once: the searches for the worst error of its networks take a second."""

from tests.problems import small_bank

BANK = small_bank()
