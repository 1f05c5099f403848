"""The tools that load rules and set up devices: `ip`, `nft`, `iptables-restore`, `ipset`."""

from __future__ import annotations

import os
import shutil
import subprocess

TIMEOUT = 30
"""Seconds that one tool may take."""

_PATH = ":".join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


class Unavailable(Exception):
    """What this machine lacks; `str()` says it."""


class Failed(Exception):
    """A tool that failed; `str()` is what it said."""


def found(tool: str) -> str | None:
    """Return the path of a tool, None where it is not installed."""
    return shutil.which(tool, path=_PATH)


def run(*command: str, stdin: str = "") -> str:
    """Return what a tool prints; raises `Failed`, or `Unavailable` where it is not installed."""
    tool = found(command[0])
    if tool is None:
        raise Unavailable(f"no `{command[0]}` here")
    try:
        done = subprocess.run(
            [tool, *command[1:]],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=TIMEOUT,
            check=False,
            # The lock of legacy iptables guards the rules of the machine, not those of a namespace.
            env={**os.environ, "XTABLES_LOCKFILE": os.devnull, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"`{command[0]}` took more than {TIMEOUT} s") from None
    if done.returncode:
        said = " | ".join(line.strip() for line in done.stderr.splitlines() if line.strip())
        raise Failed(said or f"`{command[0]}` failed")
    return done.stdout
