"""supnorm's search beside general optimisers, on errors whose worst value is known."""
