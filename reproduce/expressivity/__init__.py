"""Yarotsky's networks: built, measured, proved, and trained networks of the same size beside them."""
