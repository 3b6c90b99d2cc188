"""What a worker of a cluster has. Its source is sent, so that it runs without supnorm: the standard library only."""

from __future__ import annotations

from typing import Any

from supnorm.results.printable import typed_line


def report(packages: list[str], files: list[str], recipes: dict[str, bytes]) -> dict[str, Any]:
    """Versions of packages (None: missing), hashes of files (None: unreadable), and what making each function raises.

    Args:
        packages: names of distributions.
        files: paths.
        recipes: pickled by the program that asks; each makes a function, or is one.
    """
    import hashlib
    import os
    import pickle
    import platform
    import socket
    from importlib import metadata

    versions: dict[str, str | None] = {}
    for name in packages:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    hashes: dict[str, str | None] = {}
    for path in files:
        try:
            with open(path, "rb") as file:
                hashes[path] = hashlib.sha256(file.read()).hexdigest()
        except OSError:
            hashes[path] = None
    faults: dict[str, str] = {}
    for side, recipe in recipes.items():
        try:
            made = pickle.loads(recipe)
            if hasattr(made, "func") or not hasattr(made, "value"):
                made()
        except BaseException as error:  # a file of the user may raise anything
            faults[side] = typed_line(error, 300)
    return {
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "packages": versions,
        "files": hashes,
        "faults": faults,
    }
