"""The smallest dump that still disagrees."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tests.kernel.rulesets import is_rule

Bad = Callable[[Sequence[str]], bool]


def shrink(lines: Sequence[str], bad: Bad, is_rule: Callable[[str], bool] = is_rule) -> list[str]:
    """Return fewer and shorter lines that are still *bad*; the same lines where one packet alone is not."""
    best = list(lines)
    if not bad(best):
        return best
    best = _tables(_rules(best, bad, is_rule), bad)
    for at in range(len(best)):
        best = _options(best, at, bad)
    return _chains(best, bad)


def _rules(lines: list[str], bad: Bad, is_rule: Callable[[str], bool]) -> list[str]:
    """Leave out rules, eight at a time, then four, two and one, until none can go."""
    before = None
    while before != lines:
        before = lines
        for size in (8, 4, 2, 1):
            at = 0
            while at < len(lines):
                part = lines[at : at + size]
                fewer = lines[:at] + [line for line in part if not is_rule(line)] + lines[at + size :]
                if len(fewer) < len(lines) and bad(fewer):
                    lines = fewer
                else:
                    at += size
    return lines


def _tables(lines: list[str], bad: Bad) -> list[str]:
    """Leave out whole tables."""
    for table in [line for line in lines if line.startswith("*")]:
        if table in lines:
            start = lines.index(table)
            fewer = lines[:start] + lines[lines.index("COMMIT", start) + 1 :]
            if fewer and bad(fewer):
                lines = fewer
    return lines


def _options(lines: list[str], at: int, bad: Bad) -> list[str]:
    """Leave out what one rule matches."""
    found = re.fullmatch(r"(-[AI] \S+(?: \d+)?)( .*?)?( -[jg] .*)?", lines[at])
    if found is None or not found[2]:
        return lines
    head, target = found[1], found[3] or ""
    parts = re.split(r" (?=(?:! )?-[msdiopf](?: |$))", found[2])[1:]
    kept = 0
    while kept < len(parts):
        fewer = parts[:kept] + parts[kept + 1 :]
        shorter = [*lines[:at], " ".join([head, *fewer]) + target, *lines[at + 1 :]]
        if bad(shorter):
            parts, lines = fewer, shorter
        else:
            kept += 1
    return lines


def _chains(lines: list[str], bad: Bad) -> list[str]:
    """Leave out the chains that nothing names any more."""
    words = {word for line in lines if is_rule(line) for word in line.split()}
    fewer = [line for line in lines if not (line.startswith(":u") and line.split()[0][1:] not in words)]
    return fewer if len(fewer) < len(lines) and bad(fewer) else lines
