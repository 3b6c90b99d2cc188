"""The calls that go up in the house: an object of a lower room asks a higher one for help, at the moment it is used.

A notebook calls ``_repr_html_`` on a result itself, and `supnorm.Problem` is given objects that only `supnorm.sources` can
read. To import these rooms would be a circle, so they are named here, and only here; everything else imports downwards.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def pages() -> Any:
    """What draws results."""
    return import_module("supnorm.pages")


def plots() -> Any:
    """What draws results with matplotlib."""
    return import_module("supnorm.pages.plots")


def sources() -> Any:
    """What makes functions of files and of objects of other libraries."""
    return import_module("supnorm.sources")
