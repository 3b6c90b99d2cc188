"""The command line: one file per verb."""

from supnorm.cli.main import main

__all__ = ["main"]
