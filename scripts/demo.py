"""Ask the example rules some questions, through the command that a user types."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
COMMAND = Path(sys.executable).parent / "fwpolicy"  # the one installed beside this Python, whatever PATH says

ALLOWED, NOT_ALLOWED, MIXED = 0, 1, 3
SHOWN, FOUND = 0, 1


class Example(NamedTuple):
    """What is said to `fwpolicy`, and the exit status that its answer has."""

    command: str
    status: int


EXAMPLES = (
    Example("ask rules/office/rules.fw tcp/5432 from 10.1.2.3 to db", ALLOWED),
    Example("ask rules/office/rules.fw tcp/5433 from 10.1.2.3 to db", NOT_ALLOWED),
    Example("ask rules/home-router/rules.fw tcp/443 from 192.168.20.9 to nas in br-guest out br-lan", NOT_ALLOWED),
    Example("ask rules/web-shop/rules.fw tcp/53 from 10.20.2.4 to 10.20.0.2", ALLOWED),
    Example("ask rules/linux-server/rules.v4 tcp/22 from 203.0.113.9 to 192.0.2.10 in eth0 at input", MIXED),
    Example("ask rules/stateless/rules.fw tcp/587 from 10.60.1.1:51000 to mail", NOT_ALLOWED),
    Example("ask rules/office/rules.fw any from office", MIXED),
    Example("lint rules/mistakes/rules.fw --select FW101,FW103", FOUND),
    Example("show rules/office/rules.fw --matrix", SHOWN),
)


def main() -> int:
    """Show every example; 1 if an answer is not the one stated."""
    surprises = 0
    for command, status in EXAMPLES:
        arguments = shlex.split(command)
        print("$ fwpolicy", command, flush=True)
        answer = subprocess.run([COMMAND, *arguments], cwd=ROOT, check=False)
        if answer.returncode != status:
            print(f"exit status {answer.returncode}, not {status}", file=sys.stderr, flush=True)
            surprises += 1
        print(flush=True)
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
