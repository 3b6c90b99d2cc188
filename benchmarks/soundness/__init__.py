"""Attempts to have a false statement printed or accepted."""
