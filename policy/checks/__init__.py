"""The checks, one file each: whatever stands in this folder is a check.

A module has a docstring, which is the page of the check, and `CHECK`. Nothing is to be registered.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from policy.check import Check


@cache
def checks() -> tuple[Check, ...]:
    """Return every check, in the order of the codes."""
    found = [import_module(f"{__name__}.{module.name}").CHECK for module in iter_modules(__path__)]
    return tuple(sorted(found, key=lambda check: str(check.code)))
