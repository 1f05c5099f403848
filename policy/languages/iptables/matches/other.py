"""Matches that are read and never modelled: their truth is Unknown, with their text.

Source: iptables-extensions(8) and the extensions/ of iptables 1.8.9 for the options. Those that look at the packet or
at the host's tables are pure; those that count or remember are impure, and `tcpmss`, as TCPMSS changes that.
"""

from __future__ import annotations

import re

from policy.ir import Match, Opaque
from policy.languages.iptables.options import Bad, Context, Given, MatchModule, Opt
from policy.languages.iptables.terms import key_of, unknown
from policy.languages.iptables.values import anything, bounded, choice, number, text
from policy.packet import LONGEST_INTERFACE


def _opaque(given: Given) -> Match:
    return unknown(given, _key(given))


def _impure(given: Given) -> Match:
    return unknown(given, _key(given), pure=False)


def _key(given: Given) -> str:
    words = [given.extension.name]
    for option in given.extension.options:
        words += [("!" if option.negated else "") + option.name, *(word.text for word in option.values)]
    return key_of(*words)


def _program(given: Given) -> Match:
    return unknown(given, _key(given), opaque=Opaque("match", given.extension.name))


def _foreign(given: Given) -> Match:
    return unknown(given, _key(given), pure=False, opaque=Opaque("match", given.extension.name))


def _string(given: Given) -> Match:
    option = "string" if "string" in given else "hex-string"
    return unknown(given, _key(given), option=option)


def _hex(_: Context, word: str) -> str:
    parts = word.split("|")
    if len(parts) % 2 == 0 or any(not re.fullmatch(r"(\s*[0-9a-fA-F]{2})*\s*", inner) for inner in parts[1::2]):
        raise Bad("FW001", f"invalid hex string `{word}`", "bytes stand between bars, two digits each: |0d 0a|")
    return word


_U32_NUMBER = r"(?:0[xX][0-9a-fA-F]+|\d+)"
_U32_TEST = re.compile(
    rf"\s*{_U32_NUMBER}(\s*(&|<<|>>|@)\s*{_U32_NUMBER})*\s*=\s*{_U32_NUMBER}(\s*:\s*{_U32_NUMBER})?"
    rf"(\s*,\s*{_U32_NUMBER}(\s*:\s*{_U32_NUMBER})?)*\s*"
)


def _u32(_: Context, word: str) -> str:
    if not all(_U32_TEST.fullmatch(test) for test in word.split("&&")):
        raise Bad("FW001", f"`{word[:40]}` is not a u32 test", "a test is LOCATION=VALUE, such as 6&0xFF=1")
    return word


def _policy(given: Given) -> Match:
    if "dir" not in given:
        raise Bad("FW001", "policy: neither `--dir in` nor `--dir out` is given")
    return _opaque(given)


def _interface(_: Context, word: str) -> str:
    if len(word) > LONGEST_INTERFACE:
        help = f"Linux has names of at most {LONGEST_INTERFACE} characters"
        raise Bad("FW001", f"interface name `{word}` is too long", help)
    return word


def _group(_: Context, word: str) -> str:
    value, _slash, mask = word.partition("/")
    if value[:1].isdigit():
        bounded(value, 0, (1 << 32) - 1)
        bounded(mask or "0", 0, (1 << 32) - 1)
    return word


def foreign(name: str, family: int) -> MatchModule:
    """Return a match that iptables 1.8.9 does not have: whatever follows it up to the next match is its options."""
    return MatchModule(name=name, families=(family,), takes_any=True, lower=_foreign)


_PHYSDEV = ("physdev-in", "physdev-out", "physdev-is-in", "physdev-is-out", "physdev-is-bridged")
_CGROUP = ("cgroup", "path")
_STRING = ("string", "hex-string")
_BPF = ("bytecode", "object-pinned")
_POLICY = ("reqid", "spi", "proto", "mode", "tunnel-src", "tunnel-dst")

MATCHES = (
    MatchModule(
        name="string",
        options=(
            Opt("algo", choice("bm", "kmp", "fsm", strict=True, what="algorithm"), required=True),
            Opt("string", text(128), invert=True, excludes=_STRING),
            Opt("hex-string", _hex, invert=True, excludes=_STRING),
            Opt("from", number(16)),
            Opt("to", number(16)),
            Opt("icase"),
        ),
        one_of=_STRING,
        lower=_string,
    ),
    MatchModule(name="u32", options=(Opt("u32", _u32, invert=True, required=True),), lower=_program),
    MatchModule(
        name="bpf", options=(Opt("bytecode", anything), Opt("object-pinned", anything)), one_of=_BPF, lower=_program
    ),
    MatchModule(
        name="policy",
        options=(
            Opt("dir", choice("in", "out", strict=True)),
            Opt("pol", choice("ipsec", "none", strict=True, what="policy")),
            Opt("strict"),
            Opt("next", repeat=True),
            *(Opt(name, anything, invert=True, repeat=True) for name in _POLICY),
        ),
        lower=_policy,
    ),
    MatchModule(
        name="physdev",
        options=(
            Opt("physdev-in", _interface, invert=True),
            Opt("physdev-out", _interface, invert=True),
            *(Opt(name, invert=True) for name in _PHYSDEV[2:]),
        ),
        one_of=_PHYSDEV,
        lower=_opaque,
    ),
    MatchModule(
        name="realm", options=(Opt("realm", _group, invert=True, required=True),), families=(4,), lower=_opaque
    ),
    MatchModule(name="helper", options=(Opt("helper", text(29), invert=True, required=True),), lower=_opaque),
    MatchModule(
        name="connlabel",
        options=(Opt("label", anything, invert=True, required=True), Opt("set", invert=True)),
        lower=_impure,
    ),
    MatchModule(
        name="cluster",
        options=(
            Opt("cluster-total-nodes", number(32, 1), required=True),
            Opt("cluster-local-node", number(32, 1), invert=True),
            Opt("cluster-local-nodemask", number(32, 1), invert=True),
            Opt("cluster-hash-seed", number(), required=True),
        ),
        lower=_opaque,
    ),
    MatchModule(name="cpu", options=(Opt("cpu", number(), invert=True, required=True),), lower=_impure),
    MatchModule(
        name="devgroup",
        options=(Opt("src-group", _group, invert=True), Opt("dst-group", _group, invert=True)),
        one_of=("src-group", "dst-group"),
        lower=_opaque,
    ),
    MatchModule(
        name="cgroup",
        options=(
            Opt("cgroup", number(), invert=True, excludes=_CGROUP),
            Opt("path", text(4095, 1), invert=True, excludes=_CGROUP),
        ),
        one_of=_CGROUP,
        lower=_opaque,
    ),
    MatchModule(
        name="ipvs",
        options=(
            Opt("ipvs", invert=True),
            *(Opt(name, anything, invert=True) for name in ("vproto", "vaddr", "vport", "vdir", "vmethod", "vportctl")),
        ),
        lower=_opaque,
    ),
    MatchModule(
        name="osf",
        options=(
            Opt("genre", text(31), invert=True, required=True),
            Opt("ttl", number(8, 0, 2)),
            Opt("log", number(8, 0, 2)),
        ),
        lower=_opaque,
    ),
    MatchModule(
        name="rpfilter",
        options=(Opt("loose"), Opt("validmark"), Opt("accept-local"), Opt("invert")),
        chains=("PREROUTING",),
        lower=_opaque,
    ),
    MatchModule(name="socket", options=(Opt("transparent"), Opt("nowildcard"), Opt("restore-skmark")), lower=_opaque),
    MatchModule(
        name="tcpmss", options=(Opt("mss", anything, invert=True, required=True),), protocols=(6,), lower=_impure
    ),
)
