"""Planning: lower bounds from theory, the counts of named constructions, and forecasts of measured learning curves."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
