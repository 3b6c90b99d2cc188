"""``python -m benchmarks.scale chaos``: whatever is lost at a random moment, ``--resume`` ends with the same result.

Each run draws a verb, what computes (this process, worker processes, a Dask scheduler with two workers), what is lost, and
the moment: after so many calls of the reference, so that the moments do not depend on the machine. A proof has no
calls; its moment is a share of its time. Then the same command is given with ``--resume``, on Dask on a scheduler again or
without one, until it has a verdict. What is asked of each run:

* the exit code and the result, without what a clock measured, are those of the run that nobody disturbed and that had no
  workers; of a proof the verdict is, its boxes may be others, and ``supnorm check`` accepts it;
* values that were computed and are not stored are no more than the calls under way;
* a stored point is not called again, but for the points with which ``--resume`` looks whether the function is the same,
  for the first ones of all, where the run was killed before it had timed a call, and for the worst ones, which are called
  alone by every run;
* no process is left, no traceback was written, the stores are whole.
"""

from __future__ import annotations

import json
import math
import os
import random
import resource
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.scale import network_cut
from benchmarks.scale.chaos_cases import CASES, WORKERS, Case, called, stored, write_problem
from benchmarks.scale.dask_cluster import DaskCluster
from benchmarks.scale.driver import Driver, command, parent, preload
from supnorm.certification import certificate, checkpoint, shelf
from supnorm.evaluation.spot_check import POINTS

IN_MEMORY, IN_LINES = shelf.HELD, certificate.MANY
PATIENCE = 300.0  # seconds for anything to happen, however busy the machine is
# Calls that time a function and look whether it is one; a run that was killed before makes them again.
FIRST = 20
LOSSES = {
    "serial": ("driver", "work"),
    "processes": ("driver", "work", "worker", "stopped worker"),
    "dask": ("driver", "work", "worker", "scheduler", "cut", "stopped worker"),
}
CLOCKED = {
    "seconds", "model_seconds", "reference_seconds", "seconds_per_point", "finished", "command", "cost", "machine",
    "seconds_a_call", "spread", "latency", "microseconds", "path", "folder",
}  # fmt: skip


@dataclass
class Whole:
    """A run that nobody disturbs."""

    code: int
    answer: Any
    calls: Counter[str]
    seconds: float


@dataclass
class Shop:
    """What runs share: folders, the cluster, the undisturbed runs."""

    home: Path
    own_network: bool
    cluster: DaskCluster
    wholes: dict[str, Whole] = field(default_factory=dict)

    def whole(self, case: Case) -> Whole:
        """The undisturbed run of a verb; made once."""
        key = " ".join(case.verb)
        if key not in self.wholes:
            folder = self.home / f"whole-{len(self.wholes)}"
            write_problem(folder, case)
            begun = time.monotonic()
            code, err = start(folder, case).finish(PATIENCE)
            if code not in (0, 1, 4):
                raise AssertionError(f"{case.name}, undisturbed: exit code {code}: {err}")
            self.wholes[key] = Whole(code, answer(folder, case), called(folder), time.monotonic() - begun)
        return self.wholes[key]


def disturbed(shop: Shop, case: Case, loss: str, dice: random.Random, number: int) -> dict[str, Any]:
    """One run: what was lost, when, and all that is wrong with what came out."""
    whole, folder = shop.whole(case), shop.home / f"run-{number}"
    write_problem(folder, case)
    moment, total = dice.uniform(0.0, 1.1), sum(whole.calls.values())
    seconds, pause = dice.uniform(1.0, 4.0), dice.uniform(0.0, 0.03)
    address = shop.cluster.address() if case.by == "dask" else None
    process = start(folder, case, address, workers=case.by == "processes")
    if case.proof:
        reached(process, lambda: False, moment * whole.seconds)
    elif reached(process, lambda: called(folder).total() >= min(moment, 0.99) * total):
        time.sleep(10 * pause if moment > 0.99 else pause)
    if disturb := not process.ended:
        lose(shop, case, loss, process, dice, seconds)
    code, err = process.finish(PATIENCE)
    faults, errors = orphans(process), [err]
    if not disturb and code != whole.code:
        faults.append(f"exit code {code} before it was disturbed: {err[-300:]}")
    (kept, timed, stores), made = stored(folder), called(folder)
    resumed = 0
    while code not in (0, 1, 4) and resumed < 4:
        elsewhere = dice.random() < 0.5  # on the scheduler again, or without
        by = shop.cluster.address() if case.by == "dask" and elsewhere else None
        process = start(folder, case, by, workers=case.by == "processes", resume=(folder / "run").exists())
        code, err = process.finish(PATIENCE)
        if code == 2 and "--resume" in err:  # it had not come so far that there is a run
            process = start(folder, case, by, workers=case.by == "processes")
            code, err = process.finish(PATIENCE)
        faults += orphans(process)
        errors.append(err)
        resumed += 1
    faults += [f"traceback: {text[-400:]}" for text in errors if "Traceback" in text]
    if code != whole.code:
        faults.append(f"exit code {code}, not {whole.code}: {errors[-1][-300:]}")
    elif (found := answer(folder, case)) != whole.answer:
        faults.append(f"another result: {different(found, whole.answer)}")
    if case.proof and code == whole.code:
        faults += check(folder)
    over = called(folder) - whole.calls
    again = {point: n for point, n in over.items() if point in kept} if resumed else {}
    repeated = sum(n for point, n in again.items() if whole.calls[point] < 2)
    # Called more often than in the undisturbed run, and not stored at that time: under way when something was lost.
    lost = sum(n for point, n in (over | (made - whole.calls)).items() if point not in kept or not resumed)
    if repeated > POINTS * stores * resumed + (0 if timed else FIRST):  # of each store some are looked at
        faults.append(f"{repeated} stored points were called again")
    if lost > case.flying:
        faults.append(f"{lost} calls were lost, {case.flying} can be under way")
    if not faults:
        shutil.rmtree(folder)
    return {
        "case": case.name, "sent": "" if case.proof else case.verb[-1], "lost": loss, "moment": round(moment, 3),
        "disturbed": disturb, "resumed": resumed, "calls": total, "calls_lost": lost, "calls_repeated": repeated,
        "calls_alone": sum(again.values()) - repeated,
        "seconds_cut": round(seconds, 1) if loss in ("cut", "stopped worker") else None, "faults": faults,
    }  # fmt: skip


def lose(shop: Shop, case: Case, loss: str, process: Driver, dice: random.Random, seconds: float) -> None:
    """Kill, stop or cut off what is to be lost."""
    if loss == "cut":
        if shop.own_network:
            network_cut.cut(seconds)
        else:
            shop.cluster.stopped(seconds)
    elif loss == "scheduler":
        shop.cluster.kill_scheduler()
    elif loss in ("driver", "work"):
        inner = [pid for pid in process.members() if parent(pid) == process.pid]
        hit(process.pid if loss == "driver" or not inner else inner[0], signal.SIGKILL)
    else:
        here = [pid for pid in process.members() if "spawn_main" in command(pid)]
        workers = shop.cluster.workers() if case.by == "dask" else here
        pid = dice.choice(sorted(workers)) if workers else None
        if pid is not None:
            hit(pid, signal.SIGKILL if loss == "worker" else signal.SIGSTOP)
            if loss == "stopped worker":
                time.sleep(seconds)
                hit(pid, signal.SIGCONT)


def hit(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def start(
    folder: Path, case: Case, address: str | None = None, *, workers: bool = False, resume: bool = False
) -> Driver:
    """The verb, as a user starts it; the fork has the limits that are set here."""
    shelf.HELD = IN_MEMORY if case.held is None else case.held
    certificate.MANY = IN_LINES if case.held is None else case.held
    words = [*case.verb, "--out", "run", "--quiet"] + ["--resume"] * resume
    words += ["--dask", address] if address else ["--workers", str(WORKERS)] * workers
    return Driver(folder, words)


def reached(process: Driver, condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Wait until a condition holds; False if the process has ended or the time is over."""
    end = time.monotonic() + seconds
    while not process.ended and time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def orphans(process: Driver, seconds: float = 20.0) -> list[str]:
    """What is left of a run after some seconds."""
    end = time.monotonic() + seconds
    while (left := process.members()) and time.monotonic() < end:
        time.sleep(0.05)
    words = [f"left: {command(pid)}" for pid in left]
    process.kill()
    return words


# -- answers -----------------------------------------------------------------------------------------------------


def answer(folder: Path, case: Case) -> Any:
    """What came out, without what a clock measured."""
    path = folder / "run" / case.answer
    if not path.exists():
        return None
    document = json.loads(path.read_text(encoding="utf-8"))
    if case.proof:
        return document["status"]["code"]
    return timeless(document)


def timeless(value: Any) -> Any:
    """Without what a clock has measured."""
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k not in CLOCKED}
    return [timeless(v) for v in value] if isinstance(value, list) else value


def different(found: Any, expected: Any, where: str = "") -> str:
    """The first place where two documents differ."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in {**expected, **found}:
            if found.get(key) != expected.get(key):
                return different(found.get(key), expected.get(key), f"{where}.{key}")
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for i, (a, b) in enumerate(zip(found, expected, strict=True)):
            if a != b:
                return different(a, b, f"{where}[{i}]")
    return f"{where}: {str(found)[:120]}, not {str(expected)[:120]}"


def check(folder: Path) -> list[str]:
    """What the checker has against a certificate."""
    code, err = Driver(folder, ["check", "run/certificate.json"]).finish(PATIENCE)
    return [] if code == 0 else [f"check: exit code {code}: {err[-300:]}"]


def spent() -> float:
    """Seconds of processors, of this process and of all that it has waited for."""
    uses = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(use.ru_utime + use.ru_stime for use in uses)


def chaos(
    home: Path, seed: int, count: int, only: str = "", own_network: bool = False, minutes: float = math.inf
) -> list[dict[str, Any]]:
    """So many disturbed runs, or as many as begin within some minutes; prints one line each."""
    end = time.monotonic() + 60.0 * minutes
    dice, rows = random.Random(seed), []
    preload()
    # Proofs write what they have every ten seconds; these take less, and write it as often as they can.
    checkpoint.EVERY, checkpoint.SHARE = 0.2, 1.0
    cases = [case for case in CASES if only in case.name]
    with DaskCluster(home / "cluster", WORKERS) as cluster:
        shop = Shop(home, own_network, cluster)
        while len(rows) < count and time.monotonic() < end:
            case = dice.choice(cases)
            row = disturbed(shop, case, dice.choice(LOSSES[case.by]), dice, len(rows))
            rows.append(row)
            words = (
                f"{len(rows):4d} {row['case']:34s} {row['sent']:26s} {row['lost']:15s} at {row['moment']:.2f}"
            )
            print(
                f"{words} resumed {row['resumed']} lost {row['calls_lost']} repeated {row['calls_repeated']} "
                f"{'; '.join(row['faults']) or ('ok' if row['disturbed'] else 'ok, had ended')}",
                flush=True,
            )
    return rows
