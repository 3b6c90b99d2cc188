"""Networks to machine precision: second-order training, boosting, scaling laws, modular networks."""
