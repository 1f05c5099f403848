"""Rates, bursts and quotas that nft or the kernel refuses: in rules, in sets, and as objects of a table.

Sources: nftables 1.0.6: src/parser_bison.y (limit_stmt, quota_stmt), src/scanner.l (numbers); the kernel's nft_limit.c
(nft_limit_init) and nft_quota.c (nft_quota_do_init).
"""

from __future__ import annotations

import re
from collections.abc import Collection

from policy.diagnostic import Collector, did_you_mean
from policy.languages.nftables.words import plain
from policy.source import Span

LARGEST = (1 << 64) - 1
"""The largest number that nft reads."""

_RATE = re.compile(
    r"(?P<number>\w+) ?(?P<unit>\w*)/(?P<time>\w+)(?: burst (?P<burst>\w+)(?: (?P<burst_unit>\w+))?)?", re.ASCII
)
_QUOTA = re.compile(r"(?P<size>\w+) (?P<unit>\w+)(?: used (?P<used>\w+) (?P<used_unit>\w+))?", re.ASCII)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_BYTES = {"bytes": 1, "kbytes": 1 << 10, "mbytes": 1 << 20}
_PACKETS_AT_ONCE = 5
_MOST_DIGITS = 24
_NANOSECONDS = 1_000_000_000
_HELP = "write a smaller number"


def one_of(mistakes: Collector, word: str, known: Collection[str], what: str, span: Span) -> bool:
    """Note a word that is none of those that may stand there."""
    if word in known:
        return True
    help = did_you_mean(word, known) or "one of " + ", ".join(known)
    mistakes.add("FW001", f"`{word}` is no {what} here", span, help)
    return False


def refuse_limit(mistakes: Collector, rate: str, span: Span) -> None:
    """Note what is wrong with a rate, such as `5/second burst 3 packets`."""
    found = _RATE.fullmatch(rate)
    if found is None or not one_of(mistakes, found["time"], _SECONDS, "time", span):
        return
    unit, burst_unit = found["unit"], found["burst_unit"]
    if unit == "packets":
        mistakes.add("FW001", "a rate of packets has no unit", span, f"write `{found['number']}/{found['time']}`")
        return
    if unit and not one_of(mistakes, unit, _BYTES, "unit", span):
        return
    number, burst = _number(found["number"]), None if found["burst"] is None else _number(found["burst"])
    if number == 0:
        mistakes.add("FW001", "a rate of 0 is refused", span, "leave the rule out, or `drop` alone")
    elif burst is not None and (burst_unit not in _BYTES if unit else burst_unit != "packets"):
        help = "write `burst N bytes`" if unit else "write `burst N packets`"
        message = "the burst has another unit than the rate" if burst_unit else "the burst has no unit"
        mistakes.add("FW001", message, span, help)
    elif burst == 0 and not unit:
        mistakes.add("FW001", "a burst of 0 packets is refused", span, "leave the burst out, or write 1 or more")
    elif _too_much(number * _BYTES.get(unit, 1), burst, burst_unit, _SECONDS[found["time"]], of_bytes=bool(unit)):
        mistakes.add("FW001", "the kernel cannot count so far: the rate or the burst is too large", span, _HELP)


def _too_much(rate: int, burst: int | None, burst_unit: str | None, seconds: int, *, of_bytes: bool) -> bool:
    """Does what the kernel makes of a rate and a burst need more than 64 bits?"""
    if rate > LARGEST or (burst or 0) > LARGEST:
        return True
    # The burst itself has 32 bits there; for packets, 0 of these is the default.
    extra = (burst or 0) * _BYTES.get(burst_unit or "", 1) & 0xFFFF_FFFF
    time = seconds * _NANOSECONDS
    if of_bytes:
        return time * (rate + extra) > LARGEST
    extra = extra or _PACKETS_AT_ONCE
    return rate + extra > LARGEST or time // rate * extra > LARGEST


def refuse_quota(mistakes: Collector, quota: str, span: Span) -> None:
    """Note what is wrong with a quota, such as `5 mbytes used 3 bytes`."""
    found = _QUOTA.fullmatch(quota)
    if found is None:
        return
    units = [unit for unit in (found["unit"], found["used_unit"]) if unit is not None]
    if not all(one_of(mistakes, unit, _BYTES, "unit", span) for unit in units):
        return
    size = _number(found["size"]) * _BYTES[found["unit"]]
    used = 0 if found["used"] is None else _number(found["used"]) * _BYTES[found["used_unit"]]
    if size > LARGEST >> 1:
        mistakes.add("FW001", "the kernel cannot count so far: the quota is too large", span, _HELP)
    elif used > size:
        mistakes.add("FW001", "more is used than there is", span, "write no more behind `used` than before it")


def refuse_numbers(mistakes: Collector, text: str, span: Span) -> None:
    """Note a number in a text that has more than 64 bits."""
    for word in re.findall(r"\b(?:0x[0-9a-fA-F]+|[0-9]+)\b", text, re.ASCII):
        if _number(word) > LARGEST:
            mistakes.add(
                "FW001", f"`{word[:_MOST_DIGITS]}{'…' * (len(word) > _MOST_DIGITS)}` is out of range", span, _HELP
            )
            return


def _number(word: str) -> int:
    return plain(word[:_MOST_DIGITS]) or 0
