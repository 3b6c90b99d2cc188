"""``python -m supnorm``: the command line."""

from supnorm.cli import main

if __name__ == "__main__":
    main()
