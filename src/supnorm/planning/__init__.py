"""Planning: what the theory forbids, what a construction needs, what a measured ladder forecasts."""
