"""supnorm's search beside general optimisers, on errors whose worst value is known; one thread, like its peers."""

import os

# Before NumPy is loaded: threads that wait count as time in the model.
os.environ.setdefault("OMP_NUM_THREADS", "1")
