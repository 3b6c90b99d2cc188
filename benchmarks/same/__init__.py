"""Whether a change of the code left every number of every result as it was, bit for bit: see `__main__`."""
