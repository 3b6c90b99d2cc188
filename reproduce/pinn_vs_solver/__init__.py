"""Poisson's equation by a network, by solvers, and by both together."""
