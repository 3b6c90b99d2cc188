"""``python -m benchmarks.soundness doors --seed 0 --count 1000``: broken and hostile input at every door of supnorm.

Good files of every kind are broken at random (`broken_files`), or made to do harm (`hostile_files`), and given to the
verbs that read them; options of the command line get odd values. Each command runs in a forked process of its own. It is
wrong when it ends in exit 70 or by a signal, takes over 20 s of processor time (which does not depend on what else the
machine does), stands still for 150 s, takes over 2 GB, writes more than one line to stderr for bad input, or writes a
character that a terminal obeys. Wrong cases are printed with their seed: ``--only N`` repeats one.
"""

from __future__ import annotations

import argparse
import collections
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.soundness import broken_files, hostile_files, valid_files
from benchmarks.soundness.broken_files import pick
from benchmarks.soundness.records import save

SECONDS, WAITED, BYTES = 20.0, 150.0, 2_000_000_000  # of processor time, of any time without any of it
QUICK = ["--evaluations", "200", "--no-power", "--quiet"]
READ = {  # which verbs read a file that lies in the folder, by its path
    "problem.toml": (["audit", "problem.toml", *QUICK], ["certify", "problem.toml", "--seconds", "2", "--quiet"],
                     ["compare", "problem.toml", "net.npz.toml", *QUICK],
                     ["fit", "problem.toml", "--max-evaluations", "100", "--seconds", "2", "--quiet"],
                     ["replay", "run", "--problem", "problem.toml"]),
    "law.npz": (["audit", "law.npz.toml", *QUICK],),
    "run/result.json": (["report", "run"], ["replay", "run"], ["certify", "problem.toml", "--out", "run", "--seconds", "2"],
                        ["audit", "problem.toml", "--out", "run", *QUICK],
                        ["compare", "problem.toml", "net.npz.toml", "--out", "compared", "--resume", *QUICK]),
    "run/points.csv": (["report", "run"], ["replay", "run"]),
    "run/problem.toml": (["replay", "run"],),
    "run/evaluations.sqlite": (["audit", "problem.toml", "--out", "run", "--resume", *QUICK],),
    "fit/evaluations.sqlite": (["fit", "problem.toml", "--out", "fit", "--resume", "--quiet", "--seconds", "3"],),
    "fit/model.npz": (["audit", "fit/problem.toml", "--out", "again", *QUICK],),
    "cert/certificate.json": (["check", "cert/certificate.json"],
                              ["check", "cert/certificate.json", "--problem", "net.npz.toml"],
                              ["certify", "net.npz.toml", "--out", "cert", "--resume", "--seconds", "2"]),
    "compared/net.npz/result.json": (["compare", "problem.toml", "net.npz.toml", "--out", "compared", "--resume", *QUICK],),
    **{name: (["audit", f"{name}.toml", *QUICK],) for name in (*valid_files.TABLES, "net.pt")},
    **{name: (["audit", f"{name}.toml", *QUICK], ["certify", f"{name}.toml", "--seconds", "2", "--quiet"])
       for name in ("net.npz", "net.onnx", "net.pt2")},
}  # fmt: skip
OPTIONS = {
    "audit": ("--evaluations", "--cost", "--seconds", "--seed", "--workers", "--dask", "--power-runs", "--power-heights",
              "--power-volumes", "--power-sheets", "--power-evaluations", "--out"),
    "certify": ("--ratio", "--tolerance", "--seconds", "--seed", "--workers", "--out"),
    "fit": ("--tolerance", "--norm", "--cost", "--seconds", "--max-evaluations", "--method", "--seed", "--workers", "--out"),
    "budget": ("--inputs", "--smoothness", "--tolerance", "--norm", "--scales", "--rho", "--noise", "--fourier",
               "--stability", "--composition", "--manifold", "--network", "--output", "--sample-budget", "--calls",
               "--training-sizes", "--widths", "--trainings", "--out", "--learning-curve"),
    "check": ("--tolerance", "--workers"),
    "replay": ("--problem",),
}  # fmt: skip
BASES = {
    "audit": ["audit", "problem.toml", *QUICK], "certify": ["certify", "problem.toml", "--seconds", "2"],
    "fit": ["fit", "problem.toml", "--max-evaluations", "100", "--seconds", "2"],
    "budget": ["budget", "--inputs", "2", "--smoothness", "2", "--tolerance", "0.1"],
    "check": ["check", "cert/certificate.json"], "replay": ["replay", "run"],
}  # fmt: skip
TEXTS = ("", "-1", "0", "1e400", "nan", "inf", "-inf", "1_000", "１２", "9" * 5000, "1" * 30, "1e9", "1000000000000", "a",
         "\x1b[31m", "a\x00b", "/dev/zero", "/dev/null/x", "a" * 5000, "tcp://127.0.0.1:1", "nonsense:9", "1,2,,x", "1e308",
         "-0.0", "0x10", "expensive:9", "expensive:" + "9" * 5000,
         "\udcff", "[1]", "--", "0.5", "3", "3:2,5:x", "2:2")  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One attack: what is done to the folder, and the command."""

    name: str
    argv: list[str]
    prepare: Callable[[Path], Any] = lambda folder: None


def random_case(seed: int, good: Path) -> Case:
    """The case of a seed."""
    rng = np.random.default_rng(seed)
    if rng.random() < 0.2:
        verb = pick(rng, list(OPTIONS))
        argv = list(BASES[verb])
        for _ in range(int(rng.integers(1, 3))):
            option = pick(rng, OPTIONS[verb])
            while option in argv:  # the base's own
                del argv[argv.index(option) : argv.index(option) + 2]
            value = pick(rng, TEXTS)
            argv += [option, value.replace("\x00", "")]
        return Case(f"{seed}: options", argv)
    name = pick(rng, list(READ))
    way = pick(rng, broken_files.WAYS[Path(name).suffix])
    argv = pick(rng, READ[name])

    def prepare(folder: Path) -> None:
        data = (good / name).read_bytes()
        try:
            data = way(rng, data)
        except Exception:  # some breakings of broken things are not possible
            data = broken_files.broken_bytes(rng, data)
        (folder / name).write_bytes(data)

    return Case(f"{seed}: {name} {way.__name__}", argv, prepare)


@dataclass(frozen=True)
class Outcome:
    """How a command ended; ``seconds`` of processor time."""

    code: int
    seconds: float
    bytes: int
    err: str
    out: str

    def faults(self) -> list[str]:
        """What is wrong with it; empty for an honest end."""
        from supnorm.results.printable import OBEYED

        found = []
        if self.code not in range(6):
            stopped = self.code in (-signal.SIGKILL, -signal.SIGXCPU)
            found.append("hang" if stopped else f"exit {self.code}")
        if self.bytes > BYTES:
            found.append(f"{self.bytes / 1e9:.1f} GB")
        if self.seconds > SECONDS:
            found.append(f"{self.seconds:.0f} s")
        if self.code == 2 and (
            len(self.err.strip().splitlines()) != 1 or not self.err.startswith("supnorm: ")
        ):
            found.append("not one line")
        if self.code == 2 and len(self.err) > 2000:
            found.append("a line of over 2,000 characters")
        if OBEYED.search(self.err + self.out):
            found.append("escape")
        return found


def attempt(case: Case, good: Path) -> Outcome:
    """TrainingRun a case in a copy of the folder, in a forked process with limits."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "work"
        shutil.copytree(good, folder, symlinks=True)
        case.prepare(folder)
        child = os.fork()
        if child == 0:
            _child(folder, case.argv)
        usage, status, spent_before, moved = None, 0, "", time.monotonic()
        while usage is None:
            done, status, spent = os.wait4(child, os.WNOHANG)
            if done:
                usage = spent
            elif (now := _processor_time(child)) != spent_before:  # a busy machine gives little of it
                spent_before, moved = now, time.monotonic()
                time.sleep(0.01)
            elif time.monotonic() > moved + WAITED:
                os.killpg(child, signal.SIGKILL)
                _, status, usage = os.wait4(child, 0)
            else:
                time.sleep(0.01)
        seconds = usage.ru_utime + usage.ru_stime
        texts = [(Path(home) / name).read_bytes().decode(errors="replace") for name in ("err", "out")]
        return Outcome(os.waitstatus_to_exitcode(status), seconds, 1024 * usage.ru_maxrss, *texts)


def _processor_time(child: int) -> str:
    """That of a process and of those it has waited for, in ticks."""
    return " ".join(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11:15])


def _child(folder: Path, argv: list[str]) -> None:
    code = 99
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(folder.parent / name, os.O_WRONLY | os.O_CREAT), number)
        sys.stdout = os.fdopen(1, "w", errors="backslashreplace")
        sys.stderr = os.fdopen(2, "w", errors="backslashreplace")
        resource.setrlimit(resource.RLIMIT_DATA, (6 * BYTES, 6 * BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        own = time.process_time()  # a forked process begins at 0, whatever its parent has spent
        resource.setrlimit(resource.RLIMIT_CPU, (int(own + SECONDS + 2), int(own + SECONDS + 10)))
        from supnorm.cli.main import run

        code = int(run(argv))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _made(good: Path) -> None:
    """The good files, made in another process: threads of the libraries that make them do not reach the forks."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            valid_files.make(good)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0, "the good files could not be made"


def warm() -> None:
    """Import what the verbs import, once for all forks; no threads are started."""
    import importlib

    for name in ("torch", "onnx", "onnxruntime", "pyarrow.parquet", "xarray", "h5netcdf", "flint", "supnorm.cli.main",
                 "supnorm.auditing", "supnorm.pages", "supnorm.certification", "supnorm.sources", "supnorm.training",
                 "supnorm.planning", "supnorm.checker", "supnorm.sources.onnx", "supnorm.sources.torch_export"):  # fmt: skip
        importlib.import_module(name)


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the attack."""
    parser.add_argument("--seed", type=int, default=0, help="of the first random case")
    parser.add_argument("--count", type=int, default=1000, help="random cases, besides the hostile ones")
    parser.add_argument("--only", help="one case: its seed, or the name of a hostile one")
    parser.add_argument("--no-hostile", action="store_true", help="random cases only")
    parser.add_argument("--files", type=Path, help="keep the good files here, or take them from here")
    parser.add_argument("--save", action="store_true", help="the counts into results/doors.json")


def attack(args: argparse.Namespace) -> int:
    """Print the wrong cases and the counts; 1 when there is one."""
    warm()
    with tempfile.TemporaryDirectory() as home:
        good = args.files or Path(home) / "good"
        if not good.exists():
            _made(good)
        hostile = [Case(*case) for case in hostile_files.cases()]
        cases = hostile * (not args.no_hostile) + [
            random_case(args.seed + i, good) for i in range(args.count)
        ]
        if args.only:
            cases = [c for c in hostile if c.name == args.only] or [random_case(int(args.only), good)]
        codes, verdicts, wrong = collections.Counter[str](), [], []
        for case in cases:
            done = attempt(case, good)
            codes[str(done.code)] += 1
            verdicts.append("wrong" if (faults := done.faults()) else f"exit {done.code}")
            if faults:
                wrong.append({"case": case.name, "argv": case.argv, "faults": faults, "err": done.err[-300:]})
                print(
                    f"WRONG {', '.join(faults)}: {case.name}: {case.argv!r}: {done.err[-300:]!r}"[:900],
                    flush=True,
                )
            elif args.only:
                print(done)
    print(f"{len(cases)} cases, {len(wrong)} wrong; exit codes {dict(codes)}")
    if args.save and not args.only:
        parts = [("hostile", 0, len(hostile) * (not args.no_hostile)), ("random", args.seed, args.count)]
        for campaign, seed, count in parts:
            names = {case.name for case in cases[:count]}
            kept = [{"case": w["case"], "faults": w["faults"]} for w in wrong if w["case"] in names]
            if count:
                save(campaign, seed, verdicts[:count], "doors", kept)
            cases, verdicts = cases[count:], verdicts[count:]
    return int(bool(wrong))
