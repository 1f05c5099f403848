"""Targets that change the TCP header: TCPMSS, TCPOPTSTRIP, ECN.

Sources: iptables-extensions(8); libxt_TCPOPTSTRIP.c; the kernel's xt_TCPMSS.c, xt_TCPOPTSTRIP.c and ipt_ECN.c. None of
them changes a later fragment.
"""

from __future__ import annotations

from policy.diagnostic import did_you_mean
from policy.ir import Action, Field, Jump, Not, Note, Policy, Rule, Set
from policy.languages.iptables.options import Bad, Context, Given, Opt, TargetModule
from policy.languages.iptables.values import number, strtoui
from policy.packet import Masked
from policy.packet.fields import TCP
from policy.packet.names import TCP_FLAGS

_NOP = 1 << 1
_ECE, _CWR = TCP_FLAGS["ECE"], TCP_FLAGS["CWR"]
_OPTIONS = {"mss": 2, "wscale": 3, "sack-permitted": 4, "sack": 5, "timestamp": 8, "md5": 19}


def _tcpmss(given: Given) -> tuple[Action, ...]:
    """Return what happens: a packet without the option gets it, if nothing is behind its header: that is not known."""
    protocol = given.context.protocol
    if protocol.number != TCP or protocol.negated:
        raise Bad("FW504", "TCPMSS works only with `-p tcp`", "say `-p tcp --tcp-flags SYN,RST SYN`")
    return (Note(given.text), Set("tcp_options", None), Set("length", None))


def _strip(given: Given) -> tuple[Action, ...]:
    stripped: int = given.value("strip-options", 0)
    found = Not(Field("tcp_options", Masked(0, stripped)))
    name, span = f"{given.context.table}:-j {given.text}", given.span()
    rules = (Rule(found, (Set("tcp_options", _NOP, stripped | _NOP),), note="its TCP options are others", span=span),)
    given.context.implied.setdefault(name, Policy(name, rules, implied=True, span=span))
    return (Note(given.text), Jump(name))


def _ecn(given: Given) -> tuple[Action, ...]:
    protocol = given.context.protocol
    if set(given.args) - {"ecn-ip-ect"} and (protocol.number != TCP or protocol.negated):
        option = next(name for name in given.args if name != "ecn-ip-ect")
        raise Bad("FW504", f"`--{option}` works only with `-p tcp`", "say `-p tcp`")
    if "ecn-tcp-remove" in given:
        return (Set("flags", 0, _ECE | _CWR),)
    found = [Set("tos", given.value("ecn-ip-ect"), 3)] if "ecn-ip-ect" in given else []
    for option, bit in (("ecn-tcp-ece", _ECE), ("ecn-tcp-cwr", _CWR)):
        if option in given:
            found.append(Set("flags", bit * given.value(option), bit))
    return tuple(found)


def _stripped(_: Context, text: str) -> int:
    """Read names and numbers of TCP options: the bits of the field `tcp_options`."""
    bits = 0
    for name in text.split(","):
        kind = _OPTIONS.get(name, strtoui(name))
        if kind is None or not 2 <= kind <= 255:
            hint = did_you_mean(name, _OPTIONS) or f"one of {', '.join(_OPTIONS)}, or a number from 2 to 255"
            raise Bad("FW001", f"unknown TCP option `{name}`", hint)
        bits |= 1 << kind
    return bits


_CLAMP = ("set-mss", "clamp-mss-to-pmtu")
_REMOVE = ("ecn-tcp-remove",)
_ECN = (*_REMOVE, "ecn-tcp-cwr", "ecn-tcp-ece", "ecn-ip-ect")

TARGETS = (
    TargetModule(
        name="TCPMSS",
        options=(Opt("set-mss", number(16), excludes=_CLAMP), Opt("clamp-mss-to-pmtu", excludes=_CLAMP)),
        one_of=_CLAMP,
        lower=_tcpmss,
    ),
    TargetModule(
        name="TCPOPTSTRIP",
        options=(Opt("strip-options", _stripped),),
        protocols=(TCP,),
        tables=("mangle",),
        lower=_strip,
    ),
    TargetModule(
        name="ECN",
        options=(
            Opt("ecn-tcp-remove", excludes=("ecn-tcp-cwr", "ecn-tcp-ece")),
            Opt("ecn-tcp-cwr", number(8, 0, 1), excludes=_REMOVE),
            Opt("ecn-tcp-ece", number(8, 0, 1), excludes=_REMOVE),
            Opt("ecn-ip-ect", number(8, 0, 3)),
        ),
        one_of=_ECN,
        families=(4,),
        tables=("mangle",),
        lower=_ecn,
    ),
)
