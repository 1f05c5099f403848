"""Matches that count: limit, hashlimit, connlimit, connbytes, quota, statistic, rateest, nfacct. All are impure.

Source: iptables-extensions(8) and the libxt_*.c of iptables 1.8.9 for their options.
"""

from __future__ import annotations

import re

from policy.ir import EVERYTHING, Match
from policy.languages.iptables.options import Bad, Context, Given, MatchModule, Opt
from policy.languages.iptables.terms import key_of, signed, unknown
from policy.languages.iptables.values import anything, bounded, choice, number, text

_RATE = re.compile(r"\s*([+-]?\d+)[^/]*(?:/(.*))?", re.ASCII)
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_MODES = ("dstip", "srcip", "srcport", "dstport")


def _rate(_: Context, word: str) -> str:
    found = _RATE.fullmatch(word)
    unit = found.group(2) if found else None
    seconds = (
        1 if unit is None else next((s for name, s in _UNITS.items() if unit and name.startswith(unit.lower())), 0)
    )
    if found is None or not seconds or not int(found.group(1)):
        raise Bad("FW001", f"bad rate `{word}`", "write it like 5/second, 5/minute, 5/hour or 5/day")
    if not 0 < int(found.group(1)) <= 10000 * seconds:
        raise Bad("FW001", f"rate `{word}` is too fast", "10000/second is the most")
    return word


def _hash_rate(context: Context, word: str) -> str:
    return word if re.fullmatch(r"\d+[kKmM]?[bB]/\w+", word, re.ASCII) else _rate(context, word)


def _hash_mode(_: Context, word: str) -> str:
    for item in word.split(","):
        if item not in _MODES:
            raise Bad("FW001", f"bad mode `{item}`", "one of " + ", ".join(_MODES))
    return word


def _probability(_: Context, word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise Bad("FW001", f"`{word}` is not a probability", "give a number from 0 to 1")
    return value


def _packet_range(_: Context, word: str) -> str:
    for part in word.split(":", 1):
        bounded(part or "0", 0, (1 << 64) - 1)
    return word


def _limit(given: Given) -> Match:
    key = key_of("limit", given.value("limit", "3/hour"), str(given.value("limit-burst", 5)))
    return unknown(given, key, pure=False)


def _hashlimit(given: Given) -> Match:
    option = next(name for name in ("hashlimit-upto", "hashlimit-above", "hashlimit") if name in given)
    found = unknown(
        given, f"hashlimit:{given.value('hashlimit-name')}:{given.value(option)}", pure=False, option=option
    )
    return signed(given, option, found)


def _connlimit(given: Given) -> Match:
    option = "connlimit-above" if "connlimit-above" in given else "connlimit-upto"
    return signed(given, option, unknown(given, f"{option}:{given.value(option)}", pure=False, option=option))


def _connbytes(given: Given) -> Match:
    words = (str(given.value(name)) for name in ("connbytes", "connbytes-dir", "connbytes-mode"))
    return signed(given, "connbytes", unknown(given, key_of("connbytes", *words), pure=False, option="connbytes"))


def _quota(given: Given) -> Match:
    return signed(given, "quota", unknown(given, f"quota:{given.value('quota')}", pure=False, option="quota"))


def _statistic(given: Given) -> Match:
    if given.value("mode") == "random":
        option = "probability"
        if option not in given:
            raise Bad("FW001", "`--probability` must be given with `--mode random`")
    else:
        option = "every"
        if option not in given:
            raise Bad("FW001", "`--every` must be given with `--mode nth`")
        if given.value("packet", 0) >= given.value("every"):
            raise Bad("FW001", "`--packet` must be below `--every`")
    value = given.args[option].option.values[0].text
    if given.value("probability") == 1 and not given.args[option].negated:
        return EVERYTHING
    return signed(given, option, unknown(given, f"statistic:{given.value('mode')}:{value}", pure=False, option=option))


def _counts(given: Given) -> Match:
    return unknown(given, key_of(*given.text.replace("--", "").split()), pure=False)


_HASH = ("hashlimit-upto", "hashlimit-above", "hashlimit")
_CONN = ("connlimit-above", "connlimit-upto")

MATCHES = (
    MatchModule(name="limit", options=(Opt("limit", _rate), Opt("limit-burst", number(32, 0, 10000))), lower=_limit),
    MatchModule(
        name="hashlimit",
        options=(
            Opt("hashlimit-upto", _hash_rate, invert=True, excludes=_HASH),
            Opt("hashlimit-above", _hash_rate, invert=True, excludes=_HASH),
            Opt("hashlimit", _hash_rate, excludes=_HASH),
            Opt("hashlimit-name", text(254, 1), required=True),
            Opt("hashlimit-mode", _hash_mode),
            Opt("hashlimit-burst", anything),
            *(Opt(f"hashlimit-{what}mask", number(8, 0, 128)) for what in ("src", "dst")),
            *(Opt(f"hashlimit-htable-{what}", number()) for what in ("size", "max", "expire", "gcinterval")),
            Opt("hashlimit-rate-match"),
            Opt("hashlimit-rate-interval", number()),
        ),
        one_of=_HASH,
        lower=_hashlimit,
    ),
    MatchModule(
        name="connlimit",
        options=(
            Opt("connlimit-above", number(), invert=True, excludes=_CONN),
            Opt("connlimit-upto", number(), invert=True, excludes=_CONN),
            Opt("connlimit-mask", anything),
            Opt("connlimit-saddr", excludes=("connlimit-daddr",)),
            Opt("connlimit-daddr", excludes=("connlimit-saddr",)),
        ),
        one_of=_CONN,
        lower=_connlimit,
    ),
    MatchModule(
        name="connbytes",
        options=(
            Opt("connbytes", _packet_range, invert=True, required=True),
            Opt("connbytes-dir", choice("original", "reply", "both", strict=True), required=True),
            Opt("connbytes-mode", choice("packets", "bytes", "avgpkt", strict=True), required=True),
        ),
        lower=_connbytes,
    ),
    MatchModule(name="quota", options=(Opt("quota", number(64), invert=True, required=True),), lower=_quota),
    MatchModule(
        name="statistic",
        options=(
            Opt("mode", choice("random", "nth"), required=True),
            Opt("probability", _probability, invert=True),
            Opt("every", number(32, 1), invert=True),
            Opt("packet", number()),
        ),
        lower=_statistic,
    ),
    MatchModule(
        name="rateest",
        options=(
            *(Opt(f"rateest{n}", text(least=1)) for n in ("", "1", "2")),
            *(Opt(f"rateest-{what}{n}", anything) for what in ("bps", "pps") for n in ("", "1", "2")),
            *(Opt(f"rateest-{how}", invert=True) for how in ("lt", "gt", "eq")),
            Opt("rateest-delta"),
        ),
        lower=_counts,
    ),
    MatchModule(name="nfacct", options=(Opt("nfacct-name", text(least=1), required=True),), lower=_counts),
)
