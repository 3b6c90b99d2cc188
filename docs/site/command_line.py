"""The reference of the command line: every verb with its arguments and options, from the program itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.main import get_command

from supnorm.cli.main import app

FIRST = """# The command line

`supnorm --help` lists the verbs, `supnorm VERB --help` prints what stands here. `supnorm --install-completion` sets up the
completion of your shell. The exit codes are those of [results.md](../results.md#exit-codes).
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Write the page."""
    verbs = get_command(app).commands
    text = "\n".join([FIRST, *(line for name, verb in verbs.items() for line in section(name, verb))])
    files.append(File.generated(config, "reference/command-line.md", content=text))
    return files


def section(name: str, verb: Any) -> Iterator[str]:
    """A verb: what it does, how it is called, a table of what it takes."""
    arguments = [p for p in verb.params if p.param_type_name == "argument"]
    options = [p for p in verb.params if p.param_type_name == "option" and not p.hidden]
    words = [f"[{metavar(a)}]" if not a.required else metavar(a) for a in arguments]
    yield from (f"\n## {name}\n", cell(verb.help), "")
    yield from ("```", " ".join(["supnorm", name, *words, *(["[OPTIONS]"] if options else [])]), "```", "")
    if rows := [(f"`{metavar(a)}`", a.help) for a in arguments] + [(written(o), o.help) for o in options]:
        yield from ("| argument or option | meaning |", "|---|---|")
        yield from (f"| {first} | {cell(text)} |" for first, text in rows)


def metavar(argument: Any) -> str:
    """The name of an argument in capitals."""
    return str(argument.metavar or argument.name.upper())


def written(option: Any) -> str:
    """An option as it is typed."""
    names = " ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    if option.is_flag:
        return names
    return f"{names} `{option.metavar or 'VALUE'}`"


def cell(text: str | None) -> str:
    """Help as Markdown in a cell of a table: nothing in it is markup but for code."""
    flat = " ".join((text or "").split())
    return flat.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("[", "\\[")
