"""``python -m benchmarks.search.threads``: what threads of NumPy's linear algebra do to an audit.

Processes of their own, in turns: as a user starts it (nothing set), one thread, and as many as there are cores
(``OMP_NUM_THREADS``, which is left alone when it is set). Wall and processor seconds of an audit of the pair of
`benchmarks.search.overhead` in 8 inputs, medians; run it beside other work too.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from supnorm.evaluation.threads import ASKED

CODE = """
import time, numpy as np, supnorm as sn
from supnorm.networks import Network
nets = [Network.init(np.random.default_rng(s), d=8, width=64, depth=3).as_function() for s in (0, 1)]
pair = sn.Problem(*nets, sn.Domain(**{f"x{i}": (-1.0, 1.0) for i in range(8)}))
sn.audit(pair, evaluations=2000)
start = time.perf_counter(), time.process_time()
sn.audit(pair, evaluations=100_000)
print(time.perf_counter() - start[0], time.process_time() - start[1])
"""


def main() -> None:
    """Print one line for each setting."""
    settings = {"nothing set": None, "one thread": "1", "a thread for each core": str(os.cpu_count())}
    seen: dict[str, list[list[float]]] = {name: [] for name in settings}
    for _ in range(3):
        for name, threads in settings.items():
            env = {key: value for key, value in os.environ.items() if key not in ASKED}
            env |= {} if threads is None else {"OMP_NUM_THREADS": threads}
            run = subprocess.run(
                [sys.executable, "-c", CODE], env=env, capture_output=True, text=True, check=True
            )
            seen[name].append([float(part) for part in run.stdout.split()])
    for name, runs in seen.items():
        wall, processor = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"{name}: {wall:.1f} s, {processor:.1f} s of processor time")


if __name__ == "__main__":
    main()
