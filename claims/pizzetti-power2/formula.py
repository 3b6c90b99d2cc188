"""The light of a star behind a planet by pizzetti, with its default tolerance; one point."""

import pizzetti


def model(z, p, c, alpha):
    return float(pizzetti.occult([z], p, [c, alpha], "power2")[0])
