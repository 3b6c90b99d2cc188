"""Planning: what the theory forbids, what a construction needs, what a measured learning curve forecasts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
