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


def write_whole(path: str, text: str, mode: int | None = None) -> None:
    """Write *text* to the file at *path*, which may be a link to one, a device or a pipe; raises `CannotAnswer`.

    The file gets the permissions *mode*; None: those that it has, or any new file.
    """
    target = Path(os.path.realpath(path))
    data = text.encode(errors="backslashreplace")
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as stream:
                stream.write(data)
        else:
            draft(data, target, mode).replace(target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotAnswer(f"cannot write `{path}`: {reason[:1].lower()}{reason[1:]}", _help(target)) from None


def draft(data: bytes, target: Path, mode: int | None = None) -> Path:
    """Return a new file beside *target*, with its owner, and its permissions or *mode*, to take its place.

    Raises `OSError`.
    """
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        if target.exists():
            status = target.stat()
            with suppress(OSError):
                os.chown(made, status.st_uid, status.st_gid)
            made.chmod(stat.S_IMODE(status.st_mode) if mode is None else mode)
        elif mode is not None:
            made.chmod(mode)
        else:
            mask = os.umask(0)
            os.umask(mask)
            made.chmod(_NEW & ~mask)
    except BaseException:
        made.unlink(missing_ok=True)
        raise
    return made


def _help(target: Path) -> str | None:
    return None if target.parent.is_dir() else f"make the folder `{target.parent}` first"
