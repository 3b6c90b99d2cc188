"""The reference of the Python API: every public name of the package, one page for each room, from the docstrings."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from types import ModuleType

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import supnorm

# Title and first sentence of a page; a room without one is an error here.
ROOMS = {
    "problem": ("Problems", "What is compared, on which inputs, by which error."),
    "sources": ("Models and references", "Objects that supnorm can call and, where possible, read."),
    "auditing": ("Audits", "The search for the worst error, and its report."),
    "certification": ("Proofs", "Upper bounds of the error, and proofs of properties."),
    "checker": ("The checker", "Verify a certificate with other code than the one that made it."),
    "training": ("Fits", "Approximators to a wanted accuracy."),
    "approximants": ("Approximators", "What `sn.fit` tries; each can be used alone."),
    "mending": ("Repairs", "Mend a model where it is wrong."),
    "guarding": ("Guards", "Decide for which inputs a model can be trusted."),
    "fields": ("Fields and roll-outs", "Gridded predictions against truth, and step models."),
    "gates": ("Gates", "The worst error as a test, and from run to run."),
    "planning": ("Budgets", "What a tolerance costs."),
    "claims": ("Published claims", "Judge a published sentence about accuracy."),
    "pages": ("Pages", "A result as one HTML file."),
    "evaluation": ("Evaluations", "Counting and storing the calls of a model or reference."),
    "results": ("Results", "What results are made of."),
}
# Each begins its page.
FIRST = (
    "Problem",
    "Domain",
    "Axis",
    "ErrorMeasure",
    "Function",
    "open_problem",
    "audit",
    "certify",
    "check",
    "fit",
    "repair",
    "guard",
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Write one page for each room that has public names."""
    rooms: dict[str, list[str]] = defaultdict(list)
    for name in supnorm.__all__:
        if not name.startswith("__"):
            place = path_of(name)
            rooms[place.split(".")[1]].append(place)
    for room, places in rooms.items():
        title, first = ROOMS[room]
        lines = [f"# {title}", first, "These names stand in the package itself: `import supnorm as sn`."]
        for place in sorted(places, key=order):
            lines.append(f"::: {place}")
        files.append(File.generated(config, f"reference/python/{room}.md", content="\n\n".join(lines) + "\n"))
    return files


def order(place: str) -> tuple[int, bool, str]:
    """What a reader needs first, then functions, then classes."""
    name = place.rsplit(".", 1)[1]
    return FIRST.index(name) if name in FIRST else len(FIRST), not name.islower(), name


def path_of(name: str) -> str:
    """Where a public name is defined, as in ``supnorm.auditing.audit.audit``."""
    try:
        thing = getattr(supnorm, name)
    except ImportError:  # it needs a package of another extra (torch): the stub names its file
        return f"{declared()[name]}.{name}"
    return thing.__name__ if isinstance(thing, ModuleType) else f"{thing.__module__}.{thing.__qualname__}"


def declared() -> dict[str, str]:
    """The module that the package's stub takes each public name from."""
    stub = ast.parse(Path(supnorm.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    nodes = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: f"supnorm.{node.module}" for node in nodes for alias in node.names}
