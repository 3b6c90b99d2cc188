"""``supnorm serve``: answer requests over HTTP with a guarded model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.fields import made, with_options_of
from supnorm.cli.options import TRUST, guard_folder
from supnorm.results.option import option

if TYPE_CHECKING:
    from supnorm.guarding import Guard
    from supnorm.guarding.shadow import ShadowChecks
    from supnorm.problem import Problem

FILE = "model.guard"
REFERENCE = 0.8  # of the time of a request, for the reference: its failure has to be told in time too


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """Numbers of `serve` that are options."""

    port: int = option("--port", "Port; 0 takes a free one.", default=8000, kind=int, low=0, high=65535)
    rows: int = option("--rows", "Points that one request may have.", default=10_000, kind=int, low=1)
    body: int = option("--body", "Bytes that one request may have.", default=8_000_000, kind=int, low=100)
    seconds: float = option(
        "--timeout", "Seconds for a request, the reference included.", default=60.0, kind=float, low=0.1
    )
    shadow: float | None = option(
        "--shadow",
        "Share of the accepted inputs that the reference checks. [default: none]",
        default=None,
        kind=float,
        above=0,
        high=1,
    )


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("serve")(command)


@with_options_of(ServeOptions)
def command(
    source: Annotated[
        Path, typer.Argument(metavar="GUARD_OR_PROBLEM", help="A problem file, or a guard with --problem.")
    ],
    problem: Annotated[
        Path | None,
        typer.Option(
            "--problem", metavar="FILE", help="The problem file of a guard: it names model and reference."
        ),
    ] = None,
    guard: Annotated[
        Path | None,
        typer.Option(
            "--guard", metavar="FILE", help="The guard of a problem. [default: NAME-guard/model.guard]"
        ),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen at; any but this machine's own needs a token.")
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option(
            "--token", help="Token that each request must carry; others see it in the list of processes."
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", metavar="FILE", help="The token is the first line of this file."),
    ] = None,
    shadow_file: Annotated[
        Path | None,
        typer.Option(
            "--shadow-file",
            metavar="FILE",
            help="State of the checks. [default: guard.shadow beside the guard]",
        ),
    ] = None,
    no_fallback: Annotated[
        bool,
        typer.Option(
            "--no-fallback", help="Never ask the reference: answer null where the model is not trusted."
        ),
    ] = False,
    trust: TRUST = False,
    **given: Any,
) -> int:
    """Answer requests over HTTP with a guarded model."""
    from supnorm.guarding import load_guard
    from supnorm.sources import open_problem

    options = made(ServeOptions, given)
    problem, path = _files(source, problem, guard)
    secret = _token(token, token_file)
    _demand_server(host, secret)
    opened = open_problem(problem, trust=trust)
    safe = load_guard(
        path, opened.model, None if no_fallback and options.shadow is None else opened.reference
    )
    safe = replace(safe, patience=REFERENCE * options.seconds)
    safe, note = _as_it_is(safe, opened)
    checks = None
    if options.shadow is not None:
        checks = _checks(safe, opened, shadow_file or path.with_name("guard.shadow"), options.shadow)
    return _run(safe.with_reference(None) if no_fallback else safe, checks, note, options, host, secret)


def _as_it_is(safe: Guard, opened: Problem) -> tuple[Guard, str]:
    """The guard and a note on what its own points do not show: it was made for this problem before an edit, or for another.

    Then it has no proved cells: what was proved, was proved of the problem as it was.
    """
    from supnorm.problem import fingerprint
    from supnorm.results.printable import one_line

    made, now = one_line(safe.record.fingerprint, 40), fingerprint(opened)
    if made in ("", now):
        return safe, ""
    return replace(safe, cells=None), (
        f"The problem, or a file of its model or reference, has changed since this guard was made (fingerprint {made}, now "
        f"{now}): what it promises was shown for the problem as it was, and no answer is called proven."
    )


def _run(
    safe: Guard,
    checks: ShadowChecks | None,
    note: str,
    options: ServeOptions,
    host: str,
    secret: str | None,
) -> int:
    from supnorm.cli.answer import say
    from supnorm.results.numbers import count
    from supnorm.serving import Limits, Service
    from supnorm.serving.run import listen, run

    status = safe.record.status
    if status.code != "guarded":
        say(f"this guard has the status {status.line}", err=True)
    if note:
        say(f"supnorm: note: {note}", err=True)
    limits = Limits(rows=options.rows, body=options.body, seconds=options.seconds)
    at = listen(host, options.port)
    ready = "serving at {}; the requests it takes are at /docs; Ctrl-C ends it"
    left = run(Service(safe, limits, checks, note), at, secret, lambda address: say(ready.format(address)))
    unanswered = f"{count(left)} of the requests that came got no answer"
    say(f"ended; {unanswered if left else 'every request that came was answered'}")
    return 0


def _checks(safe: Guard, opened: Problem, path: Path, share: float) -> ShadowChecks:
    from supnorm.guarding.shadow import ShadowChecks

    return ShadowChecks(safe, lambda y, f, x: opened.error(y, f, x)[0], path, share)


def _files(source: Path, problem: Path | None, guard: Path | None) -> tuple[Path, Path]:
    """The problem file and the file of the guard.

    Raises:
        BadInput: when one of both is missing.
    """
    from supnorm.results import BadInput

    if source.suffix == ".guard" or source.is_dir():
        path = source / FILE if source.is_dir() else source
        if guard is not None:
            raise BadInput(f"{source} is the guard already; leave --guard out")
        if problem is None:
            raise BadInput(
                f"{path} holds no model: give --problem, the problem file that names model and reference"
            )
        return problem, path
    if problem is not None:
        raise BadInput(
            f"{source} is taken for the problem; leave --problem out, or give a file that ends in .guard"
        )
    path = guard or guard_folder(source) / FILE
    if not path.exists():
        raise BadInput(
            f"there is no guard {path}: make it with supnorm guard {source}, or name one with --guard"
        )
    return source, path


def _token(token: str | None, file: Path | None) -> str | None:
    """The token.

    Raises:
        BadInput: for two, an empty one, or one that a header cannot carry.
    """
    from supnorm.results import BadInput
    from supnorm.results.door import read_bytes

    if token is not None and file is not None:
        raise BadInput("--token and --token-file both give the token; give one of them")
    if file is not None:
        token = read_bytes(file, largest=10_000).decode("utf-8", "replace").partition("\n")[0].strip()
    if token is not None and not (
        token.isascii() and token.isprintable() and len(token) >= 8 and " " not in token
    ):
        raise BadInput("the token must have at least 8 printable characters of ASCII and no space")
    return token


def _demand_server(host: str, token: str | None) -> None:
    """Check that the packages are there, and that others than this machine need a token.

    Raises:
        BadInput: when not.
    """
    from importlib.util import find_spec

    from supnorm.results import BadInput, install

    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        raise BadInput(f"serve needs fastapi and uvicorn: {install('serve')}")
    from supnorm.serving.run import is_loopback

    if not is_loopback(host) and token is None:
        raise BadInput(f"--host {host} can be reached from other machines: give --token or --token-file")
