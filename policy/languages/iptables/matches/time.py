"""time: a window of the day, the week, the month. Pure: one moment has one truth for equal windows.

Sources: iptables-extensions(8) and libxt_time.c of iptables 1.8.9.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policy.ir import Match
from policy.languages.iptables.options import Bad, Context, Given, MatchModule, Opt
from policy.languages.iptables.terms import key_of, unknown

if TYPE_CHECKING:
    from datetime import date

_CLOCK = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?", re.ASCII)
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2})(?::(\d{1,2})(?::(\d{1,2}))?)?)?)?)?", re.ASCII)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LIMITS = ((1, 12), (1, 31), (0, 23), (0, 59), (0, 59))


def _clock(_: Context, text: str) -> str:
    found = _CLOCK.fullmatch(text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59 or int(found[3] or 0) > 59:
        raise Bad("FW001", f"invalid time `{text}`", "write hh:mm or hh:mm:ss")
    return text


def _date(_: Context, text: str) -> str:
    found = _DATE.fullmatch(text)
    parts = found.groups()[1:] if found else ()
    year_ok = found is not None and 1970 <= int(found[1]) <= 2038
    if not year_ok or any(p and not low <= int(p) <= high for p, (low, high) in zip(parts, _LIMITS, strict=False)):
        raise Bad("FW001", f"invalid date `{text}`", "write YYYY-MM-DDThh:mm:ss; parts at the end may be left out")
    return text


def last_day(text: str) -> date | None:
    """Return the day of a date as this match takes it, parts that are left out being 1; None where it is none."""
    from datetime import date

    found = _DATE.fullmatch(text)
    try:
        return date(int(found[1]), int(found[2] or 1), int(found[3] or 1)) if found else None
    except ValueError:
        return None


def _weekdays(_: Context, text: str) -> str:
    for item in filter(None, text.split(",")):
        if item not in ("1", "2", "3", "4", "5", "6", "7") and item[:2].lower() not in {d[:2] for d in _DAYS}:
            raise Bad("FW001", f"`{item}` is not a weekday", "write Mon, Tue, Wed, Thu, Fri, Sat or Sun")
    return text


def _monthdays(_: Context, text: str) -> str:
    for item in text.split(","):
        if not (item.isascii() and item.isdigit() and 1 <= int(item) <= 31):
            raise Bad("FW001", f"`{item}` is not a day of a month", "give numbers from 1 to 31")
    return text


def _time(given: Given) -> Match:
    if "contiguous" in given and not given.value("timestop", "24") < given.value("timestart", "00"):
        raise Bad("FW001", "`--contiguous` makes sense only when the window goes over midnight")
    clock = ""
    if "timestart" in given or "timestop" in given:
        clock = f"{given.value('timestart', '00:00')}-{given.value('timestop', '24:00')}"
    words = [clock]
    days = [name for name in ("weekdays", "monthdays") if name in given]
    words += ["!" * given.args[name].negated + given.value(name) for name in days]
    words += [f"{name}-{given.value(name)}" for name in ("datestart", "datestop") if name in given]
    words += [name for name in ("kerneltz", "contiguous") if name in given]
    return unknown(given, key_of("time", *words))


MATCHES = (
    MatchModule(
        name="time",
        options=(
            Opt("timestart", _clock),
            Opt("timestop", _clock),
            Opt("datestart", _date),
            Opt("datestop", _date),
            Opt("weekdays", _weekdays, invert=True),
            Opt("monthdays", _monthdays, invert=True),
            Opt("kerneltz", excludes=("utc",)),
            Opt("localtz", excludes=("utc",)),
            Opt("utc", excludes=("kerneltz", "localtz")),
            Opt("contiguous"),
        ),
        lower=_time,
    ),
)
