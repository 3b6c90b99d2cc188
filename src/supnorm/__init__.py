"""supnorm searches for, proves and predicts the worst-case error of networks that stand in for science codes.

Your test set tells you the average error. `audit` searches for the worst one: what it finds is a lower bound, with its
point. `certify` proves an upper bound.

>>> import supnorm as sn
>>> problem = sn.Problem(lambda x: x[:, 0], lambda x: x[:, 0] ** 2, sn.Domain(x=(0.0, 1.0)))
>>> round(sn.audit(problem, evaluations=1000).worst.error, 6)
0.25
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
