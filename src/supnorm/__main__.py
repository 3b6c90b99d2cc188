"""``supnorm`` and ``python -m supnorm``: the command line, where Ctrl-C counts while the verbs are still imported."""

import sys


def main() -> None:
    """Run the command line and exit with a code of the contract."""
    try:
        from supnorm.cli import main as begin

        begin()
    except KeyboardInterrupt:
        print("supnorm: interrupted", file=sys.stderr)
        sys.exit(3)  # ExitCode.INTERRUPTED, which may not be there yet


if __name__ == "__main__":
    main()
