"""Products by four neurons, and how far float64 arithmetic lets them go."""
