"""The entry point: exit codes, messages of one line for bad input, and a file with the traceback for a bug of supnorm."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from contextlib import nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Any

import typer

from supnorm.cli import (
    audit,
    budget,
    certify,
    check,
    claim,
    compare,
    compare_runs,
    demo,
    doctor,
    field_audit,
    fit,
    guard,
    init,
    repair,
    replay,
    report,
    reproduce,
    rollout,
    schema,
    serve,
)
from supnorm.cli.answer import alone
from supnorm.interrupts import INTERRUPTS, again, unless_interrupted
from supnorm.process import CALLS, cut_off, heard
from supnorm.results.option import BadNumber
from supnorm.results.printable import one_line
from supnorm.results.status import BadInput, ExitCode, Interrupted
from supnorm.results.system_limits import limit_of, limit_of_memory
from supnorm.results.versions import __version__

LONGEST = 1500  # largest number of characters of a message: a name of thousands would hide the rest
# Errors of the system for a name that no file can have, or that names something of another kind.
UNUSABLE = (
    errno.ENAMETOOLONG,
    errno.EINVAL,
    errno.EILSEQ,
    errno.ELOOP,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EACCES,
    errno.EPERM,
)
CAUSE = "supnorm: "  # in front of a note of an error
CTRL_C = 130  # typer returns this for a KeyboardInterrupt; older versions raise Abort
COMPLETION = (["--install-completion"], ["--show-completion"])

app = typer.Typer(
    name="supnorm",
    help="Find the worst error of a model against a reference: where it is and how large.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        typer.echo(f"supnorm {__version__}")
        raise typer.Exit(0)


for module in (
    init,
    audit,
    certify,
    check,
    budget,
    fit,
    repair,
    guard,
    field_audit,
    serve,
    compare,
    compare_runs,
    claim,
    rollout,
    report,
    replay,
    reproduce,
    demo,
    doctor,
    schema,
):
    module.register(app)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line in this process and exit with one of the documented codes (see `ExitCode`).

    A caller in Python finds its signal handlers and hooks unchanged.
    """
    handlers = {number: signal.getsignal(number) for number in heard()}
    hooks = sys.unraisablehook, sys.excepthook
    try:
        code = begin(arguments)
    finally:
        sys.unraisablehook, sys.excepthook = hooks
        for number, handler in handlers.items():
            if handler is not None:  # a handler that was not set from Python cannot be restored
                signal.signal(number, handler)
    sys.exit(code)


def begin(arguments: list[str] | None = None) -> int:
    """Run the command line as a program that reacts to Ctrl-C, SIGTERM and SIGHUP; returns the exit code."""
    INTERRUPTS.listen(heard(), _at_once)
    sys.unraisablehook, sys.excepthook = again, unless_interrupted
    return run(arguments)


def _at_once() -> None:
    """React to a second Ctrl-C: write nothing more and end; workers end with this process."""
    _say("interrupted again, so it ended at once; files are as they were before")
    if CALLS.page is not None:
        CALLS.page.give_verdict(ExitCode.INTERRUPTED)
    os._exit(ExitCode.INTERRUPTED)


def _of_a_run(message: str, verb: str) -> bool:
    """Whether a mistake looks like the folder of an audit in the wrong place.

    >>> _of_a_run("Got unexpected extra argument(s) (x-run)", "repair"), _of_a_run("No such option: --run", "audit")
    (True, False)
    """
    return verb in ("repair", "guard") and (
        "unexpected extra argument" in message or "option: --run" in message
    )


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        given = sys.argv[1:] if arguments is None else arguments
        with alone() if "--json" in given else nullcontext():
            result = _result(given)
    except BadInput as error:
        if (
            INTERRUPTS.asked
        ):  # the KeyboardInterrupt has become this error, as in an import (`_was_interrupt`)
            return _interrupted("")
        _say(str(error) + (f"; see supnorm {given[0]} --help" if isinstance(error, BadNumber) else ""))
        return ExitCode.BAD_INPUT
    except (KeyboardInterrupt, typer.Abort, Interrupted) as error:
        return _interrupted(str(error))
    except SystemExit as error:
        return _ended(error, given)
    except BrokenPipeError:
        return _cut_off()
    except Exception as error:
        if _was_interrupt(error):
            return _interrupted("")
        # A mistake on the command line: an exception of click, of which typer may have its own copy.
        if callable(explained := getattr(error, "format_message", None)):
            context = getattr(error, "ctx", None)
            verb = f" {context.info_name}" if context is not None and context.parent is not None else ""
            message = str(explained()).rstrip(".")
            folder = "; --report DIR names the folder of an audit" if _of_a_run(message, verb.strip()) else ""
            _say(f"{message}{folder}; see supnorm{verb} --help")
            return ExitCode.BAD_INPUT
        if isinstance(error, ValueError) and (sys.stdout.closed or sys.stderr.closed):
            return _cut_off()  # by the problem's code
        if isinstance(error, OSError) and _in_echo(error):
            # Text that remains in the buffer would fail again at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            _say(f"cannot write to standard output: {error.strerror}")
            # A closed terminal ends the run too; its results have been written to files.
            return ExitCode.INTERRUPTED if INTERRUPTS.heard else ExitCode.BAD_INPUT
        if isinstance(error, OSError) and (name := _named(error, given)):
            _say(f"{one_line(name, 80)} cannot be used: {error.strerror}; give another name")
            return ExitCode.BAD_INPUT
        return _failed(error)
    finally:
        INTERRUPTS.asked = (
            False  # a request that came while the last files were written has nothing left to end
        )
    if result == CTRL_C:
        _say("interrupted")
        return ExitCode.INTERRUPTED
    return int(result) if isinstance(result, int) else ExitCode.DONE


def _interrupted(why: str) -> int:
    _say(why or "interrupted; run the same command with --resume: what was kept is not computed again")
    return ExitCode.INTERRUPTED


def _was_interrupt(error: BaseException | None) -> bool:
    """Whether a KeyboardInterrupt became this error: before Python 3.12 a class that is made turns all into RuntimeError.

    >>> error = RuntimeError("Error calling __set_name__ on a property")
    >>> error.__cause__ = KeyboardInterrupt()
    >>> _was_interrupt(error), _was_interrupt(RuntimeError("of its own"))
    (True, False)
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


def _result(given: list[str]) -> Any:
    """What the verb returns; its error gets a note of what code of the problem has done to this process."""
    try:
        return _command()(args=given or ["--help"], prog_name="supnorm", standalone_mode=False)
    except Exception as error:
        if cause := _cause(error):  # this also puts functions back, with which all that follows works
            error.add_note(CAUSE + cause)
        raise


@cache
def _command() -> Any:
    # Not app(..): that puts a hook of typer's in the place of `unless_interrupted`.
    return typer.main.get_command(app)


def _failed(error: Exception) -> int:
    """Say that supnorm failed, and by which cause in the problem's code, if there may be one."""
    if limit := limit_of(error) or limit_of_memory(error) or cut_off(error):
        _say(f"{limit}; nothing is found or proved by this run; what was stored is kept for --resume")
        return ExitCode.INTERRUPTED
    path = _keep_traceback()
    notes = getattr(error, "__notes__", ())
    if cause := next((note.removeprefix(CAUSE) for note in notes if note.startswith(CAUSE)), None):
        _say(f"{cause}, and supnorm failed: {type(error).__name__}: {error}; the traceback is in {path}")
        return ExitCode.BAD_INPUT
    _say(f"a bug in supnorm: {type(error).__name__}: {error}; the traceback is in {path}, please report it")
    return ExitCode.OUR_BUG


def _cause(error: Exception) -> str | None:
    """What code of the problem has done to this process, if that may be the cause of an error."""
    with suppress(Exception):  # whatever it has broken
        from supnorm.evaluation.intact import cause_of

        return cause_of(error)
    return None


def _ended(error: SystemExit, given: list[str]) -> int:
    """React to an exit that no verb asked for: typer's own, a worker's, or that of code of the problem."""
    from supnorm.problem import exited

    frame = traceback.extract_tb(error.__traceback__)[-1]
    if isinstance(error.__context__, BrokenPipeError):  # typer ends the program in this way
        return _cut_off()
    # No verb runs then: nothing is a verdict.
    if "_SUPNORM_COMPLETE" in os.environ or given[:1] in COMPLETION:
        return error.code if isinstance(error.code, int) else ExitCode.DONE
    if Path(frame.filename).is_relative_to(Path(__file__).parent.parent):
        raise error  # this is a worker that imports the script again; it ends silently, and the main process reports for all
    # Code of the problem raised it. Its number must not become the exit code: 0 would read as a verdict.
    where = f"{Path(frame.filename).name}, line {frame.lineno},"
    _say(f"{where} ended the program ({exited(error)}): a function must return or raise instead")
    return ExitCode.BAD_INPUT


def _named(error: OSError, given: list[str]) -> str | None:
    """The name on the command line that the system refused, after any option or verb; None for other errors.

    What the system does not permit is never a fault of supnorm: it has its own name, where the command line has none.
    """
    if error.errno not in UNUSABLE or not isinstance(error.filename, str | bytes | os.PathLike):
        return None
    at = os.path.abspath(os.fsdecode(error.filename))
    names = [word.partition("=")[2] if word.startswith("-") else word for word in given]
    refused = os.fsdecode(error.filename) if isinstance(error, PermissionError) else None
    return next(
        (name for name in names if name and f"{at}/".startswith(f"{os.path.abspath(name)}/")), refused
    )


def _cut_off() -> int:
    """React to a reader, such as ``head``, that closed standard output: a verdict that nobody got is not a pass."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left in the buffer would fail again at the end
    _say("standard output was closed before everything was written")
    return ExitCode.BAD_INPUT


def _in_echo(error: OSError) -> bool:
    """Whether `typer.echo` raised the error, and not code that writes a file."""
    return any(frame.name == "echo" for frame in traceback.extract_tb(error.__traceback__))


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # the terminal was closed; files and exit code tell the same
        print("supnorm: " + one_line(text, LONGEST), file=sys.stderr, flush=True)


def _keep_traceback() -> Path:
    import tempfile

    text = traceback.format_exc()
    for folder in (Path, tempfile.gettempdir):
        try:
            path = Path(folder()) / "supnorm-crash.txt"
            path.write_text(text, encoding="utf-8")
            return path.absolute()
        except OSError:  # the working folder may have vanished too
            continue
    return Path("nowhere: no folder could be written")
