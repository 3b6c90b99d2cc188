"""Numbers in README, docs and examples: where each comes from, and whether the code below it is still the same."""
