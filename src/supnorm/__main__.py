"""``supnorm`` and ``python -m supnorm``: the command line, in a process that another one watches (`supervise`)."""

import sys

from supnorm.process import cut_off
from supnorm.supervisor import INTERRUPTED, SAID, end_at_once, open_streams, supervise


def main() -> None:
    """Run the command line and exit with a code of the contract."""
    open_streams()
    options = sys.argv[1 : sys.argv.index("--")] if "--" in sys.argv else sys.argv[1:]
    if not options or {"--help", "--version"} & {*options}:  # no code of a problem runs
        end_at_once()
        sys.exit(work())
    sys.exit(supervise(work))


def work() -> int:
    """The command line in this process."""
    try:
        from supnorm.cli.main import begin

        return begin()
    except (EOFError, ValueError) as error:
        if not (words := cut_off(error)):
            raise
        print(f"supnorm: {words}", file=sys.stderr)
        return INTERRUPTED
    except KeyboardInterrupt:
        print(SAID, file=sys.stderr)
        return INTERRUPTED  # ExitCode.INTERRUPTED, which may not be there yet


if __name__ == "__main__":
    main()
