"""Write a file as a whole: whoever reads it sees the old text or the new one, never a part."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from policy.app.problem import CannotAnswer

_NEW = 0o666
"""The permissions of a file that was not there, of which the user's mask takes some away."""


def write_whole(path: str, text: str) -> None:
    """Write *text* to the file at *path*, which may be a link to one, a device or a pipe; raises `CannotAnswer`."""
    target = Path(os.path.realpath(path))
    data = text.encode(errors="backslashreplace")
    try:
        mode = _mode(target)
        if mode is None:
            with target.open("wb") as stream:
                stream.write(data)
        else:
            _replace(target, data, mode)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotAnswer(f"cannot write `{path}`: {reason[:1].lower()}{reason[1:]}", _help(target)) from None


def _mode(target: Path) -> int | None:
    """Return the permissions that the file is to have; None for what is no ordinary file, and cannot be replaced."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return _NEW & ~mask
    return stat.S_IMODE(mode) if stat.S_ISREG(mode) else None


def _replace(target: Path, data: bytes, mode: int) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        draft.chmod(mode)
        draft.replace(target)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def _help(target: Path) -> str | None:
    return None if target.parent.is_dir() else f"make the folder `{target.parent}` first"
