"""Where files are, for programs that look from the folder in which the command was called."""

from __future__ import annotations

from pathlib import Path, PurePath


def relative(name: str) -> PurePath:
    """Return the path of a file from the folder that one is in, if it lies below that; else as it was named."""
    path = PurePath(name)
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
