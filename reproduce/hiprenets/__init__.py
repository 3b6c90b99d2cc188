"""Networks refined stage by stage for the largest error, on formulas of physics."""
