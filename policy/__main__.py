"""`python -m policy` is the command `fwpolicy`."""

import sys

from policy.cli import main

if __name__ == "__main__":
    sys.exit(main())
