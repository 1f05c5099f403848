"""The way into a network namespace that is this process' own."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

from policy.kernel.tools import Unavailable

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


def enter() -> bool:
    """Move this process into a new network namespace, which ends with it; raises `Unavailable`.

    A process that may not have one gets a user namespace with it, in which it is root and there is nobody else
    (user_namespaces(7)): then it must have no other threads. Return whether there are other users.
    """
    before = Path("/proc/self/ns/net")
    if not before.exists():
        raise Unavailable("there are no network namespaces here: they need Linux")
    outside = before.readlink()
    libc = ctypes.CDLL(None, use_errno=True)
    privileged = os.geteuid() == 0 and not libc.unshare(_CLONE_NEWNET)
    if not privileged:
        user, group = os.geteuid(), os.getegid()
        if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
            code = ctypes.get_errno()
            # No space is what a limit of no user namespaces at all gives (user_namespaces(7)).
            reason = "none are allowed here" if code == errno.ENOSPC else os.strerror(code)
            raise Unavailable(f"no network namespace: {reason} (it needs root, or user namespaces for everybody)")
        try:
            Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
            Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="ascii")
            Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="ascii")
        except OSError as error:
            raise Unavailable(f"no user namespace: {error.strerror}") from None
    # All that follows changes the network that this process sees: it must not be anyone else's.
    if before.readlink() == outside:
        raise Unavailable("the network namespace is not a new one")
    return privileged
