"""The command line: one file for each verb."""

from supnorm.cli.main import main

__all__ = ["main"]
