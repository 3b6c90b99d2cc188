"""Training layer by layer, on regression."""
