"""Published studies done again, each in a folder of its own; see its README."""
