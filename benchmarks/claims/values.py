"""What can be said of each stored result: numbers as the pages print them, and tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

VALUES: dict[str, Callable[[Any], dict[str, str]]] = {}
