"""The HTML page, its charts, and the terminal view: they read the JSON of a result and nothing else."""

from supnorm.pages.page import write_page

__all__ = ["write_page"]
