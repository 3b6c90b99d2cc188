"""``python -m supnorm``: the command line."""

import sys

from supnorm.cli import main

if __name__ == "__main__":
    sys.exit(main())
