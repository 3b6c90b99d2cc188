"""Benchmarks against other programs; each folder's README says the command for each number."""
