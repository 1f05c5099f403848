"""The options of `create` and `add`, for which types of sets they are, and what their values may be.

Source: ipset(8); ipset's lib/args.c and lib/ipset_*.c.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from policy._record import dataclass
from policy.diagnostic import did_you_mean
from policy.ipset import SetType
from policy.languages.ipset.values import Wrong, bounded

LONGEST_TIMEOUT = 2_147_483
LONGEST_COMMENT = 255

_WORD = (1 << 32) - 1
_FAMILIES = {"inet": 4, "ipv4": 4, "-4": 4, "inet6": 6, "ipv6": 6, "-6": 6}
_SHORT = {"-4": ("family", "inet"), "-6": ("family", "inet6")}

_CREATE: Mapping[str, tuple[str, ...]] = {
    "family": ("hash:",),
    "hashsize": ("hash:",),
    "maxelem": ("hash:",),
    "bucketsize": ("hash:",),
    "initval": ("hash:",),
    "probes": ("hash:",),
    "resize": ("hash:",),
    "gc": ("hash:", "bitmap:", "list:"),
    "forceadd": ("hash:",),
    "netmask": ("hash:ip", "hash:ip,port", "hash:net,net", "bitmap:ip"),
    "bitmask": ("hash:ip", "hash:ip,port", "hash:net,net"),
    "markmask": ("hash:ip,mark",),
    "range": ("bitmap:",),
    "size": ("list:",),
    "timeout": ("",),
    "counters": ("",),
    "comment": ("",),
    "skbinfo": ("",),
}
"""Options of `create`, with the types, or the beginnings of their names, that have them."""

_FLAGS = frozenset({"forceadd", "counters", "comment", "skbinfo"})

_ADD: Mapping[str, str | None] = {
    "timeout": "timeout",
    "packets": "counters",
    "bytes": "counters",
    "comment": "comment",
    "skbmark": "skbinfo",
    "skbprio": "skbinfo",
    "skbqueue": "skbinfo",
    "nomatch": None,
    "wildcard": None,
    "before": None,
    "after": None,
}
"""Options of `add`, with what the set must have been created with."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was given, and the number of its word."""

    text: str
    at: int


def create_options(words: Sequence[str], start: int, type: SetType) -> dict[str, Given]:
    """Return the options among *words* from *start* on; raises `Wrong`."""
    known = {name for name, types in _CREATE.items() if _has(type, types)}
    return _read(words, start, known, _FLAGS, f"a set of type {type.name}")


def add_options(words: Sequence[str], start: int, type: SetType, supported: frozenset[str]) -> dict[str, Given]:
    """Return the options of an element, of a set that was created with what is *supported*; raises `Wrong`."""
    known = {name for name, needs in _ADD.items() if needs is not None}
    known |= {"nomatch"} if type.nomatch else set()
    known |= {"wildcard"} if "iface" in type.parts else set()
    known |= {"before", "after"} if type.name == "list:set" else set()
    found = _read(words, start, known, frozenset({"nomatch", "wildcard"}), f"elements of type {type.name}")
    for name, given in found.items():
        needs = _ADD[name]
        if needs is not None and needs not in supported:
            raise Wrong("FW001", f"`{name}` cannot be used: the set was created without `{needs}`", given.at - 1)
    if "timeout" in found:
        bounded(found["timeout"].text, 0, LONGEST_TIMEOUT, found["timeout"].at)
    if "comment" in found and len(found["comment"].text) > LONGEST_COMMENT:
        help = f"the kernel takes {LONGEST_COMMENT} at most"
        raise Wrong("FW001", f"the comment is {len(found['comment'].text)} characters long", found["comment"].at, help)
    return found


def _has(type: SetType, types: tuple[str, ...]) -> bool:
    """Is a type one of some, which are named or, before a colon, begin so?"""
    return any(type.name == each or (each[-1:] in ("", ":") and type.name.startswith(each)) for each in types)


def _read(words: Sequence[str], start: int, known: set[str], flags: frozenset[str], what: str) -> dict[str, Given]:
    found: dict[str, Given] = {}
    at = start
    while at < len(words):
        word = words[at]
        name = word.removeprefix("--")
        if word in _SHORT and "family" in known:
            name, value = _SHORT[word]
            found[name] = Given(value, at)
            at += 1
            continue
        if name not in known:
            help = did_you_mean(name, known) or f"{what} may have " + ", ".join(f"`{each}`" for each in sorted(known))
            raise Wrong("FW001", f"unknown option `{word}`", at, help)
        if name in found and name != "nomatch":
            raise Wrong("FW001", f"`{name}` is said twice", at, "leave one out")
        if name in flags:
            found[name] = Given("", at)
            at += 1
        elif at + 1 < len(words):
            found[name] = Given(words[at + 1], at + 1)
            at += 2
        elif name == "comment":
            found[name] = Given("", at)
            at += 1
        else:
            raise Wrong("FW001", f"`{name}` has no value", at, "write it behind the option")
    return found


def family(given: Given | None, type: SetType) -> int | None:
    """Return the family of a set; raises `Wrong`."""
    if not type.families:
        return None
    if given is None:
        return type.families[0]
    if given.text not in _FAMILIES:
        raise Wrong("FW001", f"unknown family `{given.text}`", given.at, "say `inet` or `inet6`")
    return _FAMILIES[given.text]


def number(given: Given | None, default: int, low: int = 0, high: int = _WORD) -> int:
    """Return the number that an option has, or *default*; raises `Wrong`."""
    return default if given is None else bounded(given.text, low, high, given.at)
