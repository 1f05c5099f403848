"""The commands and general options of a rule line, short and long.

Source: iptables 1.8.9, iptables/xshared.c and nft-shared.c.
"""

from __future__ import annotations

from functools import cache

COMMANDS = {
    "A": "append", "C": "check", "D": "delete", "R": "replace", "I": "insert", "L": "list", "S": "list-rules",
    "F": "flush", "Z": "zero", "N": "new-chain", "X": "delete-chain", "E": "rename-chain", "P": "policy",
}  # fmt: skip
READ = {"A", "C", "D", "F", "I", "L", "N", "P", "S", "X", "Z"}
WITH_RULE = {"A", "C", "D", "I"}
CHAIN_OPTIONAL = {"F", "L", "S", "X", "Z"}
SHORT = {"p": 1, "s": 1, "d": 1, "i": 1, "o": 1, "j": 1, "g": 1, "m": 1, "c": 1, "f": 0, "4": 0, "6": 0, "v": 0, "M": 1}
LONG = {
    "protocol": "p", "source": "s", "src": "s", "destination": "d", "dst": "d", "in-interface": "i",
    "out-interface": "o", "jump": "j", "goto": "g", "match": "m", "set-counters": "c", "fragments": "f", "ipv4": "4",
    "ipv6": "6", "verbose": "v", "modprobe": "M",
}  # fmt: skip
REFUSED = {"n": "numeric", "x": "exact", "0": "line-numbers", "t": "table", "w": "wait"}
ENDING = {"h": "help", "V": "version"}
"""Options at which iptables-restore prints something and ends, as if all were well."""
ABBREVIATED = {**LONG, **{name: short for short, name in (*COMMANDS.items(), *REFUSED.items(), *ENDING.items())}}


@cache
def general_option(name: str) -> str | None:
    """Return the short form of a general long option, also from an abbreviation; None: unknown, "?": ambiguous."""
    exact = ABBREVIATED.get(name)
    if exact is not None:
        return exact
    found = {short for long, short in ABBREVIATED.items() if long.startswith(name)}
    return None if not found else found.pop() if len(found) == 1 else "?"
