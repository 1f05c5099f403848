"""Named sets, as `ipset save` tells of them, and which packets the kernel finds in one."""

from policy.ipset.lookup import Direction, Lookup, found_in
from policy.ipset.sets import (
    NOMATCH,
    TIMED,
    TYPES,
    Element,
    Interface,
    NamedSet,
    Part,
    SetType,
)

__all__ = [
    "NOMATCH",
    "TIMED",
    "TYPES",
    "Direction",
    "Element",
    "Interface",
    "Lookup",
    "NamedSet",
    "Part",
    "SetType",
    "found_in",
]
