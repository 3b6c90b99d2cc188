"""Trained networks beside polynomials on the functions of the paper: what theory promises and training delivers."""
