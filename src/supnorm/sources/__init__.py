"""Opens models and references of all kinds, one file for each kind, from a problem file or from Python."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
