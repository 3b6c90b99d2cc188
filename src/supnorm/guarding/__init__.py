"""Guards a model at run time: says for each input whether its answer can be trusted, and asks the reference where not."""

from supnorm.guarding.choosing import Risk
from supnorm.guarding.export import fuse
from supnorm.guarding.guard import Answer, Flag, Guard
from supnorm.guarding.make import guard, load_guard

__all__ = ["Answer", "Flag", "Guard", "Risk", "fuse", "guard", "load_guard"]
