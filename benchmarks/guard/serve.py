"""``python -m benchmarks.guard serve``: the service in a process of its own, under load from several clients on loopback.

Every answer is compared with that of the guard in this process. Some requests hold bad rows. Latencies are those that the
clients see; the machine has other work at the same time, so compare them with the load that is printed beside. Then the same
with shadow checks of every accepted row, and a burst of many clients at once: no row may be lost, no answer may wait for the
checks, and the memory of the service stays bounded.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.claims.stored import stamp
from benchmarks.guard.models import bump_guard
from supnorm.networks import Network, save

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "guard_serve.json"
CLIENTS = 32  # of a burst
DRAINED = 120.0  # seconds in which the checks of a burst have to end
CHECKED = tuple(f"supnorm_shadow_{name}_total" for name in ("checks", "unanswered", "left_out"))
PROBLEM = """
[model]
file = "net.npz"
[reference]
python = "models.py:bump"
[error]
tolerance = 0.05
[domain]
x = [-1.0, 1.0]
y = [-1.0, 1.0]
"""


def main(arguments: list[str]) -> None:
    """Print latencies; with ``--save`` store them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard serve")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--requests", type=int, default=500, help="of each client, for each number of rows")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    args = parser.parse_args(arguments)
    rows = []
    for shadow in (None, 1.0):
        with tempfile.TemporaryDirectory() as folder, served(Path(folder), shadow) as (process, port):
            for size in (1, 100):
                row = {"rows": size, "shadow": shadow, **loaded(port, args.clients, args.requests, size)}
                rows.append(row)
                print(row, flush=True)
            if shadow is not None:
                burst = bursts(process, port, CLIENTS, 20, 100)
                print(burst, flush=True)
    if args.save:
        document = {
            "command": "python -m benchmarks.guard serve --save",
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            "versions": {"python": platform.python_version(), "numpy": np.__version__},
            "clients": args.clients,
            "requests": args.requests,
            "load": round(os.getloadavg()[0], 1),
            "rows": rows,
            "burst": burst,
        }
        RESULTS.write_text(json.dumps(document, indent=1) + "\n")
        stamp("guard_serve")


@contextmanager
def served(folder: Path, shadow: float | None = None) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The service and its port; it has to end with code 0."""
    process, port = started(folder, shadow)
    try:
        yield process, port
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
        assert process.stdout is not None
        process.stdout.close()
    if code:
        raise RuntimeError(f"the service ended with code {code}")


def started(folder: Path, shadow: float | None = None) -> tuple[subprocess.Popen[str], int]:
    """The service, with shadow checks of this share of the accepted rows, and its port."""
    safe = bump_guard()
    network = safe.model.value.__self__  # type: ignore[attr-defined]
    assert isinstance(network, Network)
    save(network, folder / "net.npz")
    safe.save(folder / "model.guard")
    (folder / "problem.toml").write_text(PROBLEM)
    (folder / "models.py").write_text(Path(__file__).with_name("models.py").read_text())
    command = [
        sys.executable,
        "-m",
        "supnorm",
        "serve",
        "problem.toml",
        "--guard",
        "model.guard",
        "--port",
        "0",
        *([] if shadow is None else ["--shadow", str(shadow)]),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.readline()
    return process, int(said.partition("127.0.0.1:")[2].partition(";")[0])


def loaded(port: int, clients: int, requests: int, size: int) -> dict[str, Any]:
    """Latencies of all requests in milliseconds, rows a second, and how many answers were wrong."""
    times: list[float] = []
    wrong: list[str] = []

    def client(number: int) -> None:
        rng = np.random.default_rng(number)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for _ in range(requests):
            x: Any = rng.uniform(-1.0, 1.0, (size, 2)).tolist()
            if rng.random() < 0.1:
                x[int(rng.integers(size))] = [None, 0.5]
            begin = time.perf_counter()
            connection.request("POST", "/predict", json.dumps({"x": x}), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            text = reply.read()
            times.append(1e3 * (time.perf_counter() - begin))
            if reply.status != 200 or not right(x, json.loads(text)):
                wrong.append(text.decode()[:200])
        connection.close()

    begin = time.perf_counter()
    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begin
    if wrong:
        print("wrong:", wrong[0])
    quantiles = {f"p{q}": round(float(np.percentile(times, q)), 2) for q in (50, 99)}
    return {
        **quantiles,
        "a_second": round(len(times) * size / took),
        "answers": len(times),
        "wrong": len(wrong),
    }


def bursts(
    process: subprocess.Popen[str], port: int, clients: int, requests: int, size: int
) -> dict[str, Any]:
    """Requests of many clients at once, and what became of all accepted rows so far and of the memory."""
    before = memory(process.pid)
    found = loaded(port, clients, requests, size)
    accepted = checked = 0.0
    until = time.monotonic() + DRAINED
    while time.monotonic() < until:
        now = counters(port)
        accepted, checked = now["supnorm_rows_accepted_total"], sum(now[name] for name in CHECKED)
        if checked >= accepted:
            break
        time.sleep(0.2)
    return {
        "clients": clients,
        **found,
        "accepted": int(accepted),
        "checked": int(checked),
        "left_out": int(now["supnorm_shadow_left_out_total"]),
        "megabytes": round((memory(process.pid) - before) / 1e6, 1),
    }


def counters(port: int) -> dict[str, float]:
    """The counters without labels of ``/metrics``."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    pairs = (line.split() for line in text.splitlines() if not line.startswith("#") and "{" not in line)
    return {name: float(value) for name, value in pairs}


def memory(pid: int) -> int:
    """Bytes of a process in memory (Linux)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def right(x: Any, answer: dict[str, Any]) -> bool:
    """Whether an answer is that of the guard in this process."""
    points = np.array([[np.nan if v is None else v for v in row] for row in x])
    expected = bump_guard()(points)
    y = np.array([[np.nan if v is None else v for v in row] for row in answer["y"]])
    return bool(
        answer["flag"] == expected.flag.tolist()
        and np.allclose(y, expected.y, rtol=1e-12, atol=1e-14, equal_nan=True)
    )
