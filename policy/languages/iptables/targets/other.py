"""The other targets: those that no verdict depends on, and those that are not modelled.

Sources: iptables-extensions(8) and the extensions/ of iptables 1.8.9. CT with `--notrack` (and NOTRACK) makes the
packet UNTRACKED for all that follows.
"""

from __future__ import annotations

from policy.ir import Action, Field, Note, Set, UnknownAction, either_of
from policy.languages.iptables.matches.sets import match_set
from policy.languages.iptables.options import Given, Opt, TargetModule
from policy.languages.iptables.targets.nat import unmodelled
from policy.languages.iptables.terms import only, target_key
from policy.languages.iptables.values import anything, number
from policy.netfilter import NOT_LOOPED
from policy.packet import INVALID, UNTRACKED, Intervals

_IN_NONE = either_of(NOT_LOOPED, Field("state", Intervals.of(INVALID)))


def _note(given: Given) -> tuple[Action, ...]:
    return (Note(given.text),)


def _unknown(given: Given) -> tuple[Action, ...]:
    return (UnknownAction(given.text, target_key(given)),)


_ZONES = ("zone", "zone-orig", "zone-reply")


def _ct(given: Given) -> tuple[Action, ...]:
    if "notrack" in given or given.extension.name == "NOTRACK":
        aside = (Set("state", UNTRACKED),)
        # What came back by lo is in the table already, and stays there (xt_CT.c); but what is invalid is in none.
        return only(given, _IN_NONE, aside) if "PREROUTING" in given.context.roots else aside
    if any(option in given for option in _ZONES):  # a packet of another zone belongs to another connection
        return unmodelled(given)
    return (Note(given.text),)


def _set(given: Given) -> tuple[Action, ...]:
    if "map-set" in given:
        return (Note(given.text), Set("mark", None))
    return (Note(given.text),)


_SETS = ("add-set", "del-set", "map-set")
_SYNPROXY = (
    Opt("mss", number(16)), Opt("wscale", number(8, 0, 14)), Opt("sack-perm"), Opt("timestamp"), Opt("ecn"),
)  # fmt: skip

TARGETS = (
    TargetModule(
        name="CT",
        options=(
            Opt("notrack"),
            Opt("helper", anything),
            Opt("timeout", anything),
            Opt("ctevents", anything),
            Opt("expevents", anything),
            *(Opt(name, anything) for name in _ZONES),
        ),
        tables=("raw",),
        lower=_ct,
    ),
    TargetModule(name="NOTRACK", tables=("raw",), lower=_ct),
    TargetModule(
        name="SET",
        options=(
            *(Opt(name, match_set, words=2, repeat=name == "del-set") for name in _SETS),
            Opt("timeout", number()),
            Opt("exist"),
            *(Opt(f"map-{what}") for what in ("mark", "prio", "queue")),
        ),
        one_of=_SETS,
        lower=_set,
    ),
    TargetModule(
        name="CLASSIFY",
        options=(Opt("set-class", anything, required=True),),
        tables=("mangle",),
        chains=("OUTPUT", "FORWARD", "POSTROUTING"),
        lower=_note,
    ),
    TargetModule(name="CHECKSUM", options=(Opt("checksum-fill", required=True),), tables=("mangle",), lower=_note),
    TargetModule(name="TEE", options=(Opt("gateway", anything, required=True), Opt("oif", anything)), lower=_note),
    TargetModule(
        name="IDLETIMER",
        options=(
            Opt("timeout", number(), required=True),
            Opt("label", anything, required=True),
            Opt("alarm"),
            Opt("send_nl_msg", number()),
        ),
        lower=_note,
    ),
    TargetModule(
        name="LED",
        options=(
            Opt("led-trigger-id", anything, required=True),
            Opt("led-delay", anything),
            Opt("led-always-blink"),
        ),
        lower=_note,
    ),
    TargetModule(
        name="RATEEST",
        options=tuple(Opt(f"rateest-{what}", anything, required=True) for what in ("name", "interval", "ewmalog")),
        lower=_note,
    ),
    TargetModule(
        name="SECMARK",
        options=(Opt("selctx", anything, required=True),),
        tables=("mangle", "security"),
        lower=_note,
    ),
    TargetModule(
        name="CONNSECMARK",
        options=(Opt("save"), Opt("restore")),
        one_of=("save", "restore"),
        tables=("mangle", "security"),
        lower=_note,
    ),
    TargetModule(
        name="HMARK",
        options=tuple(
            Opt(f"hmark-{what}", anything)
            for what in (
                "tuple", "mod", "rnd", "offset", "src-prefix", "dst-prefix", "sport-mask", "dport-mask", "spi-mask",
                "sport", "dport", "spi", "proto-mask",
            )
        ),
        lower=lambda given: (Note(given.text), Set("mark", None)),
    ),
    TargetModule(name="SYNPROXY", options=_SYNPROXY, protocols=(6,), lower=_unknown),
    TargetModule(
        name="CLUSTERIP",
        options=(
            Opt("new"),
            *(Opt(name, anything) for name in ("hashmode", "clustermac", "total-nodes", "local-node", "hash-init")),
        ),
        families=(4,),
        lower=_unknown,
    ),
    *(
        TargetModule(
            name=name,
            options=tuple(Opt(f"{side}-pfx", anything, required=True) for side in ("src", "dst")),
            families=(6,),
            tables=("mangle",),
            lower=unmodelled,
        )
        for name in ("DNPT", "SNPT")
    ),
)  # fmt: skip
