"""recent: lists of addresses that the kernel remembers.

Sources: iptables-extensions(8); the kernel's xt_recent.c. `--set` always matches, and `! --set` never; the others
depend on what was seen before.
"""

from __future__ import annotations

from policy.ir import EVERYTHING, NOTHING, Match
from policy.languages.iptables.options import Bad, Given, MatchModule, Opt
from policy.languages.iptables.terms import signed, unknown
from policy.languages.iptables.values import number, one_address, text

_WHAT = ("set", "rcheck", "update", "remove")


def _recent(given: Given) -> Match:
    what = next(name for name in _WHAT if name in given)
    if what in ("set", "remove") and ("seconds" in given or "hitcount" in given):
        raise Bad("FW001", f"recent: the kernel refuses `--seconds` and `--hitcount` with `--{what}`")
    if what == "set":
        return NOTHING if given.args["set"].negated else EVERYTHING
    return signed(given, what, unknown(given, f"recent:{what}:{given.value('name', 'DEFAULT')}", pure=False))


MATCHES = (
    MatchModule(
        name="recent",
        options=(
            *(Opt(name, invert=True, excludes=_WHAT) for name in _WHAT),
            Opt("seconds", number(32, 1)),
            Opt("reap", needs=("seconds",)),
            Opt("hitcount", number()),
            Opt("rttl"),
            Opt("name", text(199, 1)),
            Opt("rsource", excludes=("rdest",)),
            Opt("rdest", excludes=("rsource",)),
            Opt("mask", one_address),
        ),
        one_of=_WHAT,
        lower=_recent,
    ),
)
