"""Targets that only tell somebody: LOG, NFLOG, ULOG, TRACE, AUDIT.

Sources: iptables-extensions(8); libxt_LOG.c, libxt_NFLOG.c.
"""

from __future__ import annotations

from policy.ir import Action, Log, Note
from policy.languages.iptables.options import Bad, Context, Given, Opt, TargetModule
from policy.languages.iptables.values import choice, number, strtoui, text

_LEVELS = {
    "alert": 1, "crit": 2, "debug": 7, "emerg": 0, "error": 3, "info": 6, "notice": 5, "panic": 0, "warning": 4,
}  # fmt: skip


def _level(_: Context, word: str) -> int:
    value = strtoui(word)
    if value is not None and value <= 7:
        return value
    found = [level for name, level in _LEVELS.items() if word and name == word.lower()]
    if not found:
        raise Bad("FW001", f'log level "{word}" unknown', "one of " + ", ".join(_LEVELS))
    return found[0]


def _log(given: Given) -> tuple[Action, ...]:
    prefix = given.value("log-prefix", given.value("nflog-prefix", given.value("ulog-prefix")))
    return (Log(prefix),)


def _note(given: Given) -> tuple[Action, ...]:
    return (Note(given.text),)


TARGETS = (
    TargetModule(
        name="LOG",
        options=(
            Opt("log-level", _level),
            Opt("log-prefix", text(1 << 14, 1)),
            *(Opt(f"log-{what}") for what in ("tcp-sequence", "tcp-options", "ip-options", "uid", "macdecode")),
        ),
        lower=_log,
    ),
    TargetModule(
        name="NFLOG",
        options=(
            Opt("nflog-group", number(16)),
            Opt("nflog-prefix", text(1 << 14, 1)),
            Opt("nflog-range", number(), excludes=("nflog-size",)),
            Opt("nflog-size", number(), excludes=("nflog-range",)),
            Opt("nflog-threshold", number(16)),
        ),
        lower=_log,
    ),
    TargetModule(
        name="ULOG",
        options=(
            Opt("ulog-nlgroup", number(8, 1, 32)),
            Opt("ulog-prefix", text(32, 1)),
            Opt("ulog-cprange", number()),
            Opt("ulog-qthreshold", number(8, 1, 50)),
        ),
        families=(4,),
        lower=_log,
    ),
    TargetModule(name="TRACE", lower=_note),
    TargetModule(name="AUDIT", options=(Opt("type", choice("accept", "drop", "reject"), required=True),), lower=_note),
)
