"""A network of its own for all processes of a test, which can be cut for seconds: the loopback device of a namespace."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import time

INSIDE = "SUPNORM_NAMESPACE"
_FLAGS_OF, _SET_FLAGS, _UP = 0x8913, 0x8914, 1  # SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP


def enter() -> bool:
    """Run this program again in a network of its own; whether it runs in one. It does not where the system forbids it."""
    if INSIDE in os.environ:
        switch(True)
        return True
    unshare = shutil.which("unshare")
    words = [str(unshare), "--user", "--map-root-user", "--net"]
    if unshare is None or subprocess.run([*words, "true"], check=False, capture_output=True).returncode:
        return False
    os.environ[INSIDE] = "1"
    sys.stdout.flush()
    os.execv(words[0], [*words, sys.executable, "-m", *module()])


def module() -> list[str]:
    """What was started, as ``python -m`` takes it."""
    return ["benchmarks.scale", *sys.argv[1:]]


def switch(on: bool) -> None:
    """Loopback on or off: no packet passes, connections stay open and wait."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        name = struct.pack("16sh", b"lo", 0)
        (flags,) = struct.unpack("16xh", fcntl.ioctl(any_socket, _FLAGS_OF, name)[:18])
        flags = flags | _UP if on else flags & ~_UP
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh", b"lo", flags))


def cut(seconds: float) -> None:
    """No packet for so long."""
    switch(False)
    try:
        time.sleep(seconds)
    finally:
        switch(True)
