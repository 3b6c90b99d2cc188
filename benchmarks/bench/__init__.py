"""SupnormBench: worst-case errors that are known, and every tool that looks for them or bounds them; one thread each."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
